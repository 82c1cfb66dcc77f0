"""Whether a model's answer comes from the words. What it claims beyond them is dropped, and so becomes a question; nothing is assumed for it.

A name counts as said when all its words were, an amount to the cent, a day when it is the one the words name, a time to the minute, a count
where it stands beside its thing. What stood in the same field of the intent that is being changed counts as said. Where the words say one
thing and the model another, the whole list is asked for anew; where there is nothing to ask for, it is `Contradicted`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from halo_engine.model.intent import Entity
from halo_engine.parsing.language_model.evidence import Evidence
from halo_engine.parsing.language_model.lines import REMOVED, Lines
from halo_engine.parsing.language_model.naming import Named
from halo_engine.parsing.parser import ParseContext
from halo_engine.parsing.values.dates import read_day

_NOW = re.compile(r"\b(?:now|immediately|right\s+away|straight\s+away|at\s+once|asap|today|instantly|this\s+(?:instant|minute|second))\b")
_PERIOD_END = re.compile(r"\b(?:ends?|renews?|renewal|expires?|runs?\s+out|period|cycle|term|month|year|billing|last\s+day)\b")
_USUAL = re.compile(r"\b(?:usuals?|regular|normal|standard|go-?to|always|weekly|monthly|bundle|typical|favou?rites?)\b")
_WEEKEND = re.compile(r"\b(?:this|the|coming)\s+weekend\b")
_TODAY = re.compile(r"\b(?:today|to?ni(?:ght|te)|2nite|this)\b")
_MEAL = re.compile(r"\b(?:table|restaurant|dinner|supper|lunch|brunch|breakfast|eat|drinks)\b")
_NEAR = timedelta(days=7)


class Contradicted(Exception):
    """The words say something else, and no question would settle it."""


def supported(verb: str, params: dict[str, Any], text: str, context: ParseContext) -> dict[str, Any]:
    """`params` of `verb` without what neither `text` nor the same field of the intent it changes says. Raises `Contradicted`."""
    said = _Said(text, context, params)
    checks: dict[str, Callable[[Any], Any]] = {"items": said.items, "changes": said.changes, "budget_cents": said.budget}
    checks |= {"party_size": said.people, "date": said.day, "deliver_by": said.deadline, "when": said.when, "source": said.source}
    checks |= {field: said.time_of(field) for field in ("time", "time_until")}
    checks |= {field: said.name_of(field) for field in ("merchant", "bundle", "subscription", "service", "venue", "location", "name")}
    kept = {field: checks[field](value) if field in checks and value is not None else value for field, value in params.items()}
    return _whole(verb, kept, said)


def located(claimed: list[tuple[str, str]], text: str) -> tuple[Entity, ...]:
    """Entities for the claimed (type, words) that stand in `text`, with offsets counted here and never taken from a model."""
    entities: list[Entity] = []
    for kind, words in claimed[:100]:
        after = max((entity.end for entity in entities if entity.text == words and entity.type == kind), default=0)
        start = text.find(words, after) if words.strip() else -1
        if start >= 0 and not any("\ud800" <= character <= "\udfff" for character in words):
            entities.append(Entity(type=kind, text=words, start=start, end=start + len(words)))
    return tuple(sorted(entities, key=lambda entity: (entity.start, entity.end)))


def _whole(verb: str, params: dict[str, Any], said: _Said) -> dict[str, Any]:
    """A limit that was said is not to be lost: a list whose limit the model got wrong is asked for anew."""
    if verb == "ORDER" and said.limit_is_wrong:
        return params | {"items": []}
    return params


class _Said:
    """What the text, and the intent it changes, say."""

    def __init__(self, text: str, context: ParseContext, params: dict[str, Any]) -> None:
        self._today = context.now.astimezone(ZoneInfo(context.zone)).date()
        self._evidence = Evidence(text, self._today)
        self._low = self._evidence.low
        self._current: dict[str, Any] = context.current.params if context.current else {}
        self._requested = context.requested
        self._names = Named(self._low, known={"bundle": context.bundles, "subscription": context.subscriptions})
        self._lines = Lines(self._evidence, self._names)
        service = params.get("service") or self._current.get("service")
        self._table = service == "restaurant" if service else True if _MEAL.search(self._low) else None
        self._claimed = params
        self.limit_is_wrong = False

    def items(self, claimed: Any) -> Any:
        """Things that were named, each with the count, details and limit that were said; none where a count contradicts the words."""
        if not isinstance(claimed, list):
            return claimed
        standing = [item for item in self._current.get("items", ()) if isinstance(item, dict)]
        kept = self._lines.checked([item for item in claimed if isinstance(item, dict)], standing)
        if kept is None:
            return []
        items = [self._item(item, standing) for item in kept]
        # Only words take a thing off a list; a model that forgot it does not.
        lost = () if REMOVED.search(self._low) else (old for old in standing if not any(_same(old, item) for item in items))
        return [*items, *lost]

    def changes(self, claimed: Any) -> Any:
        """Changed lines that were named, with counts that were said. Raises `Contradicted` where one was named and its count was not."""
        if not isinstance(claimed, list):
            return claimed
        standing = [line for line in self._current.get("changes", ()) if isinstance(line, dict)]
        kept = self._lines.changed([line for line in claimed if isinstance(line, dict)], standing)
        if kept is None:
            raise Contradicted
        return kept

    def budget(self, claimed: Any) -> Any:
        """A limit that was said, to the cent."""
        return self._limit(claimed, self._current.get("budget_cents"))

    def people(self, claimed: Any) -> Any:
        """A number of people that was said."""
        if isinstance(claimed, int) and self._evidence.tells_people(claimed):
            return claimed
        standing = self._current.get("party_size")
        return standing if claimed == standing or not self._evidence.counts() else None

    def day(self, claimed: Any) -> Any:
        """The day that was said."""
        return self._named_day(claimed, self._current.get("date"), asked="date" in self._requested)

    def deadline(self, claimed: Any) -> Any:
        """The day by which it was said to be wanted."""
        return self._named_day(claimed, self._current.get("deliver_by"), asked=False)

    def time_of(self, field: str) -> Callable[[Any], Any]:
        """A check of the times of day in `field`: said to the minute."""
        standing = self._current.get(field)

        def check(claimed: Any) -> Any:
            if not isinstance(claimed, str) or not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", claimed):
                return None
            if self._evidence.tells_time(claimed, table=self._table, alone="time" in self._requested):
                return claimed
            return standing if claimed == standing or not self._evidence.says_times else None

        return check

    def name_of(self, field: str) -> Callable[[Any], Any]:
        """A check of the names in `field`: all words said, or the name that stood there."""
        standing = self._current.get(field)

        def check(claimed: Any) -> Any:
            if not isinstance(claimed, str):
                return None
            # A kind of place and no name: words need not say it.
            if (field == "service" and claimed == "restaurant") or self._names.says(claimed, field=field, also=standing):
                return claimed
            return standing

        return check

    def when(self, claimed: Any) -> Any:
        """When a subscription ends: at once only where that was said."""
        said = {"now": _NOW, "period_end": _PERIOD_END}.get(str(claimed))
        return claimed if said and said.search(self._low) else self._current.get("when")

    def source(self, claimed: Any) -> Any:
        """Which order is meant: a saved one only where that was said. A plain "reorder" is the last one."""
        bundle = self._names.says(self._claimed.get("bundle"), field="bundle")
        if claimed == "usual" and not (bundle or _USUAL.search(self._low) or self._names.says_a_known("bundle")):
            return self._current.get("source", "last")
        return claimed

    def _item(self, item: dict[str, Any], standing: list[dict[str, Any]]) -> dict[str, Any]:
        before = next((old for old in standing if _same(old, item)), {})
        attributes = item.get("attributes")
        also = " ".join([*map(str, before.get("attributes", ())), str(before.get("name", ""))])
        kept = [each for each in attributes if self._names.says(each, also=also)] if isinstance(attributes, list) else []
        price = item.get("max_price_cents")
        return item | {"attributes": kept, "max_price_cents": self._limit(price, before.get("max_price_cents"))}

    def _limit(self, claimed: Any, standing: Any) -> Any:
        if claimed is None or claimed in self._evidence.amounts or claimed == standing:
            return claimed
        # Nothing said: as it stood. Another amount said: the limit must not be lost without a word.
        self.limit_is_wrong = self.limit_is_wrong or bool(self._evidence.amounts)
        return standing

    def _named_day(self, claimed: Any, standing: Any, *, asked: bool) -> Any:
        try:
            day = date.fromisoformat(claimed)
        except (TypeError, ValueError):
            return None
        if day >= self._today and self._tells_day(day, asked=asked):
            return claimed
        return standing if claimed == standing or not self._speaks_of_days() else None

    def _tells_day(self, day: date, *, asked: bool) -> bool:
        resolved = {found.value for found in self._evidence.days if found.value}
        # "4", where the day was asked for.
        if asked and (alone := read_day(self._low, self._today)):
            resolved.add(alone)
        # Said at ten, "Wednesday at 9" is next week's.
        if self._today in resolved and not _TODAY.search(self._low):
            resolved.add(self._today + _NEAR)
        if resolved:
            return day in resolved
        # Of "this weekend" either day is said; whether that is enough is for the card to show.
        return bool(_WEEKEND.search(self._low)) and day.weekday() >= 5 and day - self._today <= _NEAR

    def _speaks_of_days(self) -> bool:
        return bool(self._evidence.days) or bool(
            re.search(r"\b(?:weekend|week|month|day|christmas|eve|mon|tue|wed|thu|fri|sat|sun)", self._low)
        )


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return str(one.get("name", "")).casefold() == str(other.get("name", "")).casefold()
