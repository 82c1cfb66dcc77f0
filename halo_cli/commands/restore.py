"""`halo restore`: a home made of a backup. What had not ended in it is asked of the vendors; nothing is sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `halo backup` made.")],
    keep_devices: Annotated[
        bool, typer.Option("--keep-devices", help="Let every device of the backup call on: only where none was revoked since.")
    ] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Make a home of a backup, where there is none yet. Every execution that was open in it is looked up at its vendor before anything else."""
    from halo_cli import session
    from halo_cli.ending import interrupted_when_told_to_end
    from halo_cli.output import Lines, Output
    from halo_engine.backup.putting_back import put_back
    from halo_engine.model.draft import iso_utc
    from halo_engine.model.recollection import counted
    from halo_engine.settings import home_of, load_settings

    out, place = Output(json=json), home_of(home)
    clock = session.clock_of(load_settings(home=place))
    with interrupted_when_told_to_end(), out.working("Checking every file and every event of the backup …"):
        done = put_back(file.absolute(), place, clock, load=lambda there: load_settings(home=there), keeps_devices=keep_devices)
    doubted, taken_at = done.doubted, iso_utc(done.manifest.taken_at)
    payload = {
        "home": str(done.home),
        "taken_at": taken_at,
        "events": done.events,
        "in_doubt": list(doubted.in_doubt),
        "devices_revoked": doubted.devices_revoked,
        "witness": list(done.witness),
    }
    lines = [f"restored: {counted(done.events)}, as of {taken_at}, in {done.home}"]
    lines += [f"in doubt: {execution}" for execution in doubted.in_doubt]
    out.result(payload, Lines(tuple(lines)))
    settings = load_settings(home=place)
    out.say(f"What happened after {taken_at} these books do not know. Look at the vendors before you ask for anything again.")
    if doubted.in_doubt:
        wait = settings.request_lives_s // 60
        out.say(
            f"Nothing is sent again. The vendors are asked in {wait} minutes, by: {session.next_command(settings, 'worker', '--until-idle')}"
        )
    if doubted.devices_revoked:
        out.say(
            f"Every device was revoked ({doubted.devices_revoked}): one that you revoked after the backup would be allowed again. "
            "Enrol them anew: halo devices add NAME"
        )
    for problem in done.witness:
        out.say(f"The witness: {problem}. What to do: docs/howto/back-up-and-restore.md")
