"""A witness takes what goes on from what it remembers, and nothing else, whoever asks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import Conflict, StoreDamaged, StoreNotWritable
from halo_engine.model.merkle import Tree, consistency_proof
from halo_engine.model.note import Checkpoint, Note, key_of, sign
from halo_engine.store.witness import Said, Witness

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
ORIGIN, SEED = "halo.local/hsh_1", bytes(range(32))
KEY = key_of(SEED, name=ORIGIN)
LEAVES = tuple(bytes([number]) * 32 for number in range(20))


def head(size: int, leaves: tuple[bytes, ...] = LEAVES, seed: bytes = SEED, origin: str = ORIGIN) -> Note:
    return sign(Checkpoint(origin=origin, size=size, root=Tree(leaves[:size]).root), seed)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """One that has seen twelve events."""
    witness = Witness(tmp_path / "witness.json", FakeClock(NOW))
    witness.begin()
    assert witness.add(head(12), old_size=0, proof=(), key=KEY) is Said.REMEMBERED
    return witness


class TestAWitness:
    def test_takes_what_goes_on_from_there(self, witness: Witness) -> None:
        proof = consistency_proof(LEAVES, 12)
        assert witness.add(head(20), old_size=12, proof=proof, key=KEY) is Said.REMEMBERED
        memory = witness.remembers(ORIGIN)
        assert memory
        assert (memory.signed.checkpoint.size, memory.seen_at, memory.key) == (20, NOW, KEY.text)

    def test_takes_the_same_again(self, witness: Witness) -> None:
        assert witness.add(head(12), old_size=12, proof=(), key=KEY) is Said.REMEMBERED

    def test_takes_another_log_beside_it(self, witness: Witness) -> None:
        other = head(3, seed=bytes(32), origin="halo.local/hsh_2")
        assert witness.add(other, old_size=0, proof=(), key=key_of(bytes(32), name="halo.local/hsh_2")) is Said.REMEMBERED
        assert witness.remembers(ORIGIN)

    @pytest.mark.parametrize("size", range(12))
    def test_goes_back_for_nobody(self, witness: Witness, size: int) -> None:
        assert witness.add(head(size), old_size=12, proof=(), key=KEY) is Said.BACKWARDS
        assert witness.add(head(size), old_size=size, proof=(), key=KEY) is Said.CONFLICT
        assert witness.add(head(size), old_size=0, proof=(), key=KEY) is Said.CONFLICT

    @pytest.mark.parametrize("changed", range(12))
    def test_takes_no_other_history_with_whatever_proof(self, witness: Witness, changed: int) -> None:
        forged = (*LEAVES[:changed], bytes(32)[:31] + b"x", *LEAVES[changed + 1 :])
        for proof in (consistency_proof(forged, 12), consistency_proof(LEAVES, 12), ()):
            assert witness.add(head(20, forged), old_size=12, proof=proof, key=KEY) is Said.UNPROVED
        assert witness.add(head(12, forged), old_size=12, proof=(), key=KEY) is Said.CONFLICT

    def test_believes_the_key_it_was_first_shown(self, witness: Witness) -> None:
        thief = bytes(32)
        mine = key_of(thief, name=ORIGIN)
        proof = consistency_proof(LEAVES, 12)
        assert witness.add(head(20, seed=thief), old_size=12, proof=proof, key=mine) is Said.OTHER_KEY
        assert witness.add(head(20, seed=thief), old_size=0, proof=(), key=mine) is Said.OTHER_KEY

    def test_believes_no_head_that_is_not_signed_with_the_key_that_comes_with_it(self, witness: Witness) -> None:
        other = head(3, seed=bytes(32), origin="halo.local/hsh_2")
        assert witness.add(other, old_size=0, proof=(), key=key_of(SEED, name="halo.local/hsh_2")) is Said.OTHER_KEY

    def test_wants_no_proof_from_nothing(self, tmp_path: Path) -> None:
        witness = Witness(tmp_path / "new.json", FakeClock(NOW))
        witness.begin()
        assert witness.add(head(12), old_size=0, proof=(bytes(32),), key=KEY) is Said.UNPROVED
        assert witness.remembers(ORIGIN) is None

    def test_remembers_what_it_knew_after_every_no(self, witness: Witness) -> None:
        before = witness.path.read_bytes()
        self.test_goes_back_for_nobody(witness, 5)
        self.test_takes_no_other_history_with_whatever_proof(witness, 5)
        self.test_believes_the_key_it_was_first_shown(witness)
        assert witness.path.read_bytes() == before


class TestTheFile:
    def test_is_for_its_owner_only_and_leaves_nothing_half_written(self, witness: Witness) -> None:
        names = sorted(entry.name for entry in witness.path.parent.iterdir())
        assert names == ["witness.json", "witness.json.lock"]
        assert {entry.stat().st_mode & 0o777 for entry in witness.path.parent.iterdir()} == {0o600}

    def test_is_made_once(self, witness: Witness) -> None:
        with pytest.raises(Conflict):
            witness.begin()
        assert witness.remembers(ORIGIN)

    def test_that_is_not_there_is_not_made_by_being_told(self, tmp_path: Path) -> None:
        """A disk that is not mounted must not get a witness that remembers nothing in its place."""
        for path in (tmp_path / "witness.json", tmp_path / "usb" / "witness.json"):
            witness = Witness(path, FakeClock(NOW))
            with pytest.raises(StoreNotWritable):
                witness.add(head(12), old_size=0, proof=(), key=KEY)
            assert not path.exists()

    @pytest.mark.parametrize("how", ["cut", "other size", "other root", "other key", "other origin", "garbage", "empty", "list", "deep"])
    def test_that_was_altered_is_not_believed(self, witness: Witness, how: str) -> None:
        text = witness.path.read_text()
        other = key_of(bytes(32), name=ORIGIN)
        witness.path.write_text(
            {
                "cut": text[:-20],
                "other size": text.replace("\\n12\\n", "\\n2\\n"),
                "other root": text.replace(str(head(12).text.split("\n")[2]), str(head(11).text.split("\n")[2])),
                "other key": text.replace(KEY.text, other.text),
                "other origin": text.replace(f'"{ORIGIN}"', '"halo.local/hsh_9"'),
                "garbage": "\x00\ufffd",
                "empty": "",
                "list": "[]",
                "deep": "[" * 100_000,
            }[how]
        )
        with pytest.raises(StoreDamaged):
            witness.remembers(ORIGIN)
        with pytest.raises(StoreDamaged):
            witness.add(head(20), old_size=12, proof=consistency_proof(LEAVES, 12), key=KEY)

    def test_that_is_something_else_is_not_believed(self, tmp_path: Path) -> None:
        link = tmp_path / "link.json"
        link.symlink_to("/dev/zero")
        os.mkfifo(tmp_path / "pipe.json")
        (tmp_path / "large.json").write_bytes(b" " * 5_000_000)
        (tmp_path / "folder.json").mkdir()
        for name in ("link", "large", "folder", "pipe"):
            with pytest.raises(StoreDamaged):
                Witness(tmp_path / f"{name}.json", FakeClock(NOW)).remembers(ORIGIN)

    def test_on_a_disk_that_can_only_be_read_is_read(self, witness: Witness) -> None:
        witness.path.with_name("witness.json.lock").unlink()
        assert witness.remembers(ORIGIN)
        assert not witness.path.with_name("witness.json.lock").exists()
