"""`halo audit checkpoint`, `prove` and `witness`: what others need to hold this household to its log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Output
    from halo_engine.proving import Head

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.", show_default=False)]

witness = typer.Typer(help="A file elsewhere that remembers how far the log had come.")


def checkpoint(out_file: Out = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Sign the head of the log, and print it. Kept elsewhere, it shows later whether the log was cut or put back."""
    import sys

    from halo_cli import session
    from halo_cli.output import Output

    out = Output(json=json)
    with session.open_audit(session.settings_of(home)) as audit:
        head = audit.checkpoint()
    if out_file:
        _write(out_file, head.note)
    if json:
        out.result(_shape(head))
    elif not out_file:
        # As it is, to the byte: folded at a terminal's edge it would not be a checkpoint any more.
        sys.stdout.write(head.note)
        sys.stdout.flush()
    out.say(f"The log has {_counted(head)}. Keep the checkpoint where nobody who can write to this home can write, too.")
    _tell_how_it_went(out, head)


def prove(
    of: Annotated[str, typer.Argument(metavar="RECEIPT", help="A receipt's id, or its execution's.", show_default=False)],
    out_file: Out = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Write the proof of one receipt, and say what it discloses. A third person checks the file without Halo."""
    from halo_cli import session
    from halo_cli.output import Lines, Output

    out = Output(json=json)
    with session.open_audit(session.settings_of(home)) as audit:
        proved = audit.prove(of)
    path = out_file or Path(f"{proved.receipt_id}.proof.json")
    _write(path, proved.proof.text)
    payload = {"file": str(path), "receipt_id": proved.receipt_id, "key": proved.proof.key, "discloses": list(proved.discloses)}
    lines = (f"Wrote {path}. Whoever is given it gets to know:", *(f"  - {each}" for each in proved.discloses))
    out.result(payload | {"trouble": proved.trouble}, Lines(lines))
    out.say(f"They check it with docs/verify_receipt.py and --key {proved.proof.key}")
    if proved.trouble:
        out.say(f"The witness was not told: {proved.trouble}")


@witness.command("init")
def init(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Make the witness, and show it the log. HALO_WITNESS_FILE, or witness_file in config.toml, says where it is."""
    from halo_cli import session
    from halo_cli.output import Lines, Output

    out = Output(json=json)
    with session.open_audit(session.settings_of(home)) as audit:
        head = audit.begin_witness()
    lines = (f"{head.witness} remembers {_counted(head)} from now on.",) if not head.trouble else ()
    out.result(_shape(head), Lines(lines))
    _tell_how_it_went(out, head)


@witness.command("status")
def status(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Show what the witness remembers. Exit code 1 where the log does not go on from there."""
    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.model.draft import iso_utc
    from halo_engine.model.recollection import counted

    out = Output(json=json)
    with session.open_audit(session.settings_of(home)) as audit:
        found = audit.witness()
    said = f"{found.witness} saw {counted(found.events)} at {iso_utc(found.seen_at)}."
    verdict = "The log is not what it saw:" if found.problems else "The log goes on from there."
    out.result(
        found.model_dump(mode="json") | {"seen_at": iso_utc(found.seen_at)}, Lines((said, verdict, *found.problems, f"key {found.key}"))
    )
    raise typer.Exit(ExitCode.FAILED if found.problems else ExitCode.DONE)


def _shape(head: Head) -> dict[str, Any]:
    from halo_engine.model.draft import iso_utc

    return head.model_dump(mode="json") | {"signed_at": iso_utc(head.signed_at)}


def _tell_how_it_went(out: Output, head: Head) -> None:
    """The key, and whether the witness knows; leaves with "failed" where it should and does not."""
    from halo_cli.exit_codes import ExitCode

    out.say(f"Signed with the key {head.key}")
    if head.trouble:
        out.say(f"error: the witness was not told: {head.trouble}")
        raise typer.Exit(ExitCode.FAILED)
    if head.witness:
        out.say(f"The witness {head.witness} was told.")


def _counted(head: Head) -> str:
    from halo_engine.model.recollection import counted

    return counted(head.events)


def _write(path: Path, text: str) -> None:
    """For the owner's eyes, until they give it to somebody. Raises `InvalidInput` where it cannot be written."""
    import os

    from halo_engine.model.errors import InvalidInput

    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise InvalidInput(f"{path} cannot be written: {reason}.", hint="Name another file with --out.") from error
