"""`halo audit export` and `halo audit check`, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_engine.model.note import Checkpoint, key_of, sign
from tests.halo_cli.conftest import Halo


@pytest.fixture(autouse=True)
def _lived(halo: Halo) -> None:
    """A household that asked for something."""
    assert halo("init", "--member", "Alex", "--tz", "America/New_York").code == 0
    assert halo("ask", "order two packs of paper towels", "--no-input").code in (0, 3)


class TestAuditExport:
    def test_prints_what_the_check_takes(self, halo: Halo, tmp_path: Path) -> None:
        """stdout is the export and nothing else."""
        ran = halo("audit", "export")
        (tmp_path / "log").write_text(ran.out)
        assert ran.code == 0
        assert halo("audit", "check", str(tmp_path / "log")).out.startswith("export verified: 3 events\n")

    def test_writes_a_file_in_each_form(self, halo: Halo, tmp_path: Path) -> None:
        """And says what it was."""
        for form in ("ndjson", "csv", "parquet"):
            ran = halo("audit", "export", "--format", form, "--out", str(tmp_path / form), "--json")
            assert (ran.code, ran.json["count"], ran.json["format"]) == (0, 3, form)
            assert (tmp_path / form).stat().st_size > 500

    def test_says_where_two_things_would_go_to_stdout(self, halo: Halo) -> None:
        """The export and the object."""
        ran = halo("audit", "export", "--json")
        assert ran.json["error"]["code"] == "invalid_input"

    def test_tells_of_a_day_that_is_none(self, halo: Halo) -> None:
        """With what to write."""
        ran = halo("audit", "export", "--since", "monday")
        assert ran.code == 2
        assert "2026-03-07" in ran.err


class TestAuditCheck:
    def test_needs_no_home(self, halo: Halo, tmp_path: Path, home: Path) -> None:
        """A stranger has the file and nothing else."""
        halo("audit", "export", "--out", str(tmp_path / "log"))
        for file in sorted(home.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        assert halo("audit", "check", str(tmp_path / "log")).code == 0
        assert list(home.iterdir()) == []

    def test_names_the_event_that_was_altered(self, halo: Halo, tmp_path: Path) -> None:
        """With exit code 1, first on stderr."""
        file = tmp_path / "log"
        halo("audit", "export", "--out", str(file))
        file.write_bytes(file.read_bytes().replace(b'"verb":"ORDER"', b'"verb":"BOOK"', 1))
        ran = halo("audit", "check", str(file))
        assert ran.code == 1
        assert ran.out.startswith("export FAILED\nevent 2: ")
        assert ran.err.startswith("error: the export does not hold: event 2: ")
        assert halo("audit", "check", str(file), "--json").json["first_bad"] == 2

    def test_tells_a_file_that_is_not_there(self, halo: Halo, tmp_path: Path) -> None:
        """Or that is a directory."""
        for path in (tmp_path / "nowhere", tmp_path):
            ran = halo("audit", "check", str(path))
            assert ran.code == 1
            assert "cannot be read" in ran.err

    def test_holds_it_against_a_checkpoint_and_its_signer(self, halo: Halo, tmp_path: Path) -> None:
        """Without the key it says that nobody checked who signed."""
        file, note = tmp_path / "log", tmp_path / "note"
        halo("audit", "export", "--out", str(file))
        last = json.loads(file.read_bytes().splitlines()[-1])
        household = json.loads(file.read_bytes().splitlines()[0])["household_id"]
        signed = sign(Checkpoint(origin=f"halo.local/{household}", size=3, root=bytes.fromhex(last["root"])), b"k" * 32)
        note.write_text(signed.text)
        key, other = (key_of(seed * 32, name=signed.checkpoint.origin).text for seed in (b"k", b"x"))
        ran = halo("audit", "check", str(file), "--against", str(note), "--key", key)
        assert ran.code == 0
        assert "It goes on from the checkpoint of 3 events." in ran.out
        assert "Nobody checked" in halo("audit", "check", str(file), "--against", str(note)).out
        assert "signature" in halo("audit", "check", str(file), "--against", str(note), "--key", other).err
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
        assert halo("audit", "check", str(file), "--against", str(note), "--key", key, "--json").json["first_bad"] == 3
