"""No secret is in anything that Halo writes or says: planted ones are searched for after real commands, a real server, and a death.

T-04 of the torture does the same with every job, fault and place to die, in one process; here it is the processes that are real.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from halo_cli import failures
from tests.canaries import CARD, SETTINGS, environ, in_bytes, in_files, in_its_own_file, keys
from tests.journeys.terminal import Terminal

_PASSWORD = "canary-bridge-password-4d1a"
_LOGGED = {"HALO_LOG_FILE": "halo.jsonl", "HALO_LOG_LEVEL": "debug"}


class TestTheSearch:
    @pytest.mark.parametrize(
        "hidden",
        [
            SETTINGS["resy_password"],
            SETTINGS["resy_password"].encode().hex(),
            quote_plus(SETTINGS["resy_password"]),
            base64.b64encode(f"x{SETTINGS['resy_password']}:".encode()).decode(),
            base64.b64encode(f"xy{SETTINGS['resy_password']}yz".encode()).decode(),
            json.dumps({"a": json.dumps([SETTINGS["resy_password"]])}),
        ],
    )
    def test_finds_what_is_hidden(self, hidden: str, tmp_path: Path) -> None:
        """Whatever it was wrapped in, and nothing else for it."""
        (tmp_path / "file").write_bytes(b"\0\xff" + hidden.encode() + b"\n")
        (found,) = in_files(tmp_path, SETTINGS)
        assert found.startswith("file: resy_password (")

    def test_finds_nothing_where_nothing_is(self) -> None:
        """What the secrets have in common is none."""
        assert in_bytes(b"canary resy password api key", SETTINGS) == []


def test_a_secret_from_the_environment_is_written_nowhere(tmp_path: Path) -> None:
    """The reason: what is in a log is in a backup, and what is in a backup is everywhere.

    The simulator refuses these credentials, so this walks the errors too. One of them stands in the configuration as well, where it may be.
    """
    home = tmp_path / "home"
    terminal, said = Terminal(home), b""
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(f'openai_api_key = "{SETTINGS["openai_api_key"]}"\nopenai_base_url = "http://127.0.0.1:9"\n')
    for words in (
        ["init"],
        ["ask", "order 2 packs of AA batteries"],
        ["ask", "cancel streamly", "--json"],
        ["ask", "book a haircut at Shear Joy on friday at 3pm"],
        ["audit", "verify"],
    ):
        answer = terminal.halo(*words, **environ(), **_LOGGED, HALO_PARSER="openai")
        said += (answer.out + answer.err).encode()
    sought = {**SETTINGS, **keys(home)}
    assert in_bytes(said, sought) == []
    assert in_files(home, sought, lambda name, file: (name, file) == ("openai_api_key", "config.toml") or in_its_own_file(name, file)) == []
    assert '"event": "vendor.called"' in (home / "logs" / "halo.jsonl").read_text()


class TestAServer:
    def test_writes_no_secret_of_those_who_call_it(self, tmp_path: Path) -> None:
        """Tokens, the bridge's key and password, and words with a card number; right and wrong ones; and the server is killed over an order."""
        terminal = Terminal(tmp_path / "home")
        terminal.json("init")
        terminal.json("devices", "add", "Phone", "--token-file", str(tmp_path / "token"))
        (tmp_path / "password").write_text(_PASSWORD)
        words = ("--url", "http://127.0.0.1:9", "--chat", "iMessage;+;chat1", "--password-file", str(tmp_path / "password"))
        terminal.json("bridge", "init", *words)
        token, key = ((tmp_path / "token").read_text().strip(), (tmp_path / "home" / "bridge.key").read_text().strip())
        terminal.halo("sim", "fault", "lose_answer")
        with _serving(tmp_path) as (url, process):
            _call(url, token, key)
            shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            # An answer is sent before its line is written, and the last one's must not die with the process.
            told_by = monotonic() + 10
            while len(_calls(tmp_path)) < 7 and monotonic() < told_by:
                sleep(0.02)
            # Whatever it was doing: nobody says goodbye.
            process.send_signal(signal.SIGKILL)
        # By then no request that it may have sent can be alive.
        assert terminal.halo("sim", "clock", "advance", "301s").code == 0
        after = terminal.halo("worker", "--until-idle", **_LOGGED)
        exported = terminal.halo("audit", "export", "--json", **_LOGGED)
        said = "".join((after.out, after.err, exported.out, exported.err)).encode() + shown
        sought = {"the token": token, "the bridge's password": _PASSWORD, **keys(tmp_path / "home")}
        assert in_bytes(said, {**sought, "the card": CARD}) == []
        assert in_files(tmp_path, {**sought, "the card": CARD}, _may) == []
        told = _lines(tmp_path / "home" / "logs" / "halo.jsonl")
        assert {"/v1/draft/create", "/v1/draft/confirm", "/v1/bridge", "/v1/activity"} <= {line.get("route") for line in told}
        # Seven calls, and each was one of its own.
        assert len(_calls(tmp_path)) == 7
        assert {line["request_id"][:5] for line in told if line["event"] == "receipt.stored"} == {"turn-"}

    def test_writes_no_secret_of_those_who_enrol(self, tmp_path: Path) -> None:
        """Codes, the tokens that come of one and of a renewal, and what messages to others are signed with: right ones and wrong ones."""
        terminal = Terminal(tmp_path / "home")
        terminal.json("init")
        code, unused = (terminal.halo("devices", "add", name, "--json", **_LOGGED).json["code"] for name in ("Phone", "Tablet"))
        secret = terminal.halo("webhooks", "add", "https://example.com/told", "--json", **_LOGGED).json["secret"]
        with _serving(tmp_path) as (url, _), httpx.Client(base_url=url, timeout=60) as client:
            token = client.post("/v1/devices/enrol", json={"code": code}).json()["token"]
            assert client.post("/v1/devices/enrol", json={"code": code}).status_code == 403
            assert client.post("/v1/devices/enrol", json={"code": f"{unused[:-1]}!"}).status_code == 403
            renewed = client.post("/v1/devices/refresh", headers={"Authorization": f"Bearer {token}"}).json()["token"]
            assert client.get("/v1/devices", headers={"Authorization": f"Bearer {renewed}"}).status_code == 200
            assert client.get("/v1/devices", headers={"Authorization": f"Bearer {token}"}).status_code == 401
        listed = terminal.halo("devices", "list", "--json", **_LOGGED), terminal.halo("webhooks", "list", "--json", **_LOGGED)
        sought = {"a code": code, "an unused code": unused, "a token": token, "its renewal": renewed, "a webhook's secret": secret}
        assert in_bytes("".join(each.out + each.err for each in listed).encode(), sought) == []
        assert in_files(tmp_path, sought) == []
        assert "/v1/devices/enrol" in {line.get("route") for line in _lines(tmp_path / "home" / "logs" / "halo.jsonl")}


