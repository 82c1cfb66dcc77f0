"""L-03: what is written once is written again, by the engine's own connection, in every way that SQL has, on every column of every such table.

The triggers are there against mistakes and against a statement that was smuggled in. Whoever owns the tables or the file can take the triggers away:
that is what the hashes are for.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from halo_engine.store import schema, sqlite, tables
from tests.installation import Installation
from tests.torture import postgres
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import JOBS, drafted, kept_place, reopen

WRITTEN_ONCE: tuple[type[SQLModel], ...] = (tables.EventLog, tables.DraftRevision, tables.Confirmation, tables.ReceiptArtifact)
_WHOLE = {"sqlite": ("delete", "replace"), "postgres": ("delete", "truncate", "cascade")}
_EACH = ("update", "upsert")


def columns(table: str) -> tuple[str, ...]:
    """Of a table, by name."""
    return tuple(column.name for column in SQLModel.metadata.tables[table].columns)


def _writes(random: Random) -> list[str]:
    books = ["sqlite"] if postgres.missing() else ["sqlite", "postgres"]
    names = [str(table.__tablename__) for table in WRITTEN_ONCE]
    each = [f"{kind}-{table}-{how}-{column}" for kind in books for table in names for how in _EACH for column in columns(table)]
    whole = [f"{kind}-{table}-{how}-all" for kind in books for table in names for how in _WHOLE[kind]]
    return sample(random, [*each, *whole])


def _write(point: str, place: Path) -> Iterator[Problem]:
    kind, table, how, column = point.split("-")
    home = _copied(place) if kind == "sqlite" else _on_postgres()
    before = _rows(home, table)
    if not before:
        yield Problem(Kind.WRONG, f"there is nothing in {table} to be changed")
    said = _try(home, _statement(home, table, how, column))
    # PostgreSQL asks for what refers to a table before it asks its triggers.
    if f"{table} is written once" not in said and not (how == "truncate" and "cannot truncate" in said):
        yield Problem(Kind.WRONG, f"{how} of {table}.{column} on {kind} was answered with {said!r}")
    if _rows(home, table) != before:
        yield Problem(Kind.UNPROVED, f"{how} of {table}.{column} on {kind} changed what is written once")
    if kind == "sqlite":
        home.engine.close()


def _statement(home: Installation, table: str, how: str, column: str) -> str:
    names = ", ".join(columns(table))
    match how:
        case "update":
            return f"UPDATE {table} SET {column} = {_another(home, table, column)}"
        case "delete":
            return f"DELETE FROM {table}"
        case "replace":
            return f"INSERT OR REPLACE INTO {table} ({names}) SELECT {names} FROM {table}"
        case "upsert":
            keys = ", ".join(key.name for key in SQLModel.metadata.tables[table].primary_key)
            return (
                f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE true "
                f"ON CONFLICT ({keys}) DO UPDATE SET {column} = excluded.{column}"
            )
        case "truncate":
            return f"TRUNCATE {table}"
        case _:
            return f"TRUNCATE {table} CASCADE"


def _another(home: Installation, table: str, column: str) -> str:
    """An expression for another value of the same kind."""
    of = SQLModel.metadata.tables[table].columns[column].type
    kind = of.python_type if not hasattr(of, "load_dialect_impl") else str
    if kind is int:
        return f"{column} + 1"
    is_time = "DATETIME" in type(of).__name__.upper()
    return "CURRENT_TIMESTAMP" if is_time else f"{column} || 'x'"


def _try(home: Installation, statement: str) -> str:
    """What the database says, on a connection that the engine gives; nothing of it is kept."""
    try:
        with home.engine._store.transaction() as books:
            books.connection.execute(text(statement))
            _keep_nothing()
    except _NothingIsKeptError:
        pass
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the database said
        cause: Any = error
        while cause.__cause__ is not None and not isinstance(cause, DBAPIError):
            cause = cause.__cause__
        return str(cause)
    return "done"


def _keep_nothing() -> None:
    raise _NothingIsKeptError


class _NothingIsKeptError(Exception):
    """Rolls a transaction back."""


def _rows(home: Installation, table: str) -> list[Any]:
    with home.queries() as queries:
        return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in queries._reader.rows(f'SELECT * FROM "{table}"')]


@functools.cache
def _done() -> Path:
    """A home in which something was bought, so that nothing is empty."""
    home = drafted("order").copy(kept_place("halo-written-"))
    home.carry_out(drafted("order").card)
    home.engine.close()
    return home.settings.home


def _copied(place: Path) -> Installation:
    shutil.copytree(_done(), place / "home")
    return reopen(place / "home")


@functools.cache
def _on_postgres() -> Installation:
    """One for all points: what is refused leaves nothing behind."""
    home = Installation.open(kept_place("halo-written-pg-") / "home", database_url=postgres.fresh_database())
    home.carry_out(home.ask(JOBS["order"]))
    return home


# Bugs that the row must catch.


def _trigger_left_out() -> AbstractContextManager[Any]:
    """A migration forgot one: receipts can be deleted."""
    # The home that every point copies is kept for the row, too: the sound Halo makes it.
    _done()
    upgrade = schema.upgrade

    def wrong(connection: Connection) -> None:
        upgrade(connection)
        connection.execute(text("DROP TRIGGER IF EXISTS receipt_artifact_refuses_delete"))

    return patch.object(schema, "upgrade", wrong)


def _replace_without_triggers() -> AbstractContextManager[Any]:
    """SQLite asks no trigger about the rows that INSERT OR REPLACE deletes, unless it is told to."""
    _done()
    prepare = sqlite.prepare

    def wrong(connection: Any) -> None:
        prepare(connection)
        connection.execute("PRAGMA recursive_triggers = OFF")

    return patch.object(sqlite, "prepare", wrong)


ROWS = (Row("L-03", "what is written once is written again, in every way that SQL has", ci=None, points=_writes, attempt=_write),)

BUGS = (
    Bug(
        "trigger-left-out",
        "A table that is written once has no trigger against DELETE.",
        _trigger_left_out,
        "L-03",
        ("sqlite-receipt_artifact-delete-all",),
    ),
    Bug(
        "replace-without-triggers",
        "INSERT OR REPLACE deletes past the trigger.",
        _replace_without_triggers,
        "L-03",
        ("sqlite-event_log-replace-all",),
    ),
)
