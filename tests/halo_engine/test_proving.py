"""The signed head, the witness and proofs, over a real household: what is noticed, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import Conflict, InvalidInput, NotFound, StoreBusy, StoreDamaged, StoreFailed
from halo_engine.model.execution import Execution
from halo_engine.model.note import Checkpoint, key_of, read_key, read_note, sign
from halo_engine.proving import Proving, tell_witness
from halo_engine.settings import load_settings
from halo_engine.store.kept_file import KeptFile
from halo_engine.store.signer import FILE, last_signed
from halo_engine.store.sqlite import driver
from tests.halo_engine.store.raw import without_triggers
from tests.installation import NOON, Installation


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """A household with a witness, which knows of its founding."""
    (tmp_path / "usb").mkdir()
    installation = Installation.open(tmp_path / "home", witness_file=str(tmp_path / "usb" / "witness.json"))
    with proving(installation) as proofs:
        proofs.begin_witness()
    yield installation
    installation.engine.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Installation]:
    """A household without a witness, which has signed its founding."""
    installation = Installation.open(tmp_path / "home")
    checkpoint(installation)
    yield installation
    installation.engine.close()


@contextmanager
def proving(home: Installation) -> Iterator[Proving]:
    with Proving.opened(home.settings, home.clock) as proofs:
        yield proofs


def problems(home: Installation, against: str | None = None) -> tuple[str, ...]:
    with proving(home) as proofs:
        return proofs.problems(against)


def checkpoint(home: Installation) -> str:
    with proving(home) as proofs:
        return proofs.checkpoint().note


def bought(home: Installation) -> str:
    """The id of an execution that was done."""
    home.later(minutes=1)
    return home.carry_out(home.ask("order 2 packs of AA batteries")).id


def put_back(home: Installation, copy: Path) -> None:
    """The books as they were in `copy`, in the place of today's."""
    home.engine.close()
    for file in home.settings.home.glob("halo.db*"):
        file.unlink()
    shutil.copy(copy, home.settings.database_file)
    home.engine = Installation.reopen(home.settings.home, clock=home.clock, witness_file=str(home.settings.witness_file or "")).engine


def kept(home: Installation, name: str) -> Path:
    """A backup of the books as they are."""
    copy = home.settings.home.parent / name
    with closing(driver.connect(home.settings.database_file)) as now, closing(driver.connect(copy)) as backup:
        now.backup(backup)
    return copy


def forget_what_was_signed(home: Installation) -> None:
    (home.settings.home / FILE).unlink()


def put_back_whole(home: Installation) -> Checkpoint:
    """The home as it was founded, with all its files, gone on another way; and the head that it had signed before."""
    where = home.settings.home
    home.engine.close()
    backup = shutil.copytree(where, where.with_name("backup"))
    witness = str(home.settings.witness_file or "")
    home.engine = Installation.reopen(where, clock=home.clock, witness_file=witness).engine
    home.ask("order 2 packs of AA batteries")
    newer = read_note(checkpoint(home)).checkpoint
    home.engine.close()
    shutil.rmtree(where)
    shutil.copytree(backup, where)
    home.engine = Installation.reopen(where, clock=home.clock, witness_file=witness).engine
    for _ in range(2):
        home.ask("order toothpaste")
    return newer


_WAYS_TO_LOSE_IT: dict[str, Callable[[Path], object]] = {
    "away": lambda _place: None,
    "a link": lambda place: place.symlink_to("/dev/zero"),
    "a directory": Path.mkdir,
    "a pipe": os.mkfifo,
    "no witness's": lambda place: place.write_text("[" * 9999),
}


