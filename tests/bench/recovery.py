"""How long a household waits because a worker was killed: real processes of `halo worker` on one SQLite file, and SIGKILL.

An execution waits for its vendor, which is down, until it is due again. At that moment its worker is killed. Measured is the time from the kill
until another worker has it, and until the receipt is there. Either that other worker was running, or it is started when the first one has been
killed, as a supervisor would: then the start of Python is part of the time.
"""

from __future__ import annotations

import compileall
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.settings import Settings, load_settings
from halo_engine.store import sqlite
from halo_sim.faults import add_fault, clear_faults
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.bench.halo_flows import WORDS
from tests.installation import household_plan

_ROOT = Path(__file__).parents[2]
#: Longer than any measurement here: what is waited for comes early only because the world's clock is moved.
_RETRY_S = 600
_PATIENCE_S = 60
_LOOK_EVERY_S = 0.005


@dataclass(frozen=True)
class Recovery:
    """Seconds from the kill."""

    #: Until somebody else could carry it on: the other worker had taken it over, or the new one said that it works.
    at_work_s: float
    #: Until the receipt was there.
    done_s: float


@dataclass(frozen=True)
class _Home:
    """Where the workers work."""

    settings: Settings
    world: World
    environ: dict[str, str]

    @classmethod
    def found(cls, place: Path) -> _Home:
        own = {"HALO_HOME": str(place), "HALO_RETRY_WAITS_S": str(_RETRY_S), "HALO_DRAFT_LIVES_S": "86400", "HALO_SENT_LATE_S": "86400"}
        settings = load_settings(environ=own)
        home = cls(settings, World.open(settings.simulator_file, SystemClock()), own)
        with home.opened() as engine:
            engine.found_household(household_plan())
        return home

    def opened(self) -> Engine:
        return Engine.open(self.settings, clock=SystemClock(), transport=SimTransport(self.world))

    def confirmed(self) -> str:
        """An execution that nobody carries on yet."""
        with self.opened() as engine:
            card = engine.draft(WORDS, member=None, channel="bench")
            return engine.confirm(card.draft_id or "", draft_hash=card.draft_hash or "", member=None).id

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[str]]:
        """A worker that has said that it works. Whatever becomes of it, it is gone at the end."""
        command, environ = [sys.executable, "-m", "halo_cli", "worker"], os.environ | self.environ
        with subprocess.Popen(command, cwd=_ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as worker:
            try:
                assert worker.stderr is not None
                said = worker.stderr.readline()
                if not said.startswith("Working"):
                    raise RuntimeError(f"the worker did not begin: {said}")
                yield worker
            finally:
                worker.kill()

    def has(self, what: str, execution_id: str) -> bool:
        """Whether the books have a row of that kind for the execution."""
        with closing(sqlite.connect_read_only(self.settings.database_file)) as books:
            return books.execute(_ROWS[what], (execution_id,)).fetchone() is not None

    def wait_for(self, what: str, execution_id: str) -> float:
        """When it was there."""
        end = time.perf_counter() + _PATIENCE_S
        while not self.has(what, execution_id):
            if time.perf_counter() > end:
                raise TimeoutError(f"{execution_id} has no {what} after {_PATIENCE_S} s")
            time.sleep(_LOOK_EVERY_S)
        return time.perf_counter()


_ROWS = {
    "retry": "SELECT 1 FROM execution_attempt WHERE execution_id = ? AND retry_delay_ms IS NOT NULL",
    "take-over": "SELECT 1 FROM execution_attempt WHERE execution_id = ? AND step = 'take_over'",
    "receipt": "SELECT 1 FROM receipt_artifact WHERE execution_id = ?",
}


def compile_everything() -> None:
    """Or the start of the first process would be that of the compiler."""
    for package in ("halo_cli", "halo_engine", "halo_sim", "cards"):
        compileall.compile_dir(_ROOT / package, quiet=1)


def beside_another(place: Path, *, times: int) -> list[Recovery]:
    """Kills with another worker running."""
    home = _Home.found(place / "beside")
    return [_killed_beside(home) for _ in range(times)]


def _killed_beside(home: _Home) -> Recovery:
    execution_id = home.confirmed()
    add_fault(home.world, "unavailable", times=1000)
    with home.working() as first:
        home.wait_for("retry", execution_id)
        with home.working():
            killed = _kill(home, first)
            taken_over = home.wait_for("take-over", execution_id)
            return Recovery(taken_over - killed, home.wait_for("receipt", execution_id) - killed)


def started_anew(place: Path, *, times: int) -> list[Recovery]:
    """Kills with nobody else there: a new process is started at once, and its start is part of the time."""
    home = _Home.found(place / "anew")
    return [_killed_alone(home) for _ in range(times)]


def _killed_alone(home: _Home) -> Recovery:
    execution_id = home.confirmed()
    add_fault(home.world, "unavailable", times=1000)
    with home.working() as first:
        home.wait_for("retry", execution_id)
        killed = _kill(home, first)
    with home.working():
        at_work = time.perf_counter()
        return Recovery(at_work - killed, home.wait_for("receipt", execution_id) - killed)


def _kill(home: _Home, worker: subprocess.Popen[str]) -> float:
    """Its vendor is up again, its execution is due, and it is dead before it can know."""
    os.kill(worker.pid, signal.SIGSTOP)
    clear_faults(home.world)
    home.world.move_clock(timedelta(seconds=2 * _RETRY_S))
    killed = time.perf_counter()
    worker.kill()
    worker.wait()
    return killed
