"""R-07: the order of a real execution's system calls. What it intends to send is on the disk before the first byte of it leaves.

Looked at from outside, by strace: no file of the books has an unsynced change at the moment a committing request begins, and among what was synced
since the last one is the step to SUBMITTING.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.store import sqlite
from halo_sim.faults import add_fault
from halo_sim.http import VENDORS
from halo_sim.world import World
from tests.torture import strace
from tests.torture.forking import SOON, Purchase, forks, said
from tests.torture.harness import Bug, Kind, Problem, Row
from tests.torture.jobs import DIALECTS, JOBS
from tests.torture.recovery import interleaved, recovered
from tests.torture.strace import Syscall
from tests.torture.syscalls import prepared, world

_JOURNALS = ("wal", "truncate")
#: What happens at the vendor meanwhile: nothing; or the request is lost and sent again, refused at first, or answered into the void.
_MOODS = ("calm", "drop_before", "unavailable", "lose_answer", "token_expired")

_WRITES = ("pwrite64", "ftruncate")
_SYNCS = ("fdatasync", "fsync")
#: As the event of that step is named in the log.
_INTENTION = "execution.submitting"
#: A page of the database, every byte of it written as four characters, and a little more.
_LONGEST = 20_000
_HEAD = re.compile(r'"(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1')


def _points(random: Random) -> Iterator[str]:
    groups = {f"{journal}-{mood}": [f"{name}-{journal}-{mood}" for name in (*JOBS, *DIALECTS)] for journal in _JOURNALS for mood in _MOODS}
    yield from interleaved(random, groups)


def _look(point: str, place: Path) -> Iterator[Problem]:
    name, journal, mood = point.split("-")
    job = prepared(name, place)
    if mood != "calm":
        add_fault(World.open(world(place), FakeClock(SOON, seed=5)), mood)
    with forks().selling(world(place)) as url:
        bought = Purchase(str(place / "home"), job.execution_id, str(place / "report"), url, journal, *_disorder)
        trace = f"trace={','.join((*_WRITES, *_SYNCS, 'connect', 'sendto', 'recvfrom'))}"
        strace.run(bought, "-y", "-s", str(_LONGEST), "-e", trace, to=place / "trace")
    if (told := said(place / "report")).traceback or told.error:
        yield Problem(Kind.WRONG, f"it failed without a fault: {told.error or told.traceback}")
    calls = list(strace.parse((place / "trace").read_text(errors="replace").splitlines()))
    yield from _out_of_order(calls)
    yield from recovered(place / "home", job.execution_id)


def _out_of_order(calls: Sequence[Syscall]) -> Iterator[Problem]:
    """Every committing request that began while an intention of its own was not yet on the disk."""
    unsynced: dict[str, str] = {}
    on_disk = ""
    sent = 0
    for position, call in enumerate(calls):
        file = Path(call.target).name
        is_books = file.startswith("halo.db") and not file.endswith("-shm")
        if is_books and call.name in _WRITES:
            unsynced[file] = unsynced.get(file, "") + call.arguments
        elif is_books and call.name in _SYNCS and call.worked:
            on_disk += unsynced.pop(file, "")
        elif call.name == "sendto" and _commits(calls, position):
            sent += 1
            if unsynced:
                yield Problem(Kind.LOST, f"request {sent} left while {', '.join(unsynced)} was not on the disk")
            elif _INTENTION not in on_disk:
                yield Problem(Kind.LOST, f"request {sent} left and nothing on the disk tells of it")
            on_disk = ""
    if not sent:
        yield Problem(Kind.WRONG, "no committing request was seen at all")


def _commits(calls: Sequence[Syscall], position: int) -> bool:
    """Whether a call sends the head of a request that can have an effect. The body, in which a trial order says so, comes with the next ones."""
    head = _HEAD.search(calls[position].arguments)
    if head is None:
        return False
    method, target = head.groups()
    vendor, _, path = target.partition("?")[0].strip("/").partition("/")
    routes = VENDORS[vendor].routes if vendor in VENDORS else ()
    if not any(route.commits and route.match(method, tuple(path.split("/"))) is not None for route in routes):
        return False
    return "TrialMode" not in _request(calls, position)


def _request(calls: Sequence[Syscall], position: int) -> str:
    """Everything that is sent until the answer is read."""
    text = ""
    for call in calls[position:]:
        if call.name == "recvfrom":
            break
        text += call.arguments if call.name == "sendto" else ""
    return text


# A bug that the row must catch: in the child, since that is where the books are written.

#: What is around the buyer: the name of a context manager, and what it is told.
_disorder: tuple[Any, ...] = ()


@contextlib.contextmanager
def unsynced_books() -> Iterator[None]:
    """Books that leave it to the system when they get to the disk."""
    prepare = sqlite.prepare

    def hasty(connection: Any) -> None:
        prepare(connection)
        connection.execute("PRAGMA synchronous = OFF")

    with patch.object(sqlite, "prepare", hasty):
        yield


@contextlib.contextmanager
def _plant() -> Iterator[None]:
    with patch(f"{__name__}._disorder", (f"{__name__}:unsynced_books", {})):
        yield


R_07 = Row("R-07", "the intention is on the disk before the request leaves", ci=40, points=_points, attempt=_look, missing=strace.missing)

ROWS = (R_07,)

BUGS = (Bug("books-not-synced", "SQLite is told not to wait for the disk.", _plant, "R-07", ("order-wal-calm",)),)
