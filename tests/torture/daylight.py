"""T-02: the hours that are left out and the hours that come twice. Every change of the clocks from 2026 to 2030 in twelve zones.

A household and a shop in that zone; the words go through the real parser, and the shop takes real bookings, also at night. What is asserted comes
from another implementation of time zones than Halo's: either Halo asks, or the instant that is booked is the very one that was meant.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from unittest import mock

from dateutil import tz

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card, CardKind
from halo_engine.model.draft import Draft, iso_utc
from halo_sim import square, square_bookings, square_times
from halo_sim.data import Shop, shops
from tests.installation import NOON, Installation, household_plan
from tests.torture.harness import Kind, Problem, Row, judge, sample

#: North and south, an hour and half an hour, at two in the morning and at midnight, and one whose summer time is the standard one.
ZONES = (
    *("America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Santiago", "Europe/London"),
    *("Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham"),
)
_YEARS = range(2026, 2031)
_HOUR = timedelta(hours=1)
#: When it is asked, and for when: at a time that is not or comes twice, a second before and after for the next day, and on the day itself.
_HOWS = ("within", "second-before", "second-after", "that-day", "renewal")


@dataclass(frozen=True)
class Change:
    """One change of the clocks: the instant, and by how much they are put forward (back, when negative)."""

    at: datetime
    by: timedelta


def _offset(zone: str, at: datetime) -> timedelta:
    found = at.astimezone(tz.gettz(zone)).utcoffset()
    assert found is not None
    return found


@functools.cache
def changes(zone: str) -> tuple[Change, ...]:
    """Every change of the clocks in those years, found hour by hour."""
    at, end = datetime(_YEARS[0], 1, 1, tzinfo=UTC), datetime(_YEARS[-1] + 1, 1, 1, tzinfo=UTC)
    found, before = [], _offset(zone, at)
    while at < end:
        after = _offset(zone, at + _HOUR)
        if after != before:
            # In every zone here the clocks change on a quarter of an hour.
            exact = next(at + quarter * _HOUR / 4 for quarter in range(1, 5) if _offset(zone, at + quarter * _HOUR / 4) == after)
            found.append(Change(exact, after - before))
        at, before = at + _HOUR, after
    return tuple(found)


def _points(random: Random) -> list[str]:
    return sample(random, [f"{zone}.{number}.{how}" for zone in ZONES for number in range(len(changes(zone))) for how in _HOWS])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    zone, number, how = point.split(".")
    change = changes(zone)[int(number)]
    shutil.copytree(_home_in(zone), place / "home")
    with _a_shop_in(zone):
        if how == "renewal":
            yield from _renewed(place / "home", zone, change)
        else:
            yield from _booked(place / "home", zone, change, how)


@functools.cache
def _home_in(zone: str) -> Path:
    home = Path(tempfile.mkdtemp(prefix="halo-zone-")) / "home"
    installation = Installation.reopen(home, clock=FakeClock(NOON))
    installation.engine.found_household(household_plan().model_copy(update={"time_zone": zone}))
    installation.engine.close()
    # The vendors' world begins when it is first opened, and its renewals are counted from then.
    shutil.rmtree(home / "simulator")
    return home


@contextmanager
def _a_shop_in(zone: str) -> Iterator[None]:
    """One shop, open day and night, every quarter of an hour, with nobody else in it."""
    base = shops()["LSHEARJOY"]
    day_and_night = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    shop: Shop = replace(base, time_zone=zone, open_days=day_and_night, first="00:00", last="23:45", every_minutes=15, busy_percent=0)
    only: Mapping[str, Shop] = {shop.location_id: shop}
    with ExitStack() as stack:
        for module in (square, square_bookings, square_times):
            stack.enter_context(mock.patch.object(module, "shops", return_value=only))
        yield


def _wall(zone: str, at: datetime) -> datetime:
    """What the clocks there show at that instant."""
    return at.astimezone(tz.gettz(zone)).replace(tzinfo=None)


def instants(zone: str, wall: datetime) -> set[datetime]:
    """When the clocks there show that: never, once or twice."""
    around = (
        wall.replace(tzinfo=UTC) - timedelta(hours=hours) - timedelta(minutes=30 * half) for hours in range(-15, 15) for half in (0, 1)
    )
    offsets = {_offset(zone, at) for at in around}
    candidates = {wall.replace(tzinfo=UTC) - offset for offset in offsets}
    return {at for at in candidates if _wall(zone, at) == wall}


def _asked(zone: str, change: Change, how: str) -> tuple[datetime, datetime]:
    """When it is asked, and for which time on the clocks there."""
    before = _wall(zone, change.at - timedelta(seconds=1)) + timedelta(seconds=1)
    if how == "within":
        # Forward: a quarter of an hour into what is left out. Back: as much into what comes twice.
        into = before if change.by > timedelta(0) else before + change.by
        return change.at - timedelta(days=3), into + timedelta(minutes=15)
    if how == "that-day":
        return change.at - timedelta(days=3), before.replace(hour=5, minute=0)
    now = change.at + timedelta(seconds=1 if how == "second-after" else -1)
    return now, (_wall(zone, now) + timedelta(days=1)).replace(hour=5, minute=0, second=0)


def _booked(home: Path, zone: str, change: Change, how: str) -> Iterator[Problem]:
    now, wall = _asked(zone, change, how)
    meant = instants(zone, wall)
    there = Installation.reopen(home, clock=FakeClock(now, seed=5))
    day = "tomorrow" if how.startswith("second") else f"on {wall:%Y-%m-%d}"
    card = there.ask(f"book a haircut at Shear Joy {day} at {wall:%H:%M}")
    if card.kind is not CardKind.DRAFT:
        if len(meant) == 1:
            yield Problem(Kind.WRONG, f"{wall} in {zone} is one instant, and the answer was: {card.title} {card.summary}"[:300])
    else:
        with there.queries() as queries:
            draft = queries.draft(str(card.draft_id))
        yield from _is_meant(draft, zone, wall, meant)
        there.carry_out(card)
        yield from _is_booked(there, draft, meant)
    yield from judge(there)
    there.engine.close()


def _is_meant(draft: Draft, zone: str, wall: datetime, meant: set[datetime]) -> Iterator[Problem]:
    """What the card says can only be that instant."""
    when = next(fact.text for fact in draft.terms.fulfilment if fact.label == "when")
    if f"{wall:%H:%M}" not in when or f"{wall.day} {wall:%B %Y}" not in when:
        yield Problem(Kind.WRONG, f"{wall} was asked for, and the card says {when}")
    if len(meant) > 1 and "clocks" not in when:
        yield Problem(Kind.WRONG, f"{wall} comes twice in {zone}, and the card does not say which: {when}")
    # The shop lets people off until a day before, which is 23 or 25 hours on its clocks.
    at = datetime.fromisoformat(draft.terms.instruction["start_at"])
    free = _wall(zone, at - timedelta(hours=24))
    if not any(f"{free.day} {free:%b %H:%M}" in policy for policy in draft.terms.policies):
        yield Problem(Kind.WRONG, f"it is free to cancel until {free}, and the card says {draft.terms.policies}")


def _is_booked(there: Installation, draft: Draft, meant: set[datetime]) -> Iterator[Problem]:
    booked = [str(entry.detail["start_at"]) for entry in there.ledger() if entry.kind == "booking"]
    if booked != [draft.terms.instruction["start_at"]] or not set(booked) <= {iso_utc(at) for at in meant}:
        yield Problem(Kind.DOUBLE, f"booked {booked}, meant was {sorted(meant)}")


def _renewed(home: Path, zone: str, change: Change) -> Iterator[Problem]:
    """A subscription that renews on the day of the change, in UTC: the card names the day that it is then where the household lives."""
    renews = change.at.replace(hour=0, minute=0, second=0)
    there = Installation.reopen(home, clock=FakeClock(renews - timedelta(days=6, hours=-5), seed=5))
    card: Card = there.ask("cancel streamly")
    if card.draft_id is None:
        yield Problem(Kind.WRONG, f"no draft: {card.title} {card.summary}")
        return
    with there.queries() as queries:
        facts = {fact.label: fact.text for fact in queries.draft(card.draft_id).terms.fulfilment}
    renewal = _renewal(there)
    day = _wall(zone, renewal)
    if facts["next renewal"] != f"{day:%a} {day.day} {day:%b %Y}":
        yield Problem(Kind.WRONG, f"it renews at {renewal}, which is {day}, and the card says {facts['next renewal']}")
    there.engine.close()


def _renewal(there: Installation) -> datetime:
    """As the provider keeps it."""
    from halo_sim.data import providers
    from halo_sim.subscriptions_state import state_of

    with there.world.transaction() as tx:
        streamly = next(each for each in providers().values() if each.provider_id == "streamly")
        return state_of(tx, streamly).period.end


ROWS = (
    Row(id="T-02", title="every change of the clocks in twelve zones, for bookings and renewals", ci=80, points=_points, attempt=_attempt),
)
