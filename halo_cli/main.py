"""The entry of `halo`: it runs a command, and turns whatever happens into an exit code.

`--version` is answered before anything is imported: scripts ask it often.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from halo_cli import __version__, logs

if TYPE_CHECKING:
    from typer.exceptions import TyperException


def main() -> None:
    """Run the process's arguments, and leave with the command's exit code."""
    _open_missing_streams()
    try:
        code = _version() if sys.argv[1:2] == ["--version"] else run(sys.argv[1:])
        # Only at the last flush is it known whether everything could be written.
        sys.stdout.flush()
    except BrokenPipeError:
        code = _forget_stdout()
    except OSError as error:
        sys.stderr.write(f"error: The result cannot be written: {error.strerror}.\n")
        code = _forget_stdout()
    sys.exit(code)


def _version() -> int:
    sys.stdout.write(f"halo {__version__}\n")
    return 0


def run(arguments: list[str]) -> int:
    """The exit code of `halo` with `arguments`. Raises nothing but `OSError`, where stdout cannot be written."""
    _tolerate_any_character()
    return logs.told(lambda: _answered(arguments))


def _answered(arguments: list[str]) -> int:
    as_json = _flag(arguments, "--json")
    try:
        return _invoke(arguments, as_json=as_json)
    except BrokenPipeError:
        raise
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
        command = get_command(app)
        logs.typed(command, arguments)
        # `obj` is how a command types another one: scenarios and recordings do.
        answer = command.main(args=arguments, prog_name="halo", standalone_mode=False, obj=run)
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

    if isinstance(error, HaloError):
        return failures.report_foreseen(error, as_json=as_json)
    return failures.report_unforeseen(error, as_json=as_json, home=_home(arguments))


def _home(arguments: list[str]) -> Path | None:
    from halo_engine.model.errors import HaloError
    from halo_engine.settings import home_of

    given = [following for name, following in pairwise(arguments) if name == "--home"]
    given += [argument.removeprefix("--home=") for argument in arguments if argument.startswith("--home=")]
    try:
        return home_of(Path(given[0]) if given else None)
    except (HaloError, ValueError, OSError):
        return None


def _flag(arguments: list[str], name: str) -> bool:
    """Whether `name` was given, also when the rest cannot be understood."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return name in arguments[:end]


def _open_missing_streams() -> None:
    """Somebody who closed a stream wants to hear nothing on it, and no traceback either."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open for as long as the process


def _tolerate_any_character() -> None:
    """A stream that cannot show a character gets its escape, and one that brings broken bytes a replacement, instead of an error."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def _forget_stdout() -> int:
    """Point stdout nowhere, so that the interpreter's own last flush cannot fail; the exit code of a result that was not written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
