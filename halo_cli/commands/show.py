"""`halo show`: one draft, or one execution with its attempts and events."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A draft's or an execution's id.", show_default=False)],
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Show a draft, or an execution with its history."""
    from halo_cli import session, views
    from halo_cli.answering import show_draft
    from halo_cli.output import Output
    from halo_engine import shapes
    from halo_engine.model.errors import NotFound
    from halo_engine.model.ids import Prefix, prefix_of

    out, settings = Output(json=json), session.settings_of(home)
    match prefix_of(identifier):
        case Prefix.DRAFT:
            show_draft(identifier, settings, out)
        case Prefix.EXECUTION:
            with session.open_queries(settings) as queries:
                detail, zone = queries.execution(identifier), queries.household().time_zone
            out.result(shapes.detail(detail) | shapes.exchanges(detail), *views.execution(detail, zone))
        case _:
            raise NotFound(f"{identifier!r} is not the id of a draft or an execution.")
