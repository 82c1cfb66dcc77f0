"""When something was said, as Messages writes it between the bubbles, in the household's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

#: Whatever is said within this long of what came before needs no time of its own.
_GAP = timedelta(minutes=60)
_WEEK = 7


def is_apart(earlier: datetime | None, later: datetime, zone: ZoneInfo) -> bool:
    """Whether a time belongs between the two."""
    if earlier is None:
        return True
    return later - earlier >= _GAP or earlier.astimezone(zone).date() != later.astimezone(zone).date()


def separator(at: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    """ "Today 12:00", "Yesterday 18:05", "Monday 09:30", "3 March 2026 12:00"."""
    then, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (today - then.date()).days
    if days == 0:
        day = "Today"
    elif days == 1:
        day = "Yesterday"
    else:
        day = f"{then:%A}" if 1 < days < _WEEK else f"{then.day} {then:%B %Y}"
    return f"{day} {then:%H:%M}"


def clock_face(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"
