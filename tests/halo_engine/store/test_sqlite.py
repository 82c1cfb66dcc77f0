"""SQLite in a data directory: private, durable, and clear about what is wrong with it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from sqlalchemy import text

from halo_engine.clock import FakeClock
from halo_engine.model.errors import StoreBusy, StoreDamaged, StoreFailed, StoreNotWritable
from halo_engine.store import sqlite
from halo_engine.store.session import Store, open_store
from tests.halo_engine.store.auditing.checks import broken_links
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import log_of, rows

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the books are to be."""
    return tmp_path / "home" / "halo.db"


@pytest.fixture
def opened(file: Path, clock: FakeClock) -> Iterator[Store]:
    """Empty books on SQLite."""
    store = open_at(file, clock)
    yield store
    store.close()


def open_at(file: Path, clock: FakeClock) -> Store:
    return open_store(database_file=file, database_url=None, clock=clock)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Somebody who keeps nothing to themselves."""
    before = os.umask(0)
    yield
    os.umask(before)


class TestPrivacy:
    @pytest.mark.usefixtures("open_umask")
    def test_is_kept_whatever_the_umask(self, tmp_path: Path, clock: FakeClock) -> None:
        """T-05: the directory and those made on the way to it are 0700, the database and its journals 0600."""
        file = tmp_path / "new" / "home" / "halo.db"
        store = open_at(file, clock)
        Family.found(store, clock)
        assert (mode(file.parent), mode(file.parent.parent)) == (0o700, 0o700)
        assert {path.name: mode(path) for path in file.parent.iterdir()} == {path.name: 0o600 for path in file.parent.iterdir()}
        store.close()

    def test_is_restored_where_it_was_lost(self, file: Path, clock: FakeClock) -> None:
        """A directory and a file that others could read."""
        open_at(file, clock).close()
        file.chmod(0o644)
        file.parent.chmod(0o755)
        open_at(file, clock).close()
        assert (mode(file.parent), mode(file)) == (0o700, 0o600)

    @pytest.mark.parametrize("name", ["with space", "what?", "100%25", "a#b", "ünï", "a&b=c", "'quoted\""])
    def test_holds_in_a_directory_of_any_name(self, tmp_path: Path, clock: FakeClock, name: str) -> None:
        """The books are where they were asked for, and nowhere else."""
        store = open_at(tmp_path / name / "halo.db", clock)
        Family.found(store, clock)
        store.close()
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name / "halo.db").stat().st_size > 4096


class TestConnections:
    def test_are_durable_and_strict(self, opened: Store) -> None:
        """In effect, not only asked for: FULL is 2, and RECURSIVE_TRIGGERS keeps REPLACE from deleting past a trigger."""
        names = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        in_effect = {name: rows(opened, f"PRAGMA {name}")[0].popitem()[1] for name in names}
        assert in_effect == {
            "journal_mode": sqlite.journal_mode(),
            "synchronous": 2,
            "foreign_keys": 1,
            "recursive_triggers": 1,
            "busy_timeout": sqlite.BUSY_TIMEOUT_MS,
        }

    def test_use_wal_only_where_it_is_safe(self, opened: Store) -> None:
        """A library without the fix is given a rollback journal."""
        (running,) = rows(opened, "SELECT sqlite_version() AS version")
        is_safe = tuple(int(part) for part in running["version"].split(".")) >= sqlite.WAL_IS_SAFE_FROM
        assert sqlite.journal_mode() == ("wal" if is_safe else "truncate")

    def test_use_a_rollback_journal_with_an_older_library(self, file: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """The books work the same."""
        monkeypatch.setattr(sqlite, "journal_mode", lambda: "truncate")
        store = open_at(file, clock)
        Family.found(store, clock)
        assert rows(store, "PRAGMA journal_mode") == [{"journal_mode": "truncate"}]
        store.close()

    def test_refuse_a_row_that_belongs_to_nobody(self, opened: Store, clock: FakeClock) -> None:
        """Foreign keys are on in every connection the store hands out."""
        family = Family.found(opened, clock)
        with pytest.raises(StoreFailed), opened.transaction() as books:
            books.drafts.add(family.draft().model_copy(update={"id": "dft_2", "household_id": "hsh_nobody"}))

    def test_wait_for_who_is_writing_a_new_file(self, tmp_path: Path) -> None:
        """SQLite does not wait in the switch to WAL, so two that start together in an empty directory got in each other's way."""
        assert waits_for_the_first(tmp_path / "new.db", sqlite.choose_journal)

    def test_that_do_not_wait_would_be_found_out(self, tmp_path: Path) -> None:
        """The planted bug: the switch alone."""
        assert not waits_for_the_first(tmp_path / "new.db", lambda connection: connection.execute("PRAGMA journal_mode = wal"))


