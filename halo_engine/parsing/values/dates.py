"""Days as people name them, relative to the household's today.

`read_day` reads the words of one span, every one of them or none. docs/reading-words.md states the rules.

A day that has passed means the next one. "Friday" is the coming one, today included; "next Friday" is the one of next week, weeks
beginning on Monday: said on a Wednesday that is nine days away, which is why cards always show the date itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.easter import easter
from dateutil.relativedelta import FR, MO, SA, SU, TH, TU, WE, relativedelta
from rapidfuzz.distance import OSA

from halo_engine.parsing.values.quantities import MAX_SPAN_CHARS, in_digits

_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FULL_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_DAYS = tuple(name[:3] for name in _FULL_DAYS)
_MONTHS = tuple(name[:3] for name in _FULL_MONTHS)
_WEEKDAYS = (MO, TU, WE, TH, FR, SA, SU)

_TEXTING = re.compile(r"\b2(?=mor+o|day|nite|night|nyt)")
_TOKEN = re.compile(
    r"[0-9]{1,4}(?:[/.-][0-9]{1,4}){1,2}(?![0-9])|[0-9]{1,4}(?:(?:st|nd|rd|th)(?![a-z]))?(?![0-9])|[a-z][a-z']*|[^\s,.()!?-]"
)
_NOISE = frozenset(("on", "the", "of", "by", "for", "during", "just", "please", "coming", "upcoming", "more", "exactly", "any", "day's"))
_SAME: dict[str, str] = (
    {name: name[:3] for name in (*_FULL_DAYS, *_FULL_MONTHS)}
    | {f"{name}s": name[:3] for name in _FULL_DAYS}
    | {"tues": "tue", "weds": "wed", "wednes": "wed", "thur": "thu", "thurs": "thu", "satur": "sat", "sept": "sep", "wensday": "wed"}
    | dict.fromkeys(("tmrw", "tmr", "tmw", "tmrow", "tomoz", "tomorow", "tommorow", "tomoro", "tomo"), "tomorrow")
    | dict.fromkeys(("tonite", "tonight's", "tonyt", "tonyte"), "tonight")
    | {"days": "day", "weeks": "week", "months": "month", "years": "year", "yr": "year", "wk": "week", "wks": "week"}
    | {"xmas": "christmas", "mothers": "mother", "fathers": "father", "valentines": "valentine", "presidents": "president", "saint": "st"}
    | {"veterans": "veteran", "patricks": "patrick", "paddys": "patrick", "paddy": "patrick", "indigenous": "columbus", "labour": "labor"}
    | {"2nite": "tonight", "fortnight's": "fortnight"}
)
#: What a word may be a misspelling of by one letter, if it is long enough not to be another word.
_SPELT = (*_FULL_DAYS, "january", "february", "august", "september", "october", "november", "december", "tomorrow", "tonight", "christmas")

_WD = rf"(?P<wd>{'|'.join(_DAYS)})"
_MON = "|".join(_MONTHS)
_COUNT = r"(?:an?|(?:a )?couple|[0-9]{1,3})"
_SPELL = rf"{_COUNT} (?:day|week|month|year|fortnight)(?: time)?"
_SPANS = rf"(?P<spans>{_SPELL}(?: and {_SPELL})?)"
_IN = re.compile(rf"in {_SPANS}")
_FROM = re.compile(rf"(?:{_SPANS}|(?P<one>day|week)) (?:from|after) (?P<base>.+)")
_WEEKS_ON = re.compile(rf"{_SPANS} (?P<base>today|tomorrow|{'|'.join(_DAYS)})|(?P<sooner>today|tomorrow|{'|'.join(_DAYS)}) week")
_NTH_FROM_NOW = re.compile(rf"(?P<n>[0-9]{{1,2}}) {_WD} from (?:now|today)")
_OF_WEEK = re.compile(rf"(?P<which>this|next) week {_WD}|{_WD.replace('wd', 'wd2')} (?:in )?(?P<which2>this|next) week")
_NTH = re.compile(
    rf"(?:(?P<n>[1-5])(?:st|nd|rd|th)|(?P<last>last)) {_WD} (?:in )?(?P<month>{_MON}|(?:this |next )?month)(?: (?P<year>20[0-9]{{2}}))?"
)
_END = re.compile(rf"(?:very )?(?:end|last day) (?:in )?(?P<month>{_MON}|(?:this |next )?month|(?:this )?year)(?: (?P<year>20[0-9]{{2}}))?")
_PART_OF_DAY = re.compile(
    r"(?<=[a-z]) (?:(?:at|in|this) )?(?:night|evening|morning|afternoon|breakfast|brunch|lunch|lunchtime|dinner|supper|noon|midday)$"
)
_TIME_AFTER = re.compile(r"(?<=[a-z]) at [0-9]{1,2}(?: (?:am|pm))?$")
#: The verbs' own forms end with this century.
_LAST_YEAR = 2100
_NAMED = {"today": 0, "tonight": 0, "now": 0, "right now": 0, "tomorrow": 1, "day after tomorrow": 2}
_NAMED |= dict.fromkeys(("this morning", "this afternoon", "this evening", "this night", "this lunch"), 0)


def read_day(words: str, today: date) -> date | None:
    """The day that a span names; None where it names none for certain, none that is still to come, or a weekday and a date that disagree."""
    if len(words) > MAX_SPAN_CHARS:
        return None
    try:
        return _read(_plain(words), today)
    except (OverflowError, ValueError):
        # The calendar ends with the year 9999.
        return None


def _plain(words: str) -> str:
    """A span as the few words and signs that the patterns below know, single spaced."""
    low = in_digits(_TEXTING.sub("to", " ".join(words.lower().split())))
    tokens = [_same(token) for token in _TOKEN.findall(low)]
    return " ".join(token for token in tokens if token not in _NOISE)


def _same(token: str) -> str:
    word = token.removesuffix("'s").strip("'") if token[0].isalpha() else token
    word = _SAME.get(word, word)
    if len(word) < 6 or not word.isalpha() or word in _SPELT:
        return word
    near = [known for known in _SPELT if OSA.distance(word, known, score_cutoff=1) == 1]
    return _SAME.get(near[0], near[0]) if len(near) == 1 else word


def _read(text: str, today: date) -> date | None:
    text = _TIME_AFTER.sub("", text)
    text = text if text in _NAMED else _PART_OF_DAY.sub("", text)
    if text in _NAMED:
        return today + timedelta(days=_NAMED[text])
    for read in (_counted, _weekday_of, _last_of, _holiday, _from_parts):
        found = read(text, today)
        if found:
            return found if found >= today and found.year <= _LAST_YEAR else None
    return None


def _counted(text: str, today: date) -> date | None:
    """ "in 3 days", "a week from friday", "friday week", "3 tuesdays from now"."""
    if match := _IN.fullmatch(text):
        return _later(today, match["spans"])
    if match := _NTH_FROM_NOW.fullmatch(text):
        count = int(match["n"])
        return today + relativedelta(days=1, weekday=_WEEKDAYS[_DAYS.index(match["wd"])](count)) if count else None
    if match := _WEEKS_ON.fullmatch(text):
        base = _read(match["base"] or match["sooner"], today)
        return _later(base, match["spans"] or "a week") if base else None
    if match := _FROM.fullmatch(text):
        base = _read(match["base"], today)
        return _later(base, match["spans"] or f"a {match['one']}") if base else None
    return None


def _later(base: date, spans: str) -> date | None:
    """`base` and "2 weeks and 3 days"."""
    for span in spans.split(" and "):
        words = span.removesuffix(" time").split()
        count = 2 if "couple" in words else 1 if words[0] in ("a", "an") else int(words[0])
        unit = words[-1]
        base += relativedelta(**{"weeks" if unit == "fortnight" else f"{unit}s": 2 * count if unit == "fortnight" else count})  # type: ignore[arg-type]
    return base


def _weekday_of(text: str, today: date) -> date | None:
    """ "next week tuesday", "first monday of september", "last friday of this month"."""
    if match := _OF_WEEK.fullmatch(text):
        index = _DAYS.index(match["wd"] or match["wd2"])
        ahead = 7 if "next" in (match["which"], match["which2"]) else 0
        return today + timedelta(days=ahead + index - today.weekday())
    match = _NTH.fullmatch(text)
    if not match:
        return None
    day = _WEEKDAYS[_DAYS.index(match["wd"])]
    nth = -1 if match["last"] else int(match["n"])
    return _in_month(match, today, lambda first: _same_month(first, first + relativedelta(day=31 if nth < 0 else 1, weekday=day(nth))))


def _last_of(text: str, today: date) -> date | None:
    """ "end of the month", "last day of march", "end of the year"."""
    match = _END.fullmatch(text)
    if not match:
        return None
    if match["month"].endswith("year"):
        return _made(today.year, 12, 31)
    return _in_month(match, today, lambda first: first + relativedelta(day=31))


def _same_month(first: date, day: date) -> date | None:
    return day if day.month == first.month else None


def _in_month(match: re.Match[str], today: date, pick: Callable[[date], date | None]) -> date | None:
    """What `pick` finds in the month that is named, from its first day; of a month of the year, the next that has not passed."""
    month = match["month"]
    if not month.endswith("month"):
        years = [int(match["year"])] if match["year"] else [today.year, today.year + 1]
        found = [pick(date(year, _MONTHS.index(month) + 1, 1)) for year in years]
        return next((day for day in found if day and day >= today), None)
    return None if match["year"] else pick(today.replace(day=1) + relativedelta(months=1 if month.startswith("next") else 0))


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _floating(month: int, weekday: int, nth: int, days: int = 0) -> Callable[[int], date]:
    start = 31 if nth < 0 else 1
    return lambda year: date(year, month, 1) + relativedelta(day=start, weekday=_WEEKDAYS[weekday](nth)) + timedelta(days=days)


def _by_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter(year) + timedelta(days=days)


#: As they are kept in the United States, where Halo buys and books.
_HOLIDAYS: dict[str, Callable[[int], date]] = {
    "new year": _fixed(1, 1),
    "new year eve": _fixed(12, 31),
    "nye": _fixed(12, 31),
    "martin luther king": _floating(1, 0, 3),
    "martin luther king jr": _floating(1, 0, 3),
    "mlk": _floating(1, 0, 3),
    "valentine": _fixed(2, 14),
    "president": _floating(2, 0, 3),
    "st patrick": _fixed(3, 17),
    "good fri": _by_easter(-2),
    "easter": _by_easter(0),
    "easter sun": _by_easter(0),
    "easter mon": _by_easter(1),
    "cinco de mayo": _fixed(5, 5),
    "mother": _floating(5, 6, 2),
    "memorial": _floating(5, 0, -1),
    "juneteenth": _fixed(6, 19),
    "father": _floating(6, 6, 3),
    "independence": _fixed(7, 4),
    "labor": _floating(9, 0, 1),
    "columbus": _floating(10, 0, 2),
    "halloween": _fixed(10, 31),
    "veteran": _fixed(11, 11),
    "thanksgiving": _floating(11, 3, 4),
    "black fri": _floating(11, 3, 4, days=1),
    "christmas eve": _fixed(12, 24),
    "christmas": _fixed(12, 25),
    "boxing": _fixed(12, 26),
}
_HOLIDAY = re.compile(r"(?:this )?(?P<name>[a-z ]+?)(?P<day> day)?(?: (?:(?P<this>this year)|(?P<year>20[0-9]{2})))?")


def _holiday(text: str, today: date) -> date | None:
    """A holiday: this year's, or the next one's where that has passed. "New year's" alone is two days, so it is none."""
    match = _HOLIDAY.fullmatch(text)
    on = _HOLIDAYS.get(match["name"]) if match else None
    if not match or not on or (match["name"] == "new year" and not match["day"]):
        return None
    if match["year"] or match["this"]:
        return on(int(match["year"] or today.year))
    this_year = on(today.year)
    return this_year if this_year >= today else on(today.year + 1)


@dataclass
class _Parts:
    """What a date was said with, in any order: "wednesday, december the 19th of 2018"."""

    weekday: int | None = None
    next_week: bool = False
    day: int | None = None
    month: int | None = None
    year: int | None = None
    #: "the 5th of next month"
    months_ahead: int | None = None

    def put(self, name: str, value: int) -> bool:
        """Whether there was room for it: nothing is said twice."""
        if getattr(self, name) is not None:
            return False
        setattr(self, name, value)
        return True


_BOUND = re.compile(r"(?P<which>this|next) (?P<unit>month|year)")
_THIS = re.compile(rf"\b(?P<which>this|next) (?P<wd>{'|'.join(_DAYS)})\b")
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_FIGURES = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})(?:[/.-]([0-9]{2}|[0-9]{4}))?")


def _from_parts(text: str, today: date) -> date | None:
    parts = _Parts()
    if match := _BOUND.search(text):
        ahead = int(match["which"] == "next")
        parts.put("months_ahead", ahead) if match["unit"] == "month" else parts.put("year", today.year + ahead)
        text = f"{text[: match.start()]} {text[match.end() :]}"
    if match := _THIS.search(text):
        parts.next_week = match["which"] == "next"
        text = f"{text[: match.start()]} {text[match.start('wd') :]}"
    said = [*re.findall(r"\S+", text)]
    if not said or not all(_put(token, parts) for token in said):
        return None
    return _resolved(parts, today)


def _put(token: str, parts: _Parts) -> bool:
    if token in _DAYS:
        return parts.put("weekday", _DAYS.index(token))
    if token in _MONTHS:
        return parts.put("month", _MONTHS.index(token) + 1)
    if match := _ISO.fullmatch(token):
        return parts.put("year", int(match[1])) and parts.put("month", int(match[2])) and parts.put("day", int(match[3]))
    if match := _FIGURES.fullmatch(token):
        return _put_figures(match, parts)
    number = re.sub(r"(?<=[0-9])(?:st|nd|rd|th)$", "", token)
    if not (number.isascii() and number.isdigit()):
        return False
    return parts.put("year", int(number)) if len(token) == 4 and number == token else parts.put("day", int(number))


def _put_figures(match: re.Match[str], parts: _Parts) -> bool:
    """Month first, as in the United States, unless only the other order makes a date; with full stops always the day first."""
    first, second = int(match[1]), int(match[3])
    day_first = match[2] == "." or first > 12
    month, day = (second, first) if day_first else (first, second)
    year = match[4]
    has_year = not year or parts.put("year", int(year) if len(year) == 4 else 2000 + int(year))
    return has_year and parts.put("month", month) and parts.put("day", day)


def _resolved(parts: _Parts, today: date) -> date | None:
    if parts.day is None:
        alone = parts.weekday is not None and parts.month is None and parts.year is None and parts.months_ahead is None
        return _coming(parts.weekday or 0, today, next_week=parts.next_week) if alone else None
    day = _dated(parts, today, parts.day)
    agrees = parts.weekday is None or (day is not None and day.weekday() == parts.weekday)
    return day if agrees else None


def _coming(weekday: int, today: date, *, next_week: bool) -> date:
    if next_week:
        return today + timedelta(days=7 + weekday - today.weekday())
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def _dated(parts: _Parts, today: date, day: int) -> date | None:
    if parts.months_ahead is not None:
        first = today.replace(day=1) + relativedelta(months=parts.months_ahead)
        return _made(first.year, first.month, day) if parts.month is None and parts.year is None else None
    if parts.month is None:
        return _next_numbered(day, today) if parts.year is None else None
    if parts.year is not None:
        return _made(parts.year, parts.month, day)
    this_year = _made(today.year, parts.month, day)
    return this_year if this_year and this_year >= today else _made(today.year + 1, parts.month, day)


def _next_numbered(day: int, today: date) -> date | None:
    months = (today.replace(day=1) + relativedelta(months=ahead) for ahead in range(3))
    return next((found for first in months if (found := _made(first.year, first.month, day)) and found >= today), None)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
