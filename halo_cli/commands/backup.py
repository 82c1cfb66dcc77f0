"""`halo backup`: everything that this home needs to go on elsewhere, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_engine.backup.taking import Taken


def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A new file; or a directory, in which it gets a name of its own.")],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave out secret.key and every other secret. Keep secret.key elsewhere, then.")
    ] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Back up the books, the keys and the settings, also while Halo is at work."""
    from halo_cli import __version__, session
    from halo_cli.ending import interrupted_when_told_to_end
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.backup.taking import take
    from halo_engine.model.draft import iso_utc
    from halo_engine.model.recollection import counted

    out, settings = Output(json=json), session.settings_of(home)
    clock = session.clock_of(settings)
    to = to.absolute()
    file = to / f"halo-{clock.now():%Y%m%dT%H%M%SZ}.backup" if to.is_dir() else to
    with interrupted_when_told_to_end(), out.working("Copying the books …"):
        taken = take(settings, file, clock, halo=__version__, with_keys=not without_keys)
    manifest = taken.manifest
    payload = {
        "file": str(taken.path),
        "bytes": taken.size,
        "taken_at": iso_utc(manifest.taken_at),
        "schema_revision": manifest.schema_revision,
        "has_secret": manifest.has_secret,
        "files": list(manifest.names),
        "left_out": list(taken.left_out),
        "restorable": taken.fault is None,
        "fault": taken.fault,
        "logs": [end.model_dump() for end in manifest.ends],
    }
    events = sum(end.events for end in manifest.ends)
    heads = (f"head {end.head}" for end in manifest.ends)
    out.result(payload, Lines((f"backed up: {counted(events)} in {taken.path}", f"in it: {', '.join(manifest.names)}", *heads)))
    out.say(_keys(taken, settings.secret_is_in))
    if taken.fault:
        look = session.next_command(settings, "audit", "verify")
        out.say(f"IT CANNOT BE RESTORED AS IT IS: {taken.fault} Keep an older backup, and look: {look}")
        raise typer.Exit(ExitCode.FAILED)


def _keys(taken: Taken, secret_is_in: str) -> str:
    said = []
    if taken.left_out:
        said.append(f"Left out: {', '.join(taken.left_out)}.")
    if taken.holds_keys:
        said.append("IT HOLDS YOUR KEYS: whoever reads this file can act for this household. Keep it where you would keep a key.")
    if not taken.manifest.has_secret:
        said.append(f"It is worth nothing without the secret in {secret_is_in}, which is not in it: keep that elsewhere.")
    return " ".join(said)
