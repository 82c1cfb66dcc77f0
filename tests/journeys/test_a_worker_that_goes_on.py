"""What is confirmed in one terminal is carried on in another: by a worker that may be stopped, killed and followed by the next."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.journeys.terminal import Terminal

WORDS = "order 2 packs of AA batteries"


@contextmanager
def worker(terminal: Terminal, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`halo worker` in a process of its own, which is at work when the block begins."""
    environ = {**os.environ, "HALO_HOME": str(terminal.home), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "halo_cli", "worker", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    assert process.stderr is not None
    assert "Working as slot-" in process.stderr.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def asked(terminal: Terminal, words: str = WORDS) -> dict[str, Any]:
    """The card of a draft."""
    card: dict[str, Any] = terminal.json("ask", words)["card"]
    return card


class TestAWorker:
    def test_does_what_was_confirmed_elsewhere(self, terminal: Terminal) -> None:
        """The terminal that confirmed shows the receipt all the same, and the vendor was asked once."""
        card = asked(terminal)
        with worker(terminal, "--json") as process:
            confirmed = terminal.confirm(card)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        assert confirmed["execution"]["status"] == "done"
        assert confirmed["receipt"]
        assert process.returncode == 0
        assert [json.loads(line)["id"] for line in out.splitlines()] == [confirmed["execution"]["id"]]
        assert "Traceback" not in err
        assert len(terminal.ledger()) == 1

    def test_finishes_what_a_terminal_left(self, terminal: Terminal) -> None:
        """Confirmed with no time to wait, by a command that is over: the next worker carries it on."""
        card = asked(terminal)
        terminal.json("sim", "fault", "unavailable", "--times", "4")
        left = terminal.json("confirm", card["draft_id"], "--hash", card["draft_hash"], "--wait", "0", expect=8)
        terminal.json("sim", "clock", "advance", "10s")
        ended = terminal.halo("worker", "--until-idle", "--json")
        assert ended.code == 0
        assert [json.loads(line)["status"] for line in ended.out.splitlines()] == ["done"]
        assert terminal.json("show", left["execution"]["id"])["execution"]["status"] == "done"
        assert len(terminal.ledger()) == 1
        assert terminal.halo("audit", "verify").code == 0

    def test_that_was_killed_is_followed_by_the_next(self, terminal: Terminal) -> None:
        """It waited for a vendor that was down; its successor waits on, and orders once."""
        card = asked(terminal)
        terminal.json("sim", "fault", "unavailable", "--times", "4")
        with worker(terminal) as process:
            terminal.json("confirm", card["draft_id"], "--hash", card["draft_hash"], "--wait", "2", expect=8)
            process.kill()
            process.wait()
        terminal.json("sim", "clock", "advance", "10s")
        ended = terminal.halo("worker", "--until-idle", "--json")
        assert [json.loads(line)["status"] for line in ended.out.splitlines()] == ["done"]
        assert len(terminal.ledger()) == 1

    def test_with_nothing_to_do_ends_at_once_when_told_to(self, terminal: Terminal) -> None:
        """And says nothing on stdout."""
        ended = terminal.halo("worker", "--until-idle")
        assert (ended.code, ended.out) == (0, "")


class TestAServerWithAWorkerInside:
    def test_finishes_what_it_has_begun_when_it_is_told_to_end(self, terminal: Terminal) -> None:
        """It carries on what a terminal confirms, and SIGTERM ends it in good order, as whoever runs it expects."""
        card = asked(terminal)
        command = [sys.executable, "-m", "halo_cli", "serve", "--port", "0", "--json"]
        environ = {**os.environ, "HALO_HOME": str(terminal.home)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as server:
            assert server.stdout is not None
            assert json.loads(server.stdout.readline())["url"]
            confirmed = terminal.confirm(card)
            server.send_signal(signal.SIGTERM)
            _, err = server.communicate(timeout=60)
        assert confirmed["execution"]["status"] == "done"
        assert server.returncode == 0
        assert "Traceback" not in err
        assert len(terminal.ledger()) == 1
