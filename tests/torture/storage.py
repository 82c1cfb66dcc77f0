"""R-08, R-12 and R-14: books that somebody else has locked, books that were put back to how they were, and the journal that an old SQLite gets."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from halo_engine.clock import FakeClock
from halo_engine.model.errors import DraftExpired, HaloError, StoreBusy
from halo_engine.model.execution import Execution
from halo_engine.store import sqlite
from halo_engine.store.session import Store
from halo_sim.faults import add_fault
from tests.installation import Installation
from tests.torture.forking import SOON, forks
from tests.torture.harness import Bug, Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, drafted, reopen
from tests.torture.recovery import ended, interleaved, later, recovered, unintended

#

#: In the place of ten seconds, so that a point takes a moment.
_BUSY_MS = 60
#: Let go before the waiting is over; or not before it is.
_HOLDS_S = {"short": 0.02, "long": 6.0}
#: Far more than the waiting; far less than the lock is held, or than a person would wait.
_AT_MOST_S = 4.0


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    with patch.object(sqlite, "BUSY_TIMEOUT_MS", _BUSY_MS):
        yield


def carried(home: Installation, job: str) -> Execution:
    """The job's draft confirmed and carried out, by somebody who types the same again when told to."""
    card = drafted(job).card
    assert card.draft_id is not None
    assert card.draft_hash is not None
    execution = home.engine.confirm(card.draft_id, draft_hash=card.draft_hash, member=None)
    return home.engine.execute(execution.id, wait_s=600)


class _Moments:
    """Counts the transactions of a home as they are about to begin, and lets something happen before the chosen ones."""

    def __init__(self, home: Installation, happens: Callable[[int], None]) -> None:
        self.count, self._happens = 0, happens
        store = home.engine._store
        for engine in {store._engine, store.queue_engine}:
            event.listen(engine, "begin", self._begins, insert=True)

    def _begins(self, _connection: Any) -> None:
        self.count += 1
        self._happens(self.count)


@functools.cache
def _transactions(job: str) -> int:
    """How many transactions there are from the yes to the end."""
    with tempfile.TemporaryDirectory(prefix="halo-counted-") as place:
        home = drafted(job).copy(Path(place), FakeClock(SOON, seed=2))
        moments = _Moments(home, lambda _: None)
        carried(home, job)
        home.engine.close()
    return moments.count


def _locks(random: Random) -> Iterator[str]:
    yield from interleaved(
        random,
        {
            f"{job}-{journal}-{hold}": [f"{job}-{journal}-{hold}-{at + 1}" for at in range(_transactions(job))]
            for job in JOBS
            for journal in ("wal", "truncate")
            for hold in _HOLDS_S
        },
    )


def _lock(point: str, place: Path) -> Iterator[Problem]:
    job, journal, hold, at = point.split("-")
    with _journal(journal), _impatient(), contextlib.ExitStack() as held:
        home = drafted(job).copy(place, FakeClock(SOON, seed=2))

        def lock(nth: int) -> None:
            if nth == int(at):
                held.enter_context(forks().holding(home.settings.database_file, hold_s=_HOLDS_S[hold]))

        _Moments(home, lock)
        began = time.monotonic()
        told = _outcome(functools.partial(carried, home, job))
        took_s = time.monotonic() - began
        if isinstance(told, BaseException) and not (isinstance(told, StoreBusy) and hold == "long"):
            yield Problem(Kind.WRONG, f"a lock held {hold} was told as {type(told).__name__}: {told}")
        if took_s > _AT_MOST_S:
            yield Problem(Kind.STUCK, f"it took {took_s:.1f} s to say so")
        home.engine.close()
    yield from _again(place, job)


