"""`halo audit erase REQUEST`: what somebody said, forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput


def erase(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request, such as req_…", show_default=False)],
    as_member: As = None,
    yes: Annotated[bool, typer.Option("--yes", help="It is meant: the words cannot be brought back.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Forget the words of a request and what was understood of them. The log stays whole; drafts and receipts stay."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.model.errors import InvalidInput
    from halo_engine.stages.erasing import NOT_CLEAN

    out, settings = Output(json=json), session.settings_of(home)
    if not yes and not _is_meant(session.may_ask(no_input=no_input, json=json)):
        raise InvalidInput("Nothing was erased: it cannot be brought back.", hint="Say that it is meant with --yes")
    with session.open_engine(settings) as engine:
        erased = engine.erasing.erase(request_id, by=as_member)
    stays = f"What the log commits to of them ({erased.openings}) stays, and nobody can open it any more."
    said = f"The words of {request_id} are {'gone' if erased.is_clean else 'erased, and not gone yet'}. {stays}"
    out.result({"request_id": request_id, "erased": erased.openings, "is_clean": erased.is_clean}, Lines((said,)))
    if not erased.is_clean:
        out.say(NOT_CLEAN)


def _is_meant(may_ask: bool) -> bool:
    from halo_cli import session

    return may_ask and session.ask_person("Forget these words for good? Type yes: ") == "yes"
