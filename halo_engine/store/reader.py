"""The light read side: plain SQL, read only, without the ORM, whose import alone takes longer than a read command may.

SQL here is written once for both databases, with `:name` parameters.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from halo_engine.model.errors import NotInitialised, StoreFailed
from halo_engine.store import sqlite

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_BATCH = 2000
#: As many as are likely to look at the same time.
_MOST_IDLE = 8


def _any_text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


class Reader:
    """A read-only connection. Every value in a statement is a parameter."""

    def __init__(self, connection: Any, where: str, *, is_postgres: bool) -> None:
        self._connection, self._where, self.is_postgres = connection, where, is_postgres
        #: Whether texts that are none are read all the same, as something that no other text equals.
        self.is_lenient = False

    @classmethod
    def open(cls, *, database_file: Path, database_url: str | None) -> Self:
        """Raises `NotInitialised` when there are no books yet, `StoreFailed` and its kinds when they cannot be read."""
        return cls._open_postgres(database_url) if database_url else cls._open_sqlite(database_file)

    @classmethod
    def _open_sqlite(cls, path: Path) -> Self:
        if not path.exists():
            raise NotInitialised
        try:
            return cls(sqlite.connect_read_only(path), str(path), is_postgres=False)
        except sqlite.driver.Error as error:
            raise sqlite.translate(error, str(path)) from error

    @classmethod
    def _open_postgres(cls, url: str) -> Self:
        import psycopg
        from psycopg.rows import dict_row

        try:
            connection = psycopg.connect(url, row_factory=dict_row, autocommit=True)
            # Said to the server: psycopg's own `read_only` has no effect on a connection that commits by itself.
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.execute("SET TIME ZONE 'UTC'")
        except psycopg.Error as error:
            raise sqlite.translate(error, "The PostgreSQL database") from error
        return cls(connection, "The PostgreSQL database", is_postgres=True)

    def be_lenient(self) -> None:
        """Read what is no UTF-8, too: for whoever looks for damage, and has to say where. Slower; PostgreSQL keeps no such thing."""
        if not self.is_postgres:
            self._connection.text_factory = _any_text
            self.is_lenient = True

    def rows(self, statement: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """Every row of a SELECT."""
        text = _PARAMETER.sub(r"%(\1)s", statement) if self.is_postgres else statement
        try:
            return list(self._connection.execute(text, parameters))
        except Exception as error:
            if not isinstance(error, self._errors()):
                raise
            raise self._explained(error) from error

    def row(self, statement: str, **parameters: Any) -> Mapping[str, Any] | None:
        """The first row, or None."""
        return next(iter(self.rows(statement, **parameters)), None)

    def stream(self, statement: str, **parameters: Any) -> Iterator[Sequence[Any]]:
        """The rows of a SELECT by position, a few thousand in memory at a time. On PostgreSQL, inside `snapshot` only."""
        try:
            yield from self._streamed(statement, parameters)
        except Exception as error:
            if not isinstance(error, self._errors()):
                raise
            raise self._explained(error) from error

    def _streamed(self, statement: str, parameters: dict[str, Any]) -> Iterator[Sequence[Any]]:
        if self.is_postgres:
            from psycopg.rows import tuple_row

            # A cursor with a name stays at the server; one without would send everything at once.
            with self._connection.cursor(name="halo_stream", row_factory=tuple_row) as cursor:
                cursor.itersize = _BATCH
                yield from cursor.execute(_PARAMETER.sub(r"%(\1)s", statement), parameters)
            return
        cursor = self._connection.cursor()
        cursor.row_factory = None
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(_BATCH):
            yield from rows

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One moment of the books: what is read inside fits together, whatever is written meanwhile."""
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if self.is_postgres else "BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def _errors(self) -> tuple[type[Exception], ...]:
        if not self.is_postgres:
            return (sqlite.driver.Error,)
        import psycopg

        return (psycopg.Error,)

    def _explained(self, error: Exception) -> StoreFailed | NotInitialised:
        # A file that another process has made but not filled yet, or a database without Halo in it.
        if "no such table" in str(error).lower() or "does not exist" in str(error).lower():
            return NotInitialised()
        return sqlite.translate(error, self._where)


class Readers:
    """Reading connections to one SQLite file, kept between looks: each new one would read the whole schema first.

    For a process that looks many times a second. On PostgreSQL every look has its own.
    """

    def __init__(self, *, database_file: Path, database_url: str | None) -> None:
        self._file, self._url = database_file, database_url
        self._idle: list[_KeptReader] = []
        self._door = threading.Lock()

    def open(self) -> Reader:
        """As `Reader.open`. Whoever closes it gives it back."""
        if self._url:
            return Reader.open(database_file=self._file, database_url=self._url)
        with self._door:
            kept = self._idle.pop() if self._idle else None
        if kept and kept.is_of(self._file):
            return kept
        if kept:
            kept.drop()
        try:
            return _KeptReader.of(self._file, self._keep)
        except sqlite.driver.Error as error:
            raise sqlite.translate(error, str(self._file)) from error

    def close(self) -> None:
        """Let go of those that nobody uses now."""
        with self._door:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.drop()

    def _keep(self, reader: _KeptReader) -> None:
        with self._door:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(reader)
                return
        reader.drop()


class _KeptReader(Reader):
    """One that is given back when it is closed, unless something went wrong with it or may still be going on in it."""

    def __init__(self, connection: Any, where: str, place: tuple[int, int], keep: Callable[[_KeptReader], None]) -> None:
        super().__init__(connection, where, is_postgres=False)
        self._place, self._keep, self._is_fit = place, keep, True

    @classmethod
    def of(cls, path: Path, keep: Callable[[_KeptReader], None]) -> _KeptReader:
        if not path.exists():
            raise NotInitialised
        place = _place(path)
        return cls(sqlite.connect_read_only(path), str(path), place, keep)

    def is_of(self, path: Path) -> bool:
        """Whether that is still the file that this one has open."""
        return path.exists() and _place(path) == self._place

    def rows(self, statement: str, **parameters: Any) -> list[Mapping[str, Any]]:
        self._is_fit, was_fit = False, self._is_fit
        found = super().rows(statement, **parameters)
        self._is_fit = was_fit
        return found

    def stream(self, statement: str, **parameters: Any) -> Iterator[Sequence[Any]]:
        self._is_fit = False
        return super().stream(statement, **parameters)

    def be_lenient(self) -> None:
        self._is_fit = False
        super().be_lenient()

    def close(self) -> None:
        if self._is_fit and not self._connection.in_transaction:
            self._keep(self)
        else:
            self.drop()

    def drop(self) -> None:
        self._connection.close()


def _place(path: Path) -> tuple[int, int]:
    file = path.stat()
    return file.st_dev, file.st_ino
