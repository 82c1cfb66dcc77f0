"""Past the repositories: what somebody with the database in hand can do, and what is really in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import text

from halo_engine.model.event import Event
from halo_engine.store import values
from halo_engine.store.session import Store


class Struck(Exception):
    """Something that goes wrong in the middle of a transaction."""


def sql(store: Store, statement: str, **parameters: Any) -> None:
    """Run one statement with nothing in between, as the store's own role."""
    with store._engine.begin() as connection:
        connection.execute(text(statement), parameters)


def rows(store: Store, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """What a SELECT gives."""
    with store._engine.begin() as connection:
        return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]


def count(store: Store, table: str) -> int:
    return int(rows(store, f'SELECT count(*) AS n FROM "{table}"')[0]["n"])


def log_of(store: Store, household_id: str) -> tuple[Event, ...]:
    """The chain as it is stored."""
    found = rows(store, "SELECT * FROM event_log WHERE household_id = :id ORDER BY seq", id=household_id)
    return tuple(map(values.event_value, found))


def is_postgres(store: Store) -> bool:
    return store._engine.dialect.name == "postgresql"


def without_triggers(store: Store, table: str, statement: str, **parameters: Any) -> None:
    """As an owner of the database would, who takes the triggers off first."""
    if is_postgres(store):
        sql(store, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    else:
        for change in ("update", "delete"):
            sql(store, f"DROP TRIGGER IF EXISTS {table}_refuses_{change}")
    sql(store, statement, **parameters)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Each piece of work in a thread of its own, all let go together; what each gave, or the error it raised."""
    gate = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        gate.wait(timeout=30)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the error is the answer
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
