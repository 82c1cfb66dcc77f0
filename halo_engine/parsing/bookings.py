"""A table or an appointment: how many, which day, what time, where, under whose name."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from halo_engine.parsing.dates import dates
from halo_engine.parsing.page import Page
from halo_engine.parsing.quantities import NUMBER, number
from halo_engine.parsing.routing import SERVICES, TABLE_WORDS
from halo_engine.parsing.times import bare_time, find_time, occasion

#: What a booking of a table calls its service.
RESTAURANT = "restaurant"

_HEADS = r"(?:people|persons?|guests?|diners|folks|ppl|pax|adults?|grown-?ups?|seats?|covers|friends)"
_PEOPLE = (
    re.compile(
        rf"\b(?P<n>{NUMBER})\s+(?:adults?|grown-?ups?)(?:,?\s*(?:and|plus|&|with)\s+(?P<kids>{NUMBER}|a)\s+(?:kids?|child(?:ren)?|bab(?:y|ies)|toddlers?))?\b"
    ),
    re.compile(rf"\b(?:party|group|family)\s+of\s+(?P<n>{NUMBER})\b"),
    re.compile(rf"\b(?P<n>{NUMBER})(?:[\s-]+{_HEADS}\b|(?=\s+of\s+us\b))"),
    re.compile(
        rf"\bfor\s+(?P<n>{NUMBER})\b(?!\s*(?:minutes?|hours?|days?|nights?|weeks?|dollars|%|/|am\b|pm\b|p\.m|a\.m|o'clock|-?ish|:))"
    ),
    re.compile(r"\b(?:just|only)\s+(?P<one>me)\b|\b(?P<self>myself)\b"),
)
_TITLED = r"(?<!\bdr)(?<!\bst)(?<!\bmr)(?<!\bms)"
_STOP = (
    rf"(?=\s*(?:[\0,;!?\n]|{_TITLED}\.(?:\s|$)|$|\b(?:on|for|in|near|around|between|from|with|under|by|please|this|next|tomorrow|"
    rf"tonight|because|so|if|thanks|at|instead|and\s+then|to)\b))"
)
_NAME = r"(?:[^\0,;!?\n.]|\.(?=\S)|(?<=\b[dsm][rts])\.){1,80}?"
_VENUE = re.compile(rf"\b(?:at|to)\s+(?:the\s+)?(?P<venue>{_NAME}){_STOP}")
_WITH = re.compile(rf"\bappointment\s+with\s+(?P<venue>{_NAME}){_STOP}")
_LOCATION = re.compile(rf"\b(?:in|near|around)\s+(?:the\s+)?(?P<location>(?!me\b|us\b){_NAME}){_STOP}")
_UNDER = re.compile(
    r"\bunder\s+(?:the\s+name\s+(?:of\s+)?)?(?P<name>[^\W\d_][\w'-]{0,40}(?:\s+(?!at\b|on\b|for\b|in\b|and\b|please\b)[^\W\d_][\w'-]{0,40})?)"
)
_APPOINTMENT_FOR = re.compile(rf"\b(?:appointment|appt)\s+for\s+(?:an?\s+|the\s+|my\s+)?(?P<service>{_NAME}){_STOP}")
_OBJECT = re.compile(rf"\s*(?:(?:me|us|my|our|another|quick|nice)\s+)*(?P<article>an?\s+|the\s+)?(?P<object>{_NAME}){_STOP}")
_GENERIC = re.compile(
    r"(?:an?\s+|the\s+|any\s+|some\s+|our\s+|my\s+)?(?:(?:nice|good|popular|great|local)\s+)?(?:restaurant|place|bar|spot|somewhere(?:\s+nice)?|dinner|lunch|brunch|breakfast|table|seats?|it|that|home|work)"
)
_TABLE_OBJECT = re.compile(
    r"(?:\w{1,20}\s+){0,2}?(?:table|reservation|booking|spot|seats?|dinner|lunch|brunch|breakfast|supper|party|group)\b"
)
_SERVICE = re.compile(rf"\b{SERVICES}\b")
_APPOINTMENT = re.compile(r"\b(?:appointment|appt|session|visit)s?\b")


def read_booking(page: Page, body: int, now: date) -> dict[str, Any]:
    """The params of a booking on `page`; `body` is where the words after "book" begin."""
    asked = page.low
    is_table = not _SERVICE.search(asked) and not _APPOINTMENT.search(asked)
    fields = take_details(page, now, table=is_table)
    fields |= take_name(page)
    fields |= _service_and_venue(page, body, asked, has_party=fields["party_size"] is not None)
    if fields["service"] != RESTAURANT:
        fields["party_size"] = None
    return fields


def take_details(page: Page, today: date, *, table: bool) -> dict[str, Any]:
    """Date, time and number of people, taken off the page."""
    part = occasion(page.low, otherwise="table" if table else "day")
    day, certain = _take_date(page, today)
    window = find_time(page.low, part)
    if window:
        page.take("time", window.start, window.end)
    return {
        "party_size": take_people(page),
        "date": day if certain else None,
        "time": window.value.start if window else None,
        "time_until": window.value.until if window else None,
    }


def take_people(page: Page) -> int | None:
    """How many people the words speak of, taken off the page; None for none and for a number that no table has."""
    for pattern in _PEOPLE:
        for match in pattern.finditer(page.low):
            groups = match.groupdict()
            count = 1 if groups.get("one") or groups.get("self") else number(groups.get("n") or "")
            if count is None:
                continue
            kids = groups.get("kids")
            count += (1 if kids == "a" else number(kids) or 0) if kids else 0
            start = next(match.start(name) for name in ("n", "one", "self") if groups.get(name))
            page.take("people", start, match.end())
            return count if 1 <= count <= 50 else None
    return None


def take_name(page: Page) -> dict[str, Any]:
    """The name to book under."""
    match = _UNDER.search(page.low)
    if not match:
        return {"name": None}
    return {"name": note_name(page, match.start("name"), match.end("name"), blank_from=match.start())}


def note_name(page: Page, start: int, end: int, *, blank_from: int) -> str:
    """Record a person's name as first name and last name, and take it off the page."""
    words = list(re.finditer(r"\S+", page.low[start:end]))
    kinds = ("first_name", "last_name")
    name = page.words(start, end)
    for kind, word in zip(kinds, words, strict=False):
        page.note(kind, start + word.start(), start + word.end() if kind == "first_name" else end)
    page.blank(blank_from, end)
    return name[:200]


