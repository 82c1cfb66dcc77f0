"""strace, attached to a child of the forking process before it begins: kills it at a system call, lets a call fail, or writes down what it did."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.forking import Purchase, forks


@functools.cache
def missing() -> str | None:
    """Why nothing can be traced here."""
    if shutil.which("strace") is None:
        return "no strace on this machine"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "-e", "inject=fdatasync:error=EIO", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


def run(purchase: Purchase, *options: str, to: Path = Path(os.devnull)) -> int:
    """Have `purchase` done under strace with `options`, its trace in `to`. Returns how the child ended."""
    pid = forks().buy(purchase, waits=True)
    command = ["strace", "-f", "-p", str(pid), "-o", str(to), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        if "attached" not in attached:
            os.kill(pid, signal.SIGKILL)
            forks().wait(pid)
            raise RuntimeError(f"strace did not attach: {attached}")
        os.kill(pid, signal.SIGCONT)
        code = forks().wait(pid)
        tracer.stderr.read()
    return code


def kill_at(syscall: str, nth: int) -> str:
    """The option that kills whoever makes that call for the nth time, before it is made."""
    return f"inject={syscall}:signal=KILL:when={nth}"


def fail_at(syscall: str, error: str, nth: int, *, for_good: bool) -> str:
    """The option that lets that call fail the nth time, or from then on."""
    return f"inject={syscall}:error={error}:when={nth}{'+' if for_good else ''}"


@dataclass(frozen=True)
class Syscall:
    """One finished call of a trace."""

    name: str
    #: The path, or the kind of the socket, that its first argument names.
    target: str
    arguments: str
    result: str

    @property
    def worked(self) -> bool:
        """Whether it returned no error."""
        return not self.result.startswith(("-1", "?"))


_UNFINISHED = " <unfinished ...>"
_LINE = re.compile(r"(\d+)\s+(.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (.+)", re.DOTALL)
_TARGET = re.compile(r"(?:\d+|AT_FDCWD)<([^>]*)>")


def parse(lines: Sequence[str]) -> Iterator[Syscall]:
    """The calls of a trace made with `-y`, each where it ended."""
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.fullmatch(line.rstrip("\n"))
        if found is None:
            continue
        pid, text = found.groups()
        if text.endswith(_UNFINISHED):
            begun[pid] = text.removesuffix(_UNFINISHED)
            continue
        if resumed := _RESUMED.match(text):
            text = begun.pop(pid, "") + resumed[1]
        if call := _CALL.fullmatch(text):
            name, arguments, result = call.groups()
            target = _TARGET.match(arguments)
            yield Syscall(name, target[1] if target else "", arguments, result)


def counts(purchase: Purchase, names: Sequence[str], *, to: Path) -> dict[str, int]:
    """How often an undisturbed child makes each of these calls."""
    run(purchase, "-y", "-e", f"trace={','.join(names)}", to=to)
    made = [call.name for call in parse(to.read_text(errors="replace").splitlines())]
    return {name: made.count(name) for name in names}
