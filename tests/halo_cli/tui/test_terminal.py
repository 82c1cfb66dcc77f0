"""The real `halo tui`, once, in a terminal emulator: a draft is confirmed from the inbox, and the log's proof stands above."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.halo_cli.chat.test_terminal import Window


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    home = tmp_path / "home"
    environ = {**os.environ, "HALO_HOME": str(home)}
    for words in (["init"], ["ask", "order 2 packs of AA batteries", "--no-input"]):
        subprocess.run([sys.executable, "-m", "halo_cli", *words], env=environ, check=True, capture_output=True)
    opened = Window(home, columns=110, lines=45, command="tui")
    yield opened
    opened.child.close(force=True)


class TestHaloTui:
    def test_takes_a_draft_from_the_inbox_to_done(self, window: Window) -> None:
        """Into the card, along its buttons, the amount typed, left with Ctrl+Q; the exit code is that of a success."""
        window.until("What a yes of")
        window.until("log verified")
        window.child.send(b"\r")
        for _ in range(2):
            window.look()
            window.child.send(b"\x1b[C")
        window.look()
        seen = window.until("Type the amount", pressing=b"\r")
        amount = re.search(r"Type the amount to confirm, \$([\d,.]+):", seen)
        assert amount
        window.child.send(f"{amount[1]}\r".encode())
        window.until("Done: Order")
        window.child.send(b"\x11")
        window.child.wait()
        window.child.close()
        assert window.child.exitstatus == 0
