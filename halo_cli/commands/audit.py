"""`halo audit`: the log, checked link by link."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.commands import audit_erase, audit_export, audit_proofs, audit_replay
from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Output

#: From here on checking takes so long that somebody may wonder.
_LONG = 50_000

app = typer.Typer(help="The log of everything that happened.")


@app.callback()
def _group() -> None:
    """The log of everything that happened."""


@app.command()
def verify(
    against: Annotated[
        Path | None, typer.Option("--against", metavar="CHECKPOINT", help="A checkpoint that somebody kept.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Check every link, every promise, and the books. Exit code 1 when something is wrong.

    It is held against this home's last checkpoint, the witness where one is set, and the checkpoint that is given.
    """
    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine import shapes
    from halo_engine.model.recollection import counted

    out, settings = Output(json=json), session.settings_of(home)
    kept = session.text_of(against) if against else None
    with session.open_audit(settings) as audit, _patience(out, audit.length()):
        found = audit.verify(against=kept)
    verdict = f"audit verified: {counted(found.events)}" if found.ok else "audit FAILED"
    remembered = (f"it goes on from what was remembered by: {', '.join(found.remembered_by)}",) if found.remembered_by and found.ok else ()
    out.result(shapes.verification(found), Lines((verdict, *remembered, *found.problems, f"head {found.head}", f"root {found.root}")))
    if not found.ok:
        out.say(f"error: the audit failed: {found.problems[0] if found.problems else 'no reason given'}")
        out.say("hint: Keep the home as it is. What each sentence means, and what to do then: docs/audit.md")
    raise typer.Exit(ExitCode.DONE if found.ok else ExitCode.FAILED)


def _patience(out: Output, events: int) -> AbstractContextManager[object]:
    """A long log takes seconds: whoever waits is told for what."""
    return out.working(f"Checking {events:,} events …") if events > _LONG else nullcontext()


app.command("checkpoint")(audit_proofs.checkpoint)
app.add_typer(audit_proofs.witness, name="witness")
app.command("prove")(audit_proofs.prove)
app.command("export")(audit_export.export)
app.command("check")(audit_export.check)
app.command("replay")(audit_replay.replay)
app.command("erase")(audit_erase.erase)
