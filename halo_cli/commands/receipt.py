"""`halo receipt`: what proves that something was done."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def receipt(
    execution_id: Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.", show_default=False)],
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Print an execution's receipt."""
    from halo_cli import session
    from halo_cli.output import Output
    from halo_engine import shapes

    with session.open_queries(session.settings_of(home)) as queries:
        found = queries.receipt(execution_id)
    Output(json=json).result(shapes.receipt(found), found)
