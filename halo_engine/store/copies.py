"""The books of one moment as one SQLite file, and such a file as the books of a PostgreSQL database: what a backup is made of.

A copy is taken through the database while others write: on SQLite by `VACUUM INTO`, which reads one moment and leaves out what was deleted; on
PostgreSQL row by row in one snapshot. The file itself is never opened to be read: closing it would drop the locks that SQLite holds on it for the
whole process (POSIX). The queue of the durable-execution library is in a copy of SQLite, and not in one of PostgreSQL: a worker writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, func, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from halo_engine.clock import Clock
from halo_engine.model.errors import Conflict, NotInitialised, StoreDamaged, StoreFailed
from halo_engine.store import schema, sqlite, tables
from halo_engine.store.session import open_store

_BATCH = 2000
_POSTGRES = "The PostgreSQL database"


def copy_sqlite(source: Path, to: Path) -> None:
    """All of `source` as it is at one moment, in the new file `to`. Raises `NotInitialised`, and `StoreFailed` and its kinds."""
    if not source.exists():
        raise NotInitialised
    # Made before SQLite fills it, which would leave it to the umask who can read it.
    to.touch(mode=0o600)
    try:
        with closing(sqlite.connect_read_only(source)) as connection:
            connection.execute("VACUUM INTO ?", [str(to)])
    except sqlite.driver.Error as error:
        raise sqlite.translate(error, str(source)) from error


def copy_postgres(url: str, to: Path, clock: Clock) -> None:
    """The books at `url` as they are at one moment, as the SQLite file `to`, alone in its directory. Raises `StoreFailed` and its kinds."""
    with _postgres(url) as engine:
        with engine.connect() as looking:
            _require_this_schema(looking)
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as source:
            _keep_the_schema(source)
            _require_this_schema(source)
            with _sqlite(to, clock) as target:
                _pour(source, target)
    _put_in_one_file(to)


def fill_postgres(source: Path, url: str, clock: Clock) -> None:
    """The books of the file `source` into the PostgreSQL database at `url`, all or nothing. Raises `Conflict` where there are books in it already."""
    open_store(database_file=source, database_url=url, clock=clock).close()
    with _postgres(url) as engine, _opened_sqlite(source) as file, file.connect() as rows, engine.begin() as target:
        target.exec_driver_sql("LOCK TABLE household IN SHARE ROW EXCLUSIVE MODE")
        _refuse_books(target)
        _pour(rows, target)


def require_no_books(url: str) -> None:
    """Raises `Conflict` where there are books at `url` already, `StoreFailed` where it cannot be reached."""
    with _postgres(url) as engine, engine.connect() as connection:
        if inspect(connection).has_table("household"):
            _refuse_books(connection)


def _refuse_books(connection: Connection) -> None:
    if connection.execute(select(func.count()).select_from(tables.Household)).scalar():
        raise Conflict("There are books in that PostgreSQL database already.", hint="Restore into an empty one, such as of: createdb NAME")


def is_whole(file: Path) -> bool:
    """Whether SQLite finds every page of `file` in order. Raises `StoreDamaged` where it is no database."""
    try:
        with closing(sqlite.connect_read_only(file)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite.driver.Error as error:
        raise StoreDamaged(f"{file} is damaged or is not a Halo database.") from error
    return str(found) == "ok"


def _put_in_one_file(books: Path) -> None:
    """Without a write-ahead log beside it, as the copy of a SQLite file is."""
    with closing(sqlite.driver.connect(str(books))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _pour(source: Connection, target: Connection) -> None:
    for table in _in_order():
        rows = source.execution_options(stream_results=True).execute(select(table))
        for part in rows.mappings().partitions(_BATCH):
            target.execute(insert(table), [dict(row) for row in part])


def _in_order() -> list[Table]:
    """Ours, each after those that it points to."""
    models = [model for model in vars(tables).values() if isinstance(model, type) and issubclass(model, SQLModel) and model is not SQLModel]
    ours = {str(model.__tablename__) for model in models}
    return [table for table in SQLModel.metadata.sorted_tables if table.name in ours]


def _keep_the_schema(source: Connection) -> None:
    """No migration from here on, nor one that began before. First of all in a transaction: its snapshot is then of the tables as they stay."""
    names = ", ".join(map(source.dialect.identifier_preparer.format_table, _in_order()))
    source.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS SHARE MODE")


def _require_this_schema(source: Connection) -> None:
    if not inspect(source).has_table("household"):
        raise NotInitialised
    found = schema.current(source)
    if found != schema.HEAD:
        raise StoreFailed(f"{_POSTGRES} is at revision {found}, and this Halo writes {schema.HEAD}.", hint="Upgrade: docs/upgrading.md")


@contextmanager
def _postgres(url: str) -> Iterator[Engine]:
    """A connection of its own kind: a copy may take longer than a writer may wait."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), connect_args={"connect_timeout": 10})
    try:
        yield engine
    except SQLAlchemyError as error:
        raise sqlite.translate(getattr(error, "orig", None) or error, _POSTGRES) from error
    finally:
        engine.dispose()


@contextmanager
def _sqlite(to: Path, clock: Clock) -> Iterator[Connection]:
    """Empty books in the new file `to`, in one transaction that is committed at the end."""
    open_store(database_file=to, database_url=None, clock=clock).close()
    with _opened_sqlite(to) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def _opened_sqlite(file: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{file}", module=sqlite.driver)
    try:
        yield engine
    finally:
        engine.dispose()


def revision_of(file: Path) -> str:
    """The schema of the books in `file`. Raises `StoreDamaged`."""
    try:
        with closing(sqlite.connect_read_only(file)) as connection:
            (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite.driver.Error, TypeError) as error:
        raise StoreDamaged(f"{file} is damaged or is not a Halo database.") from error
    return str(found)
