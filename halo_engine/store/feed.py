"""The feed, a page at a time: each request by the furthest thing that became of it, newest first. `queries` asks here.

There may be a hundred thousand of each kind, so nothing is sorted that is not shown: every kind is read in its index's order, from the page's
beginning and no further back than the page can reach. Of what is being done there is little, and it is read whole.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from halo_engine.model.event import leaf_time
from halo_engine.store.reader import Reader
from halo_engine.store.values import Row

#: Before and after every time there is, as the books write times.
_NEVER, _FOREVER = "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"

_EXECUTION = """
SELECT {at} AS at, 'execution' AS kind, e.id AS id, NULL AS title, NULL AS detail, e.currency AS currency, e.final_cost_cents AS cents,
       e.status AS status, u.display_name AS member, d.draft_payload_json AS payload
  FROM execution e JOIN draft d ON d.id = e.draft_id JOIN confirmation c ON c.draft_id = d.id JOIN "user" u ON u.id = c.user_id
 WHERE e.household_id = :household_id{of}
   AND {at} <= :at AND ({at} < :at OR e.id < :id) AND {at} >= :since ORDER BY {at} DESC, e.id DESC LIMIT :limit
"""
_UNDER_WAY = _EXECUTION.format(at="e.started_at", of=" AND e.finished_at IS NULL")
_FINISHED = _EXECUTION.format(at="e.finished_at", of="")
_DRAFTS = """
SELECT d.created_at AS at, 'draft' AS kind, d.id AS id, NULL AS title, NULL AS detail, NULL AS currency, d.estimated_cost_cents AS cents,
       d.status AS status, u.display_name AS member, d.draft_payload_json AS payload
  FROM draft d JOIN execution_request r ON r.id = d.execution_request_id JOIN "user" u ON u.id = r.user_id
 WHERE d.household_id = :household_id AND d.created_at <= :at AND (d.created_at < :at OR d.id < :id) AND d.created_at >= :since
   AND d.status <> 'confirmed' ORDER BY d.created_at DESC, d.id DESC LIMIT :limit
"""
_REQUESTS = """
SELECT r.created_at AS at, 'request' AS kind, r.id AS id, r.raw_command_text AS title, r.clarification_json AS detail, NULL AS currency,
       NULL AS cents, NULL AS status, u.display_name AS member, NULL AS payload
  FROM execution_request r JOIN "user" u ON u.id = r.user_id
 WHERE r.household_id = :household_id AND r.created_at <= :at AND (r.created_at < :at OR r.id < :id) AND r.created_at >= :since
   AND NOT EXISTS (SELECT 1 FROM draft d WHERE d.execution_request_id = r.id) ORDER BY r.created_at DESC, r.id DESC LIMIT :limit
"""
#: What is most often there comes first: it tells how far back the others need to be looked at.
_KINDS = (_UNDER_WAY, _FINISHED, _DRAFTS, _REQUESTS)


def feed_page(reader: Reader, household_id: str, *, limit: int, before: tuple[datetime, str] | None = None) -> list[Row]:
    """At most `limit` entries; those that come after the entry with the time and id `before`."""
    bounds = place(before)
    found: list[Row] = []
    since: Any = _NEVER
    for kind in _KINDS:
        found += reader.rows(kind, household_id=household_id, since=since, limit=limit, **bounds)
        found = sorted(found, key=_key, reverse=True)[:limit]
        if len(found) == limit:
            since = found[-1]["at"]
    return found


def place(before: tuple[datetime, str] | None) -> dict[str, str]:
    """The parameters `at` and `id` of a page that begins after the entry with that time and id, or at the beginning."""
    at, identifier = (leaf_time(before[0]), before[1]) if before else (_FOREVER, "")
    return {"at": at, "id": identifier}


def _key(row: Row) -> tuple[Any, str]:
    return row["at"], row["id"]
