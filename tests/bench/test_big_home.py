"""The big home is a home like any other: the check of the log finds nothing wrong with it, and it holds every kind of trip."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from halo_engine.audit import Audit, Verification
from halo_engine.model.execution import ExecutionStatus
from halo_engine.queries import Queries
from halo_engine.settings import load_settings
from halo_engine.stages.confirm import vendor_key
from halo_engine.store import sqlite
from tests.bench.big_home import UNTIL, make
from tests.bench.trips import KINDS, TABLES

EVENTS = 2000


@pytest.fixture(scope="module")
def big_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two thousand events."""
    place = tmp_path_factory.mktemp("big") / "home"
    assert make(place, events=EVENTS, seed=1) >= EVENTS
    return place


def verified(home: Path) -> Verification:
    with Audit.open(load_settings(home=home, environ={})) as audit:
        return audit.verify()


def rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite.connect_read_only(home / "halo.db")) as connection:
        return [tuple(row) for row in connection.execute(statement)]


class TestABigHome:
    def test_has_nothing_wrong_with_it(self, big_home: Path) -> None:
        """Every link, every promise, every commitment, and the books beside."""
        found = verified(big_home)
        assert (found.problems, found.ok) == ((), True)
        assert EVENTS <= found.events < EVENTS + 20

    def test_holds_trips_of_every_end(self, big_home: Path) -> None:
        ends = {status for (status,) in rows(big_home, "SELECT DISTINCT status FROM execution")}
        assert ends >= {each.value for each in (ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED)}
        types = Counter(kind for (kind,) in rows(big_home, "SELECT event_type FROM event_log"))
        assert types.keys() >= {
            *("request.refused", "request.clarification_asked", "draft.revised", "draft.cancelled", "draft.approved"),
            *("draft.confirmation_refused", "execution.unknown", "receipt.stored"),
        }
        assert len({kind.name for kind in KINDS}) == len(KINDS)

    def test_was_lived_in_by_all_its_people_over_years(self, big_home: Path) -> None:
        """At hours of the day at which people are awake, and never in the future."""
        people = rows(big_home, "SELECT DISTINCT user_id FROM event_log WHERE user_id IS NOT NULL")
        assert len(people) == len(rows(big_home, 'SELECT id FROM "user"')) == 6
        times = [datetime.fromisoformat(text) for (text,) in rows(big_home, "SELECT created_at FROM event_log ORDER BY seq")]
        assert times == sorted(times)
        assert times[-1] < UNTIL
        assert (times[-1] - times[0]).days > 7 * 365

    def test_has_its_ids_in_the_order_of_the_log(self, big_home: Path) -> None:
        ids = [each for (each,) in rows(big_home, "SELECT id FROM event_log ORDER BY seq")]
        assert ids == sorted(ids)

    def test_can_be_read_like_any_home(self, big_home: Path) -> None:
        """Drafts give their hashes, vendors' keys are of this home's secret, and every card can be drawn."""
        with Queries.open(load_settings(home=big_home, environ={})) as queries:
            found = queries.executions(limit=1000)
            assert all(queries.card(execution.id).title for execution in found)
        assert len(found) > EVENTS / 12
        secret = bytes.fromhex((big_home / "secret.key").read_text())
        assert all(execution.vendor_key == vendor_key(secret, execution.id) for execution in found)

    def test_is_the_same_for_the_same_seed(self, tmp_path: Path, big_home: Path) -> None:
        """Row by row; only what SQLite and the library for durable execution keep for themselves may differ."""
        make(tmp_path / "again", events=EVENTS, seed=1)
        assert verified(tmp_path / "again").root == verified(big_home).root
        for table in TABLES:
            statement = f'SELECT * FROM "{table}" ORDER BY 1, 2'
            assert rows(tmp_path / "again", statement) == rows(big_home, statement)


class TestACopy:
    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT draft_hash FROM draft_revision",
            "SELECT salt FROM event_opening",
            "SELECT id FROM event_log",
            "SELECT id FROM vendor_exchange",
            "SELECT token_sha256 FROM device",
        ],
    )
    def test_shares_nothing_that_tells_one_trip_from_another(self, big_home: Path, statement: str) -> None:
        kept = [each for (each,) in rows(big_home, statement)]
        assert len(kept) == len(set(kept))

    def test_differs_in_how_long_reading_its_words_took(self, big_home: Path) -> None:
        payloads = rows(big_home, "SELECT event_payload_json FROM event_log WHERE event_type = 'request.parsed'")
        took = {json.loads(text)["spoke"]["latency_ms"] for (text,) in payloads}
        assert len(took) > 30
