"""The few words that both the terminal and the plain text put around a card's own: what its amount is called, which ids
belong to it, and how a receipt is laid out."""

from __future__ import annotations

from collections.abc import Iterator

from halo_engine.model.card import Card
from halo_engine.model.receipt import Receipt
from halo_engine.model.text import inert

#: A warning may never be folded away, so the bound is far above any that is written and only stops a flood.
MAX_WARNING_CHARS = 4000
_MAX_RECEIPT_LINES = 200


def id_lines(card: Card) -> Iterator[str]:
    """The names by which a card's things are called in further commands."""
    if card.execution_id:
        yield f"Execution {card.execution_id}"
    elif card.draft_id:
        yield f"Draft {card.draft_id}"
    elif card.request_id:
        yield f"Request {card.request_id}"


def cost_label(card: Card) -> str:
    """What the amount is: what would be paid, or what was. A draft that was dropped was never charged."""
    return "Charged" if card.execution_id else "Cost"


def receipt_lines(receipt: Receipt) -> tuple[str, ...]:
    """The receipt's own lines, and what it is called."""
    content = [inert(line) for line in receipt.content_text.splitlines()[:_MAX_RECEIPT_LINES]]
    return (*content, f"receipt: {receipt.id}")
