"""Executor slots: who is carrying executions on, known by a lock that dies with its process.

A worker holds one slot by name. Whoever can take a slot's lock knows that its holder is dead, and may take over what it left. On SQLite a slot is a
file in the data directory with a lock on it (`flock`), on PostgreSQL an advisory lock of a session of its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from halo_engine.model.errors import StoreFailed, StoreNotWritable

#: More workers than this on one set of books is a mistake in somebody's deployment.
_SLOTS = 256

#: Any number will do, as long as every Halo takes the same one: the first half of the lock's name, the slot's number being the other.
ADVISORY_CLASS = 1_212_239_951
#: The slots of a PostgreSQL database that are held.
HELD = (
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = :class AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Slot(Protocol):
    """A slot while it is held."""

    name: str

    def is_held(self) -> bool:
        """Whether the lock is still ours. A session that fell took its lock with it, though this process lives on."""
        ...


class Slots(Protocol):
    """The slots of one set of books."""

    def take(self) -> AbstractContextManager[Slot]:
        """The first free one, for as long as the context lasts. Raises `StoreFailed` when there is none."""
        ...

    def if_dead(self, name: str) -> AbstractContextManager[bool]:
        """Whether nobody holds `name`; while the context lasts nobody can take it either."""
        ...

    def is_anyone_there(self) -> bool:
        """Whether any slot is held."""
        ...


def _name(number: int) -> str:
    return f"slot-{number}"


def _full() -> StoreFailed:
    return StoreFailed(f"All {_SLOTS} slots are taken.", hint="End a worker before starting another one.")


class _FileSlot:
    def __init__(self, name: str) -> None:
        self.name = name

    def is_held(self) -> bool:
        # A file's lock goes only with the process.
        return True


class FileSlots:
    """Slots as locked files in `directory`, which is made when the first is taken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def take(self) -> Iterator[Slot]:
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreNotWritable(f"{self._directory} cannot be made: {error.strerror}.") from error
        for number in range(_SLOTS):
            with self._locked(_name(number), make=True) as is_ours:
                if is_ours:
                    yield _FileSlot(_name(number))
                    return
        raise _full()

    @contextmanager
    def if_dead(self, name: str) -> Iterator[bool]:
        with self._locked(name, make=False) as is_ours:
            yield is_ours

    def is_anyone_there(self) -> bool:
        return any(self._is_taken(name) for name in self._names())

    def taken(self) -> int:
        """How many are held."""
        return sum(self._is_taken(name) for name in self._names())

    def _is_taken(self, name: str) -> bool:
        # Shared, so that of two who look neither takes the other for a worker.
        with self._locked(name, make=False, how=fcntl.LOCK_SH) as is_free:
            return not is_free

    def _names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._directory.iterdir())
        except FileNotFoundError:
            return []

    @contextmanager
    def _locked(self, name: str, *, make: bool, how: int = fcntl.LOCK_EX) -> Iterator[bool]:
        """Whether the lock could be taken; it is let go at the end. A slot nobody ever took is nobody's."""
        try:
            # Never unlinked: a lock on a name that was made anew would be another lock.
            file = os.open(self._directory / name, os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if make else 0), 0o600)
        except FileNotFoundError:
            yield True
            return
        except OSError as error:
            raise StoreNotWritable(f"{self._directory / name} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        try:
            yield is_ours
        finally:
            os.close(file)


class _AdvisorySlot:
    def __init__(self, name: str, connection: Connection) -> None:
        self.name, self._connection = name, connection

    def is_held(self) -> bool:
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return not self._connection.invalidated


class AdvisorySlots:
    """Slots as advisory locks of PostgreSQL. Its sessions are outside `engine`'s pool, so that no lock is left in a connection that is used again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def take(self) -> Iterator[Slot]:
        with self._session() as connection:
            for number in range(_SLOTS):
                if _try_lock(connection, number):
                    yield _AdvisorySlot(_name(number), connection)
                    return
            raise _full()

    @contextmanager
    def if_dead(self, name: str) -> Iterator[bool]:
        number = int(name.removeprefix("slot-"))
        if number in self._held():
            # Most of the time, and without a session of its own.
            yield False
            return
        with self._session() as connection:
            yield _try_lock(connection, number)

    def is_anyone_there(self) -> bool:
        return bool(self._held())

    def _held(self) -> set[int]:
        with self._engine.connect() as connection:
            return {int(number) for number in connection.execute(text(HELD), {"class": ADVISORY_CLASS}).scalars()}

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """A session of its own, which ends, and its locks with it, when the context does."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError):
                # The server lets go at some moment after the session's end: whoever asks next should not find a lock that nobody holds.
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.invalidate()
            connection.close()


def _try_lock(connection: Connection, number: int) -> bool:
    lock = text("SELECT pg_try_advisory_lock(:class, :number)")
    return bool(connection.execute(lock, {"class": ADVISORY_CLASS, "number": number}).scalar())
