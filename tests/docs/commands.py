"""Whether a command that a page names is there: its path in the real CLI, its options, and the recipes of the justfile. Nothing is run."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Any

from typer.main import get_command

from halo_cli.app import app
from tests.house.source import ROOT

_SETTING = re.compile(r"^(?:[A-Z_][A-Z_0-9]*=\S*\s+)*")


def unknown(text: str) -> str | None:
    """What of the commands in `text` is not there; None where it all is, or where `text` is no command."""
    typed = _SETTING.sub("", text.strip().removeprefix("$ "))
    if re.match(r"(?:\.venv/bin/)?halo(?: |$)", typed):
        return _unknown_of_halo(typed.split()[1:])
    if re.match(r"just [a-z]", typed):
        recipe = typed.split()[1]
        return None if recipe in _recipes() else f"there is no recipe {recipe}"
    return None


def _unknown_of_halo(words: list[str]) -> str | None:
    # What follows `--` is another command's, and what follows a pipe another program's.
    for end in ("--", "|", "&", "&&", ";", ">", "<<<", "#"):
        words = words[: words.index(end)] if end in words else words
    named = _path(words)
    commands = [found for path in product(*(word.split("|") for word in named)) if (found := _command(path)) is not None]
    if len(commands) < len(list(product(*(word.split("|") for word in named)))):
        return f"there is no command {' '.join(named)}"
    options = {option for command in commands for option in _options(command)}
    given = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", " ".join(re.sub(r"'[^']*'|\"[^\"]*\"", "…", " ".join(words)).split()))
    missing = [option for option in given if option not in options]
    return f"halo {' '.join(named)} has no option {', '.join(missing)}" if missing else None


def _path(words: list[str]) -> list[str]:
    """The words that name a command: as many as there are groups in it, and one more."""
    path: list[str] = []
    here: Any = _halo()
    for word in words:
        if not hasattr(here, "commands") or not re.fullmatch(r"[a-z][a-z|-]*", word):
            break
        path.append(word)
        here = here.commands.get(word.split("|")[0])
    return path


@cache
def _halo() -> Any:
    """Making it takes a tenth of a second, and pages name hundreds of commands."""
    return get_command(app)


@cache
def _command(path: tuple[str, ...]) -> Any:
    here: Any = _halo()
    for word in path:
        here = getattr(here, "commands", {}).get(word)
        if here is None:
            return None
    return here


def _options(command: Any) -> set[str]:
    return {"--help", "--version"} | {option for param in command.params for option in (*param.opts, *param.secondary_opts)}


@cache
def _recipes() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][\w-]*)\b[^\n]*?:(?!=)", (ROOT / "justfile").read_text(encoding="utf-8"), re.MULTILINE))
