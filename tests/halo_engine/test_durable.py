"""Carrying executions on: by whoever confirmed, or by a worker; and by another one when the first dies."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from halo_engine.clock import FakeClock
from halo_engine.model.errors import StoreBusy
from halo_engine.model.event import ExecutionMoved
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.execute import Executing
from halo_engine.store.event_log import EventLog
from halo_engine.verbs.order import Order
from halo_sim.faults import clear_faults
from tests.installation import NOON, Installation

WORDS = "order 2 packs of AA batteries"


class Standing(FakeClock):
    """A clock that waiting does not move: what is due later stays so."""

    def sleep_until(self, at: datetime) -> None:
        threading.Event().wait(0.01)


@pytest.fixture
def shared(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    """A household on each kind of books."""
    yield from _installation(tmp_path, clock, database_url)


@pytest.fixture
def standing(tmp_path: Path, database_url: str | None) -> Iterator[Installation]:
    """The same, with a clock that stands."""
    yield from _installation(tmp_path, Standing(NOON), database_url)


def _installation(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    where = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **where)
    yield installation
    installation.engine.close()


def work(home: Installation) -> list[Execution]:
    """A worker until nothing is left; what ended, in order."""
    ended: list[Execution] = []
    home.engine.worker(told=ended.append).serve(threading.Event(), until_idle=True)
    return ended


@contextmanager
def working(home: Installation) -> Iterator[tuple[list[str], list[Execution]]]:
    """A worker as long as the block runs; its slots, and what has ended so far."""
    names: list[str] = []
    ended: list[Execution] = []
    stop = threading.Event()
    thread = threading.Thread(target=lambda: home.engine.worker(told=ended.append).serve(stop, ready=names.append))
    thread.start()
    try:
        yield names, ended
    finally:
        stop.set()
        thread.join()


def until(reached: Callable[[], bool]) -> None:
    """Wait for another thread or process, which takes real time."""
    for _ in range(1500):
        if reached():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to that")


def tickets(home: Installation) -> list[tuple[str, str]]:
    """Every flow in the library's own table, with its status."""
    engine = home.engine._store.queue_engine
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT workflow_uuid, status FROM {table}"))]


def steps(home: Installation, execution_id: str) -> list[str]:
    with home.queries() as queries:
        return [attempt.step for attempt in queries.execution(execution_id).attempts]


