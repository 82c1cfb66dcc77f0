"""R-11: two workers on one set of books, killed and paused in the middle of their work, and vendors in a process of their own.

A request that has reached its vendor goes on when its worker dies, so the vendors here take their time. The time of the world is moved past every
wait while workers run: a paused one wakes up long after its place was taken.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock, OffsetClock, SystemClock
from halo_engine.engine import Engine
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.settings import Settings, load_settings
from halo_sim import router
from halo_sim.fault_plan import FaultPlan
from halo_sim.http import VENDORS, SimServer
from halo_sim.wire import Request, Response
from halo_sim.world import World
from tests.installation import NOON, Installation, vendors_at
from tests.torture import postgres
from tests.torture.harness import Kind, Problem, Row, judge
from tests.torture.jobs import JOBS, VERBS, reopen

#: A whole flow asks its vendor five to eight times, so it lasts about half a second: long enough to be hit.
_ANSWERS_AFTER_S = 0.06
#: How long a vendor may think before it does something: longer than all look-ups of a worker in a hurry.
_THINKS_S = 4.0
_FAULTS = 4
#: Past the longest wait for a lost answer, twice.
_LONG = timedelta(seconds=700)
#: Nine of them are less than a request can live.
_MOMENT = timedelta(seconds=30)
#: Less than the time in which a call may leave.
_SHORT = timedelta(seconds=70)
#: All waits of an execution are over after this many moves of the time by `_SHORT`.
_MOVES = 80


@dataclass(frozen=True)
class _Scene:
    """Where a point happens."""

    home: Path
    url: str
    database: dict[str, str]

    def settings(self) -> Settings:
        books = {f"HALO_{name.upper()}": value for name, value in self.database.items()}
        return load_settings(home=self.home, environ={**vendors_at(self.url), **books})

    def clock(self) -> OffsetClock:
        """The workers' time, which runs and can be moved. The vendors' stands still, or their tokens and holds would end meanwhile."""
        wall = SystemClock()
        since_noon = NOON - wall.now()
        return OffsetClock(wall, lambda: since_noon + self._moved())

    def move_clock(self, by: timedelta) -> None:
        """For every worker at once."""
        moved = self.home / "moved.next"
        moved.write_text(str(int((self._moved() + by).total_seconds())))
        moved.replace(self.home / "moved")

    def _moved(self) -> timedelta:
        moved = self.home / "moved"
        return timedelta(seconds=int(moved.read_text())) if moved.exists() else timedelta(0)


@dataclass
class _Crew:
    """The two workers; a dead one is replaced."""

    scene: _Scene
    pids: list[int] = field(default_factory=list)

    def hire(self) -> None:
        self.pids.append(_forked(partial(_work, self.scene)))

    def kill(self, number: int) -> None:
        """And hire another one."""
        os.kill(self.pids[number], signal.SIGKILL)
        os.waitpid(self.pids.pop(number), 0)
        self.hire()

    def pause(self, number: int, *, during: Callable[[], None]) -> None:
        os.kill(self.pids[number], signal.SIGSTOP)
        during()
        os.kill(self.pids[number], signal.SIGCONT)

    def dismiss(self) -> list[int]:
        """Ask them to stop; their exit codes."""
        codes = []
        while self.pids:
            os.kill(self.pids[0], signal.SIGTERM)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(self.pids.pop(0), 0)[1]))
        return codes


class _SlowServer(SimServer):
    """Vendors who think before they do what they were asked."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has died: that is what happens here."""


def _real_wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def _work(scene: _Scene) -> None:
    """A worker's process, from its start to SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Engine.open(scene.settings(), clock=scene.clock(), transport=None) as engine:
        engine.worker(told=lambda _: None).serve(stop)


def _sell(server: SimServer, thinks_s: float) -> None:
    """The vendors' process: every call takes a moment, and one that commits takes `thinks_s` before anything happens."""

    def slowly(world: World, request: Request, plan: FaultPlan | None = None) -> Response:
        routes = VENDORS[request.segments[0]].routes
        route = next(one for one in routes if one.match(request.method, request.segments[1:]) is not None and one.when(request))
        _real_wait(thinks_s if route.commits else _ANSWERS_AFTER_S)
        return router.answer(world, VENDORS, request, plan)

    with patch("halo_sim.http.answer", slowly):
        server.serve_forever()


