"""Things to buy, read from what is left of an order once its price limits, days and shop are taken off the page."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from halo_engine.parsing.amounts import caps, for_one_unit
from halo_engine.parsing.dates import dates
from halo_engine.parsing.page import TAKEN, Page
from halo_engine.parsing.quantities import NUMBER, number

_CONTAINERS = (
    r"(?:packs?|packets?|packages?|boxes|box|bags?|bottles?|cans?|cartons?|rolls?|jars?|tubes?|cases?|bunch(?:es)?|tubs?|bars?|loaves|"
    r"loaf|jugs?|pairs?|sets?|tins?|sticks?|units?)"
)
_MEASURES = (
    r"(?:oz|ounces?|fl|lbs?|pounds?|kgs?|kilos?|g|grams?|ml|l|lit(?:er|re)s?|gallons?|quarts?|pints?|inch(?:es)?|in|ft|foot|feet|mm|"
    r"cm|ply|ct|count|pc|pcs|watts?|w|volts?|v|gb|tb|mg|hour|year|month|percent)"
)

_SEPARATOR = re.compile(r"\s*(?:,\s*(?:and\s+)?(?:also\s+)?|;|\n|\band\b(?:\s+also)?|\bplus\b|\balong\s+with\b|\s&\s)\s*")
# Names that have the separator inside.
_PAIRS = re.compile(
    r"\b(?:mac(?:aroni)?|salt|half|oil|head|arm|johnson|black|bed)\s+(?P<and>and|&)\s+(?:cheese|pepper|half|vinegar|shoulders|hammer|johnson|white|bath|decker)\b"
)

_FILLER = re.compile(
    r"(?:(?:please|pls|me|us|also|then|get|grab|order|buy|add|some|more|extra|another|additional|the|my|our|a\s+few|a\s+bit\s+of|a\s+lot\s+of|lots\s+of|any|of|new)\s+)+"
)
_ARTICLE = re.compile(r"an?\s+(?!few|hundred|couple|dozen)")
_TAIL = re.compile(
    r"(?:\s|\0|^)(?:please|pls|thanks|thank\s+you|asap|for\s+me|for\s+us|right\s+now|now|to\s+(?:my|the|our)\s+(?:amazon\s+)?(?:cart|basket|order)|instead|as\s+well|too|if\s+possible|if\s+available|if\s+you\s+can)[\s.!,\0]*$"
)

_PACK = re.compile(
    rf"(?P<pack>(?:{NUMBER})(?:[\s-]?(?:pack|pk|ct|count)|-packs)|(?:pack|box|case|set|bag)s?\s+of\s+(?={NUMBER}\b)(?:{NUMBER}))\b(?:\s+of\b)?"
)
_DOZEN = re.compile(
    rf"(?:(?P<half>half\s+an?|half)\s+|(?P<count>an?|{NUMBER})\s+)?(?P<dozen>dozen)\s+(?P<unit>{_CONTAINERS}\s+of\s+)?(?:of\s+)?"
)
_COUNT = re.compile(rf"(?P<count>{NUMBER})(?:\s?x\b)?\s+(?!{_MEASURES}\b|[%/])(?:more\s+)?(?:(?:{_CONTAINERS})\s+of\s+|of\s+(?:the\s+)?)?")
_CONTAINER = re.compile(rf"{_CONTAINERS}\s+of\s+")
_MEASURE = re.compile(rf"(?P<measure>(?:an?\s+|{NUMBER}\s?){_MEASURES})\s+of\s+")
_TIMES = re.compile(r"\s*(?:\bx\s?(?P<x>[0-9]{1,4})|\((?:x\s?)?(?P<paren>[0-9]{1,4})\)?)\s*$")
_SIZE = re.compile(r"\b(?:in\s+)?(?P<size>sizes?\s+(?:[0-9]{1,3}(?:\.5)?|x{0,3}[sml]|small|medium|large))\b")
_MERCHANT = re.compile(
    r"\b(?:from|on|at)\s+(?P<merchant>amazon(?:\.com)?|[a-z][\w'.&-]{1,30}(?:\s+(?:foods|market|joe's|depot))?)(?=\s*(?:[\0,.!;\n]|$|please|by|under|for|and))"
)
_NOTHING = re.compile(
    r"(?:something|stuff|things?|it|that|this|these|those|them|one|ones|some|more|again|nothing|anything|everything|items?|groceries\s+please|an?|the|\W)*"
)
_DEADLINE = re.compile(r"\b(?:by|before|on|for|until|delivered|arriving|arrive|deliver(?:ed)?\s+(?:by|on))\s+(?:the\s+)?$")

_SENTENCE_END = re.compile(r"(?<=\w\w)[.!?](?=\s+\w)")

Fields = dict[str, Any]


def read_order(page: Page, today: date) -> tuple[Fields, str]:
    """The params of an order on `page`, whose own verb words are already taken, and the words that are left.

    Those are the later sentences: price limits, days and shops are read from them too, but not things to buy.
    """
    fields: Fields = {"budget_cents": None, "deliver_by": take_deadline(page, today)}
    limits = _take_limits(page)
    fields["merchant"] = _take_merchant(page)
    left = _take_later_sentences(page)
    items, fields["budget_cents"] = _limited(read_items(page), limits)
    # One amount that makes no sense spoils the list: asking again is cheaper than a hundred thousand of something.
    sane = all(1 <= item["quantity"] <= 999 for item in items) and len(items) <= 50
    fields["items"] = [{key: value for key, value in item.items() if key != "at"} for item in items] if sane else []
    return fields, left


def take_deadline(page: Page, today: date) -> str | None:
    """The day by which to deliver, taken off the page: one led to by "by" or "for", or at the very end."""
    for found in dates(page.low, today):
        led = _DEADLINE.search(page.low[max(0, found.start - 24) : found.start])
        last = not page.low[found.end :].strip(" .!,\0\n") or found.start == 0
        if led or last:
            page.take("date", found.start, found.end)
            return found.value.isoformat() if found.value else None
    return None


def read_items(page: Page) -> list[Fields]:
    """Things with their quantities, in order. Each has `at`, where its words begin, for limits that follow it."""
    _take_tail(page)
    pieces = _pieces(page.low)
    items = (_item(page, start, end) for start, end in pieces)
    return [item for item in items if item]


def _take_limits(page: Page) -> list[tuple[int, int, bool]]:
    limits = []
    for cap in caps(page.low):
        limits.append((cap.start, cap.value, for_one_unit(page.low[cap.start : cap.end])))
        page.take("price", cap.start, cap.end)
    return limits


def _limited(items: list[Fields], limits: list[tuple[int, int, bool]]) -> tuple[list[Fields], int | None]:
    """A limit for each unit, or one followed by more things, belongs to the thing before it; the last word is the budget."""
    budget: int | None = None
    for at, value, each in limits:
        before = [item for item in items if item["at"] < at]
        if before and (each or len(before) < len(items)):
            before[-1]["max_price_cents"] = value
        else:
            budget = value if budget is None else min(budget, value)
    return items, budget


def _take_merchant(page: Page) -> str | None:
    match = _MERCHANT.search(page.low)
    if not match:
        return None
    name = page.words(match.start("merchant"), match.end("merchant"))
    page.blank(match.start(), match.end())
    return "Amazon" if name.lower().startswith("amazon") else name


def _take_later_sentences(page: Page) -> str:
    end = _SENTENCE_END.search(page.low)
    if not end:
        return ""
    left = page.words(end.start(), len(page.low))
    page.keep(0, end.start())
    return left


def _take_tail(page: Page) -> None:
    for _ in range(4):
        match = _TAIL.search(page.low)
        if not match:
            return
        page.blank(match.start(), len(page.low))


def _pieces(low: str) -> list[tuple[int, int]]:
    """Spans between separators."""
    for pair in _PAIRS.finditer(low):
        low = low[: pair.start("and")] + "+" * len(pair["and"]) + low[pair.end("and") :]
    edges = [(match.start(), match.end()) for match in _SEPARATOR.finditer(low)]
    edges += [(at, at + 1) for at, character in enumerate(low) if character == TAKEN]
    edges.sort()
    starts = [0, *(end for _, end in edges)]
    ends = [*(start for start, _ in edges), len(low)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if low[start:end].strip()]


def _item(page: Page, start: int, end: int) -> Fields | None:
    """The thing named between `start` and `end`; None where the words name nothing."""
    start, end = page.trimmed(start, end)
    began = start
    attributes: list[str] = []
    quantity, start, end = _quantity(page, start, end, attributes)
    size = _SIZE.search(page.low, start, end)
    if size and size.end() == end and size.start() > start:
        attributes.append(_attribute(page, size.start("size"), end))
        end = page.trimmed(start, size.start())[1]
    pack = _PACK.search(page.low, start, end)
    if pack and pack.end() == end and pack.start() > start:
        attributes.append(_attribute(page, pack.start("pack"), pack.end("pack")))
        end = page.trimmed(start, pack.start())[1]
    name = page.words(start, end)
    if not name or _NOTHING.fullmatch(name.lower()):
        return None
    page.note("item", start, end)
    return {"name": name[:200], "quantity": quantity, "attributes": attributes, "max_price_cents": None, "at": began}


def _quantity(page: Page, start: int, end: int, attributes: list[str]) -> tuple[int, int, int]:
    """The count before or after a name, with what is left of the span. A count inside a pack becomes an attribute."""
    low, quantity = page.low, 1
    start = _skip(_FILLER, low, start, end)
    if times := _TIMES.search(low, start, end):
        group = "x" if times["x"] else "paren"
        page.note("quantity", times.start(group), times.end(group))
        return int(times[group]), start, page.trimmed(start, times.start())[1]
    for pattern in (_PACK, _DOZEN, _MEASURE, _COUNT, _PACK, _DOZEN, _MEASURE, _CONTAINER):
        if pattern is _PACK:
            start = _skip(_ARTICLE, low, start, end) if _PACK.match(low, _skip(_ARTICLE, low, start, end), end) else start
        match = pattern.match(low, start, end)
        if not match or match.end() >= end:
            continue
        if pattern is _PACK or pattern is _MEASURE:
            attributes.append(_attribute(page, match.start(1), match.end(1)))
        elif pattern is _DOZEN:
            quantity = _dozens(page, match, attributes) * quantity
        elif pattern is _COUNT:
            page.note("quantity", match.start("count"), match.end("count"))
            quantity = _value(match["count"])
        start = match.end()
        start = _skip(_FILLER, low, start, end)
    start = _skip(_ARTICLE, low, start, end)
    start = _skip(_CONTAINER, low, start, end)
    return quantity, _skip(_FILLER, low, start, end), end


def _dozens(page: Page, match: re.Match[str], attributes: list[str]) -> int:
    """A dozen bottles are twelve; a dozen eggs are one carton of a dozen."""
    half = bool(match["half"])
    count = _value(match["count"]) if match["count"] and not match["count"].startswith("a") else 1
    if match["unit"]:
        page.note("quantity", match.start(), match.end("dozen"))
        return 6 if half else 12 * count
    attributes.append(_attribute(page, match.start() if half else match.start("dozen"), match.end("dozen")))
    if count > 1:
        page.note("quantity", match.start("count"), match.end("count"))
    return count


def _attribute(page: Page, start: int, end: int) -> str:
    page.note("attribute", start, end)
    return page.words(start, end)


def _value(words: str) -> int:
    value = number(words)
    return 0 if value is None else value


def _skip(pattern: re.Pattern[str], low: str, start: int, end: int) -> int:
    match = pattern.match(low, start, end)
    return match.end() if match else start
