"""Carries executions on until they end. The only file that knows the durable-execution library, DBOS.

The library carries, and nothing more. The state machine is `stages.execute`: its transactions are the checkpoints, `due_at` in the books is the
timer, and two who carry the same execution on are told apart by the compare-and-set of every move. So a workflow here has no steps, nothing to
replay and nothing to get wrong: it calls `advance` until the execution has ended. What the library gives is the queue (a ticket written in the
confirm transaction), its spreading over workers, its rate limits, and the list of what a dead worker left.

`Tickets` is the side of whoever confirms; `Carrier` sees one execution through for somebody who waits; `Worker` serves the queue.

What is done here because the library as shipped does not: workers are told apart by slots that are locks, or a second process would run the flows
of the first one again; the flows of a dead slot are taken over by whoever can take its lock; the version is a constant, or an upgrade would leave
flows behind; finished flows are deleted, or they would stay for ever. See docs/decisions/0008-durable-execution.md.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from halo_engine import telemetry
from halo_engine.clock import Clock, SystemClock
from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import HaloError, NotFound, StoreDamaged, StoreFailed
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.delivering import Delivering
from halo_engine.stages.execute import Executing, Finished, Later
from halo_engine.store.session import Books, Store
from halo_engine.store.slots import Slot

if TYPE_CHECKING:
    from dbos import DBOSClient

log = logging.getLogger(__name__)

_QUEUE = "executions"
_WORKFLOW = "carry"
_APPLICATION = "halo"
#: One for all releases: a flow is a call of `advance`, and every release reads what the ones before it wrote.
_VERSION = "halo-1"
_TO_DO = ["ENQUEUED", "DELAYED", "PENDING"]
_WORKED_OFF = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
#: The limit on beginnings looks back a minute, by the database's clock.
_COUNTS = timedelta(minutes=2)

#: How often somebody who waits for another process looks whether it has moved.
_POLL = timedelta(seconds=0.25)
#: How often a worker looks into the queue. Each look is a read.
_QUEUE_POLL_S = 0.2
#: How often a worker looks for dead ones. With the poll of the queue this is how long a dead worker's executions rest.
_REAP_EVERY_S = 0.5
#: Every so many looks it also looks for what nobody would carry on, and tears up old tickets.
_TIDY_EVERY = 20
#: So often in a row, a flow that is said to run here and does not was begun by nobody.
_LOST_AFTER = 4
#: Each execution that rests in a worker is a thread that sleeps.
_AT_ONCE = 500
#: How long a worker waits after a failure of the database or a bug, before it tries again; and the longest that this grows to.
_TRY_AGAIN = timedelta(seconds=2)
_LONGEST_REST = timedelta(minutes=1)
#: An execution that fails this often in one worker, for reasons that are none of the vendor's, is given to a person.
_BUGS = 5
_HOPELESS = "Halo could not carry this on."
#: A call to a vendor takes less than this (`vendors.http.Limits`), so a worker that was asked to stop has stopped by then.
_DRAIN_S = 120


class Tickets:
    """The queue: a ticket is written in the confirm transaction, and torn up by a worker when its execution has ended."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None

    def open(self) -> DBOSClient:
        """Make the library's own tables, once a process. Before the transaction of the first ticket, since it is a transaction too."""
        with self._lock:
            if self._client is None:
                from dbos import DBOSClient, DBOSPortableJSONSerializer

                with self.asking():
                    client = DBOSClient(
                        system_database_engine=self._store.queue_engine,
                        application_name=_APPLICATION,
                        serializer=DBOSPortableJSONSerializer(),
                        retry_connection_errors=False,
                        lazy=True,
                    )
                    # There is no public way to do this over an engine of ours; it costs half a millisecond when there is nothing to do.
                    client._sys_db.run_migrations()  # noqa: SLF001
                self._client = client
            return self._client

    def open_queue(self, *, starts_per_minute: int) -> None:
        """Before a worker starts, which would only find it a second later otherwise. The limit is one household's at one vendor."""
        client = self.open()
        with self.asking():
            client.register_queue(
                _QUEUE,
                worker_concurrency=_AT_ONCE,
                partition_limiter={"limit": starts_per_minute, "period": 60.0},
                polling_interval_sec=_QUEUE_POLL_S,
                application_name=_APPLICATION,
            )

    def write(self, books: Books, execution: Execution) -> None:
        """In the transaction that confirms: either both are true or neither."""
        self.open().enqueue_in_transaction(
            books.connection,
            {
                "workflow_name": _WORKFLOW,
                "queue_name": _QUEUE,
                "workflow_id": execution.id,
                "queue_partition_key": f"{execution.household_id}:{execution.vendor}",
            },
        )

    def left_by(self, slot: str) -> list[str]:
        """The executions whose flows `slot` was running when it was last heard of."""
        return [flow.workflow_id for flow in self._flows(status=["PENDING"], executor_id=[slot])]

    def slots(self) -> set[str]:
        """The slots that flows are said to run in."""
        return {flow.executor_id for flow in self._flows(status=["PENDING"]) if flow.executor_id}

    def put_back(self, execution_id: str) -> None:
        """Into the queue, for whoever comes first."""
        client = self.open()
        with self.asking():
            client.resume_workflows([execution_id], queue_name=_QUEUE)

    def renew(self) -> bool:
        """Give whatever has not ended a ticket that will be worked off, where it has none. Returns whether there is anything that has not ended.

        There is none where a flow was ended from outside, or an execution was confirmed by a release that wrote no tickets.
        """
        with self._store.reading() as books:
            unfinished = books.executions.unfinished()
        running = self._flows(workflow_ids=[execution.id for execution in unfinished], status=_TO_DO) if unfinished else []
        lost = [execution for execution in unfinished if execution.id not in {flow.workflow_id for flow in running}]
        self._tear_up([execution.id for execution in lost])
        for execution in lost:
            with self._store.transaction() as books:
                self.write(books, execution)
        return bool(unfinished)

    def clear(self) -> None:
        """Tear up the tickets of what has ended: those that were worked off, and those of what its own caller carried out meanwhile."""
        # The limit on beginnings is counted from these rows, so they stay as long as they count. The library lives by the machine's clock.
        counted_from = iso_utc(SystemClock().now() - _COUNTS)
        flows = [*self._flows(status=_WORKED_OFF, dequeued_before=counted_from), *self._flows(status=["ENQUEUED", "DELAYED"])]
        with self._store.reading() as books:
            unfinished = {execution.id for execution in books.executions.unfinished()} if flows else set()
        self._tear_up([flow.workflow_id for flow in flows if flow.workflow_id not in unfinished])

    def _tear_up(self, execution_ids: list[str]) -> None:
        client = self.open()
        if execution_ids:
            with self.asking():
                client.delete_workflows(execution_ids)

    def _flows(self, **which: Any) -> list[Any]:
        client = self.open()
        with self.asking():
            return client.list_workflows(name=_WORKFLOW, load_input=False, load_output=False, **which)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """What the library or its database refuses is raised as `StoreFailed`."""
        from dbos import error as dbos_error

        try:
            with self._store.translated():
                yield
        except dbos_error.DBOSException as error:
            raise StoreFailed(f"The queue could not be used: {type(error).__name__}.") from error


