"""Drafts: the one that stands now, and every version that was ever shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update
from sqlmodel import col

from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import Conflict, NotFound
from halo_engine.model.ids import can_be_looked_up
from halo_engine.store import tables
from halo_engine.store.values import draft_json, draft_value, revision_value


class Drafts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, draft: Draft) -> None:
        """A new draft in its first revision."""
        self._connection.execute(insert(tables.Draft), {"id": draft.id, "created_at": draft.created_at, **_standing(draft)})
        self._keep(draft, draft.created_at)

    def get(self, household_id: str, draft_id: str) -> Draft:
        """The draft, locked until the transaction ends. Raises `NotFound` for an id that is not this household's."""
        return self._read(_LOCKED, household_id, draft_id)

    def look(self, household_id: str, draft_id: str) -> Draft:
        """As `get`, without the lock."""
        return self._read(_DRAFT, household_id, draft_id)

    def _read(self, statement: Select[Any], household_id: str, draft_id: str) -> Draft:
        found = self._connection.execute(statement, {"of": draft_id}) if can_be_looked_up(draft_id) else None
        row = found.mappings().first() if found else None
        if row is None or row["household_id"] != household_id:
            raise NotFound("There is no such draft in this household.")
        return draft_value(row)

    def revise(self, before: Draft, after: Draft, *, now: datetime) -> None:
        """Put `after` in the place of `before`, which stays among the revisions. Raises `Conflict` when `before` no longer stands."""
        self._replace(before, _standing(after))
        self._keep(after, now)

    def close(self, draft: Draft, status: DraftStatus) -> Draft:
        """End an open draft. Raises `Conflict` when it is not open any more."""
        self._replace(draft, {"status": status.value})
        return draft.model_copy(update={"status": status})

    def revision(self, draft_id: str, draft_hash: str) -> Draft | None:
        """The version of the draft with that hash, current or superseded. The hash is whatever somebody presented."""
        if not can_be_looked_up(draft_hash):
            return None
        row = self._connection.execute(_REVISION, {"of": draft_id, "hash": draft_hash}).mappings().first()
        return revision_value(row) if row else None

    def shown_at(self, draft: Draft) -> datetime:
        """When the terms that stand now were first shown."""
        shown: datetime = self._connection.execute(_SHOWN_AT, {"of": draft.id, "at_revision": draft.revision}).scalar_one()
        return shown

    def of_request(self, request_id: str) -> tuple[str, ...]:
        """The drafts that came of a request, by id."""
        return tuple(self._connection.execute(_OF_REQUEST, {"of": request_id}).scalars())

    def _replace(self, before: Draft, fields: dict[str, Any]) -> None:
        stands = {"of": before.id, "from_status": DraftStatus.OPEN.value, "from_revision": before.revision}
        if self._connection.execute(_REPLACE, {**fields, **stands}).rowcount != 1:
            raise Conflict("The draft changed in the meantime.", hint=f"Look at it again with: halo draft show {before.id}")

    def _keep(self, draft: Draft, now: datetime) -> None:
        kept = {"draft_id": draft.id, "revision": draft.revision, "draft_hash": draft.draft_hash, "draft_json": draft_json(draft)}
        self._connection.execute(insert(tables.DraftRevision), {**kept, "created_at": now})


_OF_REQUEST = select(col(tables.Draft.id)).where(col(tables.Draft.execution_request_id) == bindparam("of"))

# Core and prepared once: confirming and every move of an execution read the draft.
_DRAFT = select(*tables.columns_of(tables.Draft)).where(col(tables.Draft.id) == bindparam("of"))
_LOCKED = _DRAFT.with_for_update()
_REVISION = (
    select(*tables.columns_of(tables.DraftRevision), col(tables.Draft.status))
    .join(tables.Draft, col(tables.Draft.id) == col(tables.DraftRevision.draft_id))
    .where(col(tables.DraftRevision.draft_id) == bindparam("of"), col(tables.DraftRevision.draft_hash) == bindparam("hash"))
)
_SHOWN_AT = select(col(tables.DraftRevision.created_at)).where(
    col(tables.DraftRevision.draft_id) == bindparam("of"), col(tables.DraftRevision.revision) == bindparam("at_revision")
)
_REPLACE = update(tables.Draft).where(
    col(tables.Draft.id) == bindparam("of"),
    col(tables.Draft.status) == bindparam("from_status"),
    col(tables.Draft.revision) == bindparam("from_revision"),
)


def _standing(draft: Draft) -> dict[str, Any]:
    """The columns that follow the current revision."""
    return {
        "household_id": draft.household_id,
        "execution_request_id": draft.request_id,
        "verb": draft.verb,
        "vendor": draft.vendor,
        "estimated_cost_cents": draft.terms.total.cents,
        "draft_payload_json": draft_json(draft),
        "status": draft.status.value,
        "revision": draft.revision,
        "draft_hash": draft.draft_hash,
        "expires_at": draft.expires_at,
    }
