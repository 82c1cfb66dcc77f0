"""Which tables are free: a rule and a hash, so that any future date has availability without anybody having to write it down.

A slot is taken when the hash of venue, date, time and table says so, or when it was booked or struck by a fault here. Times are the
venue's own; cut-offs are instants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from halo_engine.model.money import Money
from halo_sim import faults
from halo_sim.data import Shift, Venue
from halo_sim.world import Transaction

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SERVICES = {"dinner": 2, "lunch": 3, "breakfast": 5}
#: Fridays and Saturdays are this much busier, in percent points.
_WEEKEND_RUSH = 20


@dataclass(frozen=True, slots=True)
class Slot:
    """One table at one time, for one party."""

    venue: Venue
    day: date
    at: time
    table: str
    service: int
    template: int
    party_size: int
    party_min: int
    party_max: int

    @property
    def starts_at(self) -> datetime:
        """The instant, in UTC."""
        return datetime.combine(self.day, self.at, ZoneInfo(self.venue.time_zone)).astimezone(UTC)

    @property
    def cut_off(self) -> datetime:
        """Until when cancelling is free, in UTC."""
        return self.starts_at - timedelta(hours=self.venue.cut_off_hours)

    @property
    def local_start(self) -> str:
        """As Resy writes it: the venue's wall clock, no zone."""
        return f"{self.day} {self.at:%H:%M:%S}"

    @property
    def local_end(self) -> str:
        end = datetime.combine(self.day, self.at) + timedelta(minutes=self.venue.seating_minutes)
        return f"{end:%Y-%m-%d %H:%M:%S}"

    @property
    def token(self) -> str:
        """The config token: venue, template, service, day, day, time, party, table."""
        where = f"{self.venue.venue_id}/{self.template}/{self.service}"
        return f"rgs://resy/{where}/{self.day}/{self.day}/{self.at:%H:%M:%S}/{self.party_size}/{self.table}"


def free_slots(tx: Transaction, venue: Venue, day: date, party_size: int) -> tuple[Slot, ...]:
    """What can be booked now, by time and then table."""
    if venue.sold_out or not _within_lead_time(tx, venue, day):
        return ()
    gone = _gone(tx, venue, day)
    slots = (slot for slot in _all_slots(venue, day, party_size) if (slot.at, slot.table) not in gone)
    return tuple(sorted((slot for slot in slots if slot.starts_at > tx.now), key=lambda slot: (slot.at, slot.table)))


def is_open(venue: Venue, day: date) -> bool:
    """Whether the venue serves at all on that weekday."""
    return _DAYS[day.weekday()] in venue.open_days


def last_day(tx: Transaction, venue: Venue) -> date:
    """The last date that can be booked today."""
    return _today(tx, venue) + timedelta(days=venue.lead_time_days)


def take_slot(tx: Transaction, venue_id: int, day: str, at: str, table: str) -> None:
    """From now on the slot is taken."""
    tx.run("INSERT OR IGNORE INTO gone_slots VALUES (?, ?, ?, ?)", venue_id, day, at, table)


def free_slot(tx: Transaction, venue_id: int, day: str, at: str, table: str) -> None:
    """The slot can be booked again."""
    tx.run("DELETE FROM gone_slots WHERE venue_id = ? AND day = ? AND time = ? AND table_type = ?", venue_id, day, at, table)


def fee_per_person(tx: Transaction, venue: Venue) -> Money:
    """What a late cancellation costs each guest today; zero is none."""
    risen = sum(fault.amount or 0 for fault in faults.active(tx, "fee_changed", str(venue.venue_id)))
    return Money(cents=venue.cancellation_fee_cents_per_person + risen)


def _today(tx: Transaction, venue: Venue) -> date:
    return tx.now.astimezone(ZoneInfo(venue.time_zone)).date()


def _within_lead_time(tx: Transaction, venue: Venue, day: date) -> bool:
    return _today(tx, venue) <= day <= last_day(tx, venue)


def _gone(tx: Transaction, venue: Venue, day: date) -> frozenset[tuple[time, str]]:
    rows = tx.rows("SELECT time, table_type FROM gone_slots WHERE venue_id = ? AND day = ?", venue.venue_id, str(day))
    return frozenset((time.fromisoformat(row["time"]), row["table_type"]) for row in rows)


def _all_slots(venue: Venue, day: date, party_size: int) -> Iterator[Slot]:
    """Those that nobody else has taken."""
    if not is_open(venue, day):
        return
    for number, shift in enumerate(venue.shifts):
        if not shift.party_min <= party_size <= shift.party_max:
            continue
        for at in _times(shift):
            for index, table in enumerate(shift.tables):
                if not _taken_by_others(venue, day, at, table):
                    yield Slot(
                        venue=venue,
                        day=day,
                        at=at,
                        table=table,
                        service=_SERVICES[shift.service],
                        template=venue.venue_id * 100 + number * 10 + index,
                        party_size=party_size,
                        party_min=shift.party_min,
                        party_max=shift.party_max,
                    )


def _times(shift: Shift) -> Iterator[time]:
    at, last = _minutes(shift.first), _minutes(shift.last)
    while at <= last:
        yield time(at // 60, at % 60)
        at += shift.every_minutes


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _taken_by_others(venue: Venue, day: date, at: time, table: str) -> bool:
    rush = _WEEKEND_RUSH if day.weekday() in (4, 5) else 0
    digest = hashlib.sha256(f"{venue.venue_id}/{day}/{at}/{table}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < venue.busy_percent + rush
