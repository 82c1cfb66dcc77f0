"""The feed in pages: the same entries in the same order as at once, and never sorted as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.settings import load_settings
from halo_engine.store import feed
from halo_engine.store.feed import feed_page
from halo_engine.store.reader import Reader
from halo_engine.store.session import Store
from halo_engine.store.values import Row
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import is_postgres, sql


@pytest.fixture
def family(store: Store, clock: FakeClock) -> Family:
    return Family.found(store, clock)


@pytest.fixture
def reader(store: Store, database_url: str | None, tmp_path: Path) -> Iterator[Reader]:
    del store  # the books are there
    settings = load_settings(home=tmp_path / "home", environ={"HALO_DATABASE_URL": database_url} if database_url else {})
    with closing(Reader.open(database_file=settings.database_file, database_url=settings.database_address)) as opened:
        yield opened


def busy(family: Family, clock: FakeClock) -> None:
    """Requests, drafts and executions mixed, some of one moment, some finished long after they began and one not at all."""
    for number in range(12):
        if number % 3:
            clock.advance(timedelta(minutes=1))
        if number % 4 == 0:
            family.request()
        elif number % 4 == 1:
            family.draft()
        else:
            execution = family.execution()
            if number != 11:
                finished = clock.now() + timedelta(minutes=number % 5)
                at = f"{finished:%Y-%m-%dT%H:%M:%S.%fZ}"
                sql(family.store, "UPDATE execution SET status = 'done', finished_at = :at WHERE id = :id", at=at, id=execution.id)


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_are_together_the_whole_feed(self, reader: Reader, family: Family, clock: FakeClock, limit: int) -> None:
        """Whatever their size: nothing twice, nothing left out, newest first."""
        busy(family, clock)
        whole = feed_page(reader, family.household.id, limit=100)
        paged: list[Row] = []
        while page := feed_page(reader, family.household.id, limit=limit, before=_end(paged)):
            paged += page
        reader.close()
        assert [row["id"] for row in paged] == [row["id"] for row in whole]
        assert len({row["id"] for row in whole}) == len(whole) == 12
        assert [row["at"] for row in whole] == sorted((row["at"] for row in whole), reverse=True)
        assert {row["kind"] for row in whole} == {"request", "draft", "execution"}

    def test_read_no_more_than_a_page_can_hold(self, reader: Reader, family: Family) -> None:
        """Each kind in the order of its index."""
        if is_postgres(family.store):
            pytest.skip("SQLite tells its plan; the indexes are the same")
        given = {"household_id": "x", "at": "9", "id": "", "since": "0", "limit": 1}
        for kind in (feed._FINISHED, feed._DRAFTS, feed._REQUESTS):
            plan = [row["detail"] for row in reader.rows(f"EXPLAIN QUERY PLAN {kind}", **given)]
            assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")], plan
        reader.close()


def _end(paged: list[Row]) -> tuple[datetime, str] | None:
    if not paged:
        return None
    at = paged[-1]["at"]
    return (datetime.fromisoformat(at) if isinstance(at, str) else at), paged[-1]["id"]
