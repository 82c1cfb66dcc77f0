"""`halo sim scenario`: the stories of `fixtures/scenarios`, told by the very commands a person would type, each in a throw-away home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput

app = typer.Typer(help="Stories that the simulated vendors tell.")


@app.command("list")
def list_(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List the scenarios there are."""
    from halo_cli.output import Output, Table
    from halo_cli.scenarios import shipped

    stories = shipped()
    rows = tuple((story.name, story.about, str(len(story.steps))) for story in stories)
    payload = {"scenarios": [{"name": story.name, "about": story.about, "steps": len(story.steps)} for story in stories]}
    Output(json=json).result(payload, Table(columns=("Scenario", "About", "Steps"), rows=rows))


@app.command()
def run(
    context: typer.Context,
    name: Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", help="Which; default: all.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="YAML", help="A scenario of your own.", show_default=False)] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Play scenarios and say whether what was expected happened. Nothing is kept, and nobody waits."""
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_cli.scenarios import chosen, play, read

    out = Output(json=json)
    played = [play(story, context.obj) for story in ([read(file)] if file else chosen(name or []))]
    for told in played:
        out.show(Lines(told.lines()))
    wrong = sum(not told.ok for told in played)
    verdict = f"{len(played)} scenarios, {wrong or 'none'} went otherwise than expected."
    out.result({"ok": not wrong, "scenarios": [told.payload() for told in played]}, Lines((verdict,)))
    raise typer.Exit(ExitCode.FAILED if wrong else ExitCode.DONE)
