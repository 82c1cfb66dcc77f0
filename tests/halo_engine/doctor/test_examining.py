"""Each finding, by really breaking what it is about; and nothing is changed by looking."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from halo_engine.audit import Audit
from halo_engine.doctor import machine
from halo_engine.doctor.examining import examine, is_well
from halo_engine.doctor.finding import Finding, Level
from halo_engine.model.settlement import Finding as Outcome
from halo_engine.model.settlement import Settlement
from halo_engine.settings import load_settings
from halo_engine.store import sqlite
from halo_engine.store.slots import FileSlots
from tests.installation import Installation

BATTERIES = "order 2 packs of AA batteries"


def looked(home: Installation, **environ: str) -> tuple[Finding, ...]:
    given = {f"HALO_{name.upper()}": value for name, value in environ.items()}
    return examine(home.settings.home, load=lambda at: load_settings(home=at, environ=given), time_in=lambda _: home.clock)


def bad(found: tuple[Finding, ...]) -> dict[str, Finding]:
    """What is not well, by its name."""
    return {finding.name: finding for finding in found if finding.level is not Level.OK}


def only(home: Installation, **environ: str) -> Finding:
    """The one thing that is not well; and it says what to do."""
    (finding,) = bad(looked(home, **environ)).values()
    assert finding.mend
    return finding


def contents(home: Path) -> dict[str, str]:
    """The hash of every file; what SQLite keeps for whoever reads now is nobody's content."""
    files = [path for path in home.rglob("*") if path.is_file() and path.suffix not in (".db-shm", ".db-wal")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class TestAnInstallation:
    def test_that_is_well_has_no_finding_to_mend(self, home: Installation) -> None:
        """After a day's work, and while Halo has it open."""
        home.carry_out(home.ask(BATTERIES))
        found = looked(home)
        assert bad(found) == {}
        assert is_well(found)

    def test_is_not_changed_by_looking(self, home: Installation) -> None:
        """Not one byte, and no file more or less."""
        home.confirm(home.ask(BATTERIES))
        home.engine.close()
        before = contents(home.settings.home)
        looked(home)
        assert contents(home.settings.home) == before

    def test_that_is_not_there_is_not_made(self, home: Installation, tmp_path: Path) -> None:
        """`halo init` is what to type; looking makes no directory."""
        found = examine(tmp_path / "nowhere", load=lambda at: load_settings(home=at, environ={}), time_in=lambda _: home.clock)
        assert bad(found).keys() == {"home"}
        assert not (tmp_path / "nowhere").exists()

    def test_with_unreadable_settings_says_so(self, home: Installation) -> None:
        """Naming the setting, and never its value."""
        (home.settings.home / "config.toml").write_text('amazon_client_secrett = "canary-amazon-client-secret-7f31"')
        (home.settings.home / "config.toml").chmod(0o600)
        finding = only(home)
        assert (finding.name, finding.level) == ("settings", Level.PROBLEM)
        assert "canary" not in finding.says
        (home.settings.home / "config.toml").unlink()


class TestTheMachine:
    def test_with_an_old_sqlite_is_slower_and_safe(self, home: Installation) -> None:
        with patch.object(sqlite, "WAL_IS_SAFE_FROM", (99, 0, 0)):
            found = bad(looked(home))
        assert (found["sqlite"].level, found["journal"].level) == (Level.WARNING, Level.PROBLEM)

    def test_with_an_old_python_is_told(self, home: Installation) -> None:
        with patch.object(sys, "version_info", (3, 10, 1)):
            assert only(home).name == "python"

    @pytest.mark.parametrize(("free", "level"), [(1_000_000, Level.PROBLEM), (200_000_000, Level.WARNING)])
    def test_with_a_full_disk_is_told(self, home: Installation, free: int, level: Level) -> None:
        with patch.object(shutil, "disk_usage", return_value=shutil._ntuple_diskusage(10**10, 10**10 - free, free)):
            finding = only(home)
        assert (finding.name, finding.level) == ("disk", level)

    def test_has_the_model_that_was_shipped(self, tmp_path: Path) -> None:
        """One byte of it flipped, and one that is missing."""
        folder = shutil.copytree(machine._MODEL, tmp_path / "model")
        assert {finding.level for finding in machine.model(folder)} == {Level.OK}
        tokenizer = bytearray((folder / "tokenizer.json").read_bytes())
        tokenizer[1000] ^= 1
        (folder / "tokenizer.json").write_bytes(tokenizer)
        (finding,) = machine.model(folder)
        assert finding.level is Level.PROBLEM

    def test_without_a_package_that_is_needed_is_told(self, home: Installation) -> None:
        with patch("importlib.util.find_spec", return_value=None):
            found = bad(looked(home, otel_endpoint="http://127.0.0.1:4318"))
        assert found["packages"].mend == "pip install '.[otel]'"


class TestTheHome:
    def test_that_others_can_enter_is_a_problem(self, home: Installation) -> None:
        home.settings.home.chmod(0o755)
        assert only(home).mend == f"chmod 700 {home.settings.home}"

    @pytest.mark.parametrize("name", ["secret.key", "openai.key", "bridge.key", "keys/dev_x.pem", "halo.db"])
    def test_with_a_secret_that_others_can_read_is_a_problem(self, home: Installation, name: str) -> None:
        file = home.settings.home / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            file.write_text(f"what is in {name}")
        file.chmod(0o644)
        assert bad(looked(home))["modes"].mend == f"chmod 600 {file}"

    def test_without_its_secret_is_a_problem(self, home: Installation) -> None:
        """And none is made in its place."""
        home.settings.key_file.unlink()
        assert only(home).name == "secret_key"
        assert not home.settings.key_file.exists()

    def test_with_half_a_secret_is_a_problem(self, home: Installation) -> None:
        home.settings.key_file.write_text("0123")
        assert "secret_key" in bad(looked(home))

    def test_with_another_ones_secret_is_a_problem(self, home: Installation) -> None:
        home.settings.key_file.write_text("5f" * 32)
        assert only(home).name == "books_key"

    def test_knows_where_words_are_read(self, home: Installation) -> None:
        """Without an address, and without a key."""
        assert only(home, parser="openai").name == "parser"
        with patch("halo_engine.parsing.language_model.key._from_keyring", return_value=None):
            assert only(home, parser="openai", openai_base_url="https://model.example/v1").name == "parser"
        assert bad(looked(home, parser="openai", openai_base_url="http://127.0.0.1:8080/v1")) == {}

    @pytest.mark.parametrize(
        "settings",
        [
            {"spending_limit_cents": "100001", "daily_spending_limit_cents": "100000"},
            {"daily_spending_limit_cents": "900000"},
            {"apple_app_id": "ABCDE12345.home.halo"},
        ],
    )
    def test_with_settings_that_contradict_is_told(self, home: Installation, settings: dict[str, str]) -> None:
        finding = only(home, **settings)
        assert (finding.name, finding.level) == ("settings", Level.WARNING)

    def test_that_is_live_at_simulated_addresses_is_a_problem(self, home: Installation) -> None:
        found = bad(looked(home, vendors="live"))
        assert "HALO_AMAZON_URL" in found["settings"].says


class TestTheBooks:
    def test_that_are_no_database_are_a_problem(self, home: Installation) -> None:
        home.engine.close()
        home.settings.database_file.write_bytes(b"not a database at all" * 100)
        assert only(home).name == "database"

    def test_that_are_damaged_are_a_problem(self, home: Installation) -> None:
        """A page in the midst of it."""
        for _ in range(3):
            home.ask(BATTERIES)
        home.engine.close()
        file = bytearray(home.settings.database_file.read_bytes())
        file[4096 * 3 : 4096 * 40] = os.urandom(4096 * 37)
        home.settings.database_file.write_bytes(file)
        assert "database" in bad(looked(home))

    @pytest.mark.parametrize(("revision", "level"), [("9999", Level.PROBLEM), ("0003", Level.WARNING)])
    def test_of_another_version_are_told(self, home: Installation, revision: str, level: Level) -> None:
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        assert only(home).level is level

    def test_without_a_household_want_one(self, tmp_path: Path, home: Installation) -> None:
        empty = Installation.reopen(tmp_path / "empty", clock=home.clock)
        assert only(empty).mend == f"halo init --home {empty.settings.home}"

    def test_from_the_future_say_that_the_clock_is_behind(self, home: Installation) -> None:
        home.later(hours=-2)
        assert only(home).name == "clock"

    def test_in_a_zone_that_nobody_knows_are_a_problem(self, home: Installation) -> None:
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE household SET time_zone = 'Atlantis/Poseidonis'")
        assert only(home).name == "zone"

    def test_that_were_cut_after_they_were_signed_are_a_problem(self, home: Installation) -> None:
        """This home remembers a longer log."""
        home.ask(BATTERIES)
        with Audit.open(home.settings, clock=home.clock) as audit:
            audit.checkpoint()
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER event_log_refuses_delete")
            connection.exec_driver_sql("DELETE FROM event_log WHERE seq = (SELECT max(seq) FROM event_log)")
        assert only(home).name == "signed_head"

    def test_whose_witness_is_not_there_are_told(self, home: Installation, tmp_path: Path) -> None:
        assert only(home, witness_file=str(tmp_path / "unmounted" / "witness.json")).name == "witness"


class TestDeviceKeys:
    def test_of_a_device_that_was_revoked_are_told(self, home: Installation) -> None:
        """This terminal would sign, and nobody would count it."""
        code = home.engine.devices.open_enrolment("terminal", by=None).code.get_secret_value()
        device = home.engine.devices.enrol(code).device
        keys = home.settings.home / "keys"
        keys.mkdir(mode=0o700)
        (keys / f"{device.id}.pem").write_text("a key")
        (keys / f"{device.id}.pem").chmod(0o600)
        assert bad(looked(home)) == {}
        home.engine.devices.revoke(device.id, by=None)
        assert only(home).name == "device_keys"


class TestExecutions:
    def test_that_nobody_carries_on_are_a_problem(self, home: Installation) -> None:
        home.confirm(home.ask(BATTERIES))
        assert bad(looked(home)) == {}
        home.later(minutes=11)
        assert only(home).mend == "halo worker"

    def test_that_rest_beside_a_worker_are_a_problem(self, home: Installation) -> None:
        execution = home.confirm(home.ask(BATTERIES))
        home.later(minutes=11)
        with FileSlots(home.settings.home / "slots").take():
            assert execution.id in only(home).mend

    def test_of_which_nobody_knows_the_end_are_told(self, home: Installation) -> None:
        home.fault("lose_answer")
        home.fault("late_orders", amount=600)
        home.engine.execute(home.confirm(home.ask(BATTERIES)).id, wait_s=1)
        assert (only(home).name, only(home).level) == ("unknown", Level.WARNING)

    def test_for_a_person_are_told_until_they_are_settled(self, home: Installation) -> None:
        home.fault("drop_before")
        execution = home.engine.execute(home.confirm(home.ask("book a table for two at Nopa tomorrow at 7:30pm")).id, wait_s=600)
        assert execution.id in only(home).mend
        home.engine.settle(execution.id, Settlement(outcome=Outcome.DID_NOT_HAPPEN), member=None)
        assert bad(looked(home)) == {}

    def test_that_are_in_no_queue_are_told(self, home: Installation) -> None:
        home.confirm(home.ask(BATTERIES))
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM workflow_status")
        assert only(home).name == "queue"


class TestWebhooks:
    def test_that_are_told_nothing_any_more_are_named(self, home: Installation) -> None:
        new = home.engine.webhooks.add("https://example.com/hook", (), by=None)
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE webhook_endpoint SET disabled_at = '2026-03-03T17:00:00.000000Z', disabled_because = 'gone'")
        assert only(home).mend == f"halo webhooks enable {new.endpoint.id}"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Held, and not listened at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class TestVendors:
    def test_that_answer_are_well(self, home: Installation) -> None:
        """A connection is all that is made: not a byte is sent."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            found = looked(home, vendors="live", **dict.fromkeys(_URLS, url))
            server.settimeout(5)
            connection, _ = server.accept()
            assert connection.recv(1) == b""
            connection.close()
        assert "vendors" not in bad(found)

    def test_that_do_not_answer_are_told(self, home: Installation, closed_port: int) -> None:
        finding = only(home, vendors="live", **dict.fromkeys(_URLS, f"http://127.0.0.1:{closed_port}"))
        assert (finding.name, finding.level) == ("vendors", Level.WARNING)


_URLS = ("amazon_url", "amazon_auth_url", "zinc_url", "resy_url", "square_url", "subscriptions_url")


class TestPostgres:
    def test_that_is_well(self, home: Installation, postgres_url: str, tmp_path: Path) -> None:
        shared = Installation.open(tmp_path / "shared", clock=home.clock, database_url=postgres_url)
        shared.confirm(shared.ask(BATTERIES))
        assert bad(looked(shared, database_url=postgres_url)) == {}
        home.later(minutes=11)
        assert only(shared, database_url=postgres_url).mend == "halo worker"
        shared.engine.close()

    def test_that_is_not_there(self, home: Installation, tmp_path: Path, closed_port: int) -> None:
        """Told in seconds, without its password."""
        shutil.copytree(home.settings.home, tmp_path / "other", ignore=shutil.ignore_patterns("halo.db*"))
        url = f"postgresql://halo:canary-password-1@127.0.0.1:{closed_port}/halo"
        found = examine(
            tmp_path / "other",
            load=lambda at: load_settings(home=at, environ={"HALO_DATABASE_URL": url}),
            time_in=lambda _: home.clock,
        )
        (finding,) = [each for each in bad(found).values() if each.name == "database"]
        assert finding.level is Level.PROBLEM
        assert "canary" not in f"{found}"
