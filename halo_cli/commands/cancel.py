"""`halo cancel`: drop a draft. Nothing has been bought, and now nothing will be."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput


def cancel(
    draft_id: Annotated[str, typer.Argument(metavar="ID", help="The draft's id.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Drop a draft. (To end a subscription, say so to halo ask.)"""
    from halo_cli import session
    from halo_cli.answering import show_answer
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        card = engine.cancel(draft_id, member=member)
    show_answer(card, settings, Output(json=json), member=member)
