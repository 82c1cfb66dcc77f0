"""Cards and receipts as plain text: for screen readers, pipes and logs.

The same content as on the terminal, one thing a line, nothing drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

from cards.words import change_line, choices, cost_label, harmless, id_lines, line_text, receipt_lines, told
from halo_engine.model.card import Card
from halo_engine.model.option import Option
from halo_engine.model.receipt import Receipt


def render(card: Card) -> str:
    """`card` in lines, without a line end after the last."""
    card = harmless(card)
    changed = [change_line(change) for change in told(card.changes)]
    blocks = [[card.title, *changed, card.summary], list(_terms(card)), list(_choices(card)), list(_small_print(card))]
    return "\n\n".join("\n".join(line for line in block if line) for block in blocks if any(block))


def render_receipt(receipt: Receipt) -> str:
    """The receipt in lines, without a line end after the last."""
    return "\n".join(receipt_lines(receipt))


def _terms(card: Card) -> Iterator[str]:
    yield from (f"{line_text(line)}: {line.amount}" for line in card.lines)
    if card.cost is not None:
        yield f"{cost_label(card)}: {card.cost}"
    yield from (f"{row.label}: {row.text}" for row in card.rows)
    yield from (f"Warning: {text}" for text in card.warnings)
    yield from (f"Policy: {text}" for text in card.policies)
    yield from card.approval


def _choices(card: Card) -> Iterator[str]:
    yield from (_option(position, option) for position, option in enumerate(card.options, 1))
    if card.buttons:
        yield f"Choices: {choices(card)}"


def _option(position: int, option: Option) -> str:
    return f"{position}. {option.label}{f' ({option.reason})' if option.reason else ''}"


def _small_print(card: Card) -> Iterator[str]:
    if card.note:
        yield card.note
    yield from id_lines(card)
