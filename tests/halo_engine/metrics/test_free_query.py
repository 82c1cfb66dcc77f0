"""Free queries: what they may ask, and everything that they may not. The data directory and the environment hold canaries that no answer may show."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection, Error

from halo_engine.metrics import Metrics, connecting, free_query, query_process
from halo_engine.metrics.connecting import connect, lock
from halo_engine.metrics.loading import Books
from halo_engine.metrics.views import WHOLE_LOG
from halo_engine.model.errors import InvalidInput, QueryStopped
from tests.halo_engine.metrics.journeys import metrics
from tests.installation import Installation

CANARY = "canary-4711"

#: Ways out. `{file}` is a file with the canary in it, `{out}` one that does not exist, `{parquet}` and `{database}` of this home; at `{port}`
#: somebody listens.
ESCAPES = (
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}')",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_json_auto('{file}')",
    "SELECT * FROM read_ndjson_objects('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_csv('/etc/passwd', sep='|', header=false)",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM glob('{home}/*')",
    "SELECT * FROM read_text('{home}/*')",
    "SELECT * FROM read_parquet('{parquet}')",
    "SELECT * FROM parquet_metadata('{parquet}')",
    "SELECT * FROM parquet_kv_metadata('{parquet}')",
    "SELECT * FROM parquet_schema('{parquet}')",
    "SELECT * FROM '{parquet}'",
    "SELECT * FROM read_csv('http://127.0.0.1:{port}/x')",
    "SELECT * FROM 'http://127.0.0.1:{port}/x.parquet'",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "SELECT * FROM query_table(['{file}'])",
    "SELECT * FROM (SELECT * FROM read_text('{file}'))",
    "WITH stolen AS (SELECT * FROM read_text('{file}')) SELECT * FROM stolen",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "SELECT * FROM sqlite_scan('{database}', 'user')",
    "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 'user')",
    "SELECT getenv('HALO_CANARY')",
    "COPY (SELECT 1) TO '{out}'",
    "COPY events TO '{out}' (FORMAT parquet)",
    "COPY members FROM '{file}'",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{home}'",
    "ATTACH '{out}' AS other",
    "ATTACH '{database}' AS books (TYPE sqlite)",
    "DETACH memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL sqlite",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET VARIABLE x = 1",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "PRAGMA enable_profiling = 'json'",
    "CALL pragma_version()",
    "CREATE SECRET s (TYPE s3)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO m() AS 1",
    "CREATE VIEW executions AS SELECT 1",
    "DROP VIEW executions",
    "DELETE FROM _drafts",
    "UPDATE _members SET name = 'x'",
    "INSERT INTO _members VALUES ('x', 'y', 'z')",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXPLAIN ANALYZE SELECT 1",
    "USE memory",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{out}'",
    "SELECT * FROM members; DROP VIEW members",
    "",
    "-- nothing",
    ";;",
    "SELEC 1",
    "SELECT * FROM event_log",
    "SELECT * FROM settings",
    "SELECT * FROM connection",
    "SELECT * FROM job",
    "\x00",
)

#: What DuckDB answers about itself. It may; there is nothing in it.
HARMLESS = (
    "SELECT * FROM duckdb_secrets()",
    "SELECT name, value FROM duckdb_settings()",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM pragma_database_list()",
    "SELECT current_setting('enable_external_access')",
    "SHOW TABLES",
    "DESCRIBE executions",
    "FROM members",
    "SELECT * FROM query('SELECT 1')",
    "WITH w AS (DELETE FROM _members RETURNING *) SELECT count(*) FROM w",
)


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "secret.csv"
    path.write_text(f"name\n{CANARY}\n")
    return path


@pytest.fixture
def loaded(on_sqlite: Installation) -> Iterator[DuckDBPyConnection]:
    """The views as a query finds them, before anything is locked."""
    with connect() as connection:
        Books.open(on_sqlite.settings, on_sqlite.clock).load(connection, whole_log=WHOLE_LOG)
        yield connection


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server.getsockname()[1]
        with pytest.raises(BlockingIOError):
            server.accept()


def spelled(query: str, house: Installation, canary: Path, port: int) -> str:
    parquet = house.settings.home / "some.parquet"
    if not parquet.exists():
        with connect() as connection:
            connection.execute(f"COPY (SELECT '{CANARY}' AS name) TO '{parquet}' (FORMAT parquet)")
    places = {
        "file": canary,
        "out": canary.parent / "out",
        "home": canary.parent,
        "parquet": parquet,
        "database": house.settings.database_file,
    }
    for name, place in places.items():
        query = query.replace(f"{{{name}}}", str(place))
    return query.replace("{port}", str(port))


def answered(connection: DuckDBPyConnection, query: str) -> list[tuple[object, ...]] | None:
    """What came of it in this process; None where it was refused."""
    if query_process.refusal(connection, query):
        return None
    try:
        return connection.execute(query).fetchall()
    except Error:
        return None


class TestAWayOut:
    def test_is_refused(
        self, loaded: DuckDBPyConnection, on_sqlite: Installation, canary: Path, listening: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each of them, by DuckDB's own locks alone: what the process may not do comes on top."""
        monkeypatch.setenv("HALO_CANARY", CANARY)
        lock(loaded)
        open_ = [query for query in ESCAPES if answered(loaded, spelled(query, on_sqlite, canary, listening)) is not None]
        assert open_ == []
        assert [path.name for path in canary.parent.iterdir()] == ["secret.csv"]

    def test_is_open_without_the_lock(self, loaded: DuckDBPyConnection, on_sqlite: Installation, canary: Path, listening: int) -> None:
        """The planted bug: external access is left on. The test above would see it."""
        open_ = [query for query in ESCAPES if answered(loaded, spelled(query, on_sqlite, canary, listening)) is not None]
        assert "SELECT * FROM read_csv('{file}')" in open_
        assert len(open_) > 10

    @pytest.mark.parametrize("planted", ["lock", "_give_up_rights"])
    def test_is_closed_by_either_lock_alone(
        self, on_sqlite: Installation, canary: Path, planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The planted bugs in the real process: without DuckDB's locks the system still opens no file for it, and the other way round."""
        self._plant(tmp_path, monkeypatch, planted)
        with metrics(on_sqlite) as opened, pytest.raises((InvalidInput, QueryStopped)):
            opened.sql(f"SELECT * FROM read_csv('{canary}')")

    def test_is_open_without_both(self, on_sqlite: Installation, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """So that the test above is one."""
        self._plant(tmp_path, monkeypatch, "lock", "_give_up_rights")
        with metrics(on_sqlite) as opened:
            assert opened.sql(f"SELECT * FROM read_csv('{canary}')").rows == ((CANARY,),)

    def _plant(self, site: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        """What every Python process from here on does first."""
        (site / "sitecustomize.py").write_text(
            f"import sys\nif 'halo_engine.metrics.query_process' in sys.orig_argv:\n"
            f"    import halo_engine.metrics.connecting as process\n    process.lock = {'lambda *_: None' if 'lock' in names else 'process.lock'}\n"
            f"    import resource\n    resource.setrlimit = {'lambda *_: None' if '_give_up_rights' in names else 'resource.setrlimit'}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(site))

    @pytest.mark.parametrize("query", HARMLESS)
    def test_that_is_none_answers_without_a_secret(
        self, loaded: DuckDBPyConnection, on_sqlite: Installation, query: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HALO_CANARY", CANARY)
        lock(loaded)
        said = str(answered(loaded, query))
        assert CANARY not in said
        assert str(on_sqlite.settings.home) not in said

    def test_changes_nothing_for_the_next_query(self, on_sqlite: Installation) -> None:
        """Each has copies of its own."""
        with metrics(on_sqlite) as opened:
            opened.sql("WITH w AS (DELETE FROM _members RETURNING *) SELECT count(*) FROM w")
            assert opened.sql("SELECT count(*) FROM members").rows == ((3,),)

    def test_cannot_be_unlocked(self, loaded: DuckDBPyConnection) -> None:
        lock(loaded)
        for statement in ("SET enable_external_access = true", "SET lock_configuration = false", "RESET lock_configuration"):
            with pytest.raises(Error):
                loaded.execute(statement)


class TestAQueryThatTakesTooMuch:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(free_query, "TIMEOUT_S", 1)

    @pytest.mark.parametrize(
        "query",
        [
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
            "SELECT count(*) FROM events a, events b, events c, events d, events e, events f",
            "SELECT list(x) FROM range(1000000000) t(x)",
            "SELECT repeat('x', 100000000) FROM range(3000)",
            "SELECT * FROM range(100000000) a, range(100000000) b ORDER BY random()",
        ],
    )
    def test_is_stopped(self, on_sqlite: Installation, query: str) -> None:
        """Whether it is time or memory, and also where DuckDB itself would not stop it."""
        with pytest.raises(QueryStopped) as stopped:
            free_query.ask(on_sqlite.settings, on_sqlite.clock, query, limit=10, timeout_s=1)
        assert stopped.value.hint

    def test_in_rows_is_cut_and_says_so(self, on_sqlite: Installation) -> None:
        with metrics(on_sqlite) as opened:
            found = opened.sql("SELECT * FROM range(1000000000000)", limit=7)
        assert (len(found.rows), found.truncated) == (7, True)

    def test_in_exactly_as_many_rows_is_not_cut(self, on_sqlite: Installation) -> None:
        with metrics(on_sqlite) as opened:
            found = opened.sql("SELECT repeat('é', 3000) FROM range(7)", limit=7)
            assert len(found.rows) == 7
            # The cells are.
            assert (len(found.rows[0][0]), found.truncated) == (query_process.MAX_CELL_CHARS, True)
            assert not opened.sql("SELECT 1 FROM range(7)", limit=7).truncated


class TestAnAnswer:
    def test_has_columns_types_and_rows(self, on_sqlite: Installation) -> None:
        """Whole numbers stay whole, times are UTC, and what is none of either is text."""
        with metrics(on_sqlite) as opened:
            found = opened.sql(
                "SELECT NULL AS a, true AS b, sum(charged_cents) AS c, min(happened_at) AS d, min(day) AS e, "
                "0.5::DOUBLE AS f, 'nan'::DOUBLE AS g, [1] AS h FROM executions"
            )
        assert found.columns == ("a", "b", "c", "d", "e", "f", "g", "h")
        assert found.rows == ((None, True, 20_305, "2026-03-03T17:00:20Z", "2026-03-03", 0.5, "nan", "[1]"),)
        json.dumps(found.model_dump(mode="json"), allow_nan=False)

    def test_of_a_mistake_is_one_sentence_with_where_to_look(self, on_sqlite: Installation) -> None:
        with metrics(on_sqlite) as opened, pytest.raises(InvalidInput) as refused:
            opened.sql("SELECT nothing_like_it FROM executions")
        assert "nothing_like_it" in refused.value.message
        assert "\n" not in refused.value.message
        assert "docs/metrics.md" in refused.value.hint

    def test_from_a_thread_is_the_same(self, on_sqlite: Installation) -> None:
        """The dashboard asks in workers."""
        found: list[object] = []

        def ask() -> None:
            with Metrics.open(on_sqlite.settings, clock=on_sqlite.clock) as opened:
                found.append(opened.sql("SELECT count(*) FROM executions").rows)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert found == [((9,),)]

    def test_of_books_on_postgresql_does_not_show_where_they_are(self, on_postgres: Installation) -> None:
        """The address goes to the process on its standard input, where no other user sees it."""
        with metrics(on_postgres) as opened:
            assert opened.sql("SELECT count(*) FROM executions").rows == ((9,),)
            said = str(opened.sql("SELECT name, value FROM duckdb_settings()").rows)
        assert "postgresql://" not in said
        assert connecting.connect is connect
        assert os.environ.get("HALO_DATABASE_URL") is None
