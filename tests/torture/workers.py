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

from halo_engine.clock import FakeClock, OffsetClock, SystemClock
from halo_engine.engine import Engine
from halo_engine.settings import Settings, load_settings
from halo_sim.http import SimServer
from halo_sim.world import World, read_offset
from tests.installation import NOON, Installation
from tests.torture import postgres
from tests.torture.forking import URLS
from tests.torture.harness import Kind, Problem, Row, judge
from tests.torture.jobs import JOBS, VERBS, reopen

#: A whole flow asks its vendor five to eight times, so it lasts about half a second: long enough to be hit.
_ANSWERS_AFTER_S = 0.06
_FAULTS = 4
#: Past the longest wait for a lost answer, twice.
_LONG = timedelta(seconds=700)
#: All waits of an execution are over after this many moves of the time by `_LONG`.
_MOVES = 80


@dataclass(frozen=True)
class _Scene:
    """Where a point happens."""

    home: Path
    url: str
    database: dict[str, str]

    def settings(self) -> Settings:
        vendors = {f"HALO_{name.upper()}": f"{self.url}{path}" for name, path in URLS.items()}
        books = {f"HALO_{name.upper()}": value for name, value in self.database.items()}
        return load_settings(home=self.home, environ={**vendors, **books, "HALO_VENDORS": "live"})

    def clock(self) -> OffsetClock:
        """The world's time, which runs and can be moved by whoever holds the world."""
        wall = SystemClock()
        since_noon = NOON - wall.now()
        return OffsetClock(wall, lambda: since_noon + read_offset(self.world))

    @property
    def world(self) -> Path:
        return self.home / "simulator" / "world.db"


@dataclass
class _Crew:
    """The two workers; a dead one is replaced."""

    scene: _Scene
    pids: list[int] = field(default_factory=list)

    def hire(self) -> None:
        self.pids.append(_forked(partial(_work, self.scene)))

    def kill(self, number: int) -> None:
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

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        _real_wait(_ANSWERS_AFTER_S)
        super().process_request_thread(request, client_address)

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


@contextmanager
def _vendors(world: Path) -> Iterator[str]:
    """The address of the vendors of `world`, in a process of their own."""
    server = _SlowServer(World.open(world, FakeClock(NOON, seed=3)), "127.0.0.1", 0)
    pid = _forked(server.serve_forever)
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
def _scene(kind: str, place: Path) -> Iterator[_Scene]:
    home, like = _confirmed(kind)
    shutil.copytree(home, place / "home")
    database = {"database_url": postgres.fresh_database(like=like["database_url"])} if like else {}
    try:
        with _vendors(place / "home" / "simulator" / "world.db") as url:
            yield _Scene(place / "home", url, database)
    finally:
        if database:
            postgres.drop_database(database["database_url"])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    kind, fault, _ = point.split("-")
    random = Random(point)
    with _scene(kind, place) as scene:
        crew = _Crew(scene)
        world = World.open(scene.world, FakeClock(NOON))
        try:
            for _ in range(2):
                crew.hire()
            for _ in range(_FAULTS):
                _real_wait(random.uniform(0.05, 0.8))
                _strike(fault, crew, world, random)
            _see_to_the_end(scene, world)
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
        after.engine.close()


def _strike(fault: str, crew: _Crew, world: World, random: Random) -> None:
    number = random.randrange(2)
    if fault == "kill":
        crew.kill(number)
        return

    def meanwhile() -> None:
        world.move_clock(_LONG)
        _real_wait(random.uniform(0.3, 1.0))

    crew.pause(number, during=meanwhile)


def _see_to_the_end(scene: _Scene, world: World) -> None:
    """Move the time until every execution has ended, or nobody would wait any longer."""
    watch = reopen(scene.home, FakeClock(NOON), **scene.database)
    for _ in range(_MOVES):
        if not _running(watch):
            break
        _real_wait(0.25)
        world.move_clock(_LONG)
    watch.engine.close()


def _running(home: Installation) -> Sequence[str]:
    with home.queries() as queries:
        feed = [line.id for line in queries.activity(limit=100) if line.kind == "execution"]
        return [execution_id for execution_id in feed if not queries.execution(execution_id).execution.is_final]


def _points(random: Random) -> Iterator[str]:
    kinds = ["sqlite"] if postgres.missing() else ["sqlite", "postgres"]
    for _ in count():
        seed = random.randrange(10**6)
        yield from (f"{kind}-{fault}-{seed}" for fault in ("kill", "pause") for kind in kinds)


ROWS = (Row(id="R-11", title="two workers, killed and paused while vendors go on", ci=4, points=_points, attempt=_attempt),)