def _again(place: Path, job: str) -> Iterator[Problem]:
    """The lock is gone, and the person types the same line again."""
    home = reopen(place / "home", later())
    try:
        execution = carried(home, job)
        yield from unintended(home, execution.id)
        ended(home, execution.id)
        yield from judge(home)
    except HaloError as error:
        yield Problem(Kind.STUCK, f"it cannot be carried on: {error.message}")
    finally:
        home.engine.close()


def _outcome(work: Callable[[], Any]) -> Any:
    """What it returns, or what it raises."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever comes out is looked at
        return error


@contextlib.contextmanager
def _journal(mode: str) -> Iterator[None]:
    """Halo as on a machine whose SQLite is too old for WAL."""
    with patch.object(sqlite, "WAL_IS_SAFE_FROM", (99, 0, 0)) if mode == "truncate" else contextlib.nullcontext():
        yield


#

_MOODS = ("calm", "drop_before", "unavailable", "lose_answer")
#: How long after the restore somebody goes on: while the terms stand, or when they have long expired.
_WHEN = {"soon": timedelta(minutes=6), "late": timedelta(days=1)}
_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Story:
    """A job from its draft to its end, with the books as they were after every transaction."""

    job: str
    place: Path
    execution_id: str
    #: How often the books were copied; copy 0 is before the yes.
    moments: int

    def home(self) -> Path:
        """As it is in the end."""
        return self.place / "home"

    def put_back(self, moment: int, home: Path) -> None:
        """Let the books in `home` be what they were."""
        for file in home.glob("halo.db*"):
            file.unlink()
        for file in (self.place / f"moment-{moment}").glob("halo.db*"):
            shutil.copy(file, home / file.name)

    def put_world_back(self, moment: int, home: Path) -> None:
        """Let what the vendors did be what it was, too."""
        shutil.copy(self.place / f"moment-{moment}" / "world.db", home / "simulator" / "world.db")


@functools.cache
def story(job: str, mood: str) -> Story:
    """The story of `job` while the vendor is in that mood. Told once a process."""
    place = Path(tempfile.mkdtemp(prefix=f"halo-story-{job}-"))
    # Some megabytes each.
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    home = drafted(job).copy(place, FakeClock(SOON, seed=2))
    copies = _Copies(place, home)
    if mood != "calm":
        add_fault(home.world, mood, times=1)
    execution = carried(home, job)
    ended(home, execution.id)
    home.engine.close()
    return Story(job, place, execution.id, copies.count)


class _Copies:
    """Copies the books of a home now and after every transaction, and the vendors' books beside them."""

    def __init__(self, place: Path, home: Installation) -> None:
        self._place, self._settings, self.count = place, home.settings, 0
        store = home.engine._store
        for work in ("transaction", "statements"):
            self._follow(store, work)
        self.take()

    def _follow(self, store: Store, work: str) -> None:
        """Copy after every `work` of the store, one of its ways to write."""
        begin = getattr(store, work, None)
        if begin is None:
            return

        @contextlib.contextmanager
        def copied(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with begin(*args, **kwargs) as books:
                yield books
            self.take()

        setattr(store, work, copied)

    def take(self) -> None:
        """Nobody writes at this moment: the test is the only one there."""
        to = self._place / f"moment-{self.count}"
        to.mkdir()
        shutil.copy(self._settings.simulator_file, to / "world.db")
        database = self._settings.database_file
        for suffix in _FILES:
            if (file := database.with_name(database.name + suffix)).exists():
                shutil.copy(file, to / file.name)
        self.count += 1


def _restores(random: Random) -> Iterator[str]:
    yield from sample(
        random,
        [
            f"{job}-{mood}-{when}-{moment}"
            for job in JOBS
            for mood in _MOODS
            for when in _WHEN
            for moment in range(story(job, mood).moments)
        ],
    )


def _restore(point: str, place: Path) -> Iterator[Problem]:
    job, mood, when, moment = point.split("-")
    told = story(job, mood)
    shutil.copytree(told.home(), place / "home")
    told.put_back(int(moment), place / "home")
    home = reopen(place / "home", FakeClock(SOON + _WHEN[when], seed=6))
    try:
        execution = carried(home, job)
        ended(home, execution.id)
        yield from judge(home)
    except DraftExpired:
        # Before the yes, and too late for one: nothing more is bought, and what was bought only the vendor remembers, until there is a witness.
        if len(home.ledger()) > 1:
            yield Problem(Kind.DOUBLE, "a draft that had expired was bought again")
    except HaloError as error:
        yield Problem(Kind.STUCK, f"it cannot be carried on: {error.message}")
    finally:
        home.engine.close()


#

_DRIVERS = ("sqlite3", "pysqlite3")


def _driver(name: str) -> Any:
    if name == "sqlite3":
        return sqlite3
    try:
        import pysqlite3.dbapi2
    except ImportError:
        return None
    return pysqlite3.dbapi2


def _gates(random: Random) -> Iterator[str]:
    """Each driver on new books, on those another driver made, and on those that another one left in the middle of an execution."""
    there = [name for name in _DRIVERS if _driver(name) is not None]
    yield from sample(random, [f"{how}-{first}-{then}" for how in ("ended", "killed") for first in there for then in there])


def _gate(point: str, place: Path) -> Iterator[Problem]:
    how, first, then = point.split("-")
    job = "order"
    shutil.copytree(drafted(job).home, place / "home")
    with patch.object(sqlite, "driver", _driver(first)):
        home = reopen(place / "home", FakeClock(SOON, seed=2))
        execution = _confirmed_only(home, job) if how == "killed" else carried(home, job)
        yield from _wrong_journal(home.settings.database_file, _driver(first))
        if how == "killed":
            _leave_behind(home.settings.home, place / "left")
        home.engine.close()
    if how == "killed":
        shutil.rmtree(place / "home")
        (place / "left").rename(place / "home")
    with patch.object(sqlite, "driver", _driver(then)):
        opened = reopen(place / "home", later())
        yield from _wrong_journal(opened.settings.database_file, _driver(then))
        opened.engine.close()
        yield from recovered(place / "home", execution.id)


def _confirmed_only(home: Installation, job: str) -> Execution:
    return home.confirm(drafted(job).card)


def _leave_behind(home: Path, left: Path) -> None:
    """What a process that was killed leaves: its files as they are now, the log of the database among them."""
    shutil.copytree(home, left)


def _wrong_journal(file: Path, driver: Any) -> Iterator[Problem]:
    """The header of the file itself says 2 for WAL and 1 for a rollback journal, as do the files beside it."""
    is_safe = tuple(driver.sqlite_version_info) >= (3, 51, 3)
    header = file.read_bytes()[18:20]
    if header != (b"\2\2" if is_safe else b"\1\1"):
        yield Problem(Kind.WRONG, f"SQLite {driver.sqlite_version} has a header of {header!r}")
    log = file.with_name(f"{file.name}-wal")
    if not is_safe and log.exists():
        yield Problem(Kind.WRONG, f"SQLite {driver.sqlite_version} has {log.name}")


# Bugs that the rows must catch.


@contextlib.contextmanager
def _wal_everywhere() -> Iterator[None]:
    with patch.object(sqlite, "WAL_IS_SAFE_FROM", (3, 0, 0)):
        yield


R_08 = Row("R-08", "somebody else has locked the books", ci=60, points=_locks, attempt=_lock)
R_12 = Row("R-12", "yesterday's books are put back, and the vendors remember", ci=50, points=_restores, attempt=_restore)
R_14 = Row("R-14", "the journal that each SQLite gets", ci=None, points=_gates, attempt=_gate)

ROWS = (R_08, R_12, R_14)

BUGS = (Bug("old-sqlite-with-wal", "A SQLite with the WAL-reset bug is given WAL.", _wal_everywhere, "R-14", ("ended-sqlite3-sqlite3",)),)
