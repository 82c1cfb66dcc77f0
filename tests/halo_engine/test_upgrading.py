"""What docs/upgrading.md promises: an execution that was in flight under one release is carried on by the next."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from halo_engine import durable
from halo_engine.model.errors import StoreFailed
from halo_engine.model.execution import ExecutionStatus
from halo_engine.store import schema
from tests.halo_engine.test_durable import WORDS, Standing, steps, tickets, until, work
from tests.installation import NOON, Installation

#: As the books of every release so far have it. Another one here would leave the flows of those releases to nobody.
VERSION = "halo-1"


def version_of(home: Installation, execution_id: str) -> str:
    """The release that the library thinks a flow belongs to."""
    table = "workflow_status" if home.settings.database_url is None else "dbos.workflow_status"
    with home.engine._store.queue_engine.connect() as connection:
        return str(
            connection.execute(text(f"SELECT application_version FROM {table} WHERE workflow_uuid = :id"), {"id": execution_id}).scalar()
        )


class TestAnExecutionInFlight:
    def test_is_carried_on_by_the_next_release(self, tmp_path: Path, database_url: str | None) -> None:
        """Its worker was killed while it waited for the vendor, and the code under it was replaced: the vendor is asked once more, and buys once."""
        where = {"database_url": database_url} if database_url else {}
        home = Installation.open(tmp_path / "home", clock=Standing(NOON), **where)
        execution = home.confirm(home.ask(WORDS))
        home.fault("unavailable", times=4)
        child = os.fork()
        if child == 0:
            again = Installation.reopen(home.settings.home, clock=Standing(NOON), **where)
            again.engine.worker(told=lambda _: None).serve(threading.Event())
            os._exit(0)
        until(lambda: steps(home, execution.id) != [])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert tickets(home) == [(execution.id, "PENDING")]
        assert version_of(home, execution.id) == VERSION
        home.engine.close()

        later = Installation.reopen(home.settings.home, clock=Standing(NOON), **where)
        later.later(seconds=10)
        assert [ended.status for ended in work(later)] == [ExecutionStatus.DONE]
        assert len(later.ledger()) == 1
        assert later.verify().ok
        later.engine.close()

    def test_belongs_to_no_release(self) -> None:
        """The reason: the library leaves a flow of another version where it is, so all releases are one version to it."""
        assert durable._VERSION == VERSION


class TestBooksOfANewerRelease:
    def test_are_not_opened_by_an_older_one(self, tmp_path: Path, database_url: str | None) -> None:
        """It says so, and writes nothing into what it does not know."""
        where = {"database_url": database_url} if database_url else {}
        home = Installation.open(tmp_path / "home", clock=Standing(NOON), **where)
        with home.engine._store._engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        home.engine.close()
        with pytest.raises(StoreFailed, match="made by a newer Halo"):
            Installation.reopen(home.settings.home, clock=home.clock, **where)

    def test_are_brought_there_once_by_whoever_comes_first(self, tmp_path: Path, postgres_url: str) -> None:
        """Several instances start at the same moment: one migrates, and the others wait for it."""
        opened: list[Installation] = []
        barrier = threading.Barrier(4)

        def open_one(number: int) -> None:
            barrier.wait()
            opened.append(Installation.reopen(tmp_path / f"home-{number}", clock=Standing(NOON), database_url=postgres_url))

        threads = [threading.Thread(target=open_one, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 4
        with opened[0].engine._store._engine.connect() as connection:
            assert schema.current(connection) == schema.HEAD
        for each in opened:
            each.engine.close()
