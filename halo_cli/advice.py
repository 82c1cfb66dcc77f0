"""The command to type next, for each card that wants an answer. Said on stderr, so that nobody has to read a manual at the kitchen table."""

from __future__ import annotations

from halo_cli.session import next_command, open_queries
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.household import called
from halo_engine.settings import Settings


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
    """A command that Halo says to type must not be one that it then refuses."""
    with open_queries(settings) as queries:
        whose, speaks = queries.whose_yes(queries.draft(card.draft_id or "")), called(queries.members(), member)
    words = ("confirm", card.draft_id or "", "--hash", card.draft_hash or "")
    if speaks in whose.enough:
        return f"Confirm it with: {next_command(settings, *words, member=member)}"
    if len(whose.may) > 1 or whose.enough:
        return f"Confirm it as one of them with: {next_command(settings, *words, member='NAME')}"
    return None
