"""The log of a command: when it began and how it ended. Nothing is imported for it unless the settings ask for a log.

`main` runs every command through `told`, and `session` says `began` as soon as the settings are read: before that nobody knows whether there is a
log. A command that another one types (a scenario does) is part of its turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from halo_engine.settings import Settings

#: The command of this context, without what was said to it: `halo devices add`.
_typed: ContextVar[str] = ContextVar("typed", default="halo")
#: Whether it has told that it began.
_has_begun: ContextVar[bool] = ContextVar("has_begun", default=False)


def told(act: Callable[[], int]) -> int:
    """The exit code that `act` ends with. What is bound in it, for the lines of the log, ends with it."""
    return copy_context().run(_told, act)


def _told(act: Callable[[], int]) -> int:
    _has_begun.set(False)
    began, code = time.monotonic(), None
    try:
        code = act()
        return code
    finally:
        if _has_begun.get():
            from halo_engine import telemetry

            telemetry.fact("command.ended", command=_typed.get(), exit_code=code, took_ms=telemetry.since(began))


def typed(command: object, arguments: Sequence[str]) -> None:
    """Which command `arguments` name, below `command`: only names of commands are ever told, and nothing of what else was typed."""
    words = ["halo"]
    for argument in arguments:
        commands = getattr(command, "commands", {})
        if argument not in commands:
            break
        command = commands[argument]
        words.append(argument)
    _typed.set(" ".join(words))


def began(settings: Settings) -> None:
    """Start the log where the settings ask for one. Raises `InvalidInput` where it cannot be written."""
    if settings.log_file is None or _has_begun.get():
        return
    from halo_engine import telemetry

    telemetry.start(settings)
    _has_begun.set(True)
    telemetry.begin_turn("cmd")
    telemetry.fact("command.began", command=_typed.get())
