"""Times of day as people name them, in the household's own time.

`read_time`, `read_window` and `read_moment` read the words of spans. docs/reading-words.md states the rules.

A bare hour is read by the occasion: a table at 7 is in the evening, breakfast at 7 and the dentist at 9 are in the morning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from halo_engine.parsing.values.quantities import MAX_SPAN_CHARS, in_digits

# Occasion -> the first hour that is meant before noon; hours below it are after noon.
_FIRST_MORNING_HOUR = {"morning": 5, "day": 7, "table": 11, "evening": 12}
_OCCASIONS = (
    ("morning", re.compile(r"\b(?:breakfast|brunch|morning)\b")),
    ("day", re.compile(r"\b(?:lunch|afternoon)\b")),
    ("evening", re.compile(r"\b(?:dinner|supper|evening|night|tonight|drinks)\b")),
)


def occasion(low: str, *, otherwise: str) -> str:
    """The part of the day that folded text speaks of: morning, day or evening; `otherwise` ("table" or "day") where it speaks of none."""
    return next((name for name, pattern in _OCCASIONS if pattern.search(low)), otherwise)


# Times.

_MERIDIEM = re.compile(r"(?<![a-z])([ap])\.?\s?m\b\.?")
_CLOCK_WORDS = re.compile(r"\bo'?\s?clock\b|\s?-?\bish\b|(?<=[0-9])\s?-?ish\b")
_LEADS = re.compile(
    r"^(?:(?:at|around|about|approximately|approx|roughly|exactly|like|say|by|from|after|just|maybe|for|on|@|~|the)\s+|[@~])+"
)
_TRAILS = re.compile(r"(?:\s+(?:sharp|or\s+so|exactly|please|on\s+the\s+dot))+$")
_PART_FIRST = re.compile(
    r"^(?:(?:in|this)\s)?(?:the\s)?(?P<part>morning|afternoon|evening|night|tonight)\s(?:(?:at|around|about|for|by|say)\s)*(?=\S)"
)
_PART_LAST = re.compile(r"(?<=\S),?\s(?:(?:in|this|at)\s)?(?:the\s)?(?P<part>morning|afternoon|evening|night|tonight)$")
_NAMED = re.compile(r"(?:12\s)?(?:(?P<noon>noon|midday|noontime)|midnight)")
_HALVES = r"(?:\s?(?P<half>am|pm))?"
_ON_THE_CLOCK = re.compile(
    rf"(?P<hour>[0-9]{{1,2}})(?:(?:\s?[:.h]\s?|\s)(?P<minute>[0-5][0-9])|-(?P<later>[3-5][0-9]))?(?P<seconds>:[0-5][0-9])?{_HALVES}"
)
_RUN_TOGETHER = re.compile(rf"(?P<hour>[0-9]{{1,2}})(?P<minute>[0-5][0-9])(?P<hours>\s?(?:hours|hrs?|h))?{_HALVES}")
_WHOLE_HOURS = re.compile(r"(?P<hour>[0-9]{1,2})\s?(?:hours|hrs?|h)")
_RELATIVE = re.compile(
    r"(?P<amount>(?:an?\s)?quarter|half|half\san\shour|an?\shour|1\shour|[0-5]?[0-9](?:\smin(?:ute)?s?)?)(?:\s|-)"
    r"(?P<way>past|after|to|before|of|til|till)\s(?P<base>.+)"
)
# As the British say it: "half nine" is half past nine.
_HALF_HOUR = re.compile(r"half\s(?P<base>[0-9]{1,2}(?:\s?(?:am|pm))?)")
_DAY = 24 * 60


@dataclass(frozen=True)
class _Reading:
    """A time as it was said, before it is known which half of the day is meant."""

    hour: int
    minute: int = 0
    #: am, pm, or the part of the day that was said.
    half: str | None = None
    #: Whether it is a 24-hour clock's.
    literal: bool = False
    #: Minutes to add, for "quarter to".
    offset: int = 0


def read_time(words: str, when: str) -> str | None:
    """The time a span names, as HH:MM; bare hours are read by the occasion `when`. None where it names none for certain."""
    reading = _reading(words)
    return _resolved(reading, when) if reading else None


def _reading(words: str) -> _Reading | None:
    if len(words) > MAX_SPAN_CHARS:
        return None
    text = in_digits(_MERIDIEM.sub(r" \1m ", words.lower().replace("o clock", "o'clock")))
    text = " ".join(_CLOCK_WORDS.sub(" ", text).split()).strip(" .,!?;")
    text = _TRAILS.sub("", _LEADS.sub("", text))
    part = None
    for pattern in (_PART_FIRST, _PART_LAST):
        if match := pattern.search(text):
            if part:
                return None
            part = match["part"]
            text = (text[: match.start()] + text[match.end() :]).strip(" ,")
    found = _said(_LEADS.sub("", text))
    if found and part:
        # "07:30 in the evening" is no 24-hour clock's.
        literal = found.literal and not 0 < found.hour < 12
        return _Reading(found.hour, found.minute, _agreed(found.half, part), literal, found.offset)
    return found


def _agreed(half: str | None, part: str) -> str:
    """am or pm where it was said and the part of the day allows it; "never" where they disagree."""
    if half is None:
        return part
    return half if (half == "am") == (part == "morning") else "never"


def _said(text: str) -> _Reading | None:
    if match := _NAMED.fullmatch(text):
        return _Reading(12 if match["noon"] else 0, literal=True)
    if match := _HALF_HOUR.fullmatch(text):
        base = _said(match["base"])
        return _Reading(base.hour, 30, base.half, base.literal) if base else None
    if match := _RELATIVE.fullmatch(text):
        return _offset(match)
    if match := _WHOLE_HOURS.fullmatch(text):
        return _Reading(int(match["hour"]), literal=True)
    if match := _RUN_TOGETHER.fullmatch(text):
        literal = bool(match["hours"]) or (len(match["hour"]) == 2 and match["hour"][0] == "0" and not match["half"])
        return _Reading(int(match["hour"]), int(match["minute"]), match["half"], literal)
    if match := _ON_THE_CLOCK.fullmatch(text):
        minute = match["minute"] or match["later"] or "0"
        literal = match["hour"][0] == "0" and not match["half"]
        return _Reading(int(match["hour"]), int(minute), match["half"], literal)
    return None


def _offset(match: re.Match[str]) -> _Reading | None:
    """ "quarter to 8", "20 past 7", "30 minutes before noon"."""
    base = _said(match["base"])
    if base is None or base.offset or (base.minute and "hour" not in match["amount"]):
        return None
    if match["way"] == "to" and match["amount"].isdigit() and int(match["amount"]) <= 12:
        # "7 to 9" is a window, and "ten to six" may be one.
        return None
    minutes = 60 if match["amount"] in ("an hour", "a hour", "1 hour") else _minutes(match["amount"])
    forward = match["way"] in ("past", "after")
    if match["amount"] == "half" and not forward:
        return None
    return _Reading(base.hour, base.minute, base.half, base.literal, minutes if forward else -minutes)


def _minutes(amount: str) -> int:
    if "quarter" in amount:
        return 15
    return 30 if "half" in amount else int(re.findall("[0-9]+", amount)[0])


def _resolved(reading: _Reading, when: str) -> str | None:
    hour = reading.hour if reading.literal and reading.half is None else _half_of(reading, when)
    if hour is None or not 0 <= hour <= 23:
        return None
    minutes = (hour * 60 + reading.minute + reading.offset) % _DAY
    return f"{minutes // 60:02}:{minutes % 60:02}"


# What was said -> the hours of a twelve-hour clock that it goes with, and the hours to add to them.
_BEFORE_NOON = {hour: hour % 12 for hour in range(13)}
_AFTER_NOON = {hour: hour % 12 + 12 for hour in range(1, 13)}
_HOURS: dict[str, dict[int, int]] = {
    "am": _BEFORE_NOON,
    "pm": _AFTER_NOON,
    "morning": {hour: hour for hour in range(1, 12)},
    "afternoon": {hour: _AFTER_NOON[hour] for hour in (12, 1, 2, 3, 4, 5, 6)},
    "evening": {hour: hour + 12 for hour in range(1, 12)},
    # Twelve at night, and the hours after it, could be either day's.
    "night": {hour: hour + 12 for hour in range(5, 12)},
    "tonight": {hour: hour + 12 for hour in range(5, 12)},
    "never": {},
}


def _half_of(reading: _Reading, when: str) -> int | None:
    """The hour of a 24-hour clock."""
    hour = reading.hour
    if hour > 12 or reading.literal:
        allowed = reading.half not in ("am", "morning", "never") if hour >= 12 else reading.half in (None, "morning")
        return hour if allowed else None
    if reading.half:
        return _HOURS[reading.half].get(hour)
    return _likely(hour, when if when in _FIRST_MORNING_HOUR else "table")


def _likely(hour: int, when: str) -> int | None:
    """Of the two hours a twelve-hour clock could mean, the likely one; None for "tonight at 12", which could be either day."""
    if hour == 0:
        return 0
    if hour == 12:
        return None if when == "evening" else 12
    return hour if hour >= _FIRST_MORNING_HOUR[when] else hour + 12


# Windows.

_JOINS = re.compile(r"\s*(?:and|to|until|till|til|-|–|—|&|thru|through)\s*")
_CLOSES = re.compile(r"(?:\b(?:before|until|till|til|latest|not\safter|no\slater\sthan|not\slater\sthan|earlier\sthan)|<)\s*$")
_CLOSED_AFTER = re.compile(r"\s*(?:at\sthe\slatest|latest|or\s(?:earlier|before|sooner)|tops)\b")
_INSIDE = re.compile(r"\s*(?:-|–|—|\b(?:and|to|until|till|til)\b)\s*")
_MINUTES_TO = re.compile(r"(?:5|10)\sto\s[0-9]{1,2}")
_OPENER = re.compile(r"^(?:between|from)\s+")


@dataclass(frozen=True)
class Window:
    """A time, and the end of the window it opens, as HH:MM."""

    start: str
    until: str | None = None


def read_window(spans: Sequence[tuple[int, int]], low: str, when: str) -> Window | None:
    """What the time spans of folded text `low`, in order, come to: a time, or a window with a start and an end.

    None is a question to ask: nothing that can be read, an end without a start ("before 9"), or a choice ("7 or 8").
    """
    if len(spans) == 1:
        ((start, end),) = spans
        if _CLOSES.search(low[max(0, start - 24) : start]) or _CLOSED_AFTER.match(low, end):
            return None
        return _one_span(low[start:end], when)
    if len(spans) != 2 or not _JOINS.fullmatch(low[spans[0][1] : spans[1][0]]):
        return None
    return _between(low[slice(*spans[0])], low[slice(*spans[1])], when)


def _one_span(words: str, when: str) -> Window | None:
    start = read_time(words, when)
    if start:
        return Window(start)
    ends = _INSIDE.split(_OPENER.sub("", words.strip()))
    if _MINUTES_TO.fullmatch(in_digits(words.strip()[:MAX_SPAN_CHARS])):
        # Five minutes to seven, or from five to seven?
        return None
    return _between(ends[0], ends[1], when) if len(ends) == 2 else None


def _between(opens: str, closes: str, when: str) -> Window | None:
    first, second = _reading(opens), _reading(closes)
    if first is None or second is None:
        return None
    until = _resolved(second, when)
    bare = first.half is None and not first.literal and first.hour <= 12
    if not bare:
        start = _resolved(first, when)
        if second.half is None and start and until and until <= start:
            until = _other_half(until)
    else:
        shared = _Reading(first.hour, first.minute, second.half, offset=first.offset)
        start = _resolved(shared, when) or _resolved(first, when)
        if start and until and until < start:
            # "11 to 1pm" begins before noon, "10 to 12" for a table too; "8 to 10:30" of a bare dinner ends after noon.
            start, until = (_other_half(start), until) if _other_half(start) < until else (start, _other_half(until))
    return Window(start, until) if start and until and start < until else None


def _other_half(clock: str) -> str:
    return f"{(int(clock[:2]) + 12) % 24:02}{clock[2:]}"


# Moments: "in an hour" is a day and a time at once, and needs a clock.

_UNIT = r"(?P<{0}>an?|half\san|a\scouple|[0-9]{{1,3}})\s(?P<{0}_unit>hour|hr|minute|min)s?"
_AHEAD = rf"{_UNIT.format('n')}(?:\sand\s(?:(?P<half>a\shalf)|{_UNIT.format('m')}))?"
_MOMENT = re.compile(rf"(?:in\s(?:about\s)?{_AHEAD}|{_AHEAD.replace('P<', 'P<from_')}\s(?:from\snow|later))")


def read_moment(words: str, now: datetime) -> datetime | None:
    """The moment that "now", "in an hour" or "two hours from now" is, to the minute, in the zone of the aware `now`; None for other words."""
    if len(words) > MAX_SPAN_CHARS:
        return None
    text = in_digits(" ".join(words.lower().replace("couple of", "couple").split())).strip(" .,!?")
    minute = now.replace(second=0, microsecond=0)
    if text in ("now", "right now"):
        return minute
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    prefix = "" if match["n"] else "from_"
    ahead = _length(match, f"{prefix}n") + (_length(match, f"{prefix}m") if match[f"{prefix}m"] else timedelta())
    half = timedelta(minutes=30) if match[f"{prefix}half"] and match[f"{prefix}n_unit"].startswith("h") else timedelta()
    try:
        return (minute.astimezone(UTC) + ahead + half).astimezone(now.tzinfo)
    except OverflowError:
        return None


def _length(match: re.Match[str], name: str) -> timedelta:
    said = match[name]
    count = 0.5 if said.startswith("half") else 2 if "couple" in said else 1 if said.startswith("a") else int(said)
    return timedelta(hours=count) if match[f"{name}_unit"].startswith("h") else timedelta(minutes=count)


# Daylight saving.


def occurrences(day: date, clock: str, zone: tzinfo) -> int:
    """How often the wall clocks of `zone` show `clock` (HH:MM) on `day`: once; never, where they are put forward over it; twice, where back."""
    wall = datetime.combine(day, time.fromisoformat(clock))
    earlier, later = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if earlier.utcoffset() == later.utcoffset():
        return 1
    there_and_back = earlier.astimezone(UTC).astimezone(zone)
    return 2 if there_and_back.replace(tzinfo=None) == wall else 0
