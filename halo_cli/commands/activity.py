"""`halo activity`: what was asked, drafted and done, the latest first."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def activity(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many entries.")] = 20,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """List what was asked, drafted and done."""
    from halo_cli import session, views
    from halo_cli.output import Output
    from halo_engine import shapes

    with session.open_queries(session.settings_of(home)) as queries:
        entries, zone = queries.activity(limit=limit), queries.household().time_zone
    Output(json=json).result({"activity": [shapes.activity(entry) for entry in entries]}, views.activity(entries, zone))
