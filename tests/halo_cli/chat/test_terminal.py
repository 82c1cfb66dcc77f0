"""The real `halo chat`, once, in a terminal emulator: what a person sees, and the exit code that a script does."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

_PATIENCE = 300
_LOOK_S = 0.2


class Window:
    """A terminal with `halo chat`, or another command, in it."""

    def __init__(self, home: Path, *, columns: int = 90, lines: int = 32, command: str = "chat") -> None:
        # What a test runner says of its own window would count for more than this window's size.
        environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HALO_HOME": str(home)}
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.child: Any = pexpect.spawn(sys.executable, ["-m", "halo_cli", command], env=environ, timeout=30, dimensions=(lines, columns))
        self.child.delaybeforesend = None

    def look(self) -> str:
        """What is on the screen a moment later."""
        try:
            while True:
                self._stream.feed(self.child.read_nonblocking(65536, _LOOK_S))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return "\n".join(self.screen.display)

    def until(self, words: str, *, pressing: bytes = b"") -> str:
        """Look until `words` are on the screen; `pressing` is pressed before each look."""
        for _ in range(_PATIENCE):
            if pressing:
                self.child.send(pressing)
            if words in (seen := self.look()):
                return seen
        raise AssertionError(f"{words!r} never came:\n{seen}")


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    opened = Window(tmp_path / "home")
    yield opened
    opened.child.close(force=True)


class TestHaloChat:
    def test_takes_an_order_from_words_to_done(self, window: Window) -> None:
        """Typed, walked to, confirmed with the amount, left with Ctrl+Q; the terminal is as it was."""
        window.until("iMessage")
        window.child.send(b"order 2 packs of AA batteries\r")
        window.until("Confirm")
        for key in (b"\x1b[A", b"\x1b[C", b"\x1b[C"):
            window.child.send(key)
            window.look()
        # Until the card has been there for half a second it takes nothing, and says so.
        seen = window.until("Type the amount", pressing=b"\r")
        amount = re.search(r"Type the amount to confirm, \$([\d,.]+):", seen)
        assert amount
        window.child.send(f"{amount[1]}\r".encode())
        window.until("Done: Order")
        window.child.send(b"\x11")
        window.child.expect(pexpect.EOF)
        window.child.close()
        assert window.child.exitstatus == 0