class TestATicket:
    def test_is_written_with_the_yes(self, shared: Installation) -> None:
        """Its name is the execution's, so that it cannot be written twice."""
        execution = shared.confirm(shared.ask(WORDS))
        assert tickets(shared) == [(execution.id, "ENQUEUED")]

    def test_is_not_written_without_it(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """What fails after it, in the same transaction, takes it back."""
        card = shared.ask(WORDS)

        def fail(*_: Any, **__: Any) -> None:
            raise StoreBusy

        with monkeypatch.context() as broken:
            broken.setattr(EventLog, "append", fail)
            with pytest.raises(StoreBusy):
                shared.confirm(card)
        assert tickets(shared) == []
        assert shared.carry_out(card).status is ExecutionStatus.DONE

    def test_of_what_its_caller_carried_out_is_torn_up_by_the_next_worker(self, shared: Installation) -> None:
        """All of them at once, before it begins: it would be held up by the limit on beginnings otherwise."""
        shared.carry_out(shared.ask(WORDS))
        assert [status for _, status in tickets(shared)] == ["ENQUEUED"]
        assert work(shared) == []
        assert tickets(shared) == []
        assert len(shared.ledger()) == 1

    def test_of_what_has_ended_does_nothing(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Should one be taken from the queue all the same."""
        monkeypatch.setattr("halo_engine.durable.Tickets.clear_stale", lambda _: None)
        execution = shared.carry_out(shared.ask(WORDS))
        assert [ended.id for ended in work(shared)] == [execution.id]
        assert len(shared.ledger()) == 1


class TestAWorker:
    def test_carries_on_what_somebody_else_confirmed(self, shared: Installation) -> None:
        """Once, with its receipt; and its flow is deleted."""
        execution = shared.confirm(shared.ask(WORDS))
        (ended,) = work(shared)
        assert (ended.id, ended.status) == (execution.id, ExecutionStatus.DONE)
        assert len(shared.ledger()) == 1
        assert shared.verify().ok
        assert tickets(shared) == []

    def test_carries_on_what_has_to_wait(self, shared: Installation) -> None:
        """The waits are in the books, whoever waits."""
        shared.confirm(shared.ask(WORDS))
        shared.fault("unavailable", times=4)
        (ended,) = work(shared)
        assert ended.status is ExecutionStatus.DONE

    def test_that_is_stopped_lets_go_between_two_moves(self, standing: Installation) -> None:
        """What has to wait is not waited for; the next worker goes on with it."""
        execution = standing.confirm(standing.ask(WORDS))
        standing.fault("unavailable", times=9)
        with working(standing):
            until(lambda: steps(standing, execution.id) != [])
        assert tickets(standing) == [(execution.id, "PENDING")]
        clear_faults(standing.world)
        standing.later(seconds=6)
        (ended,) = work(standing)
        assert ended.status is ExecutionStatus.DONE
        assert len(standing.ledger()) == 1

    def test_that_is_stopped_waits_for_an_answer_that_is_on_its_way(self, standing: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """A move that has begun is finished: the answer is heard, and nothing has to be looked up."""
        asked, commit = threading.Event(), Order.commit

        def slowly(*args: Any, **kwargs: Any) -> Any:
            asked.set()
            outcome = commit(*args, **kwargs)
            threading.Event().wait(0.5)
            return outcome

        monkeypatch.setattr(Order, "commit", slowly)
        execution = standing.confirm(standing.ask(WORDS))
        with working(standing):
            until(asked.is_set)
        with standing.queries() as queries:
            assert queries.execution(execution.id).execution.status is ExecutionStatus.DONE

    def test_begins_no_more_in_a_minute_than_a_household_has_at_one_vendor(self, tmp_path: Path) -> None:
        """The others wait their turn."""
        home = Installation.open(tmp_path / "home", starts_per_minute="1")
        executions = [home.confirm(home.ask(words)) for words in (WORDS, "order a dish soap")]
        with working(home):
            until(lambda: len(home.ledger()) == 1)
        assert sorted(status for _, status in tickets(home)) in (["ENQUEUED"], ["ENQUEUED", "SUCCESS"])
        assert len(home.ledger()) == 1 < len(executions)
        home.engine.close()

    def test_gives_to_a_person_what_fails_for_no_reason_of_the_vendors(
        self, shared: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A bug neither spins for ever nor leaves an execution lying about; and no traceback is printed."""

        def fail(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Executing, "_submit", fail)
        shared.confirm(shared.ask(WORDS))
        with caplog.at_level(logging.WARNING):
            (ended,) = work(shared)
        assert ended.status is ExecutionStatus.NEEDS_ATTENTION
        assert shared.ledger() == ()
        assert shared.verify().ok
        assert "ZeroDivisionError" in caplog.text
        assert "Traceback" not in caplog.text

    def test_rides_out_books_that_are_busy(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """However long it takes: that is nobody's failure."""
        advance, refusals = Executing.advance, iter([StoreBusy()] * 12)

        def busy(executing: Executing, execution_id: str) -> Any:
            for error in refusals:
                raise error
            return advance(executing, execution_id)

        monkeypatch.setattr(Executing, "advance", busy)
        shared.confirm(shared.ask(WORDS))
        assert [ended.status for ended in work(shared)] == [ExecutionStatus.DONE]


def test_a_worker_whose_database_fell_takes_another_slot(tmp_path: Path, postgres_url: str) -> None:
    """Its lock fell with the session: it lets go of everything, and starts again."""
    home = Installation.open(tmp_path / "home", database_url=postgres_url)
    with working(home) as (names, ended):
        until(lambda: len(names) == 1)
        with home.engine._store.queue_engine.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
        until(lambda: len(names) == 2)
        home.confirm(home.ask(WORDS))
        until(lambda: bool(ended))
    assert [execution.status for execution in ended] == [ExecutionStatus.DONE]
    assert len(home.ledger()) == 1
    home.engine.close()


class TestADeadWorker:
    @pytest.fixture
    def left(self, standing: Installation) -> Execution:
        """An execution whose worker was killed while it waited for the vendor to come back."""
        execution = standing.confirm(standing.ask(WORDS))
        standing.fault("unavailable", times=4)
        child = os.fork()
        if child == 0:
            settings = standing.settings
            url = settings.database_url.get_secret_value() if settings.database_url else None
            again = Installation.reopen(settings.home, clock=Standing(NOON), **({"database_url": url} if url else {}))
            again.engine.worker(told=lambda _: None).serve(threading.Event())
            os._exit(0)
        until(lambda: steps(standing, execution.id) != [])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert tickets(standing) == [(execution.id, "PENDING")]
        return execution

    def test_is_followed_by_one_in_its_slot(self, standing: Installation, left: Execution) -> None:
        """What it left is carried on, and done once."""
        standing.later(seconds=10)
        assert [ended.status for ended in work(standing)] == [ExecutionStatus.DONE]
        assert steps(standing, left.id)[1:] == ["take_over", "commit"]
        assert len(standing.ledger()) == 1

    def test_is_taken_over_from_by_one_in_another_slot(self, standing: Installation, left: Execution) -> None:
        """Which writes down that it did."""
        standing.later(seconds=10)
        with ExitStack() as held:
            held.enter_context(standing.engine._store.slots.if_dead("slot-0"))
            with working(standing) as (names, ended):
                until(lambda: names == ["slot-1"])
                held.close()
                until(lambda: bool(ended))
        assert [execution.status for execution in ended] == [ExecutionStatus.DONE]
        assert "take_over" in steps(standing, left.id)
        assert len(standing.ledger()) == 1
        assert standing.verify().ok

    def test_over_and_over_is_the_executions_fault(self, shared: Installation) -> None:
        """What kills every worker that touches it is given to a person."""
        execution = shared.confirm(shared.ask(WORDS))
        for _ in range(shared.settings.worker_deaths + 1):
            shared.engine._executing.take_over(execution.id)
        with shared.queries() as queries:
            ended = queries.execution(execution.id).execution
        assert ended.status is ExecutionStatus.NEEDS_ATTENTION
        assert "workers died" in str(ended.error_message)
        assert shared.verify().ok

    def test_that_rises_again_can_write_nothing(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """It was paused in the middle of its call: its answer is kept in the log and found by looking it up, and the effect is one."""
        commit = Order.commit

        def paused(order: Order, *args: Any, **kwargs: Any) -> Any:
            outcome = commit(order, *args, **kwargs)
            shared.engine._executing.take_over(execution.id)
            return outcome

        execution = shared.confirm(shared.ask(WORDS))
        with monkeypatch.context() as pause:
            pause.setattr(Order, "commit", paused)
            done = shared.engine.execute(execution.id, wait_s=1000)
        assert done.status is ExecutionStatus.DONE
        assert steps(shared, execution.id) == ["commit", "take_over", "look_up"]
        assert len(shared.ledger()) == 1
        with shared.queries() as queries:
            events = [event.event_type for event in queries.execution(execution.id).events]
        assert "execution.answer_came_late" in events
        assert ExecutionMoved.event_type + ".unknown" in events


class TestSomebodyWhoWaits:
    def test_hands_over_to_a_worker(self, shared: Installation) -> None:
        """Where somebody serves these books, the caller's process does not ask the vendor."""
        execution = shared.confirm(shared.ask(WORDS))
        with shared.engine._store.slots.take():
            assert shared.engine.execute(execution.id, wait_s=30).status is ExecutionStatus.CONFIRMED
        assert shared.ledger() == ()

    def test_carries_it_on_when_the_worker_goes(self, shared: Installation) -> None:
        """Rather than wait for one that may never come."""
        execution = shared.confirm(shared.ask(WORDS))
        with shared.engine._store.slots.take():
            shared.engine.execute(execution.id, wait_s=1)
        assert shared.engine.execute(execution.id, wait_s=30).status is ExecutionStatus.DONE
