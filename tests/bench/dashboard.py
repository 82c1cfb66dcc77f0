"""`halo tui` in a terminal of its own, for `audit`: how long until something is to be seen, and how long after a key."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import pyte

_COLUMNS, _LINES = 120, 40
_LONGEST_S = 60.0
#: Where a page has shown what it is for.
_INBOX = re.compile(r"Nothing waits|To decide|Questions|Expired")
_LOG = re.compile(r"Log › [\d,]+ events(?s:.)*(?:request|draft|execution|receipt)\.\w+")
_PRESSES = 60


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
        self._screen = pyte.Screen(_COLUMNS, _LINES)
        self._stream = pyte.ByteStream(self._screen)
        self.began = perf_counter()
        environ = {**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        # All three, because Textual draws on the standard error.
        self.process = subprocess.Popen(list(command), stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True)
        os.close(theirs)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def until(self, seen: re.Pattern[str]) -> float:
        """When `seen` is on the screen, in seconds of `perf_counter`. Raises `TimeoutError` where it never is."""
        end = perf_counter() + _LONGEST_S
        while not seen.search(self.text):
            if not self._read(end - perf_counter()):
                raise TimeoutError(f"never seen: {seen.pattern}\n{self.text}")
        return perf_counter()

    def cpu_s(self) -> float:
        """What the process has computed so far, in seconds; 0 where the system does not tell."""
        with suppress(OSError, IndexError, ValueError):
            numbers = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def press(self, keys: bytes) -> float:
        """How long until the screen is another one; the longest wait where it stays."""
        before, began = self.text, perf_counter()
        os.write(self._ours, keys)
        while self.text == before and perf_counter() - began < 1:
            self._read(0.2)
        return perf_counter() - began

    def settle(self) -> None:
        """Until nothing more is drawn."""
        while self._read(0.15):
            pass

    def send(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def _read(self, wait_s: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, wait_s))
        if not ready:
            return False
        try:
            self._stream.feed(os.read(self._ours, 65_536))
        except OSError:
            return False
        return True


def look(command: Sequence[str], environ: Mapping[str, str]) -> tuple[dict[str, float], int]:
    """Seconds by what was waited for, and the peak memory in bytes of the process."""
    terminal = Terminal(command, environ)
    try:
        taken = {"inbox": terminal.until(_INBOX) - terminal.began, "cpu": terminal.cpu_s()}
        asked = perf_counter()
        terminal.send(b"6")
        taken["log"] = terminal.until(_LOG) - asked
        terminal.settle()
        pages = []
        for _ in range(_PRESSES):
            pages.append(terminal.press(b"\x1b[5~"))
            terminal.settle()
        cuts = quantiles(pages, n=20)
        return taken | {"p50": cuts[9], "p95": cuts[18]}, _ended(terminal)
    finally:
        if terminal.process.returncode is None:
            terminal.process.kill()


def _ended(terminal: Terminal) -> int:
    terminal.send(b"\x11")
    terminal.settle()
    terminal.process.terminate()
    _, _, usage = os.wait4(terminal.process.pid, 0)
    terminal.process.returncode = 0
    return usage.ru_maxrss * 1024
