"""A day as it is written: `2026-03-07`. Commands, exports, the log's filter and the server read it here, and so take the same for one."""

from __future__ import annotations

from datetime import date

from halo_engine.model.errors import InvalidInput

#: The very first and last days have no moment before or after them.
_YEARS = range(2, 9000)


def day_in(text: str) -> date | None:
    """The day that `text` is; None where it is none. The library alone would also take `20260307` and `2026-W10-6`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text and day.year in _YEARS else None


def read_day(text: str) -> date:
    """As `day_in`. Raises `InvalidInput` for what is none."""
    if (day := day_in(text)) is None:
        raise InvalidInput(f"{text!r} is not a day.", hint="Write it as 2026-03-07.")
    return day
