"""The words that every renderer puts around a card's own, and what it does to the card's own before it shows them.

`harmless` comes first in each renderer: after it a card has nothing that could move, hide, reorder, pile up or flood, so that a renderer only
has to escape for its own format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from halo_engine.model.card import Button, Card, CardKind, CardLine
from halo_engine.model.draft import NOTHING, Change
from halo_engine.model.receipt import Receipt
from halo_engine.model.text import inert
from halo_engine.model.value import Value

#: A warning may never be folded away, so the bound is far above any that is written and only stops a flood.
MAX_WARNING_CHARS = 4000
WHAT_CHANGED, WAS, NOW = "What changed", "Was", "Now"
_MAX_CHARS = 500
_MAX_RECEIPT_LINES = 200
#: Living scripts put up to three marks on a letter. A pile of them would be drawn over the lines above.
_MAX_MARKS = 3
_SIDE_BY_SIDE_CHARS = 40
#: Enough of a card's hash to tell two cards apart by eye.
_HASH_CHARS = 12

_UNFOLDED = frozenset(("warnings", "policies", "approval"))


def harmless(card: Card) -> Card:
    """`card` with every text on one line and visible, and within its bound. Its hash is another: take that from the card itself."""
    return card.model_copy(
        update={name: _mapped(getattr(card, name), _whole if name in _UNFOLDED else shown) for name in Card.model_fields}
    )


def mapped(card: Card, change: Callable[[str], str]) -> Card:
    """`card` with `change` made to each of its texts."""
    return card.model_copy(update={name: _mapped(getattr(card, name), change) for name in Card.model_fields})


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_mapped(each, change) for each in value)
    if isinstance(value, Value):
        return value.model_copy(update={name: _mapped(getattr(value, name), change) for name in type(value).model_fields})
    return value


def shown(text: str, *, max_chars: int = _MAX_CHARS) -> str:
    """`text` as it may be shown: inert, and with no more marks on a letter than writing needs."""
    line = inert(text, max_chars=max_chars)
    return line if line.isascii() else _unpiled(line)


def _whole(text: str) -> str:
    return shown(text, max_chars=MAX_WARNING_CHARS)


def _unpiled(line: str) -> str:
    kept, marks = [], 0
    for character in line:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def headline(card: Card, *, state: str) -> str:
    """What stands largest beside the word for its state: the title without that word; of a question the question."""
    if card.kind is CardKind.CLARIFICATION:
        return card.summary
    return "" if card.title == state else card.title.removeprefix(f"{state}: ")


def explanation(card: Card) -> str:
    """The sentence under the headline, if it is not the headline."""
    return "" if card.kind is CardKind.CLARIFICATION else card.summary


def told(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes that say something which no other says; all of them where none has words of its own."""
    return tuple(change for change in changes if change.words) or changes


def sides(change: Change) -> tuple[str, str] | None:
    """What it was and what it is, where both are there; what came or went has said so in its words."""
    return None if change.words and NOTHING in (change.before, change.after) else (change.before, change.after)


def change_heading(change: Change) -> str:
    """A change as a person says it."""
    said = change.words or change.field
    return said[:1].upper() + said[1:]


def side_by_side(change: Change) -> bool:
    """Whether before and after are read side by side, as two amounts are; two sentences stand one under the other."""
    return len(change.before) + len(change.after) <= _SIDE_BY_SIDE_CHARS


class Move(StrEnum):
    """Which way an amount went."""

    NONE = "none"
    UP = "up"
    DOWN = "down"


_SIGNED = re.compile(r"(?<!\S)([+−])\S*\d\S*")


def moves(words: str) -> tuple[tuple[str, Move], ...]:
    """`words` in pieces, the last signed amount apart: "tax ", Move.NONE and "+$1.20", Move.UP. The sign says it, so a colour only repeats it."""
    found = list(_SIGNED.finditer(words))
    if not found:
        return ((words, Move.NONE),)
    last = found[-1]
    pieces = (
        (words[: last.start()], Move.NONE),
        (last[0], Move.UP if last[1] == "+" else Move.DOWN),
        (words[last.end() :], Move.NONE),
    )
    return tuple(piece for piece in pieces if piece[0])


def id_lines(card: Card) -> Iterator[str]:
    """The names by which a card's things are called in further commands."""
    if card.execution_id:
        yield f"Execution {card.execution_id}"
    elif card.draft_id:
        yield f"Draft {card.draft_id}"
    elif card.request_id:
        yield f"Request {card.request_id}"


def hash_line(card_hash: str) -> str:
    """By which somebody can say over the telephone which card they see."""
    return f"Card {card_hash[:_HASH_CHARS]}"


def cost_label(card: Card) -> str:
    """What the amount is: what would be paid, or what was. A draft that was dropped was never charged."""
    return "Charged" if card.execution_id else "Cost"


def caution_label(card: Card) -> str:
    """What stands over the warnings."""
    return "Warning" if len(card.warnings) == 1 else "Warnings"


def change_line(change: Change) -> str:
    """A change on one line: in words, and from what to what where that says more."""
    both = sides(change)
    says_more = both is not None and not all(side.rstrip(".") in change.words for side in both)
    return f"Changed: {change.words or change.field}{f' (was {both[0]}, now {both[1]})' if both and says_more else ''}"


def choices(card: Card) -> str:
    """The buttons as a list of words."""
    return ", ".join(button.value for button in card.buttons)


def press_label(button: Button, card: Card) -> str:
    """What stands on a button that can be pressed: Confirm with what it allows to be charged, because the amount may be out of sight."""
    most = card.maximum
    if button is not Button.CONFIRM or most is None or most.cents == 0:
        return button.value
    return f"{button.value} {most.display}" if most.display == card.cost else f"{button.value} up to {most.display}"


def where_to_act(card: Card) -> str:
    """What could be pressed, for a place where nothing can."""
    answers = ["Answer in Messages, with a number or in words."] if card.options else []
    presses = [f"In Messages you can: {choices(card)}."] if card.buttons else []
    return " ".join((*answers, *presses))


def receipt_lines(receipt: Receipt) -> tuple[str, ...]:
    """The receipt's own lines, and what it is called."""
    content = [inert(line) for line in receipt.content_text.splitlines()[:_MAX_RECEIPT_LINES]]
    return (*content, f"receipt: {receipt.id}")


def line_text(line: CardLine) -> str:
    """A part of the amount without it: "2 × Towels, $5.49 each"."""
    thing = f"{line.quantity} × {line.text}" if line.quantity is not None else line.text
    return f"{thing}, {line.detail}" if line.detail else thing
