"""Cards and receipts as plain text: for screen readers, pipes and logs.

The same content as on the terminal, one thing a line, nothing drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

from cards.words import MAX_WARNING_CHARS, cost_label, id_lines, receipt_lines
from halo_engine.model.card import Card, Option
from halo_engine.model.draft import Fact
from halo_engine.model.receipt import Receipt
from halo_engine.model.text import inert


def render(card: Card) -> str:
    """`card` in lines, without a line end after the last."""
    blocks = [[inert(card.title), inert(card.summary)], list(_terms(card)), list(_choices(card)), list(_small_print(card))]
    return "\n\n".join("\n".join(line for line in block if line) for block in blocks if any(block))


def render_receipt(receipt: Receipt) -> str:
    """The receipt in lines, without a line end after the last."""
    return "\n".join(receipt_lines(receipt))


def _terms(card: Card) -> Iterator[str]:
    for change in card.changes:
        yield f"Changed: {inert(change.field)}, from {inert(change.before)} to {inert(change.after)}"
    yield from (_row(row) for row in card.rows)
    if card.cost is not None:
        yield f"{cost_label(card)}: {inert(card.cost)}"
    yield from (f"Warning: {inert(text, max_chars=MAX_WARNING_CHARS)}" for text in card.warnings)
    yield from (f"Policy: {inert(text, max_chars=MAX_WARNING_CHARS)}" for text in card.policies)


def _row(row: Fact) -> str:
    label = inert(row.label)
    # "2 × Towels" is read as it stands; a colon would make it "2 times".
    return f"{label} {inert(row.text)}" if label.endswith("×") else f"{label}: {inert(row.text)}"


def _choices(card: Card) -> Iterator[str]:
    yield from (_option(position, option) for position, option in enumerate(card.options, 1))
    if card.buttons:
        yield f"Choices: {', '.join(button.value for button in card.buttons)}"


def _option(position: int, option: Option) -> str:
    reason = f" ({inert(option.reason)})" if option.reason else ""
    return f"{position}. {inert(option.label)}{reason}"


def _small_print(card: Card) -> Iterator[str]:
    if card.note:
        yield inert(card.note)
    yield from id_lines(card)
