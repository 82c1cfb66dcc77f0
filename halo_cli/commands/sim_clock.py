"""`halo sim clock`: what time it is in this home. Moving it moves tokens, holds, quotes, renewals, deliveries and drafts alike.

The move is kept in the world file, so every process that opens this home lives by it, Halo's own side included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from datetime import datetime, timedelta
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
    by = _span(span)
    _moved(home, lambda world: world.move_clock(by), json=json)


@app.command("set")
def set_(
    at: Annotated[str, typer.Argument(metavar="ISO", help="Such as 2026-12-24T18:00:00Z; without a zone it is UTC.", show_default=False)],
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Let it be that time now; it goes on from there."""
    instant = _instant(at)
    _moved(home, lambda world: world.set_clock(instant), json=json)


@app.command()
def reset(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Go back to the real time."""
    _moved(home, lambda world: world.reset_clock(), json=json)


def _moved(home: Path | None, move: Callable[[World], None], *, json: bool) -> None:
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.model.draft import iso_utc
    from halo_engine.model.errors import InvalidInput
    from halo_sim.world import read_offset

    world = session.open_world(session.settings_of(home))
    try:
        move(world)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("The time must be between the years 2000 and 2100.", hint="halo sim clock reset") from error
    moved_s, now = round(read_offset(world.path).total_seconds()), iso_utc(world.now())
    said = f"{now}, the real time" if moved_s == 0 else f"{now}, moved by {_words(abs(moved_s))} {'ahead' if moved_s > 0 else 'back'}"
    Output(json=json).result({"now": now, "moved_s": moved_s}, Lines((said,)))


def _words(seconds: int) -> str:
    parts = []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {name}"] if count else []
    return " ".join(parts)


def _span(text: str) -> timedelta:
    """`31d`, `1w2d`, `-90m`. Raises `InvalidInput`."""
    import re
    from datetime import timedelta

    from halo_engine.model.errors import InvalidInput

    if not re.fullmatch(r"-?([0-9]{1,6}[wdhms])+", text):
        raise InvalidInput(f"{text!r} is not a span of time.", hint="Such as 31d, 90m, 1w2d or -2h.")
    units = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    spans = [timedelta(**{units[unit]: int(count)}) for count, unit in re.findall(r"([0-9]+)([wdhms])", text)]
    total = sum(spans, timedelta(0))
    return -total if text.startswith("-") else total


def _instant(text: str) -> datetime:
    from datetime import UTC, datetime

    from halo_engine.model.errors import InvalidInput

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a time.", hint="Such as 2026-12-24T18:00:00Z.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
