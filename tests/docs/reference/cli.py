"""docs/reference/cli.md, from the commands themselves."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from halo_cli import exit_codes
from halo_cli.app import app
from halo_engine.model.errors import HaloError
from tests.docs.reference.examples import EXAMPLES
from tests.docs.reference.markdown import code, table

_HEAD = """\
# The command line

Written by `just docs-cli` from the commands themselves; `halo COMMAND --help` says the same.

stdout is the result, stderr the talk. Every command takes these, and they are not named again below:

"""
_EVERYWHERE = ("--json", "--home", "--no-input")


def documentation() -> str:
    """The whole file."""
    root: Any = get_command(app)
    shared = [param for param in root.commands["init"].params if set(param.opts) & set(_EVERYWHERE)]
    parts = [_HEAD, table(("option", "what it does"), map(_option, shared)), "\n", _exit_codes()]
    for path, command in commands():
        parts.append(f"\n## halo {path}\n\n{_prose(command.help)}\n\n{_usage(path, command)}\n")
        if rows := [_row(param) for param in command.params if not set(param.opts) & set(_EVERYWHERE)]:
            parts.append("\n" + table(("", "what it is", "default"), rows))
    return "".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with its words; groups are not."""

    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from below((*words, name), inner)
        if not hasattr(command, "commands"):
            yield " ".join(words), command

    return below((), get_command(app))


def _usage(path: str, command: Any) -> str:
    arguments = [_argument(param) for param in command.params if param.param_type_name == "argument"]
    usage = " ".join(["halo", path, *arguments, *(["[OPTIONS]"] if len(arguments) < len(command.params) else [])])
    return f"Usage: `{usage}`. Example: `{EXAMPLES[path]}`"


def _argument(param: Any) -> str:
    shown = (param.metavar or param.name.upper()).strip("[]")
    return shown if param.required else f"[{shown}]"


def _row(param: Any) -> tuple[str, ...]:
    if param.param_type_name == "argument":
        return code(_argument(param)), _prose(param.help), ""
    shown = param.default if param.show_default and param.default not in (None, False, ()) and not param.is_flag else ""
    return (*_option(param), code(shown))


def _option(param: Any) -> tuple[str, ...]:
    names = ", ".join((*param.opts, *param.secondary_opts))
    value = "" if param.is_flag else f" {param.metavar or _kind(param)}"
    return code(f"{names}{value}"), _prose(param.help) + (" Repeatable." if param.multiple and "Repeat" not in (param.help or "") else "")


def _kind(param: Any) -> str:
    """What stands for a value that has no name of its own."""
    shown = param.display_type(typer.Context(get_command(app)))
    return re.sub(r"\W+", " ", shown).strip().upper().removesuffix(" RANGE")


def _prose(text: str | None) -> str:
    """One paragraph, as prose: what looks like a tag or an emphasis is not meant as one."""
    return re.sub(r"([<>*])", r"\\\1", " ".join((text or "").split()))


def _exit_codes() -> str:
    """Each code, its reason where the source gives one, and what ends with it."""
    ends: dict[int, list[str]] = {number: [] for number in exit_codes.ExitCode}
    for error, number in exit_codes._ERRORS.items():
        ends[number].append("any other error" if error is HaloError else code(re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()))
    for kind, number in exit_codes._CARDS.items():
        ends[number].append(f"a card `{kind}`")
    rows = ((str(int(number)), number.name.lower().replace("_", " "), ", ".join(ends[number])) for number in exit_codes.ExitCode)
    return (
        "## Exit codes\n\nA script may rely on them: more may come, none changes. An error that is not named here has the code of its parent "
        "([errors](../errors.md)).\n\n" + table(("code", "", "of"), rows)
    )


if __name__ == "__main__":
    sys.stdout.write(documentation())