class Carrier:
    """Sees one execution through, for a caller who waits for it."""

    def __init__(self, executing: Executing, store: Store, clock: Clock) -> None:
        self._executing, self._store, self._clock = executing, store, clock

    def see_through(self, execution_id: str, *, household_id: str, until: datetime) -> Execution:
        """The household's execution as it stands when it has ended, or when `until` has come. Raises `NotFound` for another household's.

        Where a worker serves these books it carries the execution on, and goes on after the caller has gone; the caller only watches. Where none
        does, the caller's own thread carries it on. Should a worker come or go in between, both do: every move is fenced.
        """
        while True:
            with self._store.translated():
                is_served = self._store.slots.is_anyone_there()
            progress = self._watch(execution_id, household_id) if is_served else self._move(execution_id, household_id)
            now = self._clock.now()
            if isinstance(progress, Finished) or now >= until:
                return progress.execution
            self._clock.sleep_until(min(progress.at, until))

    def _move(self, execution_id: str, household_id: str) -> Finished | Later:
        progress = self._executing.advance(execution_id, household_id=household_id)
        return progress if isinstance(progress, Finished) else Later(progress.execution, _next_look(progress, self._clock.now()))

    def _watch(self, execution_id: str, household_id: str) -> Finished | Later:
        with self._store.reading() as books:
            execution = books.executions.look(execution_id, household_id=household_id)
        return Finished(execution) if execution.is_final else Later(execution, self._clock.now() + _POLL)


def _next_look(progress: Later, now: datetime) -> datetime:
    """While another process waits for a vendor's answer, it may come at any moment; the longer it has not, the less often one has to look."""
    sent = progress.execution.submitted_at
    if progress.execution.status is not ExecutionStatus.SUBMITTING or sent is None:
        return progress.at
    return min(progress.at, now + max(_POLL, (now - sent) / 4))


class _LetGo(BaseException):
    """A worker was asked to stop, and lets go of an execution between two moves.

    Not an `Exception`, because those end a workflow as failed: this leaves it pending, for the next worker.
    """


