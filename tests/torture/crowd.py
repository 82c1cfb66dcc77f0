"""Several processes that do something at the same moment: forked, so that a race costs milliseconds and not a start of Python.

Whoever forks must have closed every engine on the home that the children open: SQLite keeps what it has locked in the process, and a child that
inherited it would believe that the locks are its own.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any

#: What Halo imports only when it is needed: once here instead of once in every child.
_HEAVY = ("dbos",)

#: Waits until everybody is there.
Meet = Callable[[], None]

#: Somebody who does not come has died: the others give up instead of waiting for ever.
_PATIENCE_S = 60


def together(works: Sequence[Callable[[Meet], Any]]) -> list[Any]:
    """What each of `works` returns (as JSON), each in a process of its own. Every one must call its `Meet` equally often.

    Raises `RuntimeError` with the traceback of a child that raised.
    """
    for module in _HEAVY:
        importlib.import_module(module)
    barrier = multiprocessing.get_context("fork").Barrier(len(works))

    def meet() -> None:
        barrier.wait(_PATIENCE_S)

    children = [_begin(work, meet) for work in works]
    try:
        answers = [_told(pipe) for _, pipe in children]
    finally:
        for pid, _ in children:
            os.waitpid(pid, 0)
    for answer in answers:
        if "died" in answer:
            raise RuntimeError(f"one of the crowd died:\n{answer['died']}")
    return [answer["value"] for answer in answers]


def _begin(work: Callable[[Meet], Any], meet: Meet) -> tuple[int, int]:
    """The process, and the end of the pipe on which it tells what it has to say."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of forking beside threads; the child touches nothing that a thread of ours could hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    try:
        os.close(read)
        _tell(write, work, meet)
    finally:
        # Not `sys.exit`: what the parent registered for its own end is not the child's to do.
        os._exit(0)


def _tell(write: int, work: Callable[[Meet], Any], meet: Meet) -> None:
    # A child that hangs would hold the pipe open, and its parent with it.
    signal.alarm(2 * _PATIENCE_S)
    try:
        said = {"value": work(meet)}
    except BaseException:  # noqa: BLE001 - whatever it was, the parent has to hear of it
        said = {"died": traceback.format_exc()}
    with os.fdopen(write, "w", encoding="utf-8") as pipe:
        json.dump(said, pipe)


def _told(pipe: int) -> dict[str, Any]:
    with os.fdopen(pipe, encoding="utf-8") as told:
        text = told.read()
    answer: dict[str, Any] = json.loads(text) if text else {"died": "killed before it could say anything"}
    return answer
