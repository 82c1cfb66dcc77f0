"""`halo bridge`: what is attached, and who is who."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_cli.exit_codes import ExitCode
from tests.halo_cli.conftest import Halo

CHAT = "iMessage;+;chat1"


@pytest.fixture
def attached(halo: Halo, tmp_path: Path) -> Halo:
    """A home with a bridge."""
    halo("init", "--member", "Alex", "--member", "Sam")
    (tmp_path / "password").write_text("canary-password\n")
    ran = halo("bridge", *_init(tmp_path), "--json")
    assert ran.code == ExitCode.DONE, ran.err
    return halo


def _init(place: Path) -> list[str]:
    return ["init", "--url", "http://127.0.0.1:1234", "--chat", CHAT, "--password-file", str(place / "password")]


class TestBridge:
    def test_is_attached_with_a_key_that_stays(self, attached: Halo, home: Path, tmp_path: Path) -> None:
        """Attached anew it keeps its URL; a new key is asked for."""
        key = (home / "bridge.key").read_text()
        assert attached("bridge", *_init(tmp_path), "--json").json["webhook_path"] == f"/v1/bridge?key={key}"
        assert attached("bridge", *_init(tmp_path), "--new-key", "--json").json["webhook_path"] != f"/v1/bridge?key={key}"

    def test_shows_no_secret(self, attached: Halo, home: Path) -> None:
        """Neither the password nor the key."""
        said = attached("bridge", "list").out + attached("bridge", "list", "--json").out
        assert "canary-password" not in said
        assert (home / "bridge.key").read_text() not in said

    def test_knows_whose_handles_are_whose(self, attached: Halo) -> None:
        """A handle is one member's, in one form; it is given and forgotten, and the log holds neither."""
        assert attached("bridge", "address", "sam", "+1 (415) 555-0102").code == ExitCode.DONE
        assert attached("bridge", "address", "Sam", "+14155550102").code == ExitCode.DONE
        taken = attached("bridge", "address", "Alex", "+14155550102")
        assert (taken.code, "Sam's" in taken.err) == (ExitCode.FAILED, True)
        assert [one["member"] for one in attached("bridge", "list", "--json").json["addresses"]] == ["Sam"]
        assert attached("bridge", "forget", "+14155550102").code == ExitCode.DONE
        assert attached("bridge", "list", "--json").json["addresses"] == []
        assert attached("audit", "verify").code == ExitCode.DONE

    @pytest.mark.parametrize("wrong", [("address", "Sam", "nonsense"), ("address", "Nobody", "+14155550102"), ("forget", "+14155550102")])
    def test_refuses_what_cannot_be(self, attached: Halo, wrong: tuple[str, ...]) -> None:
        assert attached("bridge", *wrong).code in (ExitCode.USAGE, ExitCode.FAILED)

    def test_refuses_an_address_that_is_none(self, attached: Halo, tmp_path: Path) -> None:
        """And says which part, without the password."""
        ran = attached("bridge", "init", "--url", "ftp://x", "--chat", CHAT, "--password-file", str(tmp_path / "password"), "--json")
        assert ran.code == ExitCode.USAGE
        assert "url" in json.dumps(ran.json)
        assert "canary-password" not in ran.out + ran.err

    def test_whose_files_others_may_read_is_refused(self, attached: Halo, home: Path) -> None:
        """What others can read is no secret."""
        (home / "bridge.key").chmod(0o644)
        assert "chmod 600" in attached("bridge", "list").err
