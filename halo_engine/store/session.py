"""Opens the books and hands out transactions.

One `Books` is one transaction with one time: everything written in it happened at `now`. On SQLite it begins IMMEDIATE, so that two writers queue
instead of failing half-way; on PostgreSQL the rows that matter are locked as they are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.model.errors import StoreFailed
from halo_engine.store import schema, sqlite
from halo_engine.store.acts import Acts, current_act
from halo_engine.store.addresses import Addresses
from halo_engine.store.approvals import Approvals
from halo_engine.store.devices import Devices
from halo_engine.store.directory import prepare_directory, prepare_file
from halo_engine.store.drafts import Drafts
from halo_engine.store.event_log import EventLog
from halo_engine.store.exchanges import Exchanges
from halo_engine.store.executions import Executions
from halo_engine.store.households import Households
from halo_engine.store.messages import Messages
from halo_engine.store.receipts import Receipts
from halo_engine.store.requests import Requests
from halo_engine.store.signatures import Signatures
from halo_engine.store.slots import AdvisorySlots, FileSlots, Slots
from halo_engine.store.usuals import Usuals
from halo_engine.store.webhooks import Webhooks

#: Marks a transaction in which nothing is written.
_READING = {"halo_reading": True}
#: A query is over by then; who reads on, such as an export, may take minutes.
_WAIT_FOR_READERS_MS = 1_000


class Books:
    """One transaction: every repository, and the log beside them."""

    def __init__(self, connection: Connection, clock: Clock, *, home_id: str | None = None) -> None:
        self._clock = clock
        #: For what the durable-execution library writes in the same transaction; everything else goes through the repositories.
        self.connection = connection
        self.now = self.began_at = clock.now()
        self.households = Households(connection, home_id=home_id)
        self.requests = Requests(connection)
        self.drafts = Drafts(connection)
        self.approvals = Approvals(connection)
        self.signatures = Signatures(connection)
        self.executions = Executions(connection)
        self.exchanges = Exchanges(connection)
        self.receipts = Receipts(connection)
        self.usuals = Usuals(connection)
        self.addresses = Addresses(connection)
        self.messages = Messages(connection)
        self.devices = Devices(connection)
        self.webhooks = Webhooks(connection)
        self.acts = Acts(connection)
        self.events = EventLog(connection, clock, self.now)

    def tell_time_again(self) -> None:
        """After waiting for a lock: what is decided and written from here on happens now."""
        self.now = self.events.now = self._clock.now()


class Store:
    """The books of one installation, as one household sees them: without a name, the first."""

    def __init__(
        self, engine: Engine, clock: Clock, where: str, *, queue_engine: Engine, slots: Slots, writers: AbstractContextManager[object]
    ) -> None:
        self._engine, self._clock, self._where, self._writers = engine, clock, where, writers
        self._home_id: str | None = None
        #: The same database for the durable-execution library, which begins its transactions itself.
        self.queue_engine = queue_engine
        self.slots = slots

    def of(self, household_id: str) -> Store:
        """The same books, as that household sees them. They are closed once, by whoever opened them."""
        scoped = copy(self)
        scoped._home_id = household_id  # noqa: SLF001 - of our own kind
        return scoped

    @contextmanager
    def transaction(self) -> Iterator[Books]:
        """Everything inside is written together, or not at all. Raises `StoreFailed` and its kinds for what the database refuses."""
        with self._writers, self.translated(), self._engine.begin() as connection:
            books = Books(connection, self._clock, home_id=self._home_id)
            yield books
            if (act := current_act()) and books.events.appended:
                books.acts.reach(act, books.events.appended, now=books.now)
            books.events.write()
        for each in books.events.appended:
            telemetry.happened(each)

    @contextmanager
    def reading(self) -> Iterator[Books]:
        """One moment of the books, for those who only look: nobody waits for it, and nothing may be written in it."""
        with self.translated(), self._engine.connect().execution_options(**_READING) as connection, connection.begin():
            yield Books(connection, self._clock, home_id=self._home_id)

    def migrate(self) -> None:
        """Bring the schema to this version of Halo."""
        with self.translated(), self._engine.begin() as connection:
            schema.upgrade(connection)

    def drop_traces(self) -> bool:
        """What was deleted goes from the journal too; whether it has. Not where another process is reading what stood there before."""
        if self._engine.dialect.name != "sqlite":
            return True
        with self.translated(), closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_READERS_MS}")
            try:
                is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {sqlite.BUSY_TIMEOUT_MS}")
            return not is_busy

    def close(self) -> None:
        self._engine.dispose()
        self.queue_engine.dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the database refuses inside is raised as `StoreFailed` and its kinds."""
        try:
            yield
        except DBAPIError as error:
            raise sqlite.translate(error.orig or error, self._where) from error
        except SQLAlchemyError as error:
            raise StoreFailed(f"{self._where} could not be used: {type(error).__name__}.") from error


def open_store(*, database_file: Path, database_url: str | None, clock: Clock) -> Store:
    """The store at `database_url` (PostgreSQL), else at `database_file` (SQLite), made or migrated as needed."""
    if database_url:
        engine = _postgres(database_url)
        slots = AdvisorySlots(engine)
        # Rows are locked there, so writers wait only for those who write the same.
        store = Store(engine, clock, "The PostgreSQL database", queue_engine=engine, slots=slots, writers=nullcontext())
    else:
        prepare_directory(database_file.parent)
        prepare_file(database_file)
        store = Store(
            _sqlite(database_file),
            clock,
            str(database_file),
            queue_engine=_sqlite_begun_by_driver(database_file),
            slots=FileSlots(database_file.parent / "slots"),
            writers=sqlite.writers_of(database_file),
        )
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


def _sqlite(path: Path) -> Engine:
    engine = _sqlite_begun_by_driver(path, isolation_level=None)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _READING.items() <= connection.get_execution_options().items() else "BEGIN IMMEDIATE")

    return engine


def _sqlite_begun_by_driver(path: Path, *, isolation_level: str | None = "IMMEDIATE") -> Engine:
    """A transaction begins only with its first write: the library polls, and polling must not hold up writers."""
    engine = create_engine(URL.create("sqlite", database=str(path)), module=sqlite.driver)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        sqlite.prepare(connection)
        sqlite.choose_journal(connection)
        connection.isolation_level = isolation_level

    return engine


def _postgres(url: str) -> Engine:
    # As long as a writer waits on SQLite: a lock that is held for longer is an error that says so, not a command that hangs.
    # A machine that vanished without a word is noticed by both sides within half a minute, and its slots are free.
    server = {"lock_timeout": sqlite.BUSY_TIMEOUT_MS, "tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
    client = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
    options = " ".join(f"-c {name}={value}" for name, value in server.items())
    connect_args = {**client, "options": options}
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True, connect_args=connect_args)