def waits_for_the_first(file: Path, choose: Callable[[Any], object]) -> bool:
    """Whether `choose` gets there while another connection is writing, who is done as soon as somebody waits for the lock."""
    first, second = sqlite.driver.connect(str(file)), sqlite.driver.connect(str(file))
    sqlite.prepare(first)
    sqlite.prepare(second)
    first.execute("BEGIN IMMEDIATE")
    first.execute("CREATE TABLE t (x)")
    second.set_trace_callback(lambda statement: first.execute("COMMIT") if statement.startswith("BEGIN") and first.in_transaction else None)
    try:
        choose(second)
    except sqlite.driver.OperationalError:
        return False
    else:
        return bool(second.execute("PRAGMA journal_mode").fetchone()[0] == sqlite.journal_mode())
    finally:
        first.close()
        second.close()


class TestDamage:
    @pytest.mark.parametrize("content", [b"This is a letter.\n" * 1000, bytes(range(256)) * 64, b"SQLite format 3\x00" + b"\xff" * 8192])
    def test_of_the_whole_file_is_named(self, file: Path, clock: FakeClock, content: bytes) -> None:
        """Another file, or noise: nothing is written over it."""
        file.parent.mkdir()
        file.write_bytes(content)
        with pytest.raises(StoreDamaged, match=file.name):
            open_at(file, clock)
        assert file.read_bytes() == content

    def test_of_a_page_is_named(self, file: Path, clock: FakeClock) -> None:
        """Every page but the first overwritten."""
        open_at(file, clock).close()
        content = file.read_bytes()
        file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
        with pytest.raises(StoreDamaged):
            Family.found(open_at(file, clock), clock)

    def test_by_another_program_is_named(self, file: Path, clock: FakeClock) -> None:
        """A database without our tables that says it has them."""
        file.parent.mkdir()
        connection = sqlite.driver.connect(str(file))
        connection.executescript("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0001');")
        connection.close()
        with pytest.raises(StoreDamaged):
            open_at(file, clock)


