"""`halo retry`: a fresh draft from what was asked when an execution failed. Never a blind repeat."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput


def retry(
    execution_id: Annotated[str, typer.Argument(metavar="EXECUTION", help="The failed execution's id.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Draft again what failed, at today's prices. It has to be confirmed anew."""
    from halo_cli import exit_codes, session
    from halo_cli.answering import show_answer
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        card = engine.retry(execution_id, member=member)
    show_answer(card, settings, Output(json=json), member=member)
    raise typer.Exit(exit_codes.of_card(card.kind))
