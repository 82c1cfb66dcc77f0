"""The event log as a stream of Arrow batches, read only, for DuckDB: by ADBC, from SQLite or from PostgreSQL.

DuckDB cannot read either by itself without downloading something, and rows as Python objects would cost ten times as much. No pyarrow: the
driver's stream is handed over as it is. No column is ever NULL in it: SQLite has no column types, so the driver takes them from the first rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from halo_engine.model.errors import NotInitialised, StoreDamaged
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.settings import Settings
from halo_engine.store import sqlite

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

_OWN = """seq, id AS event_id, coalesce(user_id, '') AS user_id, entity_type, entity_id, event_type, {payload} AS payload,
       {at} AS created_at, {trip}"""
_TRIP = "correlation_id, causation_id, schema_version"
#: Books that no newer Halo has opened for writing yet.
_NO_TRIP = "'' AS correlation_id, '' AS causation_id, 1 AS schema_version"


class LogStream:
    """One household's log, to be streamed again and again. What another process writes meanwhile is in the next stream, and never in half of one."""

    def __init__(self, connection: Connection, household_id: str, *, is_postgres: bool) -> None:
        # ADBC cannot bind a value without pyarrow: what is not an id of ours does not get into a statement.
        if prefix_of(household_id) is not Prefix.HOUSEHOLD:
            raise StoreDamaged("The household's id is not one.")
        self._connection, self._of, self._is_postgres = connection, f"household_id = '{household_id}'", is_postgres
        self._trip = _TRIP if self._has_trips() else _NO_TRIP

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, household_id: str) -> Iterator[LogStream]:
        """Raises `StoreFailed` and its kinds."""
        from adbc_driver_manager.dbapi import Error

        try:
            connection = _connect(settings)
            try:
                yield cls(connection, household_id, is_postgres=bool(settings.database_address))
            finally:
                connection.close()
        except Error as error:
            where = "The PostgreSQL database" if settings.database_address else str(settings.database_file)
            raise sqlite.translate(error, where) from error

    @contextmanager
    def events(self, *, after: int, until: int | None = None) -> Iterator[Any]:
        """The events after number `after`, up to and with `until`, for whoever can read the Arrow C stream interface. To be read once."""
        up_to = "" if until is None else f" AND seq <= {int(until)}"
        # Text of one width on SQLite; a number of microseconds on PostgreSQL, which Arrow knows as a time.
        at = "(created_at AT TIME ZONE 'UTC')" if self._is_postgres else "created_at"
        columns = _OWN.format(payload="event_payload_json", at=at, trip=self._trip)
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM event_log WHERE {self._of} AND seq > {int(after)}{up_to} ORDER BY seq")
            yield cursor.fetch_arrow()

    def _has_trips(self) -> bool:
        look = (
            "SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'event_log' AND column_name = 'correlation_id'"
            if self._is_postgres
            else "SELECT count(*) AS n FROM pragma_table_info('event_log') WHERE name = 'correlation_id'"
        )
        return self._number(look) > 0

    def _number(self, statement: str) -> int:
        import duckdb

        with self._connection.cursor() as cursor, duckdb.connect() as scratch:
            cursor.execute(statement)
            scratch.register("answer", cursor.fetch_arrow())
            ((number,),) = scratch.execute("SELECT * FROM answer").fetchall()
            return int(number)


def _connect(settings: Settings) -> Connection:
    if settings.database_address:
        from adbc_driver_postgresql import dbapi as postgresql

        shared: Connection = postgresql.connect(settings.database_address, autocommit=True)
        _execute(shared, "SET default_transaction_read_only = on")
        return shared
    from adbc_driver_sqlite import dbapi as sqlite_adbc

    if not settings.database_file.exists():
        raise NotInitialised
    connection: Connection = sqlite_adbc.connect(f"{settings.database_file.as_uri()}?mode=ro", autocommit=True)
    _execute(connection, f"PRAGMA busy_timeout = {sqlite.BUSY_TIMEOUT_MS}")
    return connection


def _execute(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
