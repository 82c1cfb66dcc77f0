"""`halo devices`: a code or a token is given out once, to whoever asked, and is never seen again."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from datetime import datetime
from pathlib import Path

import pexpect
import pyte
import pytest
import segno

from halo_cli.qr import lines_of
from halo_cli.tokens import read_token
from halo_engine.model.device import enrolment_url, is_token
from halo_engine.model.errors import InvalidInput
from halo_engine.model.ids import Prefix, prefix_of
from tests.halo_cli.conftest import Halo

#: Of Crockford's letters and digits.
CODE = r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}"


@pytest.fixture(autouse=True)
def _household(halo: Halo) -> None:
    halo("init")


class TestAdd:
    def test_prints_the_code_alone_on_stdout(self, halo: Halo) -> None:
        """So that it can go straight to whoever types it."""
        ran = halo("devices", "add", "phone")
        assert (ran.code, bool(re.fullmatch(CODE, ran.out.strip()))) == (0, True)
        assert ran.out.strip() not in ran.err
        assert re.search(r"works once, until [A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d\d:\d\d", ran.err)
        assert "Take it back with: halo" in ran.err

    def test_says_that_a_picture_wants_an_address(self, halo: Halo) -> None:
        assert "--url URL" in halo("devices", "add", "phone").err
        assert "--url URL" not in halo("devices", "add", "phone", "--url", "http://192.168.1.5:8080").err

    def test_is_one_object_for_programs(self, halo: Halo) -> None:
        ran = halo("devices", "add", "phone", "--url", "http://192.168.1.5:8080/", "--json")
        assert re.fullmatch(CODE, ran.json["code"])
        assert ran.json["enrolment"].items() >= {"name": "phone", "revoked_at": None}.items()
        assert prefix_of(ran.json["enrolment"]["id"]) is Prefix.ENROLMENT
        assert datetime.fromisoformat(ran.json["enrolment"]["expires_at"]).tzinfo
        assert ran.json["url"] == f"halo://enrol?server=http://192.168.1.5:8080&code={ran.json['code']}"
        assert halo("devices", "add", "phone", "--json").json["url"] is None

    @pytest.mark.parametrize(
        "url", ["", "x", "ftp://x", "http://", "http://a b", "http://x?code=1", "http://x&code=1", "http://a@b", "http://\x1b"]
    )
    def test_refuses_an_address_that_is_none_and_makes_no_code(self, halo: Halo, url: str) -> None:
        """It would stand in the picture that a phone believes."""
        assert halo("devices", "add", "phone", "--url", url).code == 2
        assert halo("devices", "list", "--json").json["enrolments"] == []

    def test_prints_a_token_at_once_where_that_is_asked_for(self, halo: Halo) -> None:
        """Alone on stdout, so that it can go straight into a variable."""
        ran = halo("devices", "add", "laptop", "--token")
        assert (ran.code, is_token(ran.out.strip())) == (0, True)
        assert "not shown again" in ran.err
        assert ran.out.strip() not in ran.err
        assert re.search(r"It may call until [A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d; end it with", ran.err)
        made = halo("devices", "add", "laptop", "--token", "--json").json
        assert (is_token(made["token"]), made["device"]["name"]) == (True, "laptop")

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
        assert halo("devices", "list", "--json").json == {"devices": [], "enrolments": []}

    def test_leaves_no_file_where_there_is_no_device(self, halo: Halo, tmp_path: Path) -> None:
        assert halo("devices", "add", "laptop", "--for", "Mallory", "--token-file", str(tmp_path / "token")).code == 1
        assert not (tmp_path / "token").exists()

    def test_adds_for_others_only_as_an_owner(self, halo: Halo) -> None:
        assert halo("devices", "add", "phone", "--for", "Sam").code == 0
        assert halo("devices", "add", "phone", "--as", "Sam").code == 0
        assert halo("devices", "add", "phone", "--as", "Sam", "--for", "Alex").code == 4
        assert halo("devices", "add", "phone", "--as", "Sam", "--for", "Alex", "--token").code == 4


class TestList:
    def test_says_who_may_call_and_no_secret(self, halo: Halo) -> None:
        token = halo("devices", "add", "laptop", "--token", "--json").json["token"]
        old = halo("devices", "add", "phone", "--for", "Sam", "--token", "--json").json["device"]["id"]
        halo("devices", "revoke", old)
        ran, listed = halo("devices", "list"), halo("devices", "list", "--json")
        assert [(one["name"], one["active"]) for one in listed.json["devices"]] == [("laptop", True), ("phone", False)]
        assert "no, revoked" in ran.out
        assert token not in ran.out + listed.out
        assert "sha256" not in listed.out

    def test_says_when_one_has_expired(self, halo: Halo) -> None:
        """By this home's clock, which the simulator moves."""
        halo("devices", "add", "laptop", "--token")
        halo("sim", "clock", "advance", "91d")
        assert "no, expired" in halo("devices", "list").out

    def test_says_the_year_in_which_one_ends(self, halo: Halo) -> None:
        year = halo("devices", "add", "laptop", "--token", "--json").json["device"]["expires_at"][:4]
        assert f" {year} " in halo("devices", "list").out

    def test_shows_the_codes_that_wait_and_not_what_they_are(self, halo: Halo) -> None:
        new = halo("devices", "add", "phone", "--json").json
        ran, listed = halo("devices", "list"), halo("devices", "list", "--json")
        assert [one["id"] for one in listed.json["enrolments"]] == [new["enrolment"]["id"]]
        assert re.search(rf"phone .* with its code, once .* {new['enrolment']['id']}", ran.out)
        assert new["code"] not in ran.out + listed.out
        halo("sim", "clock", "advance", "10m")
        assert halo("devices", "list", "--json").json["enrolments"] == []

    def test_of_nothing_says_what_to_do(self, halo: Halo) -> None:
        assert "halo devices add" in halo("devices", "list").out


