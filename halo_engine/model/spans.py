"""Which words of a request gave which field: the person's sentence beside what was understood of it.

A parser says which words it took for what (`Intent.entities`), and what the fields are (`Intent.params`). This puts the two together, for a person
who wants to know why a draft says what it says. Nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halo_engine.model.intent import Entity, Intent
from halo_engine.model.value import Value

#: In characters.
_RIGHT_AFTER, _MUCH = 3, 1_000
#: The fields that words of a type may fill, the likeliest first.
_FILLS: Mapping[str, tuple[str, ...]] = {
    "item": ("items.name", "changes.name"),
    "quantity": ("items.quantity", "changes.quantity"),
    "attribute": ("items.attributes",),
    "price": ("budget_cents", "items.max_price_cents"),
    "bundle": ("bundle", "source"),
    "subscription": ("subscription",),
    "venue": ("venue",),
    "service": ("service",),
    "people": ("party_size",),
    "date": ("date", "deliver_by"),
    "time": ("time", "time_until"),
    "location": ("location",),
    "first_name": ("name",),
    "last_name": ("name",),
}


class Span(Value):
    """Words, where they stand, and the field they gave; `field` is empty where none can be told."""

    start: int
    end: int
    text: str
    type: str
    field: str = ""
    value: str = ""


def spans_of(text: str, intent: Intent) -> tuple[Span, ...]:
    """In the order they stand. Words that do not stand in `text` where they should, as in altered books or after an erasure, are left out."""
    standing = [entity for entity in intent.entities if text[entity.start : entity.end] == entity.text]
    ordered = sorted(standing, key=lambda entity: (entity.start, entity.end))
    return tuple(_span(entity, ordered, intent.params) for entity in ordered)


def unsaid(intent: Intent, spans: Sequence[Span]) -> tuple[tuple[str, str], ...]:
    """The fields that are filled though no words gave them: from the household's habits, or from how a verb is meant."""
    said = {span.field.partition("[")[0].partition(".")[0] for span in spans}
    filled = ((name, shown_value(value)) for name, value in sorted(intent.params.items()) if name not in said)
    return tuple((name, value) for name, value in filled if value)


def shown_value(value: object) -> str:
    """A parameter in words; nothing for one that is empty."""
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown_value(inner)}" for name, inner in value.items() if shown_value(inner))
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, map(shown_value, value)))
    return str(value)


def _span(entity: Entity, all_of_them: Sequence[Entity], params: Mapping[str, Any]) -> Span:
    span = Span(start=entity.start, end=entity.end, text=entity.text, type=entity.type)
    for field in _FILLS.get(entity.type, ()):
        listed, _, part = field.partition(".")
        value = params.get(listed)
        if part and isinstance(value, list):
            number = _which(entity, all_of_them, value)
            if number is not None and (inner := shown_value(value[number].get(part))):
                return span.model_copy(update={"field": f"{listed}[{number + 1}].{part}", "value": inner})
        elif not part and shown_value(value):
            return span.model_copy(update={"field": field, "value": shown_value(value)})
    return span


def _which(entity: Entity, all_of_them: Sequence[Entity], listed: Sequence[Any]) -> int | None:
    """The thing of a list that the words belong to: the one named by the item they are, follow or, at the beginning, lead to."""
    items = [one for one in all_of_them if one.type == "item"]
    near = min(items, key=lambda item: _distance(entity, item), default=None)
    if near is None:
        return 0 if len(listed) == 1 and isinstance(listed[0], Mapping) else None
    named = [n for n, one in enumerate(listed) if isinstance(one, Mapping) and _same(str(one.get("name", "")), near.text)]
    if named:
        return named[0]
    position = items.index(near)
    return position if position < len(listed) and isinstance(listed[position], Mapping) else None


def _distance(entity: Entity, item: Entity) -> int:
    """A count or a quality stands before its item ("2 paper towels"), or right after it ("paper towels x2"); further after it is the next one's."""
    distance = max(entity.start, item.start) - min(entity.end, item.end)
    return distance + (_MUCH if item.start < entity.start and distance > _RIGHT_AFTER else 0)


def _same(one: str, other: str) -> bool:
    a, b = one.casefold(), other.casefold()
    return bool(a and b) and (a in b or b in a)
