"""`halo devices`: a token is given out once, to whoever asked, and is never seen again."""

from __future__ import annotations

import json
import os
import re
import stat
from datetime import datetime
from pathlib import Path

import pytest

from halo_cli.tokens import read_token
from halo_engine.model.device import is_token
from halo_engine.model.errors import InvalidInput
from tests.halo_cli.conftest import Halo


@pytest.fixture(autouse=True)
def _household(halo: Halo) -> None:
    halo("init")


class TestAdd:
    def test_prints_the_token_alone_on_stdout(self, halo: Halo) -> None:
        """So that it can go straight into a variable."""
        ran = halo("devices", "add", "laptop")
        assert (ran.code, is_token(ran.out.strip())) == (0, True)
        assert "not shown again" in ran.err
        assert ran.out.strip() not in ran.err

    def test_says_until_when_as_people_write_it(self, halo: Halo) -> None:
        said = halo("devices", "add", "laptop").err
        assert re.search(r"It may call until [A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d; end it with", said)

    def test_is_one_object_for_programs(self, halo: Halo) -> None:
        ran = halo("devices", "add", "laptop", "--json")
        assert datetime.fromisoformat(ran.json["device"]["expires_at"]).tzinfo
        assert is_token(ran.json["token"])
        assert ran.json["device"]["name"] == "laptop"

    @pytest.mark.parametrize("more", [(), ("--json",)])
    def test_writes_it_to_a_file_of_the_owner_instead(self, halo: Halo, tmp_path: Path, more: tuple[str, ...]) -> None:
        file = tmp_path / "token"
        before = os.umask(0)
        try:
            ran = halo("devices", "add", "laptop", "--token-file", str(file), *more)
        finally:
            os.umask(before)
        token = read_token(file)
        assert (ran.code, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
        assert token not in ran.out + ran.err

    def test_writes_over_nothing(self, halo: Halo, tmp_path: Path) -> None:
        """And where it cannot write, there is no device either: its token would be lost."""
        file, link = tmp_path / "precious", tmp_path / "link"
        file.write_text("precious")
        link.symlink_to(tmp_path / "elsewhere")
        for path in (file, link, tmp_path / "no" / "where", tmp_path, "a\0b"):
            assert halo("devices", "add", "laptop", "--token-file", str(path)).code == 2
        assert file.read_text() == "precious"
        assert halo("devices", "list", "--json").json == {"devices": []}

    def test_leaves_no_file_where_there_is_no_device(self, halo: Halo, tmp_path: Path) -> None:
        assert halo("devices", "add", "laptop", "--for", "Mallory", "--token-file", str(tmp_path / "token")).code == 1
        assert not (tmp_path / "token").exists()

    def test_adds_for_others_only_as_an_owner(self, halo: Halo) -> None:
        assert halo("devices", "add", "phone", "--for", "Sam").code == 0
        assert halo("devices", "add", "phone", "--as", "Sam").code == 0
        assert halo("devices", "add", "phone", "--as", "Sam", "--for", "Alex").code == 4


class TestList:
    def test_says_who_may_call_and_no_secret(self, halo: Halo) -> None:
        token = halo("devices", "add", "laptop", "--json").json["token"]
        old = halo("devices", "add", "phone", "--for", "Sam", "--json").json["device"]["id"]
        halo("devices", "revoke", old)
        ran, listed = halo("devices", "list"), halo("devices", "list", "--json")
        assert [(one["name"], one["active"]) for one in listed.json["devices"]] == [("laptop", True), ("phone", False)]
        assert "no, revoked" in ran.out
        assert token not in ran.out + listed.out
        assert "sha256" not in listed.out

    def test_says_when_one_has_expired(self, halo: Halo) -> None:
        """By this home's clock, which the simulator moves."""
        halo("devices", "add", "laptop")
        halo("sim", "clock", "advance", "91d")
        assert "no, expired" in halo("devices", "list").out

    def test_says_the_year_in_which_one_ends(self, halo: Halo) -> None:
        year = halo("devices", "add", "laptop", "--json").json["device"]["expires_at"][:4]
        assert f" {year} " in halo("devices", "list").out

    def test_of_nothing_says_what_to_do(self, halo: Halo) -> None:
        assert "halo devices add" in halo("devices", "list").out


class TestRevoke:
    def test_ends_one_and_may_be_said_twice(self, halo: Halo) -> None:
        device = halo("devices", "add", "laptop", "--json").json["device"]
        assert halo("devices", "revoke", device["id"], "--json").json["revoked_at"]
        assert halo("devices", "revoke", device["id"]).code == 0
        assert halo("audit", "verify").code == 0

    def test_of_nothing_is_an_error(self, halo: Halo) -> None:
        assert halo("devices", "revoke", "dev_0").code == 1


class TestATokenFile:
    @pytest.mark.parametrize("content", [b"", b"hdv_", b"SECRET", b"\xff" * 20, b"hdv_" + b"0" * 5000])
    def test_with_something_else_in_it_is_refused_without_saying_what(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "token").write_bytes(content)
        with pytest.raises(InvalidInput) as raised:
            read_token(tmp_path / "token")
        assert "SECRET" not in json.dumps([raised.value.message, raised.value.hint])

    def test_that_is_missing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="No such file"):
            read_token(tmp_path / "token")
