"""`halo modify`: the same draft with other terms. The revision before it stops standing."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput


def modify(
    draft_id: Annotated[str, typer.Argument(metavar="ID", help="The draft's id.", show_default=False)],
    text: Annotated[str, typer.Argument(help="What should be different; - reads stdin.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Change a draft in words, and show what differs."""
    from halo_cli import exit_codes, session
    from halo_cli.answering import show_answer
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        card = engine.modify(draft_id, session.words(text, settings), member=member)
    show_answer(card, settings, Output(json=json), member=member)
    raise typer.Exit(exit_codes.of_card(card.kind))
