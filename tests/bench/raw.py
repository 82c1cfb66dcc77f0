"""What the disk and the database allow: the writes of Halo's own flows, statement by statement and commit by commit, and nothing around them.

Every INSERT, UPDATE and DELETE is taken down as the driver got it, with its values, while Halo does its flows; the contestant sends exactly these to
the bare driver, on a copy of the books as they were before. No reads, no ORM, no checks, no vendor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event

from halo_engine.engine import Engine
from halo_engine.store import sqlite
from tests.bench.contestants import Flow
from tests.bench.halo_flows import Drafted, confirm_and_execute

Statement = tuple[str, Any, bool]
Transaction = list[Statement]

_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Capture:
    """What one thread writes through the store of an engine, a list of transactions a flow. Transactions that only read are not kept."""

    flows: list[list[Transaction]] = field(default_factory=list)
    _open: dict[Any, Transaction] = field(default_factory=dict)

    def a_flow(self) -> tuple[float, float]:
        """Commits that wrote something, and statements that wrote it, in the mean."""
        transactions = [transaction for flow in self.flows for transaction in flow]
        return len(transactions) / len(self.flows), sum(len(transaction) for transaction in transactions) / len(self.flows)

    def listen(self, engine: Engine) -> None:
        """To both of the store's engines, where it has two."""
        store = engine._store
        for database in {store._engine, store.queue_engine}:
            event.listen(database, "before_cursor_execute", self._wrote)
            event.listen(database, "commit", self._committed)
            event.listen(database, "rollback", lambda connection: self._open.pop(connection, None))

    # What SQLAlchemy tells.

    def _wrote(self, connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(_WRITES):
            self._open.setdefault(connection, []).append((statement, values, many))

    def _committed(self, connection: Any) -> None:
        if written := self._open.pop(connection, None):
            self.flows[-1].append(written)


def captured(drafted: Drafted, place: Path) -> Capture:
    """What the flows of all drafts write, one after the other."""
    capture = Capture()
    place.mkdir(parents=True)
    with drafted.opened(place) as engine:
        capture.listen(engine)
        for draft in drafted.drafts:
            capture.flows.append([])
            confirm_and_execute(engine, *draft)
    return capture


@dataclass(frozen=True)
class Raw:
    """The same writes again."""

    drafted: Drafted
    capture: Capture
    name: str = "raw: the same writes, bare"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        with self.drafted.copied(place) as (home, url), _connections(_postgres(url) if url else _sqlite(home / "halo.db")) as connection:
            replay = _replay_on_postgres if url else _replay_on_sqlite
            yield lambda number: replay(connection(), self.capture.flows[number])


def _sqlite(path: Path) -> Callable[[], Any]:
    def connect() -> Any:
        connection = sqlite.driver.connect(str(path), check_same_thread=False)
        sqlite.prepare(connection)
        sqlite.choose_journal(connection)
        return connection

    return connect


def _postgres(url: str) -> Callable[[], Any]:
    import psycopg

    return partial(psycopg.connect, url)


@contextmanager
def _connections(connect: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """One connection a thread."""
    mine, opened = threading.local(), list[Any]()

    def connection() -> Any:
        if not hasattr(mine, "connection"):
            mine.connection = connect()
            opened.append(mine.connection)
        return mine.connection

    yield connection
    for each in opened:
        each.close()


def _replay_on_sqlite(connection: Any, flow: list[Transaction]) -> None:
    for transaction in flow:
        connection.execute("BEGIN IMMEDIATE")
        for statement, values, many in transaction:
            (connection.executemany if many else connection.execute)(statement, values)
        connection.execute("COMMIT")


def _replay_on_postgres(connection: Any, flow: list[Transaction]) -> None:
    for transaction in flow:
        with connection.cursor() as cursor:
            for statement, values, many in transaction:
                (cursor.executemany if many else cursor.execute)(statement, values)
        connection.commit()
