"""The command to type next, for each card that wants an answer. Said on stderr, so that nobody has to read a manual at the kitchen table."""

from __future__ import annotations

from halo_cli.session import next_command
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.settings import Settings


def next_step(card: Card, settings: Settings, *, member: str | None = None) -> str | None:
    """How `member` confirms exactly what `card` shows, answers it or retries it; None where nothing is left to do."""
    if Button.CONFIRM in card.buttons:
        return f"Confirm it with: {next_command(settings, 'confirm', card.draft_id or '', '--hash', card.draft_hash or '', member=member)}"
    if card.kind is CardKind.CLARIFICATION:
        return f"Answer with: {next_command(settings, 'ask', '--answers', card.request_id or '', 'NUMBER_OR_WORDS', member=member)}"
    if Button.RETRY in card.buttons:
        return f"Draft it again with: {next_command(settings, 'retry', card.execution_id or '', member=member)}"
    return None
