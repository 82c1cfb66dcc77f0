"""One bash in which a page is typed, and what it shows held against what the page shows."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

#: Longer than any command of a page takes on a busy machine.
PATIENCE_S = 120

#: What is another each time, by its form. In a command it means the thing that the page showed under it, or else the newest of its kind.
_FORMS = {
    "id": r"\b(?:dft|exe|req|rct|usr|hsh|dev|enr|whe|msg|evt|usl|cnf)_(?:[0-9a-hjkmnp-tv-z]{26}\b|[0-9a-z]*…)",
    "hash": r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12,63}(?:…|\b)",
    "code": r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b",
    "key": r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40,}={0,2}",
    "base64": r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43,}={0,2}",
    "time": r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\b",
    "day": r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?: \d{4})?\b",
}
_REAL = {
    "id": r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}",
    "hash": r"[0-9a-f]{12,64}",
    "code": r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}",
    "key": r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40,}={0,2}",
    "base64": r"[A-Za-z0-9+/]{43,}={0,2}",
    "time": r"[\d:T.Z-]+",
    "day": r"(?:\w{3} )?\d{1,2} \w{3}(?: \d{4})?",
}
_ANY_FORM = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()))
#: Only what names one thing can be meant by a command.
_NAMES = ("id", "hash", "code")


@dataclass
class Meanings:
    """What the ids and hashes on a page are in this run."""

    printed: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def meant(self, typed: str) -> str:
        """`typed` with the things of this run in the place of those that the page was written with."""

        def real(found: re.Match[str]) -> str:
            kind = str(found.lastgroup)
            return self.known.get(found[0]) or (self._newest(kind, found[0]) if kind in _NAMES else "") or found[0]

        return _ANY_FORM.sub(real, typed)

    def _newest(self, kind: str, example: str) -> str:
        real = re.escape(example[:4]) + "[0-9a-hjkmnp-tv-z]{26}" if kind == "id" else "[0-9a-f]{64}" if kind == "hash" else _REAL[kind]
        return str((re.findall(rf"\b{real}\b", self.printed) or [""])[-1])

    def are_shown(self, shown: str, printed: str) -> bool:
        """Whether `printed` is what the page shows; what its examples stand for is kept."""
        found = re.fullmatch(_pattern(_tidy(shown)), _tidy(printed))
        if found:
            names = (match for match in _ANY_FORM.finditer(_tidy(shown)))
            self.known.update({match[0]: found[f"f{at}"] for at, match in enumerate(names) if match.lastgroup in _NAMES})
        return bool(found)


def _tidy(text: str) -> str:
    """Whole lines, without the space that nobody sees at their ends, and without empty ones before and after."""
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


def _pattern(shown: str) -> str:
    """The regular expression of what may be printed. A line that is `…` is any number of lines, another `…` any text in its line; and columns
    are as wide as what is in them."""
    pattern, end = "", 0
    for at, match in enumerate(_ANY_FORM.finditer(shown)):
        pattern += re.escape(shown[end : match.start()]) + f"(?P<f{at}>{_REAL[str(match.lastgroup)]})"
        end = match.end()
    pattern += re.escape(shown[end:])
    pattern = re.sub(r"^…\\\n", r"(?:[^\\n]*\\n)*?", pattern, flags=re.MULTILINE)
    pattern = re.sub(r"(?<!\n)(?:\\ ){2,}", " +", pattern)
    return pattern.replace("…", r"[^\n]*")


@dataclass(frozen=True)
class Typed:
    """What a command printed, and its exit code."""

    printed: str
    code: int


class Bash:
    """A bash in a directory and a home of its own; it and whatever it started are gone when this ends."""

    def __init__(self, directory: Path, *, path: Path) -> None:
        self._place, self._read_until, self._started = directory, 0, 0
        self._printed = directory.with_name(f"{directory.name}.out")
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        environ = kept | {
            "PATH": f"{path}{os.pathsep}{kept['PATH']}",
            "HOME": str(directory),
            "HALO_HOME": str(directory / "halo"),
            "COLUMNS": "160",
            "PYTHONUTF8": "1",
        }
        self._commands, theirs = socket.socketpair()
        # The socket is not for what is typed: something that stays in the background would hold it open.
        end = theirs.fileno()
        each = f'while IFS= read -r -d "" -u {end} typed; do eval "$typed" {end}<&-; printf "%s " "$?" >&{end}; done'
        with self._printed.open("wb") as printed:
            self._bash = subprocess.Popen(
                ["bash", "-c", each],
                cwd=directory,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                pass_fds=(end,),
                start_new_session=True,
            )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._commands.close()
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()

    def type(self, command: str) -> Typed:
        """Run `command`."""
        self._commands.sendall(command.encode() + b"\0")
        code = self._answer()
        return Typed(self._words(), code)

    def start(self, command: str, *, until: Callable[[str], bool]) -> Typed:
        """Run `command`, which ends with `&`. What it says, now and later, does not come between the words of others; when this returns it has
        said what `until` is true of, or will not."""
        self._started += 1
        words = self._place.with_name(f"{self._place.name}.{self._started}.out")
        words.touch()
        done = self.type(f"{command.rstrip().removesuffix('&')} >> {words} 2>&1 &")
        deadline = time.monotonic() + PATIENCE_S
        while not until(words.read_text(encoding="utf-8")) and time.monotonic() < deadline:
            time.sleep(0.05)
        return Typed(words.read_text(encoding="utf-8"), done.code)

    def _answer(self) -> int:
        told = b""
        while not told.endswith(b" "):
            readable, _, _ = select.select([self._commands], [], [], PATIENCE_S)
            if not readable:
                raise TimeoutError(f"not ended after {PATIENCE_S} seconds; so far it printed:\n{self._words()}")
            if not (part := self._commands.recv(16)):
                # `set -e` ends the whole of it.
                return self._bash.wait()
            told += part
        return int(told)

    def _words(self) -> str:
        with self._printed.open("rb") as printed:
            printed.seek(self._read_until)
            told = printed.read()
        self._read_until += len(told)
        return told.decode(errors="replace")
