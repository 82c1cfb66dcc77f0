"""R-06: the power fails. What was written and not yet synced is on the disk or is not, each piece by itself.

A killed process loses nothing, because the system still has what it wrote; this takes a file system of our own. The buyer is a child whose store,
the real one with its own statements and settings, stands on that file system. It passes everything on to the real files and remembers which bytes are
surely on the disk. At a chosen change of a file the power fails: a disk is put together from what is sure and a part of the rest, drawn by the seed,
and the process is gone. What the vendors did stays done.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.store import sqlite
from tests.torture.forking import Purchase, forks, said
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import JOBS
from tests.torture.recovery import recovered
from tests.torture.syscalls import prepared

_JOURNALS = ("wal", "truncate")
#: A disk writes this much or nothing.
_SECTOR = 512
#: How often the same moment is tried, with other chance.
_SEEDS = 1_000_000
#: How a child ends in which the power has failed.
_DARK = 75


def missing() -> str | None:
    """Why no file system can be put under SQLite here."""
    return None if importlib.util.find_spec("apsw") else "no apsw: pip install apsw"


@dataclass
class File:
    """What of a file is surely on the disk, and what was done to it since, in order: the bytes of a write, or None where it was cut off there."""

    durable: bytearray | None
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """All of it is on the disk now."""
        self.durable = self.durable or bytearray()
        for offset, data in self.since:
            _apply(self.durable, offset, data)
        self.since = []

    def survivor(self, random: Random) -> bytes | None:
        """What is found on the disk afterwards; None where the file itself is not."""
        if self.durable is None and random.random() < 0.5:
            return None
        found = bytearray(self.durable or b"")
        for offset, data in self.since:
            if random.random() < 0.5:
                _apply(found, offset, data if data is None else _torn(data, random))
        return bytes(found)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _torn(data: bytes, random: Random) -> bytes:
    """Of one write in ten only the first sectors."""
    return data[: _SECTOR * random.randrange(1 + len(data) // _SECTOR)] if random.random() < 0.1 else data


class Disk:
    """The files of the books, and the moment at which the power fails."""

    def __init__(self, after: Path, *, fails_at: int, seed: int) -> None:
        self._after, self._fails_at, self._random = after, fails_at, Random(seed)
        self._files: dict[str, File] = {}
        self.changes = 0

    def opened(self, path: str) -> None:
        """What is there when it is first opened is on the disk."""
        if path not in self._files:
            self._files[path] = File(bytearray(Path(path).read_bytes()) if Path(path).exists() else None)

    def changes_now(self) -> None:
        """Something is about to be changed or synced; or the power fails instead."""
        self.changes += 1
        if self.changes == self._fails_at:
            self._fail()

    def wrote(self, path: str, offset: int, data: bytes | None) -> None:
        """It is in the system's memory."""
        self._files[path].since.append((offset, data))

    def synced(self, path: str) -> None:
        """It is on the disk."""
        self._files[path].sync()

    def deleted(self, path: str) -> None:
        """As sure as the directory, which SQLite syncs where it matters: taken as done."""
        self._files.pop(path, None)

    def _fail(self) -> None:
        for path, file in sorted(self._files.items()):
            if (found := file.survivor(self._random)) is not None:
                (self._after / Path(path).name).write_bytes(found)
        os._exit(_DARK)


@contextlib.contextmanager
def on_failing_power(after: str, fails_at: int, seed: int, synchronous: str | None) -> Iterator[None]:
    """Puts Halo's store on a disk of which only the surviving part is in `after`, once its power has failed."""
    from tests.torture import apsw_driver, power_vfs

    disk = Disk(Path(after), fails_at=fails_at, seed=seed)
    power_vfs.register(disk)
    with patch.object(apsw_driver, "vfs", power_vfs.NAME), patch.object(sqlite, "driver", apsw_driver), _synchronous(synchronous):
        yield
    (Path(after) / "changes").write_text(str(disk.changes))


@contextlib.contextmanager
def _synchronous(mode: str | None) -> Iterator[None]:
    prepare = sqlite.prepare

    def prepared_otherwise(connection: Any) -> None:
        prepare(connection)
        connection.execute(f"PRAGMA synchronous = {mode}")

    with patch.object(sqlite, "prepare", prepared_otherwise) if mode else contextlib.nullcontext():
        yield


def _buy(name: str, journal: str, place: Path, *, fails_at: int, seed: int = 0) -> tuple[str, int]:
    """Buys in `place` on a disk whose power fails at that change. Returns the execution, and how the child ended."""
    job = prepared(name, place)
    (place / "after").mkdir()
    how = {"after": str(place / "after"), "fails_at": fails_at, "seed": seed, "synchronous": _planted}
    around = f"{__name__}:on_failing_power"
    return job.execution_id, forks().wait(
        forks().buy(Purchase(str(place / "home"), job.execution_id, str(place / "report"), None, journal, around, how))
    )


@functools.cache
def _changes(name: str, journal: str) -> int:
    """How many changes an undisturbed execution makes to its files."""
    with tempfile.TemporaryDirectory(prefix="halo-counted-") as directory:
        _buy(name, journal, Path(directory), fails_at=0)
        return int((Path(directory) / "after" / "changes").read_text())


def _points(random: Random) -> Iterator[str]:
    while True:
        for name in sample(random, tuple(JOBS)):
            for journal in sample(random, _JOURNALS):
                yield f"{name}-{journal}-{1 + random.randrange(_changes(name, journal))}-{random.randrange(_SEEDS)}"


def _cut(point: str, place: Path) -> Iterator[Problem]:
    name, journal, at, seed = point.split("-")
    execution_id, code = _buy(name, journal, place, fails_at=int(at), seed=int(seed))
    if code == _DARK:
        for file in (place / "home").glob("halo.db*"):
            file.unlink()
        for file in (place / "after").iterdir():
            file.rename(place / "home" / file.name)
    elif (told := said(place / "report")).traceback or told.error:
        yield Problem(Kind.WRONG, f"it failed before its power did: {told.error or told.traceback}")
    yield from recovered(place / "home", execution_id)


#: The bug that the row must catch: how much the books wait for the disk, where it is not what Halo says.
_planted: str | None = None


@contextlib.contextmanager
def _plant() -> Iterator[None]:
    with patch(f"{__name__}._planted", "NORMAL"):
        yield


R_06 = Row("R-06", "the power fails", ci=80, points=_points, attempt=_cut, missing=missing)

ROWS = (R_06,)

BUGS = (Bug("books-synced-later", "SQLite waits for the disk only at checkpoints.", _plant, "R-06", 60),)