def bare_hour(page: Page, *, table: bool) -> str | None:
    """A time said as a number alone, as the answer to "what time?"."""
    found = bare_time(page.low, occasion(page.low, otherwise="table" if table else "day"))
    if found:
        page.take("time", found.start, found.end)
    return found.value.start if found else None


def take_venue(page: Page) -> str | None:
    """The place after "at" or "with", taken off the page."""
    for pattern in (_VENUE, _WITH):
        for match in pattern.finditer(page.low):
            if not _GENERIC.fullmatch(match["venue"].strip()):
                return _taken(page, "venue", match, "venue")
    return None


def take_location(page: Page) -> str | None:
    """The part of town or city, taken off the page."""
    match = _LOCATION.search(page.low)
    return _taken(page, "location", match, "location") if match else None


def _take_date(page: Page, today: date) -> tuple[str | None, bool]:
    """The day, and whether it is one: two different days, or a vague one, are a question to ask."""
    found = dates(page.low, today)
    for each in found:
        page.take("date", each.start, each.end)
    days = {each.value for each in found}
    day = next(iter(days), None)
    return (day.isoformat(), True) if len(days) == 1 and day else (None, False)


def _service_and_venue(page: Page, body: int, asked: str, *, has_party: bool) -> dict[str, Any]:
    venue = take_venue(page)
    location = take_location(page)
    service = _taken_service(page)
    if service is None:
        service, named = _object(page, body, has_party=has_party or bool(TABLE_WORDS.search(asked)))
        venue = venue or named
    return {"service": service, "venue": venue, "location": location}


def _taken_service(page: Page) -> str | None:
    match = _APPOINTMENT_FOR.search(page.low)
    return _taken(page, "service", match, "service") if match else None


def _object(page: Page, body: int, *, has_party: bool) -> tuple[str | None, str | None]:
    """What comes right after "book": a table, a service, or the name of a place."""
    match = _OBJECT.match(page.low, body)
    words = match["object"].strip() if match else ""
    if not match or _GENERIC.fullmatch(words) or _TABLE_OBJECT.match(words):
        return RESTAURANT, None
    appointment = _APPOINTMENT.search(page.low, match.start("object"), match.end("object"))
    end = appointment.start() if appointment else match.end("object")
    name = page.words(match.start("object"), end).removesuffix("'s")
    is_service = bool(appointment or _SERVICE.search(words) or (match["article"] and not has_party))
    if not name:
        # "An appointment" alone says neither with whom nor for what.
        return (None if appointment else RESTAURANT), None
    page.note("service" if is_service else "venue", match.start("object"), end)
    return (name[:200], None) if is_service else (RESTAURANT, name[:200])


def _taken(page: Page, kind: str, match: re.Match[str], group: str) -> str | None:
    words = page.words(match.start(group), match.end(group))
    page.take(kind, match.start(group), match.end(group))
    return words[:200] or None


def moved_past(day: str | None, time: str | None, *, today: date, clock: str, weekday_named: bool) -> str | None:
    """ "Friday at 7", said on a Friday at 8, is next week's Friday."""
    if weekday_named and day == today.isoformat() and time and time <= clock:
        return (today + timedelta(days=7)).isoformat()
    return day
