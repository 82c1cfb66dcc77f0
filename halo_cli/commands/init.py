"""`halo init`: a household to begin with, on simulated vendors."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def init(
    name: Annotated[str | None, typer.Option("--name", help="What the household is called.", show_default=False)] = None,
    member: Annotated[
        list[str] | None, typer.Option("--member", metavar="NAME", help="A member; the first is the owner. Repeat.", show_default=False)
    ] = None,
    tz: Annotated[str | None, typer.Option("--tz", metavar="ZONE", help="Its IANA time zone.", show_default=False)] = None,
    merchant: Annotated[
        str | None, typer.Option("--merchant", metavar="NAME", help="Where it buys: amazon (Amazon Business) or zinc.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Found the household, on simulated vendors."""
    from halo_cli import session
    from halo_cli.households import default_plan, described
    from halo_cli.output import Lines, Output
    from halo_engine import shapes

    settings = session.settings_of(home)
    plan = default_plan(name=name, members=member, zone=tz, merchant=merchant)
    with session.open_engine(settings) as engine:
        household = engine.found_household(plan)
    with session.open_queries(settings) as queries:
        members, usuals = queries.members(), queries.usuals()
    payload = {
        "home": str(settings.home),
        "vendors": settings.vendors,
        "household": shapes.household(household),
        "members": [shapes.member(one) for one in members],
        "usuals": [shapes.usual(one) for one in usuals],
    }
    out = Output(json=json)
    out.result(payload, Lines(described(settings, household, members, usuals)))
    out.say(f"Try: {session.next_command(settings, 'ask', 'order two packs of paper towels')}")
