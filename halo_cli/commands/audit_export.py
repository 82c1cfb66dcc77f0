"""`halo audit export` and `halo audit check`: the log in a file, and a file that is one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_engine.export.lines import Sum
    from halo_engine.model.note import Checkpoint


class Form(StrEnum):
    """As `halo_engine.export.exporting.Format`, which takes too long to import for `halo --help`."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it; - is stdout.", show_default=False)]
_DAY = "of the household, as 2026-03-03"
Since = Annotated[str | None, typer.Option("--since", metavar="DAY", help=f"The first day {_DAY}.", show_default=False)]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help=f"The last day {_DAY}.", show_default=False)]
STDOUT = Path("-")


def export(
    form: Annotated[Form, typer.Option("--format", help="ndjson can be checked by anybody; csv and parquet are for tables.")] = Form.NDJSON,
    out: Out = STDOUT,
    since: Since = None,
    until: Until = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Write the log to a file, or to stdout. Exit code 1 when an event in it was altered: it is written as it stands."""
    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.export.exporting import Format
    from halo_engine.model.errors import InvalidInput

    output, settings = Output(json=json), session.settings_of(home)
    if out == STDOUT and json:
        raise InvalidInput("The export and the JSON object cannot both go to stdout.", hint="Name a file with --out.")
    with session.open_audit(settings) as audit:
        if out == STDOUT:
            total = audit.export(_stdout(form), Format(form), since=since, until=until)
            output.say(_told(total))
        else:
            total = audit.export(out, Format(form), since=since, until=until)
            output.result({"file": str(out), "format": form.value, **total.model_dump(mode="json")}, Lines((f"{out}: {_told(total)}",)))
    if total.first_altered is not None:
        output.say(f"error: event {total.first_altered} was altered: its content does not give its hash. See: halo audit verify")
    raise typer.Exit(ExitCode.FAILED if total.first_altered is not None else ExitCode.DONE)


def _told(total: Sum) -> str:
    if total.count == 0:
        return "no events"
    from halo_engine.model.recollection import counted

    part = "" if total.first == 1 else f", from number {total.first}"
    return f"{counted(total.count)}{part}; head {total.head}"


def _stdout(form: Form) -> BinaryIO:
    import sys

    from halo_engine.model.errors import InvalidInput

    if not sys.stdout.isatty():
        return sys.stdout.buffer
    if form is Form.PARQUET:
        raise InvalidInput("Parquet is nothing to look at.", hint="Name a file with --out, or send it to another program.")
    return cast("BinaryIO", _Looked())


class _Looked:
    """A terminal, to which nothing is sent that could move its cursor or turn its text around: to be looked at, not to be kept."""

    def write(self, data: bytes) -> int:
        import sys

        from halo_engine.model.text import inert

        for line in data.decode(errors="replace").splitlines():
            sys.stdout.write(f"{inert(line, max_chars=1_000_000)}\n")
        return len(data)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export in NDJSON; - is stdin.", show_default=False)],
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="CHECKPOINT", help="A signed checkpoint that it must go on from.", show_default=False),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Whose signature the checkpoint must bear.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Check an export, from the file alone. Exit code 1 when it does not hold; the first bad event is named."""
    import sys

    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.export.checking import check_export
    from halo_engine.model.recollection import counted

    output, checkpoint = Output(json=json), _checkpoint(against, key)
    if file == STDOUT:
        found = check_export(sys.stdin.buffer, checkpoint)
    else:
        with _opened(file) as opened:
            found = check_export(opened, checkpoint)
    what = "export" if found.whole else "excerpt"
    verdict = f"{what} verified: {counted(found.events)}" if found.ok else f"{what} FAILED"
    notes = [] if found.whole else [f"It begins with event {found.first}: what came before it, and so the promises, cannot be checked."]
    if checkpoint and found.ok:
        notes.append(f"It goes on from the checkpoint of {checkpoint.size} events.")
    if checkpoint and key is None:
        notes.append("Nobody checked whose signature the checkpoint bears: give the key with --key.")
    output.result(found.model_dump(mode="json"), Lines((verdict, *found.problems, *notes, f"head {found.head}", f"root {found.root}")))
    if not found.ok:
        output.say(f"error: the {what} does not hold: {found.problems[0]}")
    raise typer.Exit(ExitCode.DONE if found.ok else ExitCode.FAILED)


def _opened(file: Path) -> BinaryIO:
    from halo_engine.model.errors import NotFound

    try:
        return file.open("rb")
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}.", hint="Make one with: halo audit export --out FILE") from error


def _checkpoint(path: Path | None, key: str | None) -> Checkpoint | None:
    from halo_engine.model.errors import InvalidInput
    from halo_engine.model.note import MAX_CHARS, read_key, read_note

    if path is None:
        if key is not None:
            raise InvalidInput("There is no checkpoint for this key.", hint="Name one with --against.")
        return None
    with _opened(path) as file:
        note = read_note(file.read(4 * MAX_CHARS).decode(errors="replace"))
    if key is not None and not note.is_signed_with(read_key(key)):
        raise InvalidInput("The checkpoint does not bear this key's signature.", hint="Compare the key with the one that was given to you.")
    return note.checkpoint
