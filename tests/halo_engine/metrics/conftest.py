"""The same few days of one household, lived once on each kind of books, and only looked at from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from tests.halo_engine.metrics.journeys import lived
from tests.installation import NOON, Installation


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    house = lived(tmp_path_factory.mktemp("sqlite") / "home", clock=FakeClock(NOON))
    yield house
    house.engine.close()


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Installation]:
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS halo_metrics WITH (FORCE)")
        connection.execute("CREATE DATABASE halo_metrics")
    url = postgres_server.replace("/postgres?", "/halo_metrics?", 1)
    home: Path = tmp_path_factory.mktemp("postgres") / "home"
    house = lived(home, clock=FakeClock(NOON), database_url=url)
    yield house
    house.engine.close()


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest) -> Installation:
    """On each kind of books in turn."""
    found = request.getfixturevalue(f"on_{request.param}")
    assert isinstance(found, Installation)
    return found
