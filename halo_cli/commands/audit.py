"""`halo audit`: the log, checked link by link."""

from __future__ import annotations

import typer

from halo_cli.options import Home, Json, NoInput

app = typer.Typer(help="The log of everything that happened.")


@app.callback()
def _group() -> None:
    """The log of everything that happened."""


@app.command()
def verify(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Check every link of the log, and that the books follow from it. Exit code 1 when it is broken."""
    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine import shapes

    out = Output(json=json)
    with session.open_queries(session.settings_of(home)) as queries:
        found = queries.verify_log()
    verdict = f"audit verified: {found.events} events" if found.ok else "audit FAILED"
    out.result(shapes.verification(found), Lines((verdict, *found.problems, f"head {found.head}")))
    if not found.ok:
        out.say(f"error: the log does not hold: {found.problems[0] if found.problems else 'no reason given'}")
    raise typer.Exit(ExitCode.DONE if found.ok else ExitCode.FAILED)
