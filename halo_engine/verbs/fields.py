"""Field types that the verbs' parameters share. Every string is bounded, because a language model may have written it.

Dates and times stay the text they were published as (`2026-03-07`, `19:30`), checked to be real; they are local to the household.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def _real_date(text: str) -> str:
    # Calendars end: arithmetic on the last day of the year 9999 has nowhere to go.
    if not 2000 <= date.fromisoformat(text).year <= 2100:
        raise ValueError("a date must lie in this century")
    return text


def _real_time(text: str) -> str:
    time.fromisoformat(text)
    return text


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
IsoDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_real_date)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-9]{2}$"), AfterValidator(_real_time)]
Cents = Annotated[int, Field(gt=0, le=100_000_000)]
