"""`halo webhooks`: from an address and a secret to a message that another program has verified."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.halo_cli.conftest import Halo
from tests.halo_engine.webhooks.receivers import receiving, status

URL = "https://example.com/halo"
DOCS = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _household(halo: Halo) -> None:
    halo("init")


@pytest.fixture
def told(halo: Halo, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a webhook that goes to nobody yet."""
    monkeypatch.setenv("HALO_WEBHOOKS_ALLOW_LOOPBACK", "true")
    return str(halo("webhooks", "add", URL, "--json").json["endpoint"]["id"])


class TestAdd:
    def test_prints_the_secret_alone_on_stdout(self, halo: Halo) -> None:
        ran = halo("webhooks", "add", URL)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", ran.out)
        assert ran.out.strip() not in ran.err

    @pytest.mark.parametrize("url", ["http://example.com", "https://127.0.0.1", "https://a@example.com", "\x1b[31m", ""])
    def test_refuses_what_is_not_on_the_internet(self, halo: Halo, url: str) -> None:
        ran = halo("webhooks", "add", url)
        assert (ran.code, "hint: " in ran.err) == (2, True)
        assert halo("webhooks", "list", "--json").json == {"endpoints": []}

    @pytest.mark.parametrize("events", ["", ",", "execution.done,nonsense"])
    def test_refuses_events_that_there_are_not(self, halo: Halo, events: str) -> None:
        assert halo("webhooks", "add", URL, "--events", events).code == 2

    def test_is_an_owners(self, halo: Halo) -> None:
        assert halo("webhooks", "add", URL, "--as", "Sam").code == 4
        assert halo("webhooks", "list", "--as", "Sam").code == 4

    def test_takes_twenty(self, halo: Halo) -> None:
        codes = [halo("webhooks", "add", f"{URL}/{number}").code for number in range(21)]
        assert codes == [0] * 20 + [1]


class TestList:
    def test_of_nothing_says_what_to_do(self, halo: Halo) -> None:
        assert "halo webhooks add" in halo("webhooks", "list").out

    def test_says_why_one_is_disabled(self, halo: Halo, told: str) -> None:
        halo("webhooks", "remove", told)
        with receiving(status(410)) as gone:
            endpoint = halo("webhooks", "add", gone.url, "--json").json["endpoint"]["id"]
            assert halo("webhooks", "test", endpoint).code == 1
        assert "410 Gone" in halo("webhooks", "list").out
        assert halo("webhooks", "test", endpoint).code == 1
        assert halo("webhooks", "enable", endpoint).code == 0
        assert halo("webhooks", "list", "--json").json["endpoints"][0]["disabled_at"] is None
        assert halo("audit", "verify").code == 0


class TestDeliveries:
    def test_are_said_with_what_came_of_them(self, halo: Halo, told: str) -> None:
        with receiving() as receiver:
            endpoint = halo("webhooks", "add", receiver.url, "--json").json["endpoint"]["id"]
            tried = halo("webhooks", "test", endpoint, "--json")
            assert (tried.code, tried.json["state"], tried.json["last_status"]) == (0, "delivered", 204)
            again = halo("webhooks", "redeliver", tried.json["id"], "--json")
            assert (again.json["state"], again.json["attempts"]) == ("delivered", 2)
            assert [each.headers["webhook-id"] for each in receiver.received] == [tried.json["id"]] * 2
        assert "webhook.test" in halo("webhooks", "deliveries", endpoint).out
        assert halo("webhooks", "deliveries", told).out == "No messages yet.\n"
        assert halo("webhooks", "deliveries", "whe_0").code == 1
        assert halo("webhooks", "redeliver", "msg_0").code == 1


class TestSecret:
    def test_can_be_had_again_and_made_anew(self, halo: Halo, told: str) -> None:
        first, again = halo("webhooks", "secret", told).out, halo("webhooks", "secret", told).out
        new = halo("webhooks", "secret", told, "--new").out
        assert first == again != new == halo("webhooks", "secret", told).out


class TestTheReceiverInTheDocs:
    def test_verifies_what_halo_sends_and_nothing_else(self, halo: Halo, told: str, tmp_path: Path) -> None:
        (program,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
        assert len([line for line in program.splitlines() if line]) <= 22
        (tmp_path / "receiver.py").write_text(program)
        port = _free_port()
        added = halo("webhooks", "add", f"http://127.0.0.1:{port}/", "--json").json
        running = _started(tmp_path / "receiver.py", added["secret"], port)
        try:
            tested = halo("webhooks", "test", added["endpoint"]["id"], "--json").json
            # As somebody who knows an old secret would sign; the day of both has not begun.
            halo("webhooks", "secret", added["endpoint"]["id"], "--new")
            halo("sim", "clock", "advance", "2d")
            late = halo("webhooks", "redeliver", tested["id"], "--json").json
        finally:
            running.terminate()
            said, _ = running.communicate(timeout=20)
        assert (tested["state"], late["last_status"]) == ("delivered", 400)
        assert said == "webhook.test None\n"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _started(program: Path, secret: str, port: int) -> subprocess.Popen[str]:
    environ = {**os.environ, "HALO_WEBHOOK_SECRET": secret, "PORT": str(port)}
    running = subprocess.Popen([sys.executable, str(program)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return running
    raise AssertionError("the receiver of the docs does not start")
