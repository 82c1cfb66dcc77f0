"""Where a soak happens: one set of books on PostgreSQL, the vendors, a server and two workers, each a process of its own, and what they use up."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.settings import Settings, load_settings
from tests.installation import household_plan, vendors_at

#: Nobody in here waits longer for a process to begin, or to end.
_PATIENCE_S = 120
#: By then a process has loaded what it needs, and done some of its work.
_BEGUN_AFTER_S = 15.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

#: Nothing else differs from what a household has: it would buy in minutes what it buys in years, and a soak has not two minutes for every failure.
_SETTINGS = {
    "HALO_DAILY_SPENDING_LIMIT_CENTS": str(10**12),
    "HALO_HOUSEHOLD_DAILY_SPENDING_LIMIT_CENTS": str(10**12),
    "HALO_RETRY_WAITS_S": "1,2,4",
    "HALO_LOOKUP_WAITS_S": "1,2,4,8",
    # A member who follows an execution looks at the time at every line.
    "HALO_SERVE_HEARTBEAT_S": "1",
}


@dataclass(frozen=True)
class Member:
    """Somebody with a phone."""

    household_id: str
    name: str
    user_id: str
    token: str


@dataclass
class Use:
    """What the processes of one part used: memory at the beginning, in the end and at the most, and time."""

    starts: int = 0
    first_mb: float = 0
    last_mb: float = 0
    most_mb: float = 0
    cpu_s: float = 0
    kills: int = 0


@dataclass
class Part:
    """One part of the scene. There is one process of it at a time; a worker that was killed has successors."""

    name: str
    command: Sequence[str]
    environ: dict[str, str]
    errors: Path
    use: Use = field(default_factory=Use)
    process: subprocess.Popen[bytes] | None = None
    began: float = 0
    #: How much stood in `errors` when the process began.
    _said_before: int = 0

    def start(self) -> IO[bytes]:
        """Its stdout."""
        with self.errors.open("ab") as errors:
            self._said_before = errors.tell()
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=errors, env=self.environ)
        self.use.starts, self.began = self.use.starts + 1, time.monotonic()
        assert self.process.stdout is not None
        return self.process.stdout

    def looked_at(self) -> None:
        """Note what it holds now; it is measured against what it held when it had begun to work."""
        with suppress(OSError, IndexError, ValueError):
            self.use.last_mb, most = self._memory("VmRSS"), self._memory("VmHWM")
            self.use.most_mb = max(self.use.most_mb, most)
            if not self.use.first_mb and time.monotonic() > self.began + _BEGUN_AFTER_S:
                self.use.first_mb = self.use.last_mb

    @property
    def is_at_work(self) -> bool:
        """Whether a worker has said so."""
        return b"Working as" in self.errors.read_bytes()[self._said_before :]

    @property
    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """As the power fails."""
        assert self.process is not None
        self._end(signal.SIGKILL)
        self.use.kills += 1

    def stop(self) -> int:
        """Ask it to end: its exit code."""
        return self._end(signal.SIGTERM)

    def discard(self) -> None:
        """Whatever state it is in."""
        if self.process is None:
            return
        if not self.is_gone:
            self.process.kill()
            self.process.wait(_PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.looked_at()
        self.use.cpu_s += self.cpu_s()
        self.process.send_signal(number)
        code = self.process.wait(_PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def cpu_s(self) -> float:
        """Of the process that there is."""
        return cpu_of(self.process.pid) if self.process else 0

    def _memory(self, name: str) -> float:
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/status").read_text().partition(f"{name}:")[2].split()[0]) / 1024


def cpu_of(pid: int, *, and_of_its_dead: bool = False) -> float:
    """Seconds of processor time that a process has used, and its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(ticks) for ticks in fields[11 : 15 if and_of_its_dead else 13]) / _TICKS_PER_S


@dataclass
class Scene:
    """Everything that runs."""

    home: Path
    settings: Settings
    environ: dict[str, str]
    vendors: Part
    members: tuple[Member, ...] = ()
    api: Part | None = None
    api_url: str = ""
    workers: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.vendors, *([self.api] if self.api else []), *self.workers)

    def start_worker(self, worker: Part) -> None:
        """Begin it, and read whatever it says: a pipe that nobody reads fills up, and a worker that cannot speak stands still."""
        said = worker.start()
        threading.Thread(target=_drained, args=(said,), daemon=True).start()

    def traceback(self) -> str | None:
        """Where one was printed."""
        return next((part.errors.name for part in self.parts if part.errors.exists() and b"Traceback" in part.errors.read_bytes()), None)


def _drained(said: IO[bytes]) -> None:
    with suppress(ValueError, OSError):
        while said.read1(65536):  # type: ignore[attr-defined]
            pass


def _first_line(said: IO[bytes]) -> bytes:
    if not select.select([said], [], [], _PATIENCE_S)[0]:
        raise TimeoutError("a process of the soak did not begin")
    return said.readline()


@contextmanager
def scene(place: Path, *, database_url: str, households: int, bug: str | None) -> Iterator[Scene]:
    """All of it, begun, with members who can call. Whatever still runs in the end is ended."""
    home = place / "home"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("HALO_", "SOAK_"))}
    vendors = _part("vendors", "halo_cli", "sim", "serve", "--port", "0", "--json", place=place, environ={**plain, "HALO_HOME": str(home)})
    whole = Scene(home, load_settings(home=home, environ={}), {}, vendors)
    try:
        url = json.loads(_first_line(vendors.start()))["url"]
        given = {**vendors_at(url), **_SETTINGS, "HALO_DATABASE_URL": database_url}
        whole.environ, whole.settings = given, load_settings(home=home, environ=given)
        whole.members = tuple(_founded(whole.settings, households))
        _begin(whole, place, {**plain, **given, "HALO_HOME": str(home)}, bug)
        yield whole
    finally:
        for part in whole.parts:
            part.discard()


def _part(name: str, *module: str, place: Path, environ: dict[str, str]) -> Part:
    place.mkdir(parents=True, exist_ok=True)
    return Part(name, [sys.executable, "-m", *module], environ, place / f"{name.replace(' ', '-')}.err")


def _begin(whole: Scene, place: Path, environ: dict[str, str], bug: str | None) -> None:
    whole.api = _part("api", "halo_cli", "serve", "--no-worker", "--port", "0", "--json", place=place, environ=environ)
    whole.api_url = json.loads(_first_line(whole.api.start()))["url"]
    planted = environ | ({"SOAK_BUG": bug} if bug else {})
    names = ("worker", "worker, killed")
    whole.workers = tuple(_part(name, "tests.soak.worker", "worker", "--json", place=place, environ=planted) for name in names)
    for worker in whole.workers:
        whole.start_worker(worker)


def _founded(settings: Settings, households: int) -> Iterator[Member]:
    """So many households in one set of books, and a phone for each of their adults."""
    with Engine.open(settings, clock=SystemClock(), transport=None) as engine:
        for number in range(households):
            plan = household_plan().model_copy(update={"name": f"Home {number + 1}"})
            household = engine.found_household_beside(plan) if number else engine.found_household(plan)
            of = engine.of(household.id)
            for name in ("Alex", "Sam"):
                added = of.devices.add("Phone", by=name)
                yield Member(household.id, name, added.device.user_id, added.token.get_secret_value())