@contextmanager
def _vendors(world: Path, thinks_s: float) -> Iterator[str]:
    """The address of the vendors of `world`, in a process of their own."""
    server = _SlowServer(World.open(world, FakeClock(NOON, seed=3)), "127.0.0.1", 0)
    pid = _forked(partial(_sell, server, thinks_s))
    server.socket.close()
    try:
        yield server.url
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@functools.cache
def _confirmed(kind: str) -> tuple[Path, dict[str, str]]:
    """A home in which each verb has one confirmed execution, and nothing was sent. Made once a process."""
    home = Path(tempfile.mkdtemp(prefix="halo-workers-")) / "home"
    database = {"database_url": postgres.fresh_database()} if kind == "postgres" else {}
    installation = Installation.open(home, clock=FakeClock(NOON), **database)
    for verb in VERBS:
        installation.confirm(installation.ask(JOBS[verb]))
    installation.engine.close()
    return home, database


@contextmanager
def _scene(kind: str, place: Path, *, thinks_s: float) -> Iterator[_Scene]:
    home, like = _confirmed(kind)
    shutil.copytree(home, place / "home")
    database = {"database_url": postgres.fresh_database(like=like["database_url"])} if like else {}
    try:
        with _vendors(place / "home" / "simulator" / "world.db", thinks_s) as url:
            yield _Scene(place / "home", url, database)
    finally:
        if database:
            postgres.drop_database(database["database_url"])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    kind, fault, _ = point.split("-")
    random = Random(point)
    with _scene(kind, place, thinks_s=_THINKS_S if fault == "hurry" else _ANSWERS_AFTER_S) as scene:
        crew = _Crew(scene)
        try:
            for _ in range(2):
                crew.hire()
            if fault == "hurry":
                _hurry(crew)
            else:
                for _ in range(_FAULTS):
                    _real_wait(random.uniform(0.05, 0.8))
                    _strike(fault, crew, random)
            _see_to_the_end(scene, every_s=1.0 if fault == "hurry" else 0.25)
            codes = crew.dismiss()
        finally:
            for pid in crew.pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if any(codes):
            yield Problem(Kind.WRONG, f"a worker that was asked to stop ended with {codes}")
        after = reopen(scene.home, FakeClock(scene.clock().now()), **scene.database)
        yield from judge(after)
        if fault != "pause":
            yield from _not_done(after)
        after.engine.close()


def _strike(fault: str, crew: _Crew, random: Random) -> None:
    number = random.randrange(2)
    if fault == "kill":
        crew.kill(number)
        return

    def meanwhile() -> None:
        crew.scene.move_clock(_LONG)
        _real_wait(random.uniform(0.3, 1.0))

    crew.pause(number, during=meanwhile)


def _hurry(crew: _Crew) -> None:
    """Kill both while vendors think about what they were asked to do, and let time pass: less than a request can live."""
    watch = reopen(crew.scene.home, FakeClock(NOON), **crew.scene.database)
    while any(execution.status is ExecutionStatus.CONFIRMED for execution in _executions(watch)):
        _real_wait(0.02)
    watch.engine.close()
    # Written down is not yet sent: some ask for this and that first.
    _real_wait(0.6)
    for _ in range(2):
        crew.kill(0)
    for _ in range(9):
        _real_wait(0.3)
        crew.scene.move_clock(_MOMENT)


def _not_done(home: Installation) -> Iterator[Problem]:
    """These vendors do what they were asked and tell who asks, so nothing that reached them is a person's to find out."""
    reached = {entry.kind for entry in home.ledger()}
    for execution in _executions(home):
        # A table whose request died with its worker: the restaurant knows no keys, so it is not asked a second time.
        is_asked_no_more = execution.verb == "BOOK" and "booking" not in reached
        if execution.status is not ExecutionStatus.DONE and not is_asked_no_more:
            yield Problem(Kind.WRONG, f"{execution.verb} {execution.id} ended in {execution.status.value}: {execution.error_message}")


def _see_to_the_end(scene: _Scene, *, every_s: float) -> None:
    """Move the time until every execution has ended, or nobody would wait any longer; slowly enough that a call is over before its time is."""
    watch = reopen(scene.home, FakeClock(NOON), **scene.database)
    for _ in range(_MOVES):
        if all(execution.is_final for execution in _executions(watch)):
            break
        _real_wait(every_s)
        scene.move_clock(_SHORT)
    watch.engine.close()


def _executions(home: Installation) -> Sequence[Execution]:
    with home.queries() as queries:
        return [queries.execution(line.id).execution for line in queries.activity(limit=100) if line.kind == "execution"]


def _points(random: Random) -> Iterator[str]:
    kinds = ["sqlite"] if postgres.missing() else ["sqlite", "postgres"]
    for _ in count():
        seed = random.randrange(10**6)
        yield from (f"{kind}-{fault}-{seed}" for fault in ("kill", "pause", "hurry") for kind in kinds)


ROWS = (Row(id="R-11", title="two workers, killed and paused while vendors go on", ci=6, points=_points, attempt=_attempt),)
