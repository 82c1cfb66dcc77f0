"""The command to type next, for each card that wants an answer. Said on stderr, so that nobody has to read a manual at the kitchen table."""

from __future__ import annotations

import re

from halo_cli.session import next_command
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.settings import Settings

#: The ordinary sentence on a draft: any one of these is enough.
_ANY_OF_THEM = re.compile(r"(?P<names>.+) may confirm\.")
#: Where nobody's yes is enough as the household is now.
_NOT_ENOUGH = re.compile(r"Nobody (?:here )?may confirm.*|.*, but only .+ may confirm\.")


def next_step(card: Card, settings: Settings, *, member: str | None = None) -> str | None:
    """How `member`, or whoever else it takes, confirms what `card` shows, answers it or retries it; None where nothing is left to do."""
    if Button.CONFIRM in card.buttons:
        return _confirming(card, settings, member)
    if card.kind is CardKind.CLARIFICATION:
        return f"Answer with: {next_command(settings, 'ask', '--answers', card.request_id or '', 'NUMBER_OR_WORDS', member=member)}"
    if Button.RETRY in card.buttons:
        return f"Draft it again with: {next_command(settings, 'retry', card.execution_id or '', member=member)}"
    return None


def _confirming(card: Card, settings: Settings, member: str | None) -> str | None:
    if len(card.approval) == 1 and _NOT_ENOUGH.fullmatch(card.approval[0]):
        return None
    words = ("confirm", card.draft_id or "", "--hash", card.draft_hash or "")
    if _is_enough(member, card.approval):
        return f"Confirm it with: {next_command(settings, *words, member=member)}"
    return f"Confirm it as one of them with: {next_command(settings, *words, member='NAME')}"


def _is_enough(member: str | None, approval: tuple[str, ...]) -> bool:
    """Whether `member` may confirm alone, as far as the card says. Without a name it is the owner, whom the card calls by a name not known here."""
    if not approval:
        return True
    ordinary = _ANY_OF_THEM.fullmatch(approval[0]) if len(approval) == 1 else None
    if ordinary is None or member is None:
        return ordinary is not None
    names = re.split(r", | or ", ordinary["names"])
    return " ".join(member.split()).casefold() in {name.casefold() for name in names}
