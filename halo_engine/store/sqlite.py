"""Which SQLite is used, and how every connection to it is set up. Used by the write side and by the light read side alike.

SQLite before 3.51.3 can corrupt a WAL database that several connections write and checkpoint at once (the "WAL-reset bug"). Halo brings a newer
SQLite where a maintained wheel has one, and elsewhere uses a rollback journal, which that bug cannot reach. See docs/decisions/0002-sqlite.md.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from halo_engine.model.errors import StoreBusy, StoreDamaged, StoreFailed, StoreNotWritable

WAL_IS_SAFE_FROM = (3, 51, 3)

#: How long a writer waits for another one. A confirm takes a few milliseconds; ten seconds of waiting mean something is stuck.
BUSY_TIMEOUT_MS = 10_000

#: Each one follows a wait for whoever was in the way, so more than a few mean a crowd.
_JOURNAL_TRIES = 20


def _choose_driver() -> ModuleType:
    if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM:
        return sqlite3
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


#: A DB-API module with the interface of the standard library's `sqlite3`.
driver = _choose_driver()


def journal_mode() -> str:
    """`wal` where it is safe with several connections, else `truncate`."""
    return "wal" if tuple(driver.sqlite_version_info) >= WAL_IS_SAFE_FROM else "truncate"


def prepare(connection: Any) -> None:
    """Set up a new connection of `driver`. Transactions are begun by hand: the driver must not begin or commit by itself."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    # FULL: with NORMAL a power cut loses the last commits, and a lost intention is a double purchase.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is erased is overwritten, not only marked as free.
    connection.execute("PRAGMA secure_delete = ON")
    # Or INSERT OR REPLACE would delete a row past the trigger that refuses it.
    connection.execute("PRAGMA recursive_triggers = ON")


def choose_journal(connection: Any) -> None:
    """Switch to `journal_mode()`. In this one statement SQLite does not wait for others who open a new file too: wait for their lock instead."""
    for _ in range(_JOURNAL_TRIES):
        with suppress(driver.OperationalError):
            connection.execute(f"PRAGMA journal_mode = {journal_mode()}")
            return
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    connection.execute(f"PRAGMA journal_mode = {journal_mode()}")


class Writers:
    """The writers of one file in this process, one after the other in the order they came. A context manager.

    SQLite has one writer at a time anyway, and lets the others look again after longer and longer pauses, so that a few unlucky ones wait for a
    second. Here the next one goes on as soon as the last has ended.
    """

    def __init__(self) -> None:
        self._waiting: deque[threading.Lock] = deque()
        self._door = threading.Lock()
        self._is_busy = False

    def __enter__(self) -> None:
        """Raises `StoreBusy` after as long as SQLite itself would have waited."""
        with self._door:
            if not self._is_busy:
                self._is_busy = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            has_come = turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
        except BaseException:
            # Interrupted: whoever comes next must not wait for somebody who has gone.
            if not self._gives_up(turn):
                self._pass_on()
            raise
        if not has_come and self._gives_up(turn):
            raise StoreBusy

    def __exit__(self, *_: object) -> None:
        self._pass_on()

    def _gives_up(self, turn: threading.Lock) -> bool:
        """Leave the queue; False where the turn came in the last moment."""
        with self._door:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True

    def _pass_on(self) -> None:
        with self._door:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_busy = False


_writers: WeakValueDictionary[Path, Writers] = WeakValueDictionary()
_writers_door = threading.Lock()


def _begin_anew() -> None:
    """In a process that was just forked: whoever was writing, or waiting, is a thread of the other one."""
    global _writers_door
    _writers_door = threading.Lock()
    for writers in list(_writers.values()):
        Writers.__init__(writers)


os.register_at_fork(after_in_child=_begin_anew)


def writers_of(path: Path) -> Writers:
    """The one queue of this file's writers, whoever in this process has opened it."""
    with _writers_door:
        return _writers.setdefault(path.resolve(), Writers())


def connect_read_only(path: Path) -> Any:
    """A connection that cannot write, for queries. Threads may hand it on, and use it one after the other."""
    connection = driver.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.row_factory = driver.Row
    return connection


def translate(error: BaseException, where: str) -> StoreFailed:
    """The store error that a driver's error means, naming the database by `where`."""
    text = str(error).lower()
    if any(sign in text for sign in ("locked", "busy", "lock timeout", "deadlock")):
        return StoreBusy()
    if "could not decode" in text or "malformed" in text or "not a database" in text or "no such table" in text or "no such column" in text:
        return StoreDamaged(f"{where} is damaged or is not a Halo database.")
    if any(sign in text for sign in ("readonly", "read-only", "unable to open", "disk is full", "disk i/o")):
        return StoreNotWritable(f"{where} cannot be opened, or not for writing.")
    return StoreFailed(f"{where} could not be used: {type(error).__name__}.")