def _may(name: str, file: str) -> bool:
    allowed = {"the token": "token", "the bridge's password": "password home/bridge.json", "the card": "home/halo.db home/halo.db-wal"}
    return file in allowed.get(name, "").split() or in_its_own_file(name, file)


@contextmanager
def _serving(place: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    base = {name: value for name, value in os.environ.items() if not name.startswith("HALO_")}
    command = [sys.executable, "-m", "halo_cli", "serve", "--port", "0", "--json"]
    with (place / "stderr").open("w") as talk:
        process = subprocess.Popen(
            command, env={**base, "HALO_HOME": str(place / "home"), **_LOGGED}, stdout=subprocess.PIPE, stderr=talk, text=True
        )
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"], process
        finally:
            process.kill()
            process.communicate()


def _call(url: str, token: str, key: str) -> None:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        drafted = client.post("/v1/draft/create", json={"text": "order 2 packs of AA batteries"}, headers={"Idempotency-Key": "canaries-1"})
        said = f"charge {CARD}"
        client.post("/v1/draft/create", json={"text": said}, headers={"Idempotency-Key": "canaries-2"})
        terms = {name: drafted.json()[name] for name in ("draft_id", "draft_hash")}
        assert client.post("/v1/draft/confirm", json=terms, headers={"Idempotency-Key": "canaries-3"}).status_code < 300
        assert client.get("/v1/activity").status_code == 200
        assert client.get("/v1/activity", headers={"Authorization": f"Bearer {token[:-1]}"}).status_code == 401
        message: dict[str, Any] = {
            "type": "new-message",
            "data": {"guid": "m1", "text": f"halo {said}", "chats": [{"guid": "iMessage;+;chat1"}]},
        }
    assert httpx.post(f"{url}/v1/bridge?key={key}", json=message, timeout=60).status_code == 204
    assert httpx.post(f"{url}/v1/bridge?key={key[:-1]}", json=message, timeout=60).status_code == 401


def _calls(place: Path) -> set[str]:
    """The ids that calls to the server have in the log so far."""
    return {line["request_id"] for line in _lines(place / "home" / "logs" / "halo.jsonl") if line["request_id"].startswith("http-")}


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_crash_is_written_down_without_the_secret_in_its_message(tmp_path: Path) -> None:
    """An error's message may quote whatever it was about; and a link in the place of the file is not followed."""
    try:
        _fail()
    except RuntimeError as error:
        failures.report_unforeseen(error, as_json=False, home=tmp_path)
    written = (tmp_path / "logs" / "crash.log").read_text()
    assert "RuntimeError: the call with Bearer ‹redacted: token› failed" in written


def _fail() -> None:
    raise RuntimeError("the call with Bearer canary-token-11 failed")