class TestAPlaceThatCannotBeWritten:
    @pytest.mark.parametrize("place", ["file", "file/below", "dangling", "database"])
    def test_is_named(self, tmp_path: Path, clock: FakeClock, place: str) -> None:
        """A file where the directory should be, a link to nowhere, a directory where the database should be."""
        (tmp_path / "file").write_text("mine")
        (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at" / "all")
        (tmp_path / "database" / "halo.db").mkdir(parents=True)
        with pytest.raises(StoreNotWritable):
            open_at(tmp_path / place / "halo.db", clock)
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; the same is then tried as oneself below")
    @pytest.mark.parametrize(("directory", "database"), [(0o555, 0o444), (0o755, 0o444), (0o000, 0o600), (0o555, None)])
    def test_is_named_to_somebody_without_rights(self, tmp_path: Path, clock: FakeClock, directory: int, database: int | None) -> None:
        """Root's directory, opened by nobody in a process of their own."""
        open_at(tmp_path / "home" / "halo.db", clock).close()
        prepare_modes(tmp_path, directory, database)
        for above in (tmp_path, *tmp_path.parents[:2]):
            above.chmod(above.stat().st_mode | 0o011)
        assert run(OPEN_AS_NOBODY, str(tmp_path / "home" / "halo.db")) == "StoreNotWritable"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_is_named_to_oneself(self, tmp_path: Path, clock: FakeClock) -> None:
        """A directory above that may not be written."""
        (tmp_path / "shut").mkdir(mode=0o555)
        with pytest.raises(StoreNotWritable):
            open_at(tmp_path / "shut" / "home" / "halo.db", clock)


class TestAFullDisk:
    def test_is_a_clean_failure(self, opened: Store, clock: FakeClock) -> None:
        """The transaction that does not fit is gone, what was there stays, and there is a next one."""
        family = Family.found(opened, clock)
        with opened._engine.connect() as connection:
            (pages,) = connection.execute(text("PRAGMA page_count")).one()
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(StoreNotWritable):
            family.request("x" * 1_000_000)
        with opened._engine.connect() as connection:
            connection.execute(text("PRAGMA max_page_count = 1000000"))
        family.request("y" * 1_000_000)
        assert rows(opened, "SELECT substr(raw_command_text, 1, 1) AS first FROM execution_request") == [{"first": "y"}]


class TestOthers:
    def test_who_hold_the_lock_too_long_are_told_about(
        self, opened: Store, file: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Busy is an answer of its own, and passes."""
        family = Family.found(opened, clock)
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
        impatient = open_at(file, clock)
        with opened.transaction(), pytest.raises(StoreBusy), impatient.transaction():
            pass
        with impatient.transaction() as books:
            assert books.households.home() == family.household
        impatient.close()

    def test_do_not_keep_a_reader_waiting(self, opened: Store, clock: FakeClock) -> None:
        """In WAL a look at the books does not queue behind a writer."""
        if sqlite.journal_mode() != "wal":
            pytest.skip("this SQLite has no safe WAL: readers do wait here")
        family = Family.found(opened, clock)
        file = Path(opened._where)
        with opened.transaction():
            reader = sqlite.connect_read_only(file)
            assert reader.execute("SELECT id FROM household").fetchone()["id"] == family.household.id
            reader.close()

    def test_may_write_at_the_same_time(self, opened: Store, file: Path, clock: FakeClock) -> None:
        """Two processes, one chain."""
        family = Family.found(opened, clock)
        other = subprocess.Popen(
            [sys.executable, "-c", APPEND, str(file), family.household.id], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        other.stdout.readline()
        for _ in range(25):
            family.request()
            family.draft()
        assert (other.communicate(timeout=60)[0], other.returncode) == ("done\n", 0)
        log = log_of(opened, family.household.id)
        assert len(log) == 1 + 25 + 25
        assert not list(broken_links(log))


class TestTranslate:
    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            ("database is locked", StoreBusy),
            ("database table is locked: draft", StoreBusy),
            ("database disk image is malformed", StoreDamaged),
            ("file is not a database", StoreDamaged),
            ("no such table: draft", StoreDamaged),
            ("attempt to write a readonly database", StoreNotWritable),
            ("unable to open database file", StoreNotWritable),
            ("database or disk is full", StoreNotWritable),
            ("disk I/O error", StoreNotWritable),
            ("UNIQUE constraint failed: confirmation.draft_id", StoreFailed),
        ],
    )
    def test_has_a_kind_for_what_sqlite_says(self, said: str, kind: type[StoreFailed]) -> None:
        """The messages of SQLite's own source."""
        assert type(sqlite.translate(sqlite.driver.OperationalError(said), "x.db")) is kind

    def test_repeats_no_content(self) -> None:
        """What a database says may contain what was in it."""
        assert "4242" not in sqlite.translate(sqlite.driver.IntegrityError("bad value: 4242"), "x.db").message


def prepare_modes(home: Path, directory: int, database: int | None) -> None:
    if database is None:
        (home / "home" / "halo.db").unlink()
    else:
        (home / "home" / "halo.db").chmod(database)
    (home / "home").chmod(directory)


def run(program: str, *arguments: str) -> str:
    """What a process of its own says."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


#: Everything is imported before the rights are given up: where Python is installed, nobody may not read.
OPEN_AS_NOBODY = dedent("""
    import os, sys
    from pathlib import Path
    from halo_engine.clock import SystemClock
    from halo_engine.store.session import open_store
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    try:
        open_store(database_file=Path(sys.argv[1]), database_url=None, clock=SystemClock())
        print("opened")
    except Exception as error:
        print(type(error).__name__)
""")

APPEND = dedent("""
    import sys
    from pathlib import Path
    from halo_engine.clock import SystemClock
    from halo_engine.model.event import UsualRemoved
    from halo_engine.store.session import open_store
    store = open_store(database_file=Path(sys.argv[1]), database_url=None, clock=SystemClock())
    print("ready", flush=True)
    for n in range(25):
        with store.transaction() as books:
            books.events.append(UsualRemoved(name=str(n)), household_id=sys.argv[2], entity_id="usl_1")
    store.close()
    print("done")
""")
