"""Kills a process at one exact line: a fork counts the lines it executes in some packages, and at the one it was given it is dead.

Everything is imported once, here; what is killed is a child. `in_child` runs something in a child and hands back what it said, or that it was
killed. `Lines` counts, and kills with SIGKILL, which nothing can catch: no `finally`, no rollback, no goodbye to the database.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, Generic, Self, TypeVar

import httpx

from halo_engine.model import draft
from tests.statements import compile_anew

T = TypeVar("T")

#: No point takes nearly as long; a child that does is a bug, and is ended by its own alarm, also when its parent is gone.
PATIENCE_S = 60


@dataclass(frozen=True)
class Killed:
    """The child died by SIGKILL before it could say anything."""


@dataclass(frozen=True)
class Broken:
    """The child failed or hung: `why` is for whoever mends it."""

    why: str


@dataclass(frozen=True)
class Said(Generic[T]):
    """What the child came to."""

    value: T


def in_child(work: Callable[[], T]) -> Said[T] | Killed | Broken:
    """What `work` returns, made in a child that is gone again when this returns. It must be something that can be pickled."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # From 3.12 on a fork beside threads is warned of. The threads here are the test runner's, and no child touches what is theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(read)
        _be_child(work, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == -signal.SIGKILL:
        return Killed()
    if status == -signal.SIGALRM:
        return Broken(f"it did not end within {PATIENCE_S} seconds")
    if status != 0 or not told:
        return Broken(f"it ended with {status}: {told.decode(errors='replace')}")
    answer: Said[T] = pickle.loads(told)
    return answer


def _be_child(work: Callable[[], Any], write: int) -> None:
    """Never returns: a child must not run on in its parent's place."""
    # What the parent has come to remember would be lines that this one does not execute.
    draft._hash_of.cache_clear()
    compile_anew()
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE_S)
        # What the parent has open is not for the child to close.
        gc.freeze()
        _write_all(write, pickle.dumps(Said(work())))
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        sys.settrace(None)
        _write_all(write, traceback.format_exc().encode())
        os._exit(70)


def _write_all(pipe: int, told: bytes) -> None:
    with os.fdopen(pipe, "wb", closefd=False) as file:
        file.write(told)


class Lines:
    """Counts the lines executed in this thread in the files of `packages` while the context lasts; with `die_at`, that one is the last.

    A line that is executed again counts again. `seen` names each: `stages/execute.py:137`.
    """

    def __init__(self, *packages: ModuleType, die_at: int | None = None) -> None:
        self._roots = tuple(f"{Path(str(package.__file__)).parent}/" for package in packages)
        self._die_at = die_at
        self.count = 0
        self.seen: list[str] = []

    def __enter__(self) -> Self:
        sys.settrace(self._entered)
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        sys.settrace(None)

    def _entered(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        """The interpreter asks this of every call: whether it wants to hear of its lines."""
        return self._executed if frame.f_code.co_filename.startswith(self._roots) else None

    def _executed(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._die_at is None:
                self.seen.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return self._executed


class Unwatched(httpx.BaseTransport):
    """Vendors in this process whose lines are not counted: where they die is another matter than where Halo does."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        watching = sys.gettrace()
        sys.settrace(None)
        try:
            return self._inner.handle_request(request)
        finally:
            sys.settrace(watching)
