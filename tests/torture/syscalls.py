"""R-04 and R-05: death and disk errors at every system call that matters, done by the kernel to a real process.

The buyer is a child under strace, the vendors a third process behind real sockets, who finish whatever has reached them. When the buyer has died,
or has said what is wrong with its disk, another process carries the execution on: that is this one.
"""

from __future__ import annotations

import functools
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from tests.torture import small_disk, strace
from tests.torture.forking import Purchase, Said, forks, said
from tests.torture.harness import Kind, Problem, Row
from tests.torture.jobs import JOBS, Job, confirmed
from tests.torture.recovery import interleaved, recovered

_JOURNALS = ("wal", "truncate")
_DISK = ("pwrite64", "fdatasync", "fsync", "ftruncate")
_SOCKET = ("connect", "sendto", "recvfrom")
_ERRORS = ("EIO", "ENOSPC", "EDQUOT")
#: A whole execution writes less than this to a disk that has just room for the books.
_ROOMS_KIB = range(0, 257, 4)


def prepared(name: str, place: Path) -> Job:
    """The confirmed job `name`, copied to `place`, and the forking process ready to buy it."""
    job = confirmed(name)
    forks().warm(job.home, job.execution_id)
    shutil.copytree(job.home, place / "home")
    return job


def purchase(job: Job, place: Path, url: str, journal: str) -> Purchase:
    """The job in `place`, bought from the vendors at `url`."""
    return Purchase(str(place / "home"), job.execution_id, str(place / "report"), url, journal)


def world(place: Path) -> Path:
    """Where the simulator keeps its books."""
    return place / "home" / "simulator" / "world.db"


@functools.cache
def _calls(name: str, journal: str) -> Mapping[str, int]:
    """How often an undisturbed execution makes each call."""
    with tempfile.TemporaryDirectory(prefix="halo-counted-") as directory:
        place = Path(directory)
        job = prepared(name, place)
        with forks().selling(world(place)) as url:
            return strace.counts(purchase(job, place, url, journal), (*_DISK, *_SOCKET), to=place / "trace")


#


def _deaths(random: Random) -> Iterator[str]:
    groups = {
        f"{name}-{journal}-{call}": [f"{name}-{journal}-{call}-{nth + 1}" for nth in range(_calls(name, journal)[call])]
        for name in JOBS
        for journal in _JOURNALS
        for call in (*_DISK, *_SOCKET)
    }
    yield from interleaved(random, groups)


def _die(point: str, place: Path) -> Iterator[Problem]:
    name, journal, call, nth = point.split("-")
    job = prepared(name, place)
    with forks().selling(world(place)) as url:
        code = strace.run(purchase(job, place, url, journal), "-e", f"trace={call}", "-e", strace.kill_at(call, int(nth)))
    if code not in (0, -signal.SIGKILL):
        yield Problem(Kind.WRONG, f"the buyer ended with {code}")
    yield from recovered(place / "home", job.execution_id)


#


def _disk_errors(random: Random) -> Iterator[str]:
    groups = {
        f"{name}-{journal}-{call}-{error}-{how}": [
            f"{name}-{journal}-{call}-{error}-{how}-{nth + 1}" for nth in range(_calls(name, journal)[call])
        ]
        for name in JOBS
        for journal in _JOURNALS
        for call in _DISK
        for error in _ERRORS
        for how in ("once", "on")
    }
    yield from interleaved(random, groups)


def _fail(point: str, place: Path) -> Iterator[Problem]:
    name, journal, call, error, how, nth = point.split("-")
    job = prepared(name, place)
    fault = strace.fail_at(call, error, int(nth), for_good=how == "on")
    with forks().selling(world(place)) as url:
        code = strace.run(purchase(job, place, url, journal), "-e", f"trace={call}", "-e", fault)
    yield from clean(code, said(place / "report"))
    yield from recovered(place / "home", job.execution_id)


def clean(code: int, told: Said) -> Iterator[Problem]:
    """A disk that fails is told as an error of the books, or goes unnoticed because nothing depended on it; anything else is a problem."""
    if code == -signal.SIGKILL:
        yield Problem(Kind.STUCK, "it never came to an end")
    elif told.traceback:
        yield Problem(Kind.WRONG, f"a traceback: {told.traceback.strip().splitlines()[-1]}")
    elif told.error and not told.is_store_failed:
        yield Problem(Kind.WRONG, f"the disk's error was told as {told.error}")
    elif not told.error and not told.status:
        yield Problem(Kind.WRONG, f"nothing was told, and it ended with {code}")


# R-05 on a disk that is full


def _rooms(random: Random) -> Iterator[str]:
    groups = {f"{name}-{journal}": [f"{name}-{journal}-{room}" for room in _ROOMS_KIB] for name in JOBS for journal in _JOURNALS}
    yield from interleaved(random, groups)


def _fill(point: str, place: Path) -> Iterator[Problem]:
    name, journal, room = point.split("-")
    job = prepared(name, place)
    how = {"home": str(place / "home"), "small": str(place / "small"), "room_kib": int(room)}
    with forks().selling(world(place)) as url:
        around = "tests.torture.small_disk:small_disk"
        bought = Purchase(how["small"], job.execution_id, str(place / "report"), url, journal, around, how)  # type: ignore[arg-type]
        code = forks().wait(forks().buy(bought))
    yield from clean(code, said(place / "report"))
    yield from recovered(place / "home", job.execution_id)


R_04 = Row("R-04", "SIGKILL at every system call", ci=60, points=_deaths, attempt=_die, missing=strace.missing)
R_05 = Row("R-05", "a disk error at every write and sync", ci=60, points=_disk_errors, attempt=_fail, missing=strace.missing)
R_05_FULL = Row("R-05-full", "a disk that is full", ci=60, points=_rooms, attempt=_fill, missing=small_disk.missing)

ROWS = (R_04, R_05, R_05_FULL)
