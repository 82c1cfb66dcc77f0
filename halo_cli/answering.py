"""How a command answers with a card: the card itself, and on stderr what to type next."""

from __future__ import annotations

from halo_cli.advice import next_step
from halo_cli.output import Output
from halo_cli.session import open_queries
from halo_engine import shapes
from halo_engine.model.card import Card
from halo_engine.model.draft import Draft
from halo_engine.settings import Settings


def show_answer(card: Card, settings: Settings, out: Output, *, member: str | None) -> None:
    """Print `card`, with its draft's contract for programs. `member` is who goes on, if not the owner."""
    out.result(shapes.answer(card, _draft_of(card, settings)), card)
    out.say_if(next_step(card, settings, member=member))


def show_draft(draft_id: str, settings: Settings, out: Output) -> None:
    """A stored draft: its card, and for programs its contract and the earlier revisions."""
    with open_queries(settings) as queries:
        draft, revisions, card = queries.draft(draft_id), queries.revisions(draft_id), queries.card(draft_id)
    out.result(shapes.answer(card, draft) | {"revisions": [one.contract() for one in revisions]}, card)
    out.say_if(next_step(card, settings))


def _draft_of(card: Card, settings: Settings) -> Draft | None:
    if card.draft_id is None:
        return None
    with open_queries(settings) as queries:
        return queries.draft(card.draft_id)
