"""`halo audit replay DAY`: every card of a day, drawn anew from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Lines
    from halo_engine.audit import Replayed
    from halo_engine.replay import ReplayedCard


def replay(
    day: Annotated[
        str, typer.Argument(metavar="DAY", help="A day such as 2026-03-07, in the household's zone; or: today.", show_default=False)
    ],
    cards: Annotated[bool, typer.Option("--cards", help="Show each card whole.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Draw every card of a day anew from the log. Those that still stand are compared with the books; exit code 1 where they differ.

    With --json one object a card, and a last one with what the comparison came to.
    """
    from zoneinfo import ZoneInfo

    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Output, write_object
    from halo_cli.typed import bounds_of

    out, settings = Output(json=json), session.settings_of(home)
    with session.open_queries(settings) as queries:
        zone = ZoneInfo(queries.household().time_zone)
    first, end = bounds_of(day, zone, now=session.clock_of(settings).now())
    with session.open_audit(settings) as audit:
        told = audit.replay(first, end)
    if json:
        for each in told.cards:
            write_object(_shape(each))
        write_object({"cards": len(told.cards), "compared": told.compared, "differing": list(told.differing)})
    elif cards:
        out.show(*(each.card for each in told.cards), *_verdict(told))
    else:
        out.show(_table(told, zone), *_verdict(told))
    raise typer.Exit(ExitCode.FAILED if told.differing else ExitCode.DONE)


def _shape(each: ReplayedCard) -> dict[str, Any]:
    from halo_engine.model.draft import iso_utc

    return {
        "at": iso_utc(each.at),
        "of": each.of,
        "seq": each.first_seq,
        "events": list(each.events),
        "card_sha256": each.card.hash,
        "card": each.card.model_dump(mode="json"),
    }


def _table(told: Replayed, zone: Any) -> Any:
    from halo_cli.output import Table

    rows = tuple((f"{each.at.astimezone(zone):%H:%M:%S}", str(each.first_seq), each.card.title, each.card.hash[:12]) for each in told.cards)
    return Table(columns=("at", "event", "card", "sha256"), rows=rows, ids=True, empty="Nothing was shown on that day.")


def _verdict(told: Replayed) -> tuple[Lines, ...]:
    from halo_cli.output import Lines

    if told.differing:
        return (Lines((f"{len(told.differing)} of {told.compared} differ from what the books show now:", *told.differing)),)
    if not told.compared:
        return ()
    drawn = "1 card drawn" if len(told.cards) == 1 else f"{len(told.cards)} cards drawn"
    return (Lines((f"{drawn}. Those that still stand, {told.compared}, are what the books show, byte for byte.",)),)
