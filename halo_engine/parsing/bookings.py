"""BOOK: a table or an appointment: how many, which day, what time, where, under whose name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from halo_engine.parsing.goods import Fields
from halo_engine.parsing.marked_text import MarkedText, Span
from halo_engine.parsing.names import known_name
from halo_engine.parsing.values.dates import read_day
from halo_engine.parsing.values.quantities import read_people
from halo_engine.parsing.values.times import Window, occasion, read_moment, read_window

#: What a booking of a table calls its service.
RESTAURANT = "restaurant"
MOST_PEOPLE = 50

_APPOINTMENT = re.compile(r"\b(?:appointment|appt|session|consultation|check-?up|visit)s?\b")
_KIND = re.compile(r"(?:'s)?\s+(?:appointment|appt|session|consultation|visit)s?$", re.IGNORECASE)
_WEEKDAY = re.compile(r"(?:this\s+|coming\s+)*(?:mon|tue|wed|thu|fri|sat|sun)")
_CHOICE = re.compile(r"\bor\b")
_MORE = re.compile(r"\b(?:add|adding|plus|another|extra)\s+(?:an?\s+|other\s+)?$")
_JOINED = re.compile(r"\s*(?:,|and|&|plus|\+|with)\s*(?:and\s+)?")


def read(marked: MarkedText, now: datetime, members: Sequence[str] = ()) -> Fields:
    """The params of a booking; `now` is aware, in the household's zone."""
    service = marked.one("service")
    table = not marked.of("service") and not _APPOINTMENT.search(marked.low)
    said = _said(marked, now, table=table)
    return {
        "service": _KIND.sub("", service.words)[:200] if service else RESTAURANT if table else None,
        "venue": _words(marked, "venue"),
        "party_size": said.get("party_size") if table else None,
        "date": said.get("date"),
        "time": said.get("time"),
        "time_until": said.get("time_until"),
        "location": _words(marked, "location"),
        "name": _name(marked, members),
    }


def change(marked: MarkedText, params: Fields, now: datetime, members: Sequence[str] = ()) -> Fields | None:
    """`params` with another day, time, number, place or name; None where nothing of that was said. What cannot be read is asked again."""
    said = _said(marked, now, table=params.get("service") == RESTAURANT)
    if said.get("party_size") and params.get("party_size") and _is_more(marked):
        more = params["party_size"] + said["party_size"]
        said["party_size"] = more if more <= MOST_PEOPLE else None
    places = {
        "venue": _words(marked, "venue"),
        "location": _words(marked, "location"),
        "service": _words(marked, "service"),
        "name": _name(marked, members),
    }
    changed = params | said | {key: value for key, value in places.items() if value}
    if changed.get("service") != RESTAURANT:
        changed["party_size"] = None
    return changed if changed != params else None


def _said(marked: MarkedText, now: datetime, *, table: bool) -> Fields:
    """The day, the time and the number that were spoken of: None where what was said is not certain, absent where nothing was."""
    said: Fields = {}
    if spans := marked.of("people"):
        said["party_size"] = _people(marked, spans)
    moment = _moment(marked, now)
    if moment:
        return said | {"date": moment.date().isoformat(), "time": f"{moment:%H:%M}", "time_until": None}
    if spans := marked.of("time"):
        part = occasion(marked.low, otherwise="table" if table else "day")
        window = _window(marked, spans, part)
        said |= {"time": window.start if window else None, "time_until": window.until if window else None}
    if spans := marked.of("date", "deadline"):
        day = _day(spans, now.date())
        said["date"] = _coming(spans, day, said.get("time"), now) if day else None
    return said


def _people(marked: MarkedText, spans: list[Span]) -> int | None:
    """Of several numbers the last is a correction, unless they are counted together: "2 adults" and "3 kids". "4 or 5" is asked."""
    if len(spans) > 1 and _CHOICE.search(marked.between(spans[-2].end, spans[-1].start)):
        return None
    first, last = spans[-1].start, spans[-1]
    for before, after in zip(reversed(spans[:-1]), reversed(spans), strict=False):
        if not _JOINED.fullmatch(marked.between(before.end, after.start)):
            break
        first = before.start
    count = read_people(marked.between(first, last.end)) or read_people(last.low)
    return count if count and count <= MOST_PEOPLE else None


def _is_more(marked: MarkedText) -> bool:
    """ "Add one person", "two more people"."""
    span = marked.of("people")[-1]
    return bool(marked.of("more") or _MORE.search(marked.between(max(0, span.start - 24), span.start)) or re.search(r"\bmore\b", span.low))


def _moment(marked: MarkedText, now: datetime) -> datetime | None:
    """ "In an hour" says the day and the time at once."""
    spans = marked.of("time", "date")
    moments = [moment for span in spans if (moment := read_moment(span.low, now))]
    return moments[0] if moments and len({(span.start, span.end) for span in spans}) == 1 else None


def _window(marked: MarkedText, spans: list[Span], part: str) -> Window | None:
    """The time or window; of two times that are no window the later is a correction, unless it is a choice."""
    low = marked.low
    places = [(span.start, span.end) for span in spans]
    return read_window(places[-2:], low, part) or (
        None if len(places) > 1 and _is_choice(low, places) else read_window(places[-1:], low, part)
    )


def _is_choice(low: str, places: list[tuple[int, int]]) -> bool:
    return bool(_CHOICE.search(low[places[-2][1] : places[-1][0]]))


def _day(spans: list[Span], today: date) -> date | None:
    """The one day that was named; None where two different ones were, or one that is too vague."""
    days = {read_day(span.low, today) for span in spans}
    return next(iter(days)) if len(days) == 1 else None


def _coming(spans: list[Span], day: date, time: str | None, now: datetime) -> str:
    """ "Friday at 7", said on a Friday at 8, is next week's Friday."""
    named = any(_WEEKDAY.match(span.low) for span in spans)
    passed = day == now.date() and time is not None and time <= f"{now:%H:%M}"
    return (day + timedelta(days=7) if named and passed else day).isoformat()


def _words(marked: MarkedText, kind: str) -> str | None:
    span = marked.one(kind)
    return span.words[:200] if span else None


def _name(marked: MarkedText, members: Sequence[str]) -> str | None:
    parts = [span.words for kind in ("first_name", "last_name") if (span := marked.first(kind))]
    name = " ".join(parts)[:200]
    return (known_name(name, members) or name) if name else None