def rewrite(home: Installation, seq: int) -> None:
    """Another hash in the place of one event's, by somebody who gets past the triggers."""
    with closing(driver.connect(home.settings.database_file)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE event_log SET hash = ? WHERE seq = ?", ("ab" * 32, seq))


class TestTheSigner:
    def test_signs_the_head_with_the_key_of_the_home(self, home: Installation) -> None:
        bought(home)
        with proving(home) as proofs:
            head = proofs.checkpoint()
        note = read_note(head.note)
        assert note.checkpoint.size == head.events == home.verify().events
        assert note.checkpoint.root.hex() == home.verify().root
        assert note.is_signed_with(read_key(head.key))

    def test_signs_the_same_head_with_the_same_words(self, home: Installation) -> None:
        assert checkpoint(home) == checkpoint(home)

    def test_keeps_what_it_signed_for_the_owner_only(self, home: Installation) -> None:
        note = checkpoint(home)
        last = last_signed(home.settings.home, home.clock)
        assert last
        assert last.note == note
        assert (home.settings.home / FILE).stat().st_mode & 0o777 == 0o600

    def test_never_signs_a_shorter_log(self, alone: Installation) -> None:
        before = kept(alone, "before.db")
        bought(alone)
        signed = checkpoint(alone)
        put_back(alone, before)
        with pytest.raises(StoreDamaged, match="does not go on from its head of"):
            checkpoint(alone)
        last = last_signed(alone.settings.home, alone.clock)
        assert last
        assert last.note == signed

    def test_never_signs_a_log_that_went_on_another_way(self, alone: Installation) -> None:
        before = kept(alone, "before.db")
        bought(alone)
        checkpoint(alone)
        put_back(alone, before)
        for _ in range(3):
            bought(alone)
        with pytest.raises(StoreDamaged, match="does not go on"):
            checkpoint(alone)

    def test_that_lost_its_memory_asks_the_witness(self, home: Installation) -> None:
        before = kept(home, "before.db")
        bought(home)
        put_back(home, before)
        forget_what_was_signed(home)
        with pytest.raises(StoreDamaged, match="an older backup was put back"):
            checkpoint(home)
        assert not (home.settings.home / FILE).exists()

    def test_signs_nothing_over_an_altered_event(self, alone: Installation) -> None:
        bought(alone)
        rewrite(alone, 4)
        with pytest.raises(StoreDamaged, match="altered at event 4"):
            checkpoint(alone)

    def test_signs_nothing_over_an_event_that_was_altered_since(self, alone: Installation) -> None:
        bought(alone)
        checkpoint(alone)
        rewrite(alone, 4)
        with pytest.raises(StoreDamaged, match="altered before its signed head"):
            checkpoint(alone)

    @pytest.mark.parametrize("payload", ["[", '{"b":1,"a":2}'])
    def test_signs_nothing_over_an_event_that_is_none(self, alone: Installation, payload: str) -> None:
        """Nothing could have been hashed to what it carries."""
        bought(alone)
        without_triggers(alone.engine._store, "event_log", "UPDATE event_log SET event_payload_json = :to WHERE seq = 3", to=payload)
        with pytest.raises(StoreDamaged, match="The log was altered at event 3"):
            checkpoint(alone)

    @pytest.mark.parametrize("carried", ["no hash at all", "abcd"])
    def test_proves_nothing_by_an_event_without_a_hash(self, alone: Installation, carried: str) -> None:
        """What it signed before is looked for in the log first."""
        execution_id = bought(alone)
        checkpoint(alone)
        without_triggers(alone.engine._store, "event_log", "UPDATE event_log SET hash = :to WHERE seq = 2", to=carried)
        with proving(alone) as proofs, pytest.raises(StoreDamaged, match="The log was altered at event 2"):
            proofs.prove(execution_id)

    def test_signs_nothing_new_over_an_altered_event(self, home: Installation) -> None:
        """Also where only what is new is read: a command that moved money tells the witness nothing false."""
        home.ask("order 2 packs of AA batteries")
        rewrite(home, 3)
        assert "altered at event 3" in tell_witness(home.settings, home.clock)

    @pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b"[" * 9999])
    def test_signs_nothing_where_it_cannot_read_what_it_signed(self, home: Installation, damage: bytes) -> None:
        (home.settings.home / FILE).write_bytes(damage)
        with pytest.raises(StoreDamaged, match="cannot be read"):
            checkpoint(home)

    def test_believes_no_peaks_that_are_not_those_it_signed(self, home: Installation) -> None:
        path = home.settings.home / FILE
        kept_head = json.loads(path.read_text())
        kept_head["peaks"] = ["A" * 43 + "="]
        path.write_text(json.dumps(kept_head))
        with pytest.raises(StoreDamaged, match="cannot be read"):
            checkpoint(home)

    def test_signs_nothing_with_another_secret_than_the_books(self, home: Installation) -> None:
        home.settings.key_file.write_text("ab" * 32)
        with pytest.raises(StoreFailed, match="not the secret of these books"):
            checkpoint(home)

    def test_waits_for_another_who_signs_and_not_for_ever(self, home: Installation) -> None:
        """In real time: nothing is done to the household's clock, and moving that one changes nothing."""
        before = home.clock.now()
        with (
            KeptFile(home.settings.home / FILE, home.clock).held(),
            Proving.opened(home.settings, home.clock, patience_s=0.05) as proofs,
            pytest.raises(StoreBusy),
        ):
            proofs.checkpoint()
        assert home.clock.now() == before
        checkpoint(home)

    @pytest.mark.parametrize("lost", _WAYS_TO_LOSE_IT.values(), ids=_WAYS_TO_LOSE_IT)
    def test_signs_nothing_while_its_witness_cannot_be_asked(self, home: Installation, lost: Callable[[Path], object]) -> None:
        """The whole home was put back, with what it remembers of its own signing, and went on another way: only the witness knows."""
        put_back_whole(home)
        signed = last_signed(home.settings.home, home.clock)
        place = home.settings.witness_file
        assert place
        place.rename(place.with_name("away.json"))
        lost(place)
        with pytest.raises(StoreFailed, match="Nothing is signed without asking it"):
            checkpoint(home)
        done = bought(home)
        with proving(home) as proofs, pytest.raises(StoreFailed, match="Nothing is signed without asking it"):
            proofs.prove(done)
        assert "Nothing is signed without asking it" in tell_witness(home.settings, home.clock)
        assert last_signed(home.settings.home, home.clock) == signed

    def test_signs_nothing_where_the_witness_believes_another_key(self, home: Installation, tmp_path: Path) -> None:
        """A witness's file that somebody else has made for this log."""
        mine, theirs, place = read_note(checkpoint(home)).checkpoint, bytes(32), home.settings.witness_file
        assert place
        key = key_of(theirs, name=mine.origin)
        memory = {"key": key.text, "note": sign(mine, theirs).text, "seen_at": "2026-03-03T17:00:00Z"}
        place.write_text(json.dumps({"format": "halo/witness/v1", "logs": {mine.origin: memory}}))
        with pytest.raises(StoreDamaged, match="not signed with this home's key"):
            checkpoint(home)

    def test_would_sign_two_histories_if_it_did_not_ask(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug."""
        newer = put_back_whole(home)
        monkeypatch.setattr(Proving, "_require_what_the_witness_saw", lambda _self, *, beyond: None)
        ours = read_note(checkpoint(home)).checkpoint
        assert ours.size >= newer.size
        assert ours.root != newer.root


class TestTheWitness:
    def test_is_told_of_whatever_ended(self, home: Installation) -> None:
        bought(home)
        with proving(home) as proofs:
            seen = proofs.witness()
        assert (seen.events, seen.seen_at, seen.problems) == (home.verify().events, home.clock.now(), ())

    def test_is_told_by_a_worker_too(self, home: Installation) -> None:
        home.confirm(home.ask("order 2 packs of AA batteries"))
        ended: list[Execution] = []
        home.engine.worker(told=ended.append).serve(Event(), until_idle=True)
        with proving(home) as proofs:
            assert (len(ended), proofs.witness().events) == (1, home.verify().events)

    def test_fails_no_command_whatever_goes_wrong(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        said: list[str] = []
        home.engine.warn = said.append
        monkeypatch.setattr("halo_engine.store.witness.Witness.add", broken)
        assert home.carry_out(home.ask("order 2 packs of AA batteries")).status.value == "done"
        assert said == ["The witness was not told: Something went wrong in Halo itself (ZeroDivisionError)."]

    def test_is_told_with_no_more_reading_than_what_is_new(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_reading(*_: object, **__: object) -> None:
            raise AssertionError("the whole log was read")

        monkeypatch.setattr("halo_engine.store.log_leaves.LogLeaves.all", no_reading)
        for _ in range(3):
            bought(home)
        assert tell_witness(home.settings, home.clock) == ""

    def test_that_was_away_is_told_later_of_all_it_missed(self, home: Installation) -> None:
        place = home.settings.witness_file
        assert place
        away = place.rename(place.with_name("away.json"))
        for _ in range(2):
            bought(home)
        away.rename(place)
        bought(home)
        assert problems(home) == ()
        with proving(home) as proofs:
            assert proofs.witness().events == home.verify().events

    def test_that_is_away_stops_nothing_and_is_missed_once(self, home: Installation) -> None:
        said: list[str] = []
        home.engine.warn = said.append
        assert home.settings.witness_file
        home.settings.witness_file.unlink()
        assert [home.carry_out(home.ask("order 2 packs of AA batteries")).status.value for _ in range(2)] == ["done", "done"]
        assert len(said) == 1
        assert "is not there" in said[0]

    def test_says_that_the_log_was_cut(self, home: Installation) -> None:
        before = kept(home, "before.db")
        bought(home)
        seen = home.verify().events
        put_back(home, before)
        (own, witness) = problems(home)
        assert own.startswith(f"this home saw {seen} events at 2026-03-03T17:01:00Z, and there are 1 now")
        assert witness.startswith(
            f"the witness saw {seen} events at 2026-03-03T17:01:00Z, and there are 1 now, the newest of 2026-03-03T17:00:00Z"
        )
        assert "cut at its end, or an older backup was put back" in witness

    def test_says_that_the_whole_home_was_put_back(self, home: Installation, tmp_path: Path) -> None:
        """What the home remembers is put back with it; what the witness remembers is not."""
        home.engine.close()
        shutil.copytree(home.settings.home, tmp_path / "backup")
        again = Installation.reopen(home.settings.home, clock=home.clock, witness_file=str(home.settings.witness_file))
        bought(again)
        again.engine.close()
        shutil.rmtree(home.settings.home)
        shutil.copytree(tmp_path / "backup", home.settings.home)
        (problem,) = problems(home)
        assert problem.startswith("the witness saw")

    def test_says_that_the_log_went_on_from_an_older_backup(self, home: Installation) -> None:
        before = kept(home, "before.db")
        bought(home)
        put_back(home, before)
        for _ in range(2):
            bought(home)
        assert all("gone on with from an older backup" in problem for problem in problems(home))
        assert len(problems(home)) == 2

    def test_says_that_it_knows_another_key(self, home: Installation, tmp_path: Path) -> None:
        """The books under another installation's secret, as whoever stole the database would sign them."""
        other = Installation.open(tmp_path / "other", clock=FakeClock(NOON, seed=2))
        other.engine.close()
        shutil.copy(other.settings.key_file, home.settings.key_file)
        with closing(driver.connect(home.settings.database_file)) as connection, connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            payload = json.loads(connection.execute("SELECT event_payload_json FROM event_log WHERE seq = 1").fetchone()[0])
            payload.pop("key_id")
            connection.execute("UPDATE event_log SET event_payload_json = ? WHERE seq = 1", (json.dumps(payload),))
        found = problems(home)
        assert any("the witness knows a head of one event that was not signed with this home's key" in problem for problem in found)

    def test_that_cannot_be_asked_is_a_problem(self, home: Installation) -> None:
        assert home.settings.witness_file
        home.settings.witness_file.write_text("{}x")
        assert "cannot be read, or was altered" in problems(home)[0]
        home.settings.witness_file.unlink()
        assert "Nobody says whether the log was cut" in problems(home)[0]

    def test_is_made_once_and_only_where_one_is_named(self, home: Installation, tmp_path: Path) -> None:
        with proving(home) as proofs, pytest.raises(Conflict):
            proofs.begin_witness()
        unnamed = Installation.open(tmp_path / "unnamed")
        with proving(unnamed) as proofs, pytest.raises(NotFound, match="No witness is set"):
            proofs.begin_witness()
        unnamed.engine.close()


class TestTheSetting:
    @pytest.mark.parametrize(("given", "place"), [("", None), ("witness.json", "witness.json"), ("~/witness.json", "/house/witness.json")])
    def test_names_a_file(self, given: str, place: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/house")
        found = load_settings(home=tmp_path, environ={"HALO_WITNESS_FILE": given}).witness_file
        assert found == (Path(place) if place else None)

    @pytest.mark.parametrize("given", ["a\0b", "~nobody-lives-here/witness.json"])
    def test_is_refused_where_it_names_none(self, given: str, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="witness_file"):
            load_settings(home=tmp_path, environ={"HALO_WITNESS_FILE": given})


class TestACheckpointKeptElsewhere:
    def test_agrees_with_the_log_it_was_taken_of(self, home: Installation) -> None:
        note = checkpoint(home)
        bought(home)
        assert problems(home, note) == ()

    def test_tells_when_the_log_is_shorter_or_another(self, home: Installation) -> None:
        before = kept(home, "before.db")
        bought(home)
        note = checkpoint(home)
        put_back(home, before)
        assert problems(home, note)[-1].startswith("the checkpoint saw 8 events, and there are 1 now")
        for _ in range(2):
            bought(home)
        assert "rewritten, or gone on with from an older backup" in problems(home, note)[-1]

    def test_of_another_household_or_key_says_so(self, home: Installation, tmp_path: Path) -> None:
        other = Installation.open(tmp_path / "other", clock=FakeClock(NOON, seed=2))
        with proving(other) as proofs:
            theirs = proofs.checkpoint().note
        other.engine.close()
        assert problems(home, theirs)[0].startswith("the checkpoint is of another log")
        mine = read_note(checkpoint(home)).checkpoint
        forged = sign(Checkpoint(origin=mine.origin, size=mine.size, root=mine.root), bytes(32)).text
        assert "not signed with this home's key" in problems(home, forged)[0]

    def test_that_is_none_is_refused(self, home: Installation) -> None:
        with pytest.raises(InvalidInput):
            problems(home, "hello")

    def test_is_not_needed_by_a_copy_without_its_secret(self, home: Installation) -> None:
        """Somebody with a copy of the books alone can still hear the witness."""
        bought(home)
        home.settings.key_file.unlink()
        assert problems(home) == ()


class TestAProof:
    def test_is_of_a_receipt_by_either_name(self, home: Installation) -> None:
        execution = bought(home)
        with home.queries() as queries:
            receipt = queries.receipt(execution)
        with proving(home) as proofs:
            assert proofs.prove(execution) == proofs.prove(receipt.id)
            assert proofs.prove(execution).proof.receipt == receipt.content_text

    def test_discloses_what_it_says_and_nothing_of_others(self, home: Installation) -> None:
        other = home.ask("order AAA batteries", member="Sam")
        execution = bought(home)
        with proving(home) as proofs:
            proved = proofs.prove(execution)
        assert "names of members: Alex" in proved.discloses
        assert "Sam" not in proved.proof.text
        assert str(other.draft_id) not in proved.proof.text
        assert "order 2 packs" not in proved.proof.text

    @pytest.mark.parametrize("of", ["exe_nope", "rct_nope", "", "' OR 1=1", "\0", "\ud800"])
    def test_of_nothing_is_not_found(self, home: Installation, of: str) -> None:
        with proving(home) as proofs, pytest.raises(NotFound):
            proofs.prove(of)

    def test_of_what_was_never_done_is_not_found_and_says_so(self, home: Installation) -> None:
        execution = home.confirm(home.ask("order 2 packs of AA batteries"))
        with proving(home) as proofs, pytest.raises(NotFound, match="There is no receipt to prove: this execution is confirmed"):
            proofs.prove(execution.id)

    def test_of_a_receipt_that_was_altered_is_another_than_was_kept(self, alone: Installation) -> None:
        execution = bought(alone)
        rewrite(alone, 5)
        with proving(alone) as proofs, pytest.raises(StoreDamaged, match="altered"):
            proofs.prove(execution)


class TestHomesThatShareBooks:
    def test_sign_as_one_and_tell_one_witness(self, tmp_path: Path, postgres_url: str) -> None:
        usb, clock = str(tmp_path / "witness.json"), FakeClock(NOON)
        first = Installation.open(tmp_path / "first", clock=clock, database_url=postgres_url, witness_file=usb)
        (tmp_path / "second").mkdir()
        shutil.copy(first.settings.key_file, tmp_path / "second" / "secret.key")
        second = Installation.reopen(tmp_path / "second", clock=clock, database_url=postgres_url, witness_file=usb)
        with proving(first) as proofs:
            key = proofs.begin_witness().key
        for home in (first, second, second, first):
            execution = bought(home)
        for home in (first, second):
            with proving(home) as proofs:
                assert proofs.key.text == key
                assert proofs.witness().events == home.verify().events
                assert proofs.problems(checkpoint(first)) == ()
                assert proofs.prove(execution).proof.key == key
            home.engine.close()

    def test_sign_nothing_without_the_secret_of_the_books(self, tmp_path: Path, postgres_url: str) -> None:
        first = Installation.open(tmp_path / "first", database_url=postgres_url)
        settings = first.settings.model_copy(update={"home": tmp_path / "second"})
        with Proving.opened(settings, first.clock) as proofs, pytest.raises(StoreFailed, match="not the secret of these books"):
            proofs.checkpoint()
        assert not settings.home.exists()
        first.engine.close()
