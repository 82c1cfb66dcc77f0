"""ORDER: what to buy, and what words change about it."""

from __future__ import annotations

import re
from datetime import date

from halo_engine.parsing.goods import Basket, Fields, Line, is_same, meant, read_basket
from halo_engine.parsing.marked_text import MarkedText

_ADDS = re.compile(r"\b(?:add|adding|plus|also|include|throw\s+in|another|extra|more|and\s+get)\s+(?:[\w'-]+\s+){0,4}$")
_SETS = re.compile(r"\b(?:make|change|set|have|switch)\b")


def read(basket: Basket, marked: MarkedText) -> Fields:
    """The params of an order."""
    gone = [span.words for span in marked.of("left_out", "replaced")]
    lines = [line for line in basket.lines if not any(is_same(line.name, name) for name in gone)]
    # "A dozen, make that 2 dozen eggs": a count that nothing else claims belongs to the only thing.
    if basket.counts and len(lines) == 1 and lines[0].quantity is None:
        lines[0].quantity = basket.counts[-1]
    budget = basket.budget.cents if basket.budget and not basket.budget.each else None
    return {
        "items": [line.as_item() for line in lines] if basket.is_sane else [],
        "budget_cents": budget,
        "deliver_by": basket.deliver_by,
        "merchant": basket.merchant,
    }


def change(marked: MarkedText, params: Fields, requested: tuple[str, ...], today: date) -> Fields | None:
    """`params` with things added, taken off, swapped or counted anew; another limit, day or shop. None where nothing of that was said."""
    basket = read_basket(marked, today)
    items = [dict(item) for item in params.get("items") or ()]
    changed_items = _changed(marked, basket, items, answering="items" in requested)
    if changed_items is None:
        return None
    changed = params | {"items": changed_items}
    if basket.budget and basket.budget.each:
        changed["items"] = [item | {"max_price_cents": basket.budget.cents} for item in changed_items]
    elif basket.budget:
        changed["budget_cents"] = basket.budget.cents
    said = {"deliver_by": basket.deliver_by, "merchant": basket.merchant}
    changed |= {key: value for key, value in said.items() if value}
    return changed if changed != params else None


def _changed(marked: MarkedText, basket: Basket, items: list[Fields], *, answering: bool) -> list[Fields] | None:
    """The lines as they are to be; None where the words make no sense of them."""
    if not basket.is_sane:
        return None
    if marked.of("replaced"):
        return _swapped(marked, basket, items)
    for span in marked.of("left_out"):
        at = meant(span.words, [item["name"] for item in items])
        if at is None:
            return None
        items = [*items[:at], *items[at + 1 :]]
    if basket.counts and not basket.lines:
        return _counted(items, basket.counts[-1], more=bool(marked.of("more")))
    for line in basket.lines:
        items = _answered(items, line) if answering and items else _with(items, line, adding=_is_added(marked, line))
    return items or None


def _counted(items: list[Fields], count: int, *, more: bool) -> list[Fields] | None:
    """ "Make it 3" says of what only where there is one thing."""
    if len(items) != 1 or count < 1:
        return None
    return [items[0] | {"quantity": items[0]["quantity"] + count if more else count}]


def _swapped(marked: MarkedText, basket: Basket, items: list[Fields]) -> list[Fields] | None:
    """ "Change milk to oat milk", "change the eggs to 2"; None where there is no such thing, or nothing in its place."""
    old = marked.of("replaced")[-1]
    index = meant(old.words, [item["name"] for item in items])
    if index is None or not (basket.lines or basket.counts):
        return None
    if not basket.lines:
        return [*items[:index], items[index] | {"quantity": basket.counts[-1]}, *items[index + 1 :]]
    quantity = items[index]["quantity"]
    new = [line.as_item() | ({"quantity": quantity} if line.quantity is None else {}) for line in basket.lines]
    return [*items[:index], *new, *items[index + 1 :]]


def _is_added(marked: MarkedText, line: Line) -> bool:
    """Whether a thing comes on top of what stands: "add 2 milk" and "2 more milk" do, "make the milk 2" and "2 milk" do not."""
    before = marked.between(max(0, line.span.start - 40), line.span.start)
    return bool(marked.of("more") or _ADDS.search(before)) and not _SETS.search(before)


def _with(items: list[Fields], line: Line, *, adding: bool) -> list[Fields]:
    """`items` with what was said of `line`: a thing that stands gets the new count and details, or more of it; another one comes in."""
    names = [item["name"] for item in items]
    # "Add milk" beside oat milk is milk; "2 more milk" is more of the oat milk.
    index = meant(line.name, names)
    if index is None or (adding and line.quantity is None and not is_same(names[index], line.name)):
        return [*items, line.as_item()]
    before, new = items[index], line.as_item()
    count = before["quantity"] if line.quantity is None and not adding else new["quantity"] + (before["quantity"] if adding else 0)
    return [*items[:index], before | _details(line) | {"quantity": count}, *items[index + 1 :]]


def _answered(items: list[Fields], line: Line) -> list[Fields]:
    """`items` with the one that was asked about named as `line` names it. Nothing is added up: the question was which, not how many."""
    names = [item["name"] for item in items]
    index = meant(line.name, names)
    if index is None:
        index = next((at for at, name in enumerate(names) if meant(name, [line.name]) == 0), 0 if len(items) == 1 else None)
    if index is None:
        return [*items, line.as_item()]
    before = items[index]
    known = meant(before["name"], [line.name]) == 0 or meant(line.name, [before["name"]]) == 0
    # "The Horizon one", of milk, is Horizon milk.
    name = max(line.name, before["name"], key=len) if known else f"{line.name} {before['name']}"
    count = {} if line.quantity is None else {"quantity": line.quantity}
    return [*items[:index], before | _details(line) | {"name": name[:200]} | count, *items[index + 1 :]]


def _details(line: Line) -> Fields:
    said: Fields = {"attributes": line.attributes[:20]} if line.attributes else {}
    return said | ({"max_price_cents": line.max_price_cents} if line.max_price_cents else {})
