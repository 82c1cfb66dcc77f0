"""Words about an intent that stands already: "make it 3", "8 pm for six people", "add dish soap", "change it to Saturday".

Each function gets the page and the params as they stand, and returns the params as they should be, or None where nothing was understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from halo_engine.parsing.amounts import caps
from halo_engine.parsing.bookings import RESTAURANT, bare_hour, note_name, take_details, take_location, take_name, take_people, take_venue
from halo_engine.parsing.cancellations import read_subscription, take_when
from halo_engine.parsing.dates import bare_day
from halo_engine.parsing.orders import Fields, read_items, take_deadline
from halo_engine.parsing.page import Page
from halo_engine.parsing.quantities import NUMBER, number
from halo_engine.parsing.reorders import known_name, take_left_out

_LEAD = re.compile(
    r"[\s,.!]*(?:(?:ok|okay|yes|yeah|no|actually|please|sorry|hmm|oh|and|then|also|just|instead|can\s+(?:you|we)|could\s+(?:you|we)|let'?s|i'd\s+like\s+to|i\s+want\s+to)[\s,.!]+){0,5}"
    r"(?:(?:make|change|set|switch|move|update|have|do)\s+(?:(?:it|that|this|them|those|the\s+(?:date|day|time|quantity|number|reservation|booking|order|party|table)(?:\s+size)?)\s+)?(?:(?:to|for|be)\s+)?)?"
)
_BARE_NUMBER = re.compile(
    rf"(?P<n>{NUMBER})(?:\s+(?:of\s+(?:them|those|each|it)|instead|packs?|units?|pieces))?[\s.!,\0]*(?:please|instead|thanks)?[\s.!,\0]*"
)
_ADD = re.compile(r"(?:add|plus|include|with|throw\s+in|and|get|also|but|except|only)\s+")
_REPLACE = re.compile(
    r"(?:replace|swap|change|switch|make|set)\s+(?:the\s+|my\s+)?(?P<old>[^\0,;]{1,80}?)\s+(?:(?:to|with|for|into)\s+|(?=[0-9]+\W*$))(?P<new>[^\0;]{1,80})"
)
_CALLED = re.compile(
    r"(?:they\s+call\s+me|my\s+name\s+is|the\s+name\s+is|name'?s|call\s+me|it\s+is|it'?s|this\s+is|i'?m|i\s+am|first\s+name(?:\s+is)?|last\s+name(?:\s+is)?|surname(?:\s+is)?|under|for|mr\.?|mrs\.?|ms\.?|yes|sure)[\s,:]+"
)
_PERSON = re.compile(r"[^\W\d_][\w'.-]{0,40}(?:\s+[^\W\d_][\w'.-]{0,40})?")


def change_order(page: Page, params: Fields, requested: tuple[str, ...], today: date) -> Fields | None:
    """Items added, taken off, renamed or counted anew; another budget or day."""
    changed = dict(params)
    deadline = take_deadline(page, today)
    budget = next((cap.value for cap in caps(page.low)), None)
    for cap in caps(page.low):
        page.take("price", cap.start, cap.end)
    changed |= {key: value for key, value in (("deliver_by", deadline), ("budget_cents", budget)) if value}
    items = _changed_items(page, [dict(item) for item in params.get("items") or ()], requested)
    if items is not None:
        changed["items"] = items
    return changed if changed != params else None


def change_reorder(page: Page, params: Fields, requested: tuple[str, ...], bundles: tuple[str, ...]) -> Fields | None:
    """Another bundle, or other lines in it."""
    changed = dict(params)
    if bundle := known_name(page, bundles, "bundle"):
        changed |= {"source": "usual", "bundle": bundle}
    start = _lead(page)
    changes = take_left_out(page)
    add = _ADD.match(page.low, start)
    page.keep(add.end() if add else start, len(page.low))
    if bundle is None:
        changes += [{"name": item["name"], "quantity": item["quantity"]} for item in read_items(page)]
    kept = [change for change in params.get("changes") or () if not any(_same(change["name"], new["name"]) for new in changes)]
    changed["changes"] = [*kept, *changes]
    return changed if changed != params else None


def change_cancel(page: Page, params: Fields, requested: tuple[str, ...], subscriptions: tuple[str, ...]) -> Fields | None:
    """Another moment or another subscription."""
    changed = dict(params)
    if when := take_when(page):
        changed["when"] = when
    page.keep(_lead(page), len(page.low))
    asked = "subscription" in requested or not params.get("subscription")
    name = read_subscription(page, subscriptions)[0] if asked else known_name(page, subscriptions, "subscription")
    if name:
        changed["subscription"] = name
    return changed if changed != params else None


def change_booking(page: Page, params: Fields, requested: tuple[str, ...], today: date) -> Fields | None:
    """Another day, time, number, place or name."""
    answer = read_answer(page, requested, today, table=params.get("service") == RESTAURANT)
    if answer is None:
        answer = take_details(page, today, table=params.get("service") == RESTAURANT) | take_name(page)
        answer |= {"venue": take_venue(page), "location": take_location(page)}
        answer |= _asked_count_or_place(page, answer, requested)
    changed = dict(params) | {key: value for key, value in answer.items() if value is not None}
    if answer.get("time") and not answer.get("time_until"):
        changed["time_until"] = None
    return changed if changed != params else None


def read_answer(page: Page, requested: tuple[str, ...], today: date, *, table: bool) -> Fields | None:
    """The fields that a bare answer to a question fills ("4", "7ish", "Wilbur Claassen"); None where the words are more than that."""
    low = page.low.strip(" \0.!?\n")
    for field in requested:
        answer = _ANSWERS[field](page, low, today, table) if field in _ANSWERS else None
        if answer:
            return answer
    return None


def _answer_people(page: Page, low: str, today: date, table: bool) -> Fields | None:
    match = re.fullmatch(
        rf"(?:(?:just|only|maybe|there\s+(?:will\s+be|are)|we\s+are|it'?s|for|about)\s+)*(?P<n>{NUMBER})(?:[\s,]+(?:please|in\s+total|total|just\s+me))?",
        low,
    )
    count = number(match["n"]) if match else None
    if not match or count is None or not 1 <= count <= 50:
        return None
    start = page.low.index(low) + match.start("n")
    page.take("people", start, start + len(match["n"]))
    return {"party_size": count}


def _answer_time(page: Page, low: str, today: date, table: bool) -> Fields | None:
    if not re.fullmatch(
        r"(?:(?:at|around|about|maybe|say|it'?s|for|like)\s+)*[\w:.]{1,8}(?:\s?(?:a\.?m|p\.?m|ish|o'?clock))?(?:\s+please)?", low
    ):
        return None
    time = bare_hour(page, table=table)
    return {"time": time} if time else None


def _answer_date(page: Page, low: str, today: date, table: bool) -> Fields | None:
    day = bare_day(low, today)
    if day is None:
        return None
    start = page.low.index(low)
    page.take("date", start, start + len(low))
    return {"date": day.isoformat()}


def _answer_name(page: Page, low: str, today: date, table: bool) -> Fields | None:
    start = page.low.index(low) if low else 0
    while called := _CALLED.match(page.low, start):
        start = called.end()
    person = _PERSON.match(page.low, start)
    if not person or page.low[person.end() :].strip(" \0.!?\n"):
        return None
    return {"name": note_name(page, person.start(), person.end(), blank_from=person.start())}


def _answer_place(page: Page, low: str, today: date, table: bool) -> Fields | None:
    match = re.fullmatch(
        r"(?:at\s+|how\s+about\s+|let'?s\s+(?:go\s+to|do|try)\s+|maybe\s+)?(?:the\s+)?(?P<place>[^\0,;\d]{2,80}?)(?:\s+please)?", low
    )
    if not match or re.match(r"(?:for|on|in|make|change|any|no|i\s|yes|sure|ok)\b", low):
        return None
    start = page.low.index(low) + match.start("place")
    name = page.words(start, start + len(match["place"]))
    page.take("venue", start, start + len(match["place"]))
    return {"venue": name}


_ANSWERS: dict[str, Callable[[Page, str, date, bool], Fields | None]] = {
    "party_size": _answer_people,
    "people": _answer_people,
    "time": _answer_time,
    "date": _answer_date,
    "first_name": _answer_name,
    "last_name": _answer_name,
    "place": _answer_place,
}


def _changed_items(page: Page, items: list[Fields], requested: tuple[str, ...]) -> list[Fields] | None:
    start = _lead(page)
    bare = _BARE_NUMBER.fullmatch(page.low, start)
    if bare:
        return _counted(page, items, bare)
    if replaced := _replaced(page, items):
        return replaced
    left_out = take_left_out(page)
    kept = [item for item in items if not any(_same(item["name"], gone["name"]) for gone in left_out)]
    if left_out:
        return kept if kept and len(kept) < len(items) else None
    add = _ADD.match(page.low, start)
    page.keep(add.end() if add else start, len(page.low))
    return _merged(items, read_items(page), adding=bool(add) or "items" in requested)


def _counted(page: Page, items: list[Fields], bare: re.Match[str]) -> list[Fields] | None:
    count = number(bare["n"])
    if len(items) != 1 or not count:
        return None
    page.note("quantity", bare.start("n"), bare.end("n"))
    return [{**items[0], "quantity": count}]


def _replaced(page: Page, items: list[Fields]) -> list[Fields] | None:
    match = _REPLACE.search(page.low)
    index = next((at for at, item in enumerate(items) if match and _same(item["name"], match["old"])), None)
    if match is None or index is None:
        return None
    page.keep(match.start("new"), match.end("new"))
    bare = _BARE_NUMBER.fullmatch(page.low[match.start("new") : match.end("new")])
    count = number(bare["n"]) if bare else None
    if count:
        page.note("quantity", match.start("new"), match.end("new"))
        return [*items[:index], {**items[index], "quantity": count}, *items[index + 1 :]]
    new = [_plain(item) for item in read_items(page)]
    return [*items[:index], *new, *items[index + 1 :]] if new else None


def _merged(items: list[Fields], said: list[Fields], *, adding: bool) -> list[Fields] | None:
    """Items as they stand with those said: a known one gets the new count, or more of it when adding; an unknown one only when adding."""
    if not said:
        return None
    merged = list(items)
    for new in said:
        index = next((at for at, item in enumerate(merged) if _same(item["name"], new["name"])), None)
        if index is not None:
            before = merged[index]["quantity"] if adding else 0
            merged[index] = {**merged[index], "quantity": before + new["quantity"]}
        elif adding:
            merged.append(_plain(new))
        else:
            return None
    return merged


def _asked_count_or_place(page: Page, answer: Fields, requested: tuple[str, ...]) -> Fields:
    """In "Saturday at 8, 4" the number left over answers the question that was asked."""
    if answer["party_size"] is None and {"party_size", "people"} & set(requested):
        left = re.search(rf"\b{NUMBER}\b", page.low)
        count = number(left[0]) if left else None
        if left and count and count <= 50:
            page.take("people", left.start(), left.end())
            return {"party_size": count}
    return {"party_size": answer["party_size"] or take_people(page)}


def _plain(item: Fields) -> Fields:
    return {key: value for key, value in item.items() if key != "at"}


def _same(name: str, other: str) -> bool:
    """Whether two names are of one thing: all words of the shorter are in the longer, plural or not."""
    ours, theirs = _stems(name), _stems(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


def _stems(name: str) -> set[str]:
    words = (word for word in re.findall(r"\w+", name.lower()) if word not in ("the", "a", "an", "of", "some"))
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words}


def _lead(page: Page) -> int:
    match = _LEAD.match(page.low)
    return match.end() if match else 0
