"""The entry of `halo`: it runs a command, and turns whatever happens into an exit code.

`--version` is answered before anything is imported: scripts ask it often.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from halo_cli import __version__

if TYPE_CHECKING:
    from typer.exceptions import TyperException


def main() -> None:
    """Run the process's arguments, and leave with the command's exit code."""
    arguments = sys.argv[1:]
    _open_missing_streams()
    if arguments[:1] == ["--version"]:
        sys.stdout.write(f"halo {__version__}\n")
        sys.exit(_flushed(0))
    # Only at the last flush is it known whether everything could be written.
    sys.exit(_flushed(run(arguments)))


def run(arguments: list[str]) -> int:
    """The exit code of `halo` with `arguments`. Nothing is raised."""
    _tolerate_any_character()
    as_json = _flag(arguments, "--json")
    try:
        return _invoke(arguments, as_json=as_json)
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the last resort: a person must never see a traceback
        return _report(error, arguments, as_json=as_json)


def _invoke(arguments: list[str], *, as_json: bool) -> int:
    from typer.exceptions import Abort, TyperException
    from typer.main import get_command

    from halo_cli.app import app

    _refuse_broken_text(arguments)
    try:
        answer = get_command(app).main(args=arguments, prog_name="halo", standalone_mode=False)
    except TyperException as error:
        return _usage(error, as_json=as_json)
    except Abort:
        return 130
    return int(answer or 0)


def _refuse_broken_text(arguments: list[str]) -> None:
    """Bytes that are no UTF-8 reach Python as lone surrogates, which neither the books nor a vendor can take."""
    from halo_engine.model.errors import InvalidInput

    if any("\ud800" <= character <= "\udfff" for argument in arguments for character in argument):
        raise InvalidInput("An argument is not valid UTF-8.", hint="Check the terminal's encoding, or give the text on stdin with -.")


def _usage(error: TyperException, *, as_json: bool) -> int:
    from halo_cli.output import write_error

    context = getattr(error, "ctx", None)
    path = context.command_path if context else "halo"
    message = error.format_message() or "This command needs another word."
    write_error("usage", message, f"See: {path} --help", as_json=as_json)
    return error.exit_code


def _report(error: Exception, arguments: list[str], *, as_json: bool) -> int:
    from halo_cli import failures
    from halo_engine.model.errors import HaloError

    try:
        if isinstance(error, HaloError):
            return failures.report_foreseen(error, as_json=as_json)
        return failures.report_unforeseen(error, as_json=as_json, home=_home(arguments))
    except BrokenPipeError:
        _forget_stdout()
        return 1


def _home(arguments: list[str]) -> Path | None:
    from halo_engine.model.errors import HaloError
    from halo_engine.settings import load_settings

    given = [following for name, following in pairwise(arguments) if name == "--home"]
    given += [argument.removeprefix("--home=") for argument in arguments if argument.startswith("--home=")]
    try:
        return load_settings(home=Path(given[0]) if given else None).home
    except (HaloError, ValueError, OSError):
        return None


def _flag(arguments: list[str], name: str) -> bool:
    """Whether `name` was given, also when the rest cannot be understood."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return name in arguments[:end]


def _open_missing_streams() -> None:
    """Somebody who closed a stream wants to hear nothing on it, not a traceback."""
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")


def _tolerate_any_character() -> None:
    """A terminal or pipe that cannot show a character gets its escape instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except OSError as error:
        _forget_stdout()
        sys.stderr.write(f"error: The result cannot be written: {error.strerror}.\n")
        return 1
    return code


def _forget_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush finds somebody listening."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
