"""Which events an export holds: all of a household's, or those of some days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from halo_engine.model.day import read_day
from halo_engine.model.errors import InvalidInput
from halo_engine.model.event import leaf_time
from halo_engine.model.household import Household
from halo_engine.model.value import Value
from halo_engine.store.reader import Reader


class Range(Value):
    """The events of a household after number `after`, up to number `until`."""

    household_id: str
    after: int
    until: int


def range_of(reader: Reader, household: Household, *, since: str | None = None, until: str | None = None) -> Range:
    """The events of the days `since` to `until` (YYYY-MM-DD, both included, as the household's clocks have them), or all there are.

    It has no gaps, so that its links can be checked: what stands between two of its events is in it, whatever the clock said at the time.
    Raises `InvalidInput` for what is no day, or days in the wrong order.
    """
    zone = ZoneInfo(household.time_zone)
    first_day, last_day = (None if text is None else read_day(text) for text in (since, until))
    if first_day and last_day and last_day < first_day:
        raise InvalidInput(f"{last_day} is before {first_day}.", hint="Give --since the earlier day.")
    statement, times = _RANGE, {}
    if first_day:
        statement, times["begins"] = f"{statement} AND created_at >= :begins", _midnight(first_day, zone)
    if last_day:
        statement, times["ends"] = f"{statement} AND created_at < :ends", _midnight(last_day + timedelta(days=1), zone)
    row = reader.row(statement, household_id=household.id, **times)
    first, last = (row["first_seq"], row["last_seq"]) if row else (None, None)
    return Range(household_id=household.id, after=(first or 1) - 1, until=last or 0)


_RANGE = "SELECT MIN(seq) AS first_seq, MAX(seq) AS last_seq FROM event_log WHERE household_id = :household_id"


def _midnight(day: date, zone: ZoneInfo) -> str:
    """When `day` begins, as the books keep times: a text that sorts, which PostgreSQL reads as the instant it is."""
    return leaf_time(datetime.combine(day, time(), zone))
