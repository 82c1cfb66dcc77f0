"""Days as people name them, relative to the household's today.

A day that has passed means the next one. "Friday" is the coming one, today included; "next Friday" is the one of next week, weeks
beginning on Monday: said on a Wednesday that is nine days away, which is why cards always show the date itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from halo_engine.parsing.page import Found
from halo_engine.parsing.quantities import NUMBER, number

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_WEEKDAY = r"(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_SHORT = r"(?P<weekday>mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>20[0-9]{2}))?"


_JOINT = re.compile(r",?\s+(?:the\s+)?|,\s*")


def _today(match: re.Match[str], today: date) -> date | None:
    return today


def _tomorrow(match: re.Match[str], today: date) -> date | None:
    return today + timedelta(days=1)


def _after_tomorrow(match: re.Match[str], today: date) -> date | None:
    return today + timedelta(days=2)


def _weekday(match: re.Match[str], today: date) -> date | None:
    index = _DAYS.index(match["weekday"][:3])
    if match["which"] and match["which"].startswith("next"):
        return today - timedelta(days=today.weekday()) + timedelta(days=7 + index)
    return today + relativedelta(weekday=index)


def _iso(match: re.Match[str], today: date) -> date | None:
    return _not_passed(_made(int(match["year"]), int(match["month"]), int(match["day"])), today)


def _named_month(match: re.Match[str], today: date) -> date | None:
    month = _MONTHS.index(match["month"][:3]) + 1
    return _day_of_month(match["year"], month, int(match["day"]), today)


def _slashed(match: re.Match[str], today: date) -> date | None:
    first, second = int(match["first"]), int(match["second"])
    # Month first, as in the United States, unless only the other order makes a date.
    month, day = (second, first) if first > 12 else (first, second)
    year = match["year"]
    return _day_of_month(f"20{year}" if year and len(year) == 2 else year, month, day, today)


def _ordinal(match: re.Match[str], today: date) -> date | None:
    day = int(match["day"])
    months = (today.replace(day=1) + relativedelta(months=ahead) for ahead in range(3))
    days = (_made(first.year, first.month, day) for first in months)
    return next((found for found in days if found and found >= today), None)


def _ahead(match: re.Match[str], today: date) -> date | None:
    count = 1 if match["count"] in ("a", "one") else number(match["count"])
    if not count or count > 366:
        return None
    return today + timedelta(days=count * (7 if match["unit"] == "week" else 1))


def _unclear(match: re.Match[str], today: date) -> date | None:
    return None


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date | None]], ...] = (
    (re.compile(r"\b(?P<year>20[0-9]{2})[-/](?P<month>[0-9]{2})[-/](?P<day>[0-9]{2})\b"), _iso),
    (re.compile(r"\b(?:the\s+)?day\s+after\s+tomorrow\b"), _after_tomorrow),
    (re.compile(r"\b(?:today|tonight|this\s+(?:morning|afternoon|evening))\b"), _today),
    (re.compile(r"\b(?:tomorrow|tmrw|tmr)\b"), _tomorrow),
    (re.compile(rf"\b{_MONTH}\.?\s+(?:the\s+)?{_DAY}\b(?!\s*(?:am|pm|:|people)){_YEAR}"), _named_month),
    (re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}\b{_YEAR}"), _named_month),
    (re.compile(r"(?<![0-9/])(?P<first>[0-3]?[0-9])/(?P<second>[0-3]?[0-9])(?:/(?P<year>20[0-9]{2}|[0-9]{2}))?(?![0-9/])"), _slashed),
    (re.compile(rf"\b(?:(?P<which>this|next|coming)\s+)?{_WEEKDAY}\b"), _weekday),
    (re.compile(rf"\b(?P<which>this|next)\s+{_SHORT}\b"), _weekday),
    (re.compile(rf"\b(?P<which>)(?<=on |by |or ){_SHORT}\b"), _weekday),
    (re.compile(rf"\b(?P<which>){_SHORT}\b(?=\s+(?:at|around|@|[0-9]|night|evening|morning|afternoon)|\s*$)"), _weekday),
    (re.compile(r"\bthe\s+(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)\b"), _ordinal),
    (re.compile(rf"\bin\s+(?P<count>an?|{NUMBER})\s+(?P<unit>day|week)s?\b"), _ahead),
    (re.compile(r"\b(?:this|next|the)\s+(?:week(?:end)?|month)\b"), _unclear),
)


def dates(low: str, today: date) -> list[Found[date | None]]:
    """Days named in folded text, in order, never overlapping. A value of None is a day too vague or impossible to name ("this weekend")."""
    found: list[Found[date | None]] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(low):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(Found(match.start(), match.end(), read(match, today)))
    return _joined(low, sorted(found, key=lambda each: each.start))


def _joined(low: str, found: list[Found[date | None]]) -> list[Found[date | None]]:
    """ "Sunday, March 8" is one day, if the two agree; no day at all if they do not."""
    joined: list[Found[date | None]] = []
    for each in found:
        if joined and _JOINT.fullmatch(low, joined[-1].end, each.start):
            before = joined.pop()
            same_weekday = each.value and before.value and each.value.weekday() == before.value.weekday()
            each = Found(before.start, each.end, each.value if same_weekday else None)
        joined.append(each)
    return joined


def bare_day(text: str, today: date) -> date | None:
    """The next day of the month that is just called `text`: "4", "the 4th"."""
    match = re.fullmatch(r"(?:the\s+)?(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?", text.strip(" .!"))
    return _ordinal(match, today) if match else None


def _day_of_month(year: str | None, month: int, day: int, today: date) -> date | None:
    if year:
        return _not_passed(_made(int(year), month, day), today)
    return _not_passed(_made(today.year, month, day), today) or _made(today.year + 1, month, day)


def _not_passed(day: date | None, today: date) -> date | None:
    return day if day and day >= today else None


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
