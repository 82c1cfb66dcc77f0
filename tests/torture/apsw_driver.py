"""As much of the standard library's `sqlite3` as SQLAlchemy and Halo use, over apsw: apsw is what lets a file system be written in Python.

Put in the place of `halo_engine.store.sqlite.driver`, so that the real store, with its own statements and settings, stands on that file system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

paramstyle = "qmark"
threadsafety = 1
apilevel = "2.0"
sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))

Error = apsw.Error
Warning = InterfaceError = DatabaseError = DataError = InternalError = NotSupportedError = ProgrammingError = OperationalError = apsw.Error  # noqa: A001
IntegrityError = apsw.ConstraintError
PARSE_DECLTYPES, PARSE_COLNAMES = 1, 2
Binary = bytes
Row = tuple[object, ...]

#: The file system on which every new connection stands.
vfs = ""

_WRITES = ("insert", "update", "delete", "replace")


def connect(database: str, **_options: Any) -> Connection:
    """A connection on `vfs`. The options are about threads and types, which are not tried here."""
    return Connection(database)


class Cursor:
    """One statement and its rows, which are fetched at once: nothing here is large."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: Sequence[tuple[Any, ...]] | None = None
        self.rowcount, self.lastrowid, self.arraysize = -1, 0, 1

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        """Run one statement."""
        return self.executemany(statement, [parameters])

    def executemany(self, statement: str, many: Iterable[Any]) -> Cursor:
        """Run one statement for each of the parameters."""
        inner = self._connection.inner
        self._connection.begin_before(statement)
        before, self._rows, self.description = inner.total_changes(), [], None
        cursor = inner.cursor()
        # Asked while a row is at hand: apsw forgets the columns with the last one. Without rows only whether there are any matters.
        cursor.exec_trace = self._describe
        for parameters in many:
            self._rows += cursor.execute(statement, parameters or None).fetchall()
        self.rowcount = inner.total_changes() - before if statement.lstrip()[:7].lower().startswith(_WRITES) else -1
        self.lastrowid = inner.last_insert_rowid()
        return self

    def _describe(self, cursor: apsw.Cursor, _statement: str, _parameters: Any) -> bool:
        columns = cursor.get_description()
        self.description = [(column[0], None, None, None, None, None, None) for column in columns] or None
        return True

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        found, self._rows = self._rows[: size or self.arraysize], self._rows[size or self.arraysize :]
        return found

    def fetchall(self) -> list[tuple[Any, ...]]:
        found, self._rows = self._rows, []
        return found

    def close(self) -> None:
        self._rows = []


class Connection:
    """A connection whose transactions are begun by hand, or before the first write where `isolation_level` says how."""

    def __init__(self, database: str) -> None:
        self.inner = apsw.Connection(database, vfs=vfs)
        self.isolation_level: str | None = ""

    def begin_before(self, statement: str) -> None:
        """What the standard library does before a statement that writes."""
        if self.isolation_level is not None and self.inner.get_autocommit() and statement.lstrip()[:7].lower().startswith(_WRITES):
            self.inner.execute(f"BEGIN {self.isolation_level}")

    @property
    def in_transaction(self) -> bool:
        return not self.inner.get_autocommit()

    def cursor(self) -> Cursor:
        return Cursor(self)

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        return Cursor(self).execute(statement, parameters)

    def commit(self) -> None:
        if self.in_transaction:
            self.inner.execute("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.inner.execute("ROLLBACK")

    def create_function(self, name: str, nargs: int, function: Any, **_options: Any) -> None:
        self.inner.create_scalar_function(name, function, nargs)

    def close(self) -> None:
        self.inner.close()
