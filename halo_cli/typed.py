"""What a person types, as a value: an amount, a span of time, a moment, a day. Commands and the dashboard read them here, and so mean the same."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from halo_engine.model.day import read_day
from halo_engine.model.errors import InvalidInput
from halo_engine.model.money import Money

_AMOUNT = re.compile(r"\$?(\d{1,7}(?:\.\d{2})?)")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def amount(text: str) -> Money:
    """`200`, `$49.95`, `1,200`. Raises `InvalidInput`."""
    found = _AMOUNT.fullmatch(text.strip().replace(",", ""))
    if found is None or not text.isascii():
        raise InvalidInput("That is no amount.", hint="Such as 200 or 49.95, in dollars.")
    return Money.from_decimal(Decimal(found[1]))


def span(text: str) -> timedelta:
    """`31d`, `1w2d`, `-90m`. Raises `InvalidInput`."""
    if not re.fullmatch(r"-?([0-9]{1,6}[wdhms])+", text):
        raise InvalidInput(f"{text!r} is not a span of time.", hint="Such as 31d, 90m, 1w2d or -2h.")
    spans = [timedelta(**{_UNITS[unit]: int(count)}) for count, unit in re.findall(r"([0-9]+)([wdhms])", text)]
    total = sum(spans, timedelta(0))
    return -total if text.startswith("-") else total


def instant(text: str) -> datetime:
    """An ISO time, in UTC where it names no zone. Raises `InvalidInput`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a time.", hint="Such as 2026-12-24T18:00:00Z.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def bounds_of(day: str, zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """When `day` (`YYYY-MM-DD`, `today` or `yesterday`) of that zone begins and when the next one does. Raises `InvalidInput`."""
    today = now.astimezone(zone).date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    first = named.get(day) or read_day(day)
    return _midnight(first, zone), _midnight(first + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
