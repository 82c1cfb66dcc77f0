"""`halo sim clock`: what time it is in this home. Moving it moves tokens, holds, quotes, renewals, deliveries and drafts alike.

The move is kept in the world file, so every process that opens this home lives by it, Halo's own side included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from pathlib import Path

    from halo_sim.world import World

app = typer.Typer(help="The time in this home.")

Span: TypeAlias = Annotated[str, typer.Argument(metavar="SPAN", help="Such as 31d, 90m, 1w2d or -2h.", show_default=False)]


@app.command()
def show(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Say what time it is for Halo and the simulated vendors."""
    _moved(home, lambda _world: None, json=json)


# Without this, a step back such as -2h would be taken for an option.
@app.command(context_settings={"ignore_unknown_options": True})
def advance(span: Span, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Let SPAN go by."""
    from halo_cli import typed

    by = typed.span(span)
    _moved(home, lambda world: world.move_clock(by), json=json)


@app.command("set")
def set_(
    at: Annotated[str, typer.Argument(metavar="ISO", help="Such as 2026-12-24T18:00:00Z; without a zone it is UTC.", show_default=False)],
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Let it be that time now; it goes on from there."""
    from halo_cli import typed

    instant = typed.instant(at)
    _moved(home, lambda world: world.set_clock(instant), json=json)


@app.command()
def reset(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Go back to the real time."""
    _moved(home, lambda world: world.reset_clock(), json=json)


def _moved(home: Path | None, move: Callable[[World], None], *, json: bool) -> None:
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_cli.sim_time import Moved, moved

    at: Moved = moved(session.open_world(session.settings_of(home)), move)
    Output(json=json).result({"now": at.now, "moved_s": at.moved_s}, Lines((at.words,)))
