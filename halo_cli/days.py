"""A day as a person names it, in the household's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from halo_engine.model.errors import InvalidInput


def bounds_of(day: str, zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """When `day` (`YYYY-MM-DD`, `today` or `yesterday`) begins and when the next one does. Raises `InvalidInput`."""
    today = now.astimezone(zone).date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        first = named.get(day) or date.fromisoformat(day)
        return _midnight(first, zone), _midnight(first + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{day!r} is not a day.", hint="Write it as 2026-03-07, or today.") from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
