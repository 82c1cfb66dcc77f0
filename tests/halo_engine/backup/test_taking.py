"""A backup: what is in it, what is not, and that it is of one moment."""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest

from halo_engine.backup.manifest import Manifest
from halo_engine.backup.taking import Taken, place, take
from halo_engine.model.errors import Conflict, NotInitialised, StoreFailed, StoreNotWritable
from halo_engine.settings import load_settings
from halo_engine.store.copies import is_whole
from tests.installation import Installation

BATTERIES = "order 2 packs of AA batteries"


def taken(home: Installation, to: Path, *, with_keys: bool = True) -> Taken:
    return take(home.settings, to, home.clock, halo="test", with_keys=with_keys)


def names(file: Path) -> set[str]:
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


class TestABackup:
    def test_says_how_far_the_log_had_come(self, home: Installation, tmp_path: Path) -> None:
        """And the hash of everything in it, so that nobody has to believe the rest."""
        home.carry_out(home.ask(BATTERIES))
        verified = home.verify()
        with zipfile.ZipFile(taken(home, tmp_path / "b").path) as archive:
            manifest = Manifest.model_validate(json.loads(archive.read("manifest.json")))
        (end,) = manifest.ends
        assert (end.events, end.head) == (verified.events, verified.head)
        assert manifest.names == ("halo.db", "secret.key")

    def test_is_for_its_owner_alone(self, home: Installation, tmp_path: Path) -> None:
        """Whatever the umask: it holds the keys."""
        before = os.umask(0)
        try:
            file = taken(home, tmp_path / "b").path
        finally:
            os.umask(before)
        assert file.stat().st_mode & 0o777 == 0o600

    def test_leaves_out_the_world_and_what_is_made_anew(self, home: Installation, tmp_path: Path) -> None:
        """The simulated vendors are the world outside: put back, they would forget what they did."""
        for name in ("sealed", "logs", "slots"):
            (home.settings.home / name).mkdir(exist_ok=True)
            (home.settings.home / name / "thing").write_text("x")
        assert names(taken(home, tmp_path / "b").path) == {"manifest.json", "halo.db", "secret.key"}

    def test_has_every_key_there_is(self, home: Installation, tmp_path: Path) -> None:
        """Those of a bridge, of this terminal and of servers elsewhere among them."""
        for name in ("bridge.json", "bridge.key", "openai.key", "keys/dev_1.pem", "remotes/abc.json", "config.toml", "signed-head.json"):
            (home.settings.home / name).parent.mkdir(exist_ok=True)
            (home.settings.home / name).write_text(f"what is in {name}")
        found = names(taken(home, tmp_path / "b").path)
        assert {"bridge.json", "bridge.key", "openai.key", "keys/dev_1.pem", "remotes/abc.json", "config.toml", "signed-head.json"} < found

    def test_leaves_out_what_a_file_manager_left(self, home: Installation, tmp_path: Path) -> None:
        """It is no key, and no reason to go without a backup."""
        (home.settings.home / "keys").mkdir()
        for name in (".DS_Store", "dev_1.pem~"):
            (home.settings.home / "keys" / name).write_text("x")
        assert names(taken(home, tmp_path / "b").path) == {"manifest.json", "halo.db", "secret.key"}

    def test_without_keys_has_none(self, home: Installation, tmp_path: Path) -> None:
        """Nor a `config.toml` with a secret in it; what was left out is said."""
        place = home.settings.home
        (place / "config.toml").write_text('zinc_api_key = "canary-zinc-api-key-90ae"')
        (place / "bridge.key").write_text("x" * 64)
        made = taken(home, tmp_path / "b", with_keys=False)
        assert names(made.path) == {"manifest.json", "halo.db"}
        assert sorted(made.left_out) == ["bridge.key", "config.toml", "secret.key"]
        assert (place / "secret.key").read_bytes().strip() not in made.path.read_bytes()

    def test_without_keys_keeps_plain_settings(self, home: Installation, tmp_path: Path) -> None:
        """They are nobody's secret."""
        (home.settings.home / "config.toml").write_text("draft_lives_s = 600")
        assert "config.toml" in names(taken(home, tmp_path / "b", with_keys=False).path)

    def test_has_the_secrets_that_settings_name_in_the_home(self, home: Installation, tmp_path: Path) -> None:
        """Without them nothing starts. One elsewhere is whoever mounts it to bring; that it is not in here is said."""
        place, elsewhere = home.settings.home, tmp_path / "mounted"
        (place / "mine").mkdir()
        for path in (place / "mine" / "zinc api", elsewhere, place / "resy"):
            path.write_text("canary-zinc-api-key-90ae\n")
            path.chmod(0o600)
        (place / "config.toml").write_text(f'zinc_api_key_file = "./mine/zinc api"\nsquare_access_token_file = "{elsewhere}"')
        named = Installation(load_settings(home=place, environ={"HALO_RESY_PASSWORD_FILE": "resy"}), home.clock, home.world, home.engine)
        made = taken(named, tmp_path / "b")
        assert names(made.path) == {"manifest.json", "halo.db", "secret.key", "config.toml", "mine/zinc api", "resy"}
        assert made.left_out == (str(elsewhere),)
        bare = taken(named, tmp_path / "bare", with_keys=False)
        assert names(bare.path) == {"manifest.json", "halo.db", "config.toml"}
        assert set(bare.left_out) == {"secret.key", "mine/zinc api", "resy", str(elsewhere)}
        assert not bare.holds_keys

    @pytest.mark.parametrize("named", ["../zinc", "simulator/zinc", "halo.db-zinc", "keys/.zinc"])
    def test_says_what_it_cannot_take_along(self, home: Installation, tmp_path: Path, named: str) -> None:
        """Out of the home, or where another thing has its place."""
        path = home.settings.home / named
        path.parent.mkdir(exist_ok=True)
        path.write_text("x\n")
        path.chmod(0o600)
        settings = load_settings(home=home.settings.home, environ={"HALO_ZINC_API_KEY_FILE": named})
        assert take(settings, tmp_path / "b", home.clock, halo="test", with_keys=True).left_out == (named,)

    def test_has_no_secret_but_the_one_of_its_books(self, home: Installation, tmp_path: Path) -> None:
        """A stale secret.key beside the one that the settings give would be taken for it when it is put back."""
        used = home.settings.key_file.read_text().strip()
        settings = load_settings(home=home.settings.home, environ={"HALO_SECRET_KEY": used.upper()})
        assert take(settings, tmp_path / "same", home.clock, halo="test", with_keys=True).manifest.has_secret
        home.settings.key_file.write_text("0123456789abcdef" * 4)
        made = take(settings, tmp_path / "b", home.clock, halo="test", with_keys=True)
        assert (names(made.path), made.left_out) == ({"manifest.json", "halo.db"}, ("secret.key",))
        assert (made.manifest.has_secret, made.fault) == (False, None)

    def test_has_the_secret_that_a_file_in_the_home_gives(self, home: Installation, tmp_path: Path) -> None:
        """By whatever name."""
        home.settings.key_file.rename(home.settings.home / "mine.key")
        (home.settings.home / "config.toml").write_text('secret_key_file = "mine.key"')
        settings = load_settings(home=home.settings.home, environ={})
        assert take(settings, tmp_path / "b", home.clock, halo="test", with_keys=True).manifest.has_secret

    def test_of_books_that_do_not_hold_together_says_so(self, home: Installation, tmp_path: Path) -> None:
        """On the day it is made, and not on the day it is needed; with its keys and without. It may be all there is, so it is made."""
        home.carry_out(home.ask(BATTERIES))
        assert taken(home, tmp_path / "good", with_keys=False).fault is None
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE execution SET final_cost_cents = 1")
        for with_keys in (True, False):
            made = taken(home, tmp_path / f"{with_keys}", with_keys=with_keys)
            assert made.fault is not None
            assert "do not hold together" in made.fault
            assert "halo.db" in names(made.path)

    def test_is_of_one_moment_while_others_write(self, home: Installation, tmp_path: Path) -> None:
        """Each copy holds together, and nobody who writes is told that the books are locked."""
        wrong: list[BaseException] = []

        def write() -> None:
            try:
                for _ in range(6):
                    home.ask(BATTERIES)
            except BaseException as error:  # noqa: BLE001 - told in the thread of the test
                wrong.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        ends = [taken(home, tmp_path / f"{number}").manifest.ends[0].events for number in range(4)]
        writer.join()
        assert wrong == []
        assert ends == sorted(ends)
        assert home.verify().ok

    def test_writes_over_nothing(self, home: Installation, tmp_path: Path) -> None:
        """Least of all over the backup of yesterday."""
        (tmp_path / "b").write_text("yesterday's")
        with pytest.raises(Conflict):
            taken(home, tmp_path / "b")
        assert (tmp_path / "b").read_text() == "yesterday's"

    def test_writes_over_nothing_on_a_disk_without_links(self, tmp_path: Path) -> None:
        """A rename would: two at once get one name between them."""
        (tmp_path / "b").write_text("the other's")
        (tmp_path / "packed").write_text("ours")
        with patch.object(Path, "hardlink_to", side_effect=PermissionError):
            with pytest.raises(Conflict):
                place(tmp_path / "packed", tmp_path / "b")
            place(tmp_path / "packed", tmp_path / "c")
        assert ((tmp_path / "b").read_text(), (tmp_path / "c").read_text()) == ("the other's", "ours")

    def test_leaves_nothing_where_it_fails(self, home: Installation, tmp_path: Path) -> None:
        """Without its secret there is nothing to back up, and no half of it either."""
        (home.settings.home / "secret.key").unlink()
        (tmp_path / "to").mkdir()
        with pytest.raises(StoreNotWritable):
            taken(home, tmp_path / "to" / "b")
        assert list((tmp_path / "to").iterdir()) == []

    def test_of_no_household_is_none(self, tmp_path: Path, home: Installation) -> None:
        """There is nothing to lose yet."""
        with pytest.raises(NotInitialised):
            take(load_settings(home=tmp_path / "nobody", environ={}), tmp_path / "b", home.clock, halo="test", with_keys=True)
        assert not (tmp_path / "nobody").exists()

    def test_holds_a_whole_database(self, home: Installation, tmp_path: Path) -> None:
        """In a plain journal, so that the one file is all of it."""
        with zipfile.ZipFile(taken(home, tmp_path / "b").path) as archive:
            archive.extract("halo.db", tmp_path / "out")
        assert is_whole(tmp_path / "out" / "halo.db")


class TestOnPostgres:
    def test_waits_for_a_migration_and_sees_it(self, tmp_path: Path, postgres_url: str) -> None:
        """Tables that are altered between the look at the schema and the reading would be copied as what they are not."""
        home = Installation.open(tmp_path / "home", database_url=postgres_url)
        said: list[BaseException] = []

        def back_up() -> None:
            try:
                taken(home, tmp_path / "b")
            except StoreFailed as error:
                said.append(error)

        with psycopg.connect(postgres_url) as migrating, psycopg.connect(postgres_url, autocommit=True) as watching:
            migrating.execute("UPDATE alembic_version SET version_num = '9999'")
            migrating.execute("ALTER TABLE webhook_endpoint ADD COLUMN colour TEXT")
            copying = threading.Thread(target=back_up)
            copying.start()
            while copying.is_alive() and not watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                time.sleep(0.01)
            migrating.commit()
            copying.join()
        home.engine.close()
        (error,) = said
        assert "is at revision 9999" in str(error)
        assert not (tmp_path / "b").exists()
