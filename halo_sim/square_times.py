"""Which times are free at a place that takes appointments: a rule and a hash, so that any future day has some without anybody writing them down.

A worker is taken when the hash of place, worker, day and time says so, or when something was booked here that overlaps. Opening hours are the
place's own; everything else is an instant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from sqlite3 import Row
from zoneinfo import ZoneInfo

from halo_engine.model.money import Money
from halo_sim import faults
from halo_sim.data import Shop, Variation, Worker, shops
from halo_sim.world import Transaction, from_text

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How long a place that looks at every booking takes to accept one.
ACCEPTED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FreeTime:
    """One worker, free for one service."""

    shop: Shop
    variation: Variation
    worker: Worker
    #: In UTC.
    starts_at: datetime


def variation_at(location_id: str, variation_id: str) -> tuple[Shop, Variation] | None:
    """The place and its service, if it has it."""
    shop = shops().get(location_id)
    variations = [one for service in shop.services for one in service.variations] if shop else []
    found = next((one for one in variations if one.variation_id == variation_id), None)
    return (shop, found) if shop and found else None


def price_of(tx: Transaction, variation: Variation) -> Money:
    """What it costs today."""
    risen = sum(fault.size for fault in faults.active(tx, "price_up", variation.variation_id))
    return Money(cents=variation.price_cents + risen)


def fee_of(tx: Transaction, shop: Shop) -> Money:
    """What cancelling late costs today; zero is none."""
    risen = sum(fault.size for fault in faults.active(tx, "fee_changed", shop.location_id))
    return Money(cents=shop.cancellation_fee_cents + risen)


def status_of(row: Row, now: datetime) -> str:
    """A booking's status, which becomes another by itself where the place looks at it first."""
    waits = row["status"] == "PENDING" and now < from_text(row["created_at"]) + ACCEPTED_AFTER
    return "ACCEPTED" if row["status"] == "PENDING" and not waits else str(row["status"])


def free_times(tx: Transaction, shop: Shop, variation: Variation, start: datetime, end: datetime) -> tuple[FreeTime, ...]:
    """What can be booked now and begins in that time, by time and then worker."""
    zone = ZoneInfo(shop.time_zone)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    found: list[FreeTime] = []
    while day <= last:
        found += (one for one in _of_the_day(shop, variation, day) if start <= one.starts_at < end and is_free(tx, one))
        day += timedelta(days=1)
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.worker.team_member_id)))


def is_free(tx: Transaction, wanted: FreeTime) -> bool:
    """Whether it lies ahead, not too far, and nobody has that worker at the time."""
    if not tx.now < wanted.starts_at <= tx.now + timedelta(days=wanted.shop.lead_time_days):
        return False
    rows = tx.rows("SELECT * FROM appointments WHERE team_member_id = ?", wanted.worker.team_member_id)
    return not any(_overlaps(row, wanted) for row in rows if status_of(row, tx.now) in ("PENDING", "ACCEPTED"))


def on_offer(shop: Shop, variation: Variation, team_member_id: str, starts_at: datetime) -> FreeTime | None:
    """The time as the place's rule has it, booked here or not; None where it has no such time."""
    day = starts_at.astimezone(ZoneInfo(shop.time_zone)).date()
    wanted = (team_member_id, starts_at)
    return next((one for one in _of_the_day(shop, variation, day) if (one.worker.team_member_id, one.starts_at) == wanted), None)


def _overlaps(row: Row, wanted: FreeTime) -> bool:
    begins = from_text(row["starts_at"])
    ends = begins + timedelta(minutes=row["duration_minutes"])
    return begins < wanted.starts_at + timedelta(minutes=wanted.variation.duration_minutes) and wanted.starts_at < ends


def _of_the_day(shop: Shop, variation: Variation, day: date) -> Iterator[FreeTime]:
    """Those that no other customer has taken."""
    if _DAYS[day.weekday()] not in shop.open_days:
        return
    at, closes = _minutes(shop.first), _minutes(shop.last)
    while at + variation.duration_minutes <= closes:
        for worker in shop.team:
            if not _taken_by_others(shop, worker, day, at):
                for starts_at in _instants(day, time(at // 60, at % 60), ZoneInfo(shop.time_zone)):
                    yield FreeTime(shop=shop, variation=variation, worker=worker, starts_at=starts_at)
        at += shop.every_minutes


def _instants(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """When the place's clock shows that time: twice in the hour that comes twice, never in the one that is left out."""
    local = datetime.combine(day, at)
    both = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instant for instant in both if instant.astimezone(zone).replace(tzinfo=None) == local)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _taken_by_others(shop: Shop, worker: Worker, day: date, at: int) -> bool:
    digest = hashlib.sha256(f"{shop.location_id}/{worker.team_member_id}/{day}/{at}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < shop.busy_percent
