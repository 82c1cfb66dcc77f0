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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from halo_engine.clock import Clock
from halo_engine.model.errors import HaloError, StoreDamaged, StoreFailed
from halo_engine.model.execution import Execution, ExecutionStatus
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
_VERSION = "1"

#: How often somebody who waits for another process looks whether it has moved.
_POLL = timedelta(seconds=0.25)
#: How often a worker looks into the queue. Each look is a read.
_QUEUE_POLL_S = 0.2
#: How often a worker looks for dead ones. With the poll of the queue this is how long a dead worker's executions rest.
_REAP_EVERY_S = 0.5
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

                with self._store.translated():
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
        with self._store.translated():
            client.register_queue(
                _QUEUE,
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
        flows = self._flows(status=["PENDING"], executor_id=[slot])
        return [flow.workflow_id for flow in flows]

    def slots(self) -> set[str]:
        """The slots that flows are said to run in."""
        return {flow.executor_id for flow in self._flows(status=["PENDING"]) if flow.executor_id}

    def put_back(self, execution_ids: list[str]) -> None:
        """Into the queue, for whoever comes first."""
        client = self.open()
        with self._store.translated():
            client.resume_workflows(execution_ids, queue_name=_QUEUE)

    def clear(self) -> None:
        """Tear up the tickets that were worked off, or the table would grow for ever."""
        self._tear_up([flow.workflow_id for flow in self._flows(status=["SUCCESS", "CANCELLED"])])

    def clear_stale(self) -> None:
        """Tear up the tickets of what its own caller carried out, which nobody has taken from the queue. Not one at a time, at a limited rate."""
        waiting = [flow.workflow_id for flow in self._flows(status=["ENQUEUED", "DELAYED"])]
        with self._store.reading() as books:
            ended = [execution_id for execution_id in waiting if books.executions.look(execution_id).is_final]
        self._tear_up(ended)

    def is_empty(self) -> bool:
        """Whether nothing is left to carry on."""
        return not self._flows(status=["ENQUEUED", "DELAYED", "PENDING"], limit=1)

    def _tear_up(self, execution_ids: list[str]) -> None:
        if execution_ids:
            client = self.open()
            with self._store.translated():
                client.delete_workflows(execution_ids)

    def _flows(self, **which: Any) -> list[Any]:
        client = self.open()
        with self._store.translated():
            return client.list_workflows(name=_WORKFLOW, load_input=False, load_output=False, **which)


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
    ) -> None:
        self._executing, self._store, self._tickets, self._clock = executing, store, tickets, clock
        self._starts_per_minute, self._told = starts_per_minute, told
        self._stopping = threading.Event()
        self._at_rest = threading.Condition()
        self._moving = 0

    def serve(self, stop: threading.Event, *, until_idle: bool = False, ready: Callable[[str], None] = lambda _: None) -> None:
        """Carry on whatever is confirmed, until `stop` is set, or with `until_idle` until nothing is left. `ready` hears the slot's name.

        A slot that is lost (the database was restarted) is given up, and another one taken. Raises `StoreFailed` where the books cannot be had at
        the start.
        """
        self._tickets.open_queue(starts_per_minute=self._starts_per_minute)
        self._tickets.clear_stale()
        has_served = False
        while not stop.is_set():
            try:
                with self._store.translated(), self._store.slots.take() as slot:
                    # What the last holder of this slot left is taken over like any other's, before the library would begin it again unasked.
                    self._take_over(slot.name)
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
        while not stop.wait(_REAP_EVERY_S):
            if not slot.is_held():
                return False
            try:
                self._take_over_from_the_dead(slot)
                self._tickets.clear()
                if until_idle and self._tickets.is_empty():
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
        left = self._tickets.left_by(name)
        for execution_id in left:
            try:
                self._executing.take_over(execution_id)
            except StoreDamaged as error:
                log.warning("%s cannot be taken over: %s", execution_id, error)
        if left:
            self._tickets.put_back(left)

    @contextmanager
    def _launched(self, slot: Slot) -> Iterator[None]:
        """The library, serving our queue in this slot. At the end every execution here is let go between two moves."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        _register()
        _Serving.worker = self
        self._stopping.clear()
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
            with self._store.translated():
                DBOS.launch()
            yield
        finally:
            self._drain()
            DBOS.destroy()
            _Serving.worker = None

    def _drain(self) -> None:
        """Nobody begins another move, and those that have begun are waited for: an answer that is on its way should be heard."""
        self._stopping.set()
        with self._at_rest:
            self._at_rest.wait_for(lambda: self._moving == 0, timeout=_DRAIN_S)

    def carry(self, execution_id: str) -> None:
        """The workflow. Returns when the execution has ended; leaves by `_LetGo` when this worker is to stop, and in no other way."""
        bugs, rest = 0, _TRY_AGAIN
        while True:
            progress: Finished | Later | None = None
            with self._one_move():
                try:
                    hopeless = bugs >= _BUGS
                    progress = self._executing.give_up(execution_id, _HOPELESS) if hopeless else self._executing.advance(execution_id)
                except (StoreFailed, OSError) as error:
                    log.warning("%s rests: %s", execution_id, error)
                    bugs += isinstance(error, StoreDamaged)
                except Exception as error:  # noqa: BLE001 - a bug must neither spin nor leave an execution lying about
                    log.warning("%s failed: %s", execution_id, error if isinstance(error, HaloError) else type(error).__name__)
                    bugs += 1
            if isinstance(progress, Finished):
                self._told(progress.execution)
                return
            now = self._clock.now()
            self._wait(_next_look(progress, now) if progress else now + rest)
            rest = _TRY_AGAIN if progress else min(2 * rest, _LONGEST_REST)

    @contextmanager
    def _one_move(self) -> Iterator[None]:
        with self._at_rest:
            if self._stopping.is_set():
                raise _LetGo
            self._moving += 1
        try:
            yield
        finally:
            with self._at_rest:
                self._moving -= 1
                self._at_rest.notify_all()

    def _wait(self, until: datetime) -> None:
        """In short naps: the clock may be moved, and this worker may be asked to stop."""
        while (now := self._clock.now()) < until and not self._stopping.is_set():
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
        worker.carry(execution_id)

    return carry
