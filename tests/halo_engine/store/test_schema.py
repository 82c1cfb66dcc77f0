"""The schema: what the migrations make is what the tables say, and a database is brought there once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from halo_engine.clock import FakeClock
from halo_engine.model.errors import InvalidInput, StoreFailed
from halo_engine.settings import load_settings
from halo_engine.store import schema
from halo_engine.store.session import Store, open_store
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import at_once, rows, sql


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    """Here the books are really empty."""
    return empty_postgres_url


@pytest.fixture
def store(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """Here they are made by the migrations each time."""
    opened = open_store(database_file=tmp_path / "home" / "halo.db", database_url=database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def where(database_url: str | None, tmp_path: Path) -> tuple[Path, str | None]:
    """The place of the books that `store` opened."""
    return tmp_path / "home" / "halo.db", database_url


def reopen(where: tuple[Path, str | None], clock: FakeClock) -> Store:
    return open_store(database_file=where[0], database_url=where[1], clock=clock)


def untouched(_connection: Connection) -> None:
    raise AssertionError("there was nothing to migrate")


class TestMigrations:
    def test_make_what_the_tables_say(self, store: Store) -> None:
        """Every table, column, type, index and constraint; nothing more and nothing less."""
        with store._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
            assert compare_metadata(context, SQLModel.metadata) == []

    def test_end_at_the_version_halo_expects(self) -> None:
        """`HEAD` is the newest script, and there is one line of them."""
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


class TestOpening:
    def test_migrates_once(self, store: Store, where: tuple[Path, str | None], clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second time there is nothing to do, and what was written is there."""
        family = Family.found(store, clock)
        monkeypatch.setattr(schema, "_run", untouched)
        again = reopen(where, clock)
        with again.transaction() as books:
            assert books.households.home() == family.household
        again.close()

    def test_refuses_books_of_a_newer_halo(self, store: Store, where: tuple[Path, str | None], clock: FakeClock) -> None:
        """And leaves them as they are."""
        sql(store, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreFailed, match="newer Halo"):
            reopen(where, clock)
        assert rows(store, "SELECT version_num FROM alembic_version") == [{"version_num": "9999"}]

    def test_makes_the_books_once_for_several_at_the_same_time(self, database_url: str | None, tmp_path: Path, clock: FakeClock) -> None:
        """Two processes that start together in an empty place agree on one schema."""

        def start() -> Store:
            return open_store(database_file=tmp_path / "new" / "halo.db", database_url=database_url, clock=clock)

        stores = at_once(start, start, start)
        assert [type(opened) for opened in stores] == [Store] * 3
        for opened in stores:
            assert isinstance(opened, Store)
            assert rows(opened, "SELECT count(*) AS n FROM alembic_version") == [{"n": 1}]
            opened.close()

    def test_leaves_nothing_half_made(
        self, database_url: str | None, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A migration that fails at its end has made no table, so that the next start begins anew."""
        place, run = (tmp_path / "home" / "halo.db", database_url), schema._run

        def failing(connection: Connection) -> None:
            run(connection)
            connection.execute(text("SELECT no_such_column FROM household"))

        monkeypatch.setattr(schema, "_run", failing)
        with pytest.raises(StoreFailed):
            reopen(place, clock)
        monkeypatch.setattr(schema, "_run", run)
        store = reopen(place, clock)
        Family.found(store, clock)
        store.close()

    @pytest.mark.parametrize("url", ["postgres://halo@db/halo", "sqlite:////tmp/x.db", "nonsense", "postgresql+asyncpg://db/halo"])
    def test_takes_no_other_database(self, url: str, tmp_path: Path) -> None:
        """Any other address would open something nobody has tested; its secrets are not repeated."""
        with pytest.raises(InvalidInput, match="database_url") as refused:
            load_settings(home=tmp_path, environ={"HALO_DATABASE_URL": url})
        assert url not in refused.value.message
