"""What a look at an installation found: how bad it is, in one line, and in another how to mend it."""

from __future__ import annotations

from enum import StrEnum

from halo_engine.model.value import Value


class Level(StrEnum):
    OK = "ok"
    #: It works, and somebody should look.
    WARNING = "warning"
    #: Something does not work, or is not safe.
    PROBLEM = "problem"


class Finding(Value):
    """`name` is a promise to scripts. `mend` is what to type, empty where there is nothing to mend."""

    name: str
    level: Level
    says: str
    mend: str = ""


def ok(name: str, says: str) -> Finding:
    return Finding(name=name, level=Level.OK, says=says)


def warning(name: str, says: str, mend: str) -> Finding:
    return Finding(name=name, level=Level.WARNING, says=says, mend=mend)


def problem(name: str, says: str, mend: str) -> Finding:
    return Finding(name=name, level=Level.PROBLEM, says=says, mend=mend)
