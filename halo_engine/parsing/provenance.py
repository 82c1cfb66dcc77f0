"""Whether a model's answer comes from the words: what it claims beyond them is dropped, and becomes a question.

The check is plain on purpose: a number must have been said in digits or as a word, a name must share words with the text, a day or a time
must have something of it named. What stood in the intent that is being changed counts as said."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from halo_engine.model.intent import Entity
from halo_engine.parsing.amounts import amounts
from halo_engine.parsing.page import READ_CHARS, fold
from halo_engine.parsing.quantities import numbers

_DAY_WORDS = re.compile(
    r"\b(?:today|tonight|tomorrow|tmrw|weekend|week|month|days?|eve|christmas|thanksgiving|valentine|easter|end|this)\b"
)
_PARTS_OF_DAY = re.compile(r"\b(?:noon|midday|midnight|morning|afternoon|evening|tonight|night|lunch|dinner|brunch|breakfast|supper)\b")
_NAMES = ("merchant", "bundle", "subscription", "service", "venue", "location", "name")
# Normal forms that need not be said.
_GIVEN = {"restaurant", "amazon"}


def supported(params: dict[str, Any], text: str, current: dict[str, Any] | None) -> dict[str, Any]:
    """`params` without what neither `text` nor the `current` params say."""
    said = _Said(text, current or {})
    checks = {
        "items": said.items,
        "changes": said.lines,
        "budget_cents": said.price,
        "party_size": said.count,
        "deliver_by": said.day,
        "date": said.day,
    }
    checks |= {"time": said.time, "time_until": said.time} | dict.fromkeys(_NAMES, said.name)
    return {key: checks[key](value) if key in checks and value is not None else value for key, value in params.items()}


def located(claimed: list[tuple[str, str]], text: str) -> tuple[Entity, ...]:
    """Entities for the claimed (type, words) that stand in `text`, with offsets counted here and never taken from a model."""
    entities: list[Entity] = []
    for kind, words in claimed[:100]:
        after = max((entity.end for entity in entities if entity.text == words and entity.type == kind), default=0)
        start = text.find(words, after) if words.strip() else -1
        if start >= 0 and not any("\ud800" <= character <= "\udfff" for character in words):
            entities.append(Entity(type=kind, text=words, start=start, end=start + len(words)))
    return tuple(sorted(entities, key=lambda entity: (entity.start, entity.end)))


class _Said:
    """What the text, and the intent it changes, say."""

    def __init__(self, text: str, current: dict[str, Any]) -> None:
        self._low = fold(text[: 4 * READ_CHARS])
        self._words = {_stem(word) for word in re.findall(r"\w+", self._low)}
        self._numbers = numbers(self._low)
        self._amounts = amounts(self._low)
        self._current = current
        self._standing = {_stem(word) for value in _leaves(current) if isinstance(value, str) for word in re.findall(r"\w+", value.lower())}
        self._standing_numbers = {value for value in _leaves(current) if isinstance(value, int)}

    def items(self, claimed: Any) -> Any:
        """Things that were named, each with the count, details and limit that were said."""
        if not isinstance(claimed, list):
            return claimed
        return [self._item(item) for item in claimed if isinstance(item, dict) and self.name(item.get("name"))]

    def lines(self, claimed: Any) -> Any:
        """Changed lines that were named, with counts that were said; leaving out (zero) needs no number."""
        if not isinstance(claimed, list):
            return claimed
        named = [line for line in claimed if isinstance(line, dict) and self.name(line.get("name"))]
        return [line for line in named if line.get("quantity") in (0, 1) or self.count(line.get("quantity"))]

    def name(self, claimed: Any) -> Any:
        """A name of which at least half the words were said."""
        if not isinstance(claimed, str):
            return None
        words = [_stem(word) for word in re.findall(r"\w+", claimed.lower())]
        known = sum(word in self._words or word in self._standing or word in _GIVEN for word in words)
        return claimed if words and 2 * known >= len(words) else None

    def count(self, claimed: Any) -> Any:
        """A number that was said."""
        said = claimed in self._numbers or claimed in self._standing_numbers
        return (
            claimed
            if said or (claimed == 1 and re.search(r"\b(?:me|myself|alone|a|an)\b", self._low)) or (claimed == 2 and "couple" in self._low)
            else None
        )

    def price(self, claimed: Any) -> Any:
        """An amount that was said, with or without its currency."""
        in_words = isinstance(claimed, int) and claimed % 100 == 0 and claimed // 100 in self._numbers
        return claimed if claimed in self._amounts or in_words or claimed in self._standing_numbers else None

    def day(self, claimed: Any) -> Any:
        """A day of which the number, the weekday or a word like "tomorrow" was said."""
        try:
            day = date.fromisoformat(claimed)
        except (TypeError, ValueError):
            return None
        weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
        said = day.day in self._numbers or re.search(rf"\b{weekday}", self._low) or _DAY_WORDS.search(self._low)
        return claimed if said or claimed in _leaves(self._current) else None

    def time(self, claimed: Any) -> Any:
        """A time of which the hour or the part of the day was said."""
        if not isinstance(claimed, str) or not re.fullmatch(r"[0-9]{2}:[0-9]{2}", claimed):
            return None
        hour = int(claimed[:2])
        # The hour after counts too: "quarter to eight" is 19:45.
        said = {hour, hour % 12, (hour + 1) % 12, 12 if hour % 12 in (0, 11) else hour} & self._numbers
        return claimed if said or _PARTS_OF_DAY.search(self._low) or claimed in _leaves(self._current) else None

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        attributes = item.get("attributes")
        kept = [each for each in attributes if self.name(each)] if isinstance(attributes, list) else []
        price = item.get("max_price_cents")
        quantity = item.get("quantity", 1)
        return item | {
            "quantity": quantity if self.count(quantity) else 1,
            "attributes": kept,
            "max_price_cents": None if price is None else self.price(price),
        }


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
