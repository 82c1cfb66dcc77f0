"""A backup: what is in it, what is not, and that it is of one moment."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from pathlib import Path

import pytest

from halo_engine.backup.manifest import Manifest
from halo_engine.backup.taking import Taken, take
from halo_engine.model.errors import Conflict, NotInitialised, StoreNotWritable
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
