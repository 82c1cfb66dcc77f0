"""`halo doctor`, `halo backup` and `halo restore` as they are typed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from halo_cli.main import run
from tests.halo_cli.conftest import Halo


class TestDoctor:
    def test_says_that_all_is_well(self, halo: Halo) -> None:
        """A line a finding on stdout, the verdict on stderr."""
        halo("init")
        ran = halo("doctor")
        assert (ran.code, ran.err) == (0, "All is well.\n")
        assert all(line.startswith("ok ") for line in ran.out.splitlines())

    def test_says_how_to_mend_what_is_not(self, halo: Halo, home: Path) -> None:
        halo("init")
        home.chmod(0o755)
        ran = halo("doctor")
        assert (ran.code, ran.err) == (1, "1 problem.\n")
        assert f"mend: chmod 700 {home}" in ran.out

    def test_has_names_for_scripts(self, halo: Halo) -> None:
        """They are a promise."""
        halo("init")
        said = halo("doctor", "--json").json
        assert said["ok"] is True
        expected = "python sqlite model disk home modes settings packages secret_key parser vendors database journal household zone books_key clock"
        assert {finding["name"] for finding in said["findings"]} == {*expected.split(), "signed_head", "executions", "queue"}

    @pytest.mark.parametrize("config", ["nonsense = 1", "[", 'database_url = "mysql://x"', 'parser = "openai"\nvendors = "live"'])
    def test_works_where_the_settings_do_not(self, halo: Halo, home: Path, config: str) -> None:
        """No traceback, no crash log, and no home made."""
        home.mkdir(mode=0o700)
        (home / "config.toml").write_text(config)
        ran = halo("doctor", "--json")
        assert ran.code == 1
        assert not ran.json["ok"]
        assert [path.name for path in home.iterdir()] == ["config.toml"]

    def test_works_on_a_home_that_is_a_file(self, halo: Halo, home: Path) -> None:
        home.write_text("x")
        assert halo("doctor", "--json").code == 1

    def test_works_where_the_books_are_locked(self, halo: Halo, home: Path) -> None:
        """Whoever only looks waits for nobody."""
        from halo_engine.store.sqlite import driver

        halo("init")
        other = driver.connect(str(home / "halo.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert halo("doctor").code == 0
        other.close()


class TestBackup:
    def test_and_restore_make_the_same_home(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        """A directory is given a file with a name of its own, and what is in it is said loudly."""
        halo("init")
        (tmp_path / "usb").mkdir()
        made = halo("backup", str(tmp_path / "usb"), "--json")
        file = Path(made.json["file"])
        assert file.parent == tmp_path / "usb"
        assert file.stat().st_mode & 0o777 == 0o600
        assert "IT HOLDS YOUR KEYS" in made.err
        other = tmp_path / "other"
        assert run(["restore", str(file), "--home", str(other)]) == 0
        assert run(["audit", "verify", "--home", str(other)]) == 0
        assert run(["doctor", "--home", str(other)]) == 0
        assert (other / "secret.key").read_bytes() == (home / "secret.key").read_bytes()

    def test_without_keys_says_what_was_left_out(self, halo: Halo, tmp_path: Path) -> None:
        halo("init")
        made = halo("backup", str(tmp_path / "b"), "--without-keys")
        assert made.code == 0
        assert "Left out: secret.key." in made.err

    def test_that_cannot_be_restored_says_so_loudly(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        """It is there all the same, and a job of every night hears of it by the exit code."""
        from halo_engine.store.sqlite import driver

        halo("init")
        card = halo("ask", "order 2 packs of AA batteries", "--json").json
        halo("confirm", card["draft_id"], "--hash", card["draft_hash"], "--no-input")
        assert halo("backup", str(tmp_path / "good"), "--json").json["restorable"] is True
        books = driver.connect(str(home / "halo.db"))
        books.execute("UPDATE execution SET final_cost_cents = 1")
        books.commit()
        books.close()
        made = halo("backup", str(tmp_path / "b"), "--json")
        assert (made.code, made.json["restorable"], (tmp_path / "b").exists()) == (1, False, True)
        assert f"IT CANNOT BE RESTORED AS IT IS: {made.json['fault']}" in made.err
        refused = halo("restore", str(tmp_path / "b"), "--home", str(tmp_path / "other"), "--json")
        assert refused.json["error"]["message"] == made.json["fault"]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_that_is_ended_leaves_no_keys_behind(self, halo: Halo, home: Path, tmp_path: Path, number: int) -> None:
        """On the disk that it was going to, which somebody carries away."""
        halo("init")
        (tmp_path / "usb").mkdir()
        assert (
            ended_midway(
                "backup", str(tmp_path / "usb"), home=home, number=number, seen=lambda: list((tmp_path / "usb").glob("*/secret.key"))
            )
            == 130
        )
        assert list((tmp_path / "usb").iterdir()) == []

    def test_of_nothing_is_refused(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        ran = halo("backup", str(tmp_path / "b"), "--json")
        assert (ran.code, ran.json["error"]["code"]) == (1, "not_initialised")
        assert not home.exists()

    def test_into_a_place_that_is_not_there_is_refused(self, halo: Halo, tmp_path: Path) -> None:
        halo("init")
        assert halo("backup", str(tmp_path / "nowhere" / "b"), "--json").json["error"]["code"] == "store_not_writable"


class TestRestore:
    def test_says_what_is_in_doubt_and_what_to_type(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        """Confirmed and not carried out in the backup; done since. The worker finds it, and the vendor's books show it once."""
        halo("init")
        assert halo("sim", "fault", "lose_answer").code == 0
        card = halo("ask", "order 2 packs of AA batteries", "--json").json
        confirm = ["confirm", card["draft_id"], "--hash", card["draft_hash"], "--no-input"]
        halo(*confirm, "--wait", "0")
        file = tmp_path / "b"
        halo("backup", str(file))
        halo(*confirm)
        before = halo("sim", "ledger", "--json").json
        other = tmp_path / "other"
        shutil.copytree(home / "simulator", other / "simulator")
        shutil.move(home, tmp_path / "lost")
        shutil.move(other, home)
        ran = halo("restore", str(file), "--json")
        assert ran.code == 0
        assert ran.json["in_doubt"] == [card["draft_id"].replace("dft_", "exe_")]
        assert "halo worker --until-idle" in ran.err
        assert halo("sim", "ledger", "--json").json == before

    def test_that_is_ended_leaves_nothing_behind(self, halo: Halo, tmp_path: Path) -> None:
        """Neither keys nor a desk that keeps the next one out."""
        halo("init")
        halo("backup", str(tmp_path / "b"))
        other = tmp_path / "other"
        assert (
            ended_midway("restore", str(tmp_path / "b"), home=other, number=signal.SIGTERM, seen=lambda: list(other.glob("*/secret.key")))
            == 130
        )
        assert not other.exists()

    def test_over_a_home_is_refused(self, halo: Halo, tmp_path: Path) -> None:
        halo("init")
        halo("backup", str(tmp_path / "b"))
        ran = halo("restore", str(tmp_path / "b"), "--json")
        assert (ran.code, ran.json["error"]["code"]) == (1, "conflict")

    def test_of_what_is_no_backup_is_refused(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        (tmp_path / "b").write_text(json.dumps({"format": "halo/backup/v1"}))
        assert halo("restore", str(tmp_path / "b")).code == 2
        assert halo("restore", str(tmp_path / "nothing")).code == 2
        os.mkfifo(tmp_path / "pipe")
        assert halo("restore", str(tmp_path / "pipe")).code == 2
        assert not home.exists()


def ended_midway(*arguments: str, home: Path, number: int, seen: Callable[[], object]) -> int:
    """How a process ends that is sent a signal while it waits for a database that does not answer; by then there is something to be `seen`."""
    with socket.create_server(("127.0.0.1", 0)) as database:
        database.settimeout(60)
        url = f"postgresql://halo@127.0.0.1:{database.getsockname()[1]}/halo"
        command = [sys.executable, "-m", "halo_cli", *arguments, "--home", str(home)]
        with subprocess.Popen(command, env={**os.environ, "HALO_DATABASE_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
            connection, _ = database.accept()
            assert seen()
            ran.send_signal(number)
            code = ran.wait(timeout=60)
            assert ran.stderr is not None
            assert b"Traceback" not in ran.stderr.read()
            connection.close()
    return code