class TestRevoke:
    def test_ends_one_and_may_be_said_twice(self, halo: Halo) -> None:
        device = halo("devices", "add", "laptop", "--token", "--json").json["device"]
        assert halo("devices", "revoke", device["id"], "--json").json["revoked_at"]
        assert halo("devices", "revoke", device["id"]).code == 0
        assert halo("audit", "verify").code == 0

    def test_takes_back_a_code(self, halo: Halo) -> None:
        new = halo("devices", "add", "phone", "--json").json["enrolment"]
        assert halo("devices", "revoke", new["id"], "--json").json["revoked_at"]
        assert "opens nothing any more" in halo("devices", "revoke", new["id"]).out
        assert halo("devices", "list", "--json").json["enrolments"] == []
        assert halo("devices", "revoke", new["id"], "--as", "Sam").code == 4
        assert halo("audit", "verify").code == 0

    def test_of_nothing_is_an_error(self, halo: Halo) -> None:
        assert halo("devices", "revoke", "dev_0").code == 1
        assert halo("devices", "revoke", f"enr_{'0' * 26}").code == 1


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


class TestThePicture:
    @pytest.mark.parametrize("server", ["http://127.0.0.1:8080", "https://halo.a-rather-long-household-name.example.net"])
    def test_is_the_code_and_fits_into_a_small_terminal(self, server: str) -> None:
        """Read back from its half blocks, it is what was to be drawn, with light around it; below it are the code, a line and the prompt."""
        url = enrolment_url(server, "ABCD-EFGH-JKMN")
        drawn = lines_of(url)
        assert len(drawn) <= 24 - 3
        assert {len(line) for line in drawn} == {len(drawn[0])}
        assert len(drawn[0]) <= 80 - 30
        rows = [row for line in drawn for row in ([char in " ▄" for char in line], [char in " ▀" for char in line])]
        expected = [[bool(dark) for dark in row] for row in segno.make(url, error="l", micro=False).matrix_iter(border=2)]
        assert rows[: len(expected)] == expected
        assert not any(any(row) for row in rows[len(expected) :])

    def test_is_drawn_beside_what_to_do_with_it(self, home: Path) -> None:
        """On a terminal of 80 by 24, everything at once, and no word of it lost."""
        words = ["devices", "add", "Alex’s phone", "--url", "http://192.168.1.5:8080", "--home", str(home)]
        screen, env = pyte.Screen(80, 24), {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        child = pexpect.spawn(sys.executable, ["-m", "halo_cli", *words], dimensions=(24, 80), encoding="utf-8", timeout=60, env=env)
        child.expect(pexpect.EOF)
        pyte.Stream(screen).feed(child.before)
        shown = "\n".join(screen.display)
        code = re.search(CODE, shown)
        assert code
        for line in lines_of(enrolment_url("http://192.168.1.5:8080", code[0])):
            assert line in shown
        assert "Scan this with “Alex’s phone”" in shown
        assert "The code works once, until" in shown
        assert "Take it back with: halo devices revoke enr_" in shown
