"""`halo confirm`: a person's yes to exactly one draft hash, carried out.

Without the hash the card is shown and the amount has to be typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput, Wait

if TYPE_CHECKING:
    from halo_cli.output import Output
    from halo_engine.settings import Settings


def confirm(
    draft_id: Annotated[str, typer.Argument(metavar="ID", help="The draft's id.", show_default=False)],
    draft_hash: Annotated[str | None, typer.Option("--hash", metavar="HASH", help="The hash on the card.", show_default=False)] = None,
    member: As = None,
    wait: Wait = 60.0,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Confirm a draft and carry it out. The same draft and hash again give the same execution, never a second one."""
    from halo_cli import session
    from halo_cli.carrying_out import carry_out
    from halo_cli.output import Output
    from halo_engine.model.errors import InvalidInput

    out, settings = Output(json=json), session.settings_of(home)
    if draft_hash is None and not session.may_ask(no_input=no_input, json=json):
        raise InvalidInput("Without a terminal to ask on, --hash is needed.", hint=f"See the hash with: halo draft show {draft_id} --json")
    agreed = draft_hash if draft_hash is not None else _typed_consent(draft_id, settings, out)
    with session.open_engine(settings) as engine:
        end = carry_out(engine, settings, out, draft_id=draft_id, draft_hash=agreed, member=member, wait_s=wait)
    end.present(out, settings, member=member)
    raise typer.Exit(end.exit_code)


def _typed_consent(draft_id: str, settings: Settings, out: Output) -> str:
    """The hash of the card that was shown, once its amount has been typed. Leaves with "declined" otherwise."""
    from halo_cli import session
    from halo_cli.carrying_out import raise_unless_open
    from halo_cli.exit_codes import ExitCode
    from halo_engine.model.consent import challenge

    with session.open_queries(settings) as queries:
        draft, card = queries.draft(draft_id), queries.card(draft_id)
    raise_unless_open(draft)
    out.show(card)
    asked = challenge(card)
    if not asked.accepts(session.ask_person(asked.question)):
        out.say("That is not it. Nothing was done.")
        raise typer.Exit(ExitCode.DECLINED)
    return card.draft_hash or ""
