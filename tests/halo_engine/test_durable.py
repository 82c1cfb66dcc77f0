"""Carrying executions on: by whoever confirmed, or by a worker; and by another one when the first dies."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from halo_engine.clock import FakeClock
from halo_engine.durable import Tickets
from halo_engine.model.errors import StoreBusy, StoreFailed
from halo_engine.model.event import ExecutionMoved
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.execute import Executing
from halo_engine.store.event_log import EventLog
from halo_engine.store.session import Books
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
    with home.engine._store.queue_engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT workflow_uuid, status FROM {tickets_table(home)}"))]


def tickets_table(home: Installation) -> str:
    return "workflow_status" if home.engine._store.queue_engine.dialect.name == "sqlite" else "dbos.workflow_status"


def change_tickets(home: Installation, statement: str) -> None:
    """As somebody with the library's own tools would."""
    with home.engine._store.queue_engine.begin() as connection:
        connection.execute(text(statement.format(tickets_table(home))))


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
        monkeypatch.setattr("halo_engine.durable.Tickets.clear", lambda _: None)
        execution = shared.carry_out(shared.ask(WORDS))
        with working(shared) as (_, ended):
            until(lambda: bool(ended))
        assert [done.id for done in ended] == [execution.id]
        assert len(shared.ledger()) == 1


class TestAWorker:
    def test_carries_on_what_somebody_else_confirmed(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Once, with its receipt; and its ticket is torn up when it does not count for the limit any more."""
        execution = shared.confirm(shared.ask(WORDS))
        (ended,) = work(shared)
        assert (ended.id, ended.status) == (execution.id, ExecutionStatus.DONE)
        assert len(shared.ledger()) == 1
        assert shared.verify().ok
        assert tickets(shared) == [(execution.id, "SUCCESS")]
        monkeypatch.setattr("halo_engine.durable._COUNTS", timedelta(seconds=-5))
        assert work(shared) == []
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
        assert tickets(standing) == [(execution.id, "ENQUEUED")]
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
            # Time enough for many looks into the queue.
            threading.Event().wait(3)
        assert sorted(status for _, status in tickets(home)) == ["ENQUEUED", "SUCCESS"]
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

    def test_that_nobody_listens_to_has_done_it_all_the_same(self, shared: Installation) -> None:
        """`halo worker | head`: the pipe is closed, the execution has ended, and so has its flow."""

        def gone(_: Execution) -> None:
            raise BrokenPipeError

        shared.confirm(shared.ask(WORDS))
        shared.engine.worker(told=gone).serve(threading.Event(), until_idle=True)
        assert len(shared.ledger()) == 1
        assert {status for _, status in tickets(shared)} == {"SUCCESS"}

    @pytest.mark.parametrize("status", ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", None])
    def test_finds_what_has_no_ticket_that_will_be_worked_off(self, shared: Installation, status: str | None) -> None:
        """Whatever became of it: an execution that has not ended is carried on."""
        shared.confirm(shared.ask(WORDS))
        change_tickets(shared, f"UPDATE {{}} SET status = '{status}'" if status else "DELETE FROM {}")
        assert [ended.status for ended in work(shared)] == [ExecutionStatus.DONE]
        assert len(shared.ledger()) == 1

    def test_begins_what_was_claimed_and_never_begun(self, shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The library says that it runs here, and it does not: for want of a thread, or because the claim's answer was lost."""
        write = Tickets.write

        def claimed(queue: Tickets, books: Books, execution: Execution) -> None:
            write(queue, books, execution)
            books.connection.execute(text(f"UPDATE {tickets_table(shared)} SET status = 'PENDING', executor_id = 'slot-0'"))

        with working(shared) as (names, ended):
            until(lambda: names == ["slot-0"])
            with monkeypatch.context() as lost:
                lost.setattr(Tickets, "write", claimed)
                shared.confirm(shared.ask(WORDS))
            until(lambda: bool(ended))
        assert len(shared.ledger()) == 1

    def test_stopped_in_good_order_any_number_of_times_has_not_died(self, standing: Installation) -> None:
        """An order may rest for days, and a laptop is shut every evening."""
        execution = standing.confirm(standing.ask(WORDS))
        standing.fault("unavailable", times=4)
        for _ in range(standing.settings.worker_deaths + 2):
            with working(standing):
                until(lambda: steps(standing, execution.id) != [])
        assert "take_over" not in steps(standing, execution.id)
        standing.later(seconds=10)
        assert [ended.status for ended in work(standing)] == [ExecutionStatus.DONE]

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


def test_a_home_with_another_secret_carries_nothing_on(tmp_path: Path, postgres_url: str) -> None:
    """Vendors would know its orders by other keys: it is told whose secret it needs, and the executions stay as they are."""
    home = Installation.open(tmp_path / "home", database_url=postgres_url)
    card = home.ask(WORDS)
    execution = home.confirm(card)
    other = Installation.reopen(tmp_path / "other", clock=FakeClock(NOON, seed=2), database_url=postgres_url)
    with pytest.raises(StoreFailed, match="not the secret of these books"):
        work(other)
    with pytest.raises(StoreFailed, match="not the secret of these books"):
        other.engine.execute(execution.id, wait_s=60)
    with pytest.raises(StoreFailed, match="not the secret of these books"):
        other.confirm(card)
    assert [ended.status for ended in work(home)] == [ExecutionStatus.DONE]
    other.engine.close()
    home.engine.close()


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

    def test_is_not_counted_again_because_the_queue_is_busy(
        self, standing: Installation, left: Execution, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Taken over and not put back into the queue yet: nobody has died a second time."""
        put_back, refusals = Tickets.put_back, iter([StoreBusy()] * (standing.settings.worker_deaths + 2))

        def busy(queue: Tickets, execution_id: str) -> None:
            for error in refusals:
                raise error
            put_back(queue, execution_id)

        monkeypatch.setattr(Tickets, "put_back", busy)
        standing.later(seconds=10)
        worker = standing.engine.worker(told=lambda _: None)
        for _ in range(standing.settings.worker_deaths + 2):
            with pytest.raises(StoreBusy):
                worker._take_over("slot-0")
        worker._take_over("slot-0")
        assert steps(standing, left.id).count("take_over") == 1

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
