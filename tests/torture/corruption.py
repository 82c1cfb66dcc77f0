"""R-13: one bit of the books flips, in the database, its log or its shared memory, at any moment of an execution.

Whoever opens them then either finds out, or it does not matter. What must not be: an effect that nobody confirmed, a second one, an answer that is
wrong while `halo audit verify` says that all is well, or a traceback.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from halo_engine.model.errors import HaloError
from halo_sim.ledger import Entry
from tests.installation import Installation
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, reopen
from tests.torture.recovery import ended, later
from tests.torture.storage import Story, carried, story

_FILES = {"db": "halo.db", "wal": "halo.db-wal", "shm": "halo.db-shm"}


def _points(random: Random) -> Iterator[str]:
    """Shared memory is rebuilt by whoever opens first: it gets one flip in nine, the log as many as the database."""
    while True:
        for job in sample(random, tuple(JOBS)):
            for file in ("db", "wal", "db", "wal", "db", "wal", "db", "wal", "shm"):
                told = story(job, "calm")
                moment = random.randrange(told.moments)
                size = _size(told, moment, file)
                if size:
                    yield f"{job}-{moment}-{file}-{random.randrange(size)}-{random.randrange(8)}"


def _size(told: Story, moment: int, file: str) -> int:
    path = told.place / f"moment-{moment}" / _FILES[file]
    return path.stat().st_size if path.exists() else 0


def _flip(point: str, place: Path) -> Iterator[Problem]:
    job, moment, file, offset, bit = point.split("-")
    told, home = story(job, "calm"), place / "home"
    shutil.copytree(told.home(), home)
    told.put_back(int(moment), home)
    told.put_world_back(int(moment), home)
    content = bytearray((home / _FILES[file]).read_bytes())
    content[int(offset)] ^= 1 << int(bit)
    (home / _FILES[file]).write_bytes(content)
    try:
        installation = reopen(home, later())
    except HaloError:
        return
    except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
        yield _traceback("opening", error)
        return
    try:
        yield from _looked_at(installation, told)
    finally:
        installation.engine.close()


def _looked_at(home: Installation, told: Story) -> Iterator[Problem]:
    """Carry on what can be carried on, and ask the vendors and the books what became of it."""
    problems: list[Problem] = []
    was_told = False
    for name, work in (("carrying on", _carry_on), ("looking at", _judge)):
        try:
            problems += work(home, told)
        except HaloError:
            was_told = True
        except Exception as error:  # noqa: BLE001
            yield _traceback(name, error)
    # The log's check names it, so it is not silent; but money is not given back by a name.
    was_told |= any(problem.kind is Kind.UNPROVED for problem in problems)
    yield from (one for one in problems if one.kind is Kind.DOUBLE or (one.kind is not Kind.UNPROVED and not was_told))
    yield from _unlike(home, told)


def _carry_on(home: Installation, told: Story) -> list[Problem]:
    """What a flip in the log takes away is as if it had never been written: the person types the same line again."""
    ended(home, carried(home, told.job).id)
    return []


def _judge(home: Installation, _told: Story) -> list[Problem]:
    return list(judge(home))


def _unlike(home: Installation, told: Story) -> Iterator[Problem]:
    """Effects that are not the one that was confirmed."""
    wanted = _facts(reopen(told.home(), later()).ledger()[0])
    for entry in home.ledger():
        if _facts(entry) != wanted:
            yield Problem(Kind.DOUBLE, f"{entry.vendor} did {entry.detail} for {entry.charged}, and that was not confirmed")


def _facts(entry: Entry) -> Any:
    return entry.vendor, entry.kind, entry.charged, {name: entry.detail[name] for name in entry.detail if not name.endswith("_at")}


def _traceback(doing: str, error: Exception) -> Problem:
    return Problem(Kind.WRONG, f"a traceback while {doing} it: {type(error).__name__}: {str(error)[:200]}")


R_13 = Row("R-13", "a bit of the books flips", ci=100, points=_points, attempt=_flip)

ROWS = (R_13,)