class Worker:
    """Serves the queue of one set of books until it is asked to stop. One a process: the library is a singleton."""

    def __init__(
        self,
        executing: Executing,
        store: Store,
        tickets: Tickets,
        clock: Clock,
        *,
        starts_per_minute: int,
        told: Callable[[Execution], None],
        delivering: Delivering,
    ) -> None:
        self._executing, self._store, self._tickets, self._clock = executing, store, tickets, clock
        self._delivering = delivering
        self._starts_per_minute, self._told = starts_per_minute, told
        self._stopping = threading.Event()
        self._at_rest = threading.Condition()
        self._moving = 0
        self._carrying: set[str] = set()
        self._taken_over: set[str] = set()
        self._looked_lost: Counter[str] = Counter()

    def serve(self, stop: threading.Event, *, until_idle: bool = False, ready: Callable[[str], None] = lambda _: None) -> None:
        """Carry on whatever is confirmed, until `stop` is set, or with `until_idle` until nothing is left. `ready` hears the slot's name.

        A slot that is lost (the database was restarted) is given up, and another one taken. Raises `StoreFailed` where the books cannot be had at
        the start. Beside it whoever wants to be told of what happens is told.
        """
        with self._delivering.beside():
            self._serve(stop, until_idle=until_idle, ready=ready)
        if until_idle and not stop.is_set():
            self._delivering.send_due()

    def _serve(self, stop: threading.Event, *, until_idle: bool, ready: Callable[[str], None]) -> None:
        self._tickets.open_queue(starts_per_minute=self._starts_per_minute)
        # Before the queue is served: tickets of what has ended would be begun one after the other, at a limited rate.
        self._tickets.clear()
        has_served = False
        while not stop.is_set():
            try:
                with self._store.translated(), self._store.slots.take() as slot:
                    # What the last holder of this slot left is taken over like any other's, before the library would begin it again unasked.
                    self._take_over(slot.name)
                    telemetry.fact("worker.slot_taken", slot=slot.name)
                    with self._launched(slot):
                        has_served = True
                        ready(slot.name)
                        if self._serve_in(slot, stop, until_idle=until_idle):
                            return
            except StoreFailed as error:
                if not has_served:
                    raise
                log.warning("The books cannot be reached: %s", error)
            self._clock.sleep_until(self._clock.now() + _TRY_AGAIN)

    def _serve_in(self, slot: Slot, stop: threading.Event, *, until_idle: bool) -> bool:
        """Returns True when it is done, False when the slot was lost."""
        for look in count():
            if stop.wait(_REAP_EVERY_S):
                return True
            if not slot.is_held():
                telemetry.fact("worker.slot_lost", slot=slot.name)
                return False
            try:
                self._take_over_from_the_dead(slot)
                self._put_back_what_never_began(slot)
                if look % _TIDY_EVERY == 0:
                    self._tickets.clear()
                if (look % _TIDY_EVERY == 0 or until_idle) and not self._tickets.renew() and until_idle:
                    return True
            except StoreFailed as error:
                # Should it be gone for good, the slot is lost too.
                log.warning("The queue could not be read: %s", error)
        return True

    def _take_over_from_the_dead(self, own: Slot) -> None:
        for name in self._tickets.slots() - {own.name}:
            with self._store.slots.if_dead(name) as is_dead:
                if is_dead:
                    self._take_over(name)

    def _take_over(self, name: str) -> None:
        """The caller holds the lock of that slot, so nobody runs these flows and nobody else takes them over."""
        for execution_id in self._tickets.left_by(name):
            try:
                if execution_id not in self._taken_over:
                    self._executing.take_over(execution_id)
            except NotFound:
                log.warning("%s is in the queue and not in the books.", execution_id)
            except StoreDamaged as error:
                log.warning("%s cannot be taken over: %s", execution_id, error)
            # Should the queue fail now, the next look does the rest: nobody has died again.
            self._taken_over.add(execution_id)
            self._tickets.put_back(execution_id)
            self._taken_over.discard(execution_id)

    def _put_back_what_never_began(self, slot: Slot) -> None:
        """The library claims a flow and then starts it; where it could not, for want of a thread or of the claim's answer, the claim stays."""
        lost = set(self._tickets.left_by(slot.name)) - self._carrying
        self._looked_lost = Counter({execution_id: self._looked_lost[execution_id] + 1 for execution_id in lost})
        for execution_id in [name for name, times in self._looked_lost.items() if times >= _LOST_AFTER]:
            self._tickets.put_back(execution_id)

    @contextmanager
    def _launched(self, slot: Slot) -> Iterator[None]:
        """The library, serving our queue in this slot. At the end every execution here is let go between two moves."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        _register()
        _Serving.worker = self
        # A new one: threads of an earlier launch, that have not looked yet, are still to stop.
        self._stopping = threading.Event()
        DBOS(
            config={
                "name": _APPLICATION,
                "executor_id": slot.name,
                "application_version": _VERSION,
                "system_database_engine": self._store.queue_engine,
                # Only looked at: the engine above is used.
                "system_database_url": self._store.queue_engine.url.render_as_string(hide_password=True),
                "serializer": DBOSPortableJSONSerializer(),
                # Nothing here sends or receives.
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": 0.1,
                # Its errors carry tracebacks, and its warnings are about what is done here on purpose.
                "log_level": "CRITICAL",
            }
        )
        try:
            DBOS.listen_queues([_QUEUE])
            with self._tickets.asking():
                DBOS.launch()
            yield
        finally:
            is_at_rest = self._drain()
            DBOS.destroy()
            _Serving.worker = None
            # A slot that was lost may be somebody else's by now.
            if is_at_rest and slot.is_held():
                self._hand_back(slot)

    def _drain(self) -> bool:
        """Nobody begins another move, and those that have begun are waited for, since their answers should be heard. True when all have ended."""
        self._stopping.set()
        with self._at_rest:
            return self._at_rest.wait_for(lambda: self._moving == 0, timeout=_DRAIN_S)

    def _hand_back(self, slot: Slot) -> None:
        """Whoever stops in good order dies over nothing: what it carried is for the next worker, and nobody has to take it over."""
        try:
            for execution_id in self._tickets.left_by(slot.name):
                self._tickets.put_back(execution_id)
        except StoreFailed as error:
            log.warning("What was carried here has to be taken over: %s", error)

    def carry(self, execution_id: str) -> None:
        """The workflow. Returns when the execution has ended; leaves by `_LetGo` when this worker is to stop, and in no other way."""
        bugs, rest, stopping = 0, _TRY_AGAIN, self._stopping
        self._carrying.add(execution_id)
        try:
            while True:
                progress: Finished | Later | None = None
                try:
                    with self._one_move(stopping):
                        hopeless = bugs >= _BUGS
                        progress = self._executing.give_up(execution_id, _HOPELESS) if hopeless else self._executing.advance(execution_id)
                    if isinstance(progress, Finished):
                        self._told(progress.execution)
                        return
                    self._wait(_next_look(progress, self._clock.now()), stopping)
                    rest = _TRY_AGAIN
                except (StoreFailed, OSError) as error:
                    log.warning("%s rests: %s", execution_id, error)
                    bugs += isinstance(error, StoreDamaged)
                except Exception as error:  # noqa: BLE001 - a bug must neither spin nor leave an execution lying about
                    log.warning("%s failed: %s", execution_id, error if isinstance(error, HaloError) else type(error).__name__)
                    bugs += 1
                if isinstance(progress, Finished):
                    # Whoever wanted to be told is gone; it has ended all the same.
                    return
                if progress is None:
                    self._rest(rest, stopping)
                    rest = min(2 * rest, _LONGEST_REST)
        finally:
            self._carrying.discard(execution_id)

    def _rest(self, rest: timedelta, stopping: threading.Event) -> None:
        try:
            self._wait(self._clock.now() + rest, stopping)
        except Exception:  # noqa: BLE001 - the clock of a simulated world is a file, and may be what failed
            stopping.wait(rest.total_seconds())

    @contextmanager
    def _one_move(self, stopping: threading.Event) -> Iterator[None]:
        with self._at_rest:
            if stopping.is_set():
                raise _LetGo
            self._moving += 1
        try:
            yield
        finally:
            with self._at_rest:
                self._moving -= 1
                self._at_rest.notify_all()

    def _wait(self, until: datetime, stopping: threading.Event) -> None:
        """In short naps: the clock may be moved, and this worker may be asked to stop."""
        while (now := self._clock.now()) < until and not stopping.is_set():
            self._clock.sleep_until(min(until, now + _POLL))


class _Serving:
    """The worker of this process: the library calls a function by its name, and knows no object."""

    worker: Worker | None = None


@cache
def _register() -> Any:
    from dbos import DBOS

    @DBOS.workflow(name=_WORKFLOW)
    def carry() -> None:
        worker, execution_id = _Serving.worker, DBOS.workflow_id
        if worker is None or execution_id is None:
            raise _LetGo
        with telemetry.turn("turn"), telemetry.about(execution_id=execution_id):
            worker.carry(execution_id)

    return carry
