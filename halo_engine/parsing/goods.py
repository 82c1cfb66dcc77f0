"""Things to buy: which count, details and limit belong to which of the things that were marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from halo_engine.parsing.marked_text import MarkedText, Span
from halo_engine.parsing.values.amounts import Limit, read_price
from halo_engine.parsing.values.dates import read_day
from halo_engine.parsing.values.quantities import read_count

Fields = dict[str, Any]

#: One line of a basket holds no more, and a basket no more lines.
MOST_OF_ONE, MOST_LINES = 999, 50

#: What Halo pays in.
_CURRENCY = "USD"

_SEPARATOR = re.compile(r"[,;\n.]|\b(?:and|plus|also|then)\b|&")
_LEADING = re.compile(r"(?:the|an?|some|any|my|our|more)\s+", re.IGNORECASE)
_NAMES_NOTHING = re.compile(
    r"(?:the|an?|some|any|it|that|this|these|those|them|one|ones|things?|stuff|items?|something|anything|everything|\W)*", re.IGNORECASE
)
_REFUSED = re.compile(r"(?:n't|\bnot|\bnever|\bnothing|\bno)\s+(?:\w+\s+){0,3}$")
_OVER = re.compile(r"^(?:(?:any\s+)?more\s+than|over|above|higher\s+than)\s+")
_TRAILING = re.compile(r"\s+(?:and|or|by|for|from|on)$")
_SHOP_LED = re.compile(r"\b(?:from|at|on|via|off|through|using)\s+(?:the\s+)?$")
_AMAZON = re.compile(r"amazon", re.IGNORECASE)


@dataclass
class Line:
    """One thing, with what was said of it. `quantity` is None where no count was said, 0 where one was that makes no sense."""

    span: Span
    name: str
    quantity: int | None = None
    attributes: list[str] = field(default_factory=list)
    max_price_cents: int | None = None

    def as_item(self) -> Fields:
        """As ORDER has it."""
        one = 1 if self.quantity is None else self.quantity
        return {"name": self.name, "quantity": one, "attributes": self.attributes[:20], "max_price_cents": self.max_price_cents}

    def as_change(self) -> Fields:
        """As REORDER has it."""
        named = " ".join([*self.attributes, self.name])
        return {"name": named[:200], "quantity": 1 if self.quantity is None else self.quantity}


@dataclass(frozen=True)
class Basket:
    """What was said of things to buy.

    `counts` are those that belong to nothing that was named: "make it 3". `left` are words of limits, days and places that nothing is
    done about, because they make no sense or have no place in an order: the card has to say so.
    """

    lines: list[Line]
    counts: list[int]
    budget: Limit | None
    deliver_by: str | None
    merchant: str | None
    is_in_other_money: bool
    left: list[str]

    @property
    def is_sane(self) -> bool:
        """Whether every count can be meant: asking again is cheaper than a hundred thousand of something."""
        return len(self.lines) <= MOST_LINES and all(line.quantity is None or 0 < line.quantity <= MOST_OF_ONE for line in self.lines)


def read_basket(marked: MarkedText, today: date) -> Basket:
    """The things in `marked`, with their counts, details and limits; days and shops beside them."""
    lines = [Line(span, name) for span in marked.of("item") if (name := _name(span))]
    counts = _give_counts(marked, lines)
    details = marked.of("attribute")
    for span in details:
        line = _nearest(marked, lines, span, follows=_things_follow(lines, details))
        if line and not _is_far(marked, line, span):
            line.attributes.append(span.words[:200])
    limits = [(span, _limit(marked, span)) for span in marked.of("price")]
    said = [(span, limit) for span, limit in limits if limit]
    left = [span.words for span, limit in limits if limit is None] + [span.words for span in marked.of("location")]
    lines = [line for at, line in enumerate(lines) if not _is_said_again(line, lines[at + 1 :])]
    budget = _give_limits(lines, said)
    by, shop = _deadline(marked, today), marked.one("merchant")
    left += [span.words for span in marked.of("deadline") if by is None]
    if shop and not _SHOP_LED.search(marked.between(max(0, shop.start - 24), shop.start)):
        left, shop = [*left, shop.words], None
    return Basket(
        lines=lines,
        counts=counts,
        budget=budget,
        deliver_by=by.isoformat() if by else None,
        merchant=("Amazon" if _AMAZON.match(shop.words) else shop.words[:200]) if shop else None,
        is_in_other_money=any(limit.currency != _CURRENCY for _, limit in said),
        left=left,
    )


def meant(name: str, names: Sequence[str]) -> int | None:
    """Which of `names` is the thing called `name`: the one of just these words, else the only one that has them all."""
    said = _stems(name)
    exact = [at for at, other in enumerate(names) if _stems(other) == said]
    if exact:
        return exact[0]
    wider = [at for at, other in enumerate(names) if said and said < _stems(other)]
    return wider[0] if len(wider) == 1 else None


def is_same(name: str, other: str) -> bool:
    """Whether two names are of just the same words, plural or not."""
    return _stems(name) == _stems(other)


def _stems(name: str) -> set[str]:
    words = (word for word in re.findall(r"\w+", name.lower()) if word not in ("the", "a", "an", "of", "some"))
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words}


def _name(span: Span) -> str | None:
    name = _LEADING.sub("", span.words, count=1) if _LEADING.match(span.words) else span.words
    return None if _NAMES_NOTHING.fullmatch(name) else name[:200]


def _is_said_again(line: Line, later: Sequence[Line]) -> bool:
    """Whether a thing was only mentioned: "we're out of milk, order 2 milk"."""
    return line.quantity is None and not line.attributes and any(is_same(line.name, other.name) for other in later)


# Counts.


def _give_counts(marked: MarkedText, lines: list[Line]) -> list[int]:
    """Give each count to its thing; what is left belongs to none. Of two counts for one thing the later is a correction, but "2 or 3" is none."""
    spans = marked.of("quantity")
    left, given = [], dict[int, Span]()
    for span in spans:
        # "-5" is no count, but "-5 milks" on a line of its own is one of a list.
        count = 0 if marked.between(max(0, span.start - 2), span.start) == " -" else read_count(span.low) or 0
        line = _nearest(marked, lines, span, follows=_things_follow(lines, spans))
        if line is None or _is_far(marked, line, span):
            left.append(count)
            continue
        before = given.get(line.span.start)
        is_choice = before is not None and marked.between(before.end, span.start).strip() in ("or", "to", "-", "–")
        line.quantity, given[line.span.start] = (0 if is_choice else count), span
    return left


def _things_follow(lines: list[Line], spans: list[Span]) -> bool:
    """Whether people who write like this put such words before the thing: "2 milk 3 eggs", and not "milk 2 eggs 3"."""
    return not (lines and spans and lines[0].span.start < spans[0].start)


def _nearest(marked: MarkedText, lines: list[Line], span: Span, *, follows: bool) -> Line | None:
    """The thing that a word belongs to: with the fewest separators between; then the side on which the first one stood; then the nearest."""

    def rank(line: Line) -> tuple[int, bool, int]:
        separators, characters = _distance(marked, line.span, span)
        return separators, (line.span.start > span.start) != follows, characters

    return min(lines, key=rank, default=None)


def _is_far(marked: MarkedText, line: Line, span: Span) -> bool:
    # "Milk. Make it 3." is of the milk; a whole other sentence between them is not.
    return _distance(marked, line.span, span)[0] > 2


def _distance(marked: MarkedText, item: Span, span: Span) -> tuple[int, int]:
    """Separators, and characters, between a thing and another word."""
    start, end = (item.end, span.start) if item.end <= span.start else (span.end, item.start)
    return (0, 0) if start > end else (len(_SEPARATOR.findall(marked.between(start, end))), end - start)


# Limits, days.


def _give_limits(lines: list[Line], said: list[tuple[Span, Limit]]) -> Limit | None:
    """Give limits to things, and return the one for everything: the smallest that belongs to none.

    A limit for each is of every thing that has none yet; one that is followed by more things is of the thing before it, and of all of it.
    """
    budget: Limit | None = None
    for span, limit in said:
        before = [line for line in lines if line.span.start < span.start]
        if limit.each and before:
            for line in before:
                line.max_price_cents = line.max_price_cents or limit.cents
        elif before and len(before) < len(lines):
            before[-1].max_price_cents = limit.cents // max(1, before[-1].quantity or 1)
        elif budget is None or limit.cents < budget.cents:
            budget = limit
    return budget


def _limit(marked: MarkedText, span: Span) -> Limit | None:
    """ "Don't spend more than $40" is a limit, though "more than $40" alone is none."""
    words = _TRAILING.sub("", span.low)
    refused = _REFUSED.search(marked.between(max(0, span.start - 32), span.start))
    return read_price(_OVER.sub("under ", words) if refused else words)


def _deadline(marked: MarkedText, today: date) -> date | None:
    span = marked.one("deadline") or (None if marked.of("deadline") else marked.one("date"))
    return read_day(span.low, today) if span else None
