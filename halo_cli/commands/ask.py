"""`halo ask`: words in, a card out. On a terminal the card can be confirmed, modified or cancelled on the spot."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput, Wait


def ask(
    text: Annotated[str, typer.Argument(help="What is wanted, in any words; - reads stdin.", show_default=False)],
    answers: Annotated[
        str | None, typer.Option("--answers", metavar="REQUEST_ID", help="TEXT answers this request's question: a number or words.")
    ] = None,
    member: As = None,
    wait: Wait = 60.0,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Draft what the words ask for, and show the card. Nothing is bought before it is confirmed."""
    from halo_cli import exit_codes, session
    from halo_cli.answering import show_answer
    from halo_cli.conversation import Conversation
    from halo_cli.households import found_default_if_missing
    from halo_cli.output import Output

    out, settings = Output(json=json), session.settings_of(home)
    words = session.words(text, settings)
    with session.open_engine(settings) as engine:
        found_default_if_missing(engine, settings, out)
        card = engine.draft(words, member=member, channel="cli", answers=answers)
        if text != "-" and session.may_ask(no_input=no_input, json=json):
            talk = Conversation(engine, settings, out, member=member, wait_s=wait, ask=session.ask_person)
            raise typer.Exit(talk.run(card))
    show_answer(card, settings, out, member=member)
    raise typer.Exit(exit_codes.of_card(card.kind))
