"""The world's clock: moved once, it moves tokens, holds, renewals and deliveries, for every process that opens the file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from halo_engine.clock import FakeClock, OffsetClock
from halo_engine.model.ids import Prefix
from halo_sim.world import World, read_offset
from tests.halo_sim.callers import REPORTS, Amazon, Resy, Subscriptions


class TestAMovedClock:
    def test_ends_tokens_and_holds(self, amazon: Amazon, resy: Resy, world: World) -> None:
        """An hour later Amazon's token has expired, ten minutes later the book token has."""
        token = resy.hold(resy.slots(84001, "2026-12-04")[0], day="2026-12-04")
        world.move_clock(timedelta(minutes=10))
        assert resy.book(token).status_code == 404
        world.move_clock(timedelta(hours=1))
        assert amazon.get(REPORTS).status_code == 403

    def test_lets_a_subscription_end(self, subscriptions: Subscriptions, world: World) -> None:
        """The paid period passes."""
        subscriptions.update("streamly", cancel_at_period_end="true")
        world.move_clock(timedelta(days=31))
        assert subscriptions.read("streamly")["status"] == "canceled"

    def test_is_moved_for_everybody(self, world: World) -> None:
        """Another process opens the same file, and Halo's own side reads the same offset."""
        world.set_clock(datetime(2027, 1, 1, tzinfo=UTC))
        other = World.open(world.path, world.clock)
        halo = OffsetClock(world.clock, partial(read_offset, world.path))
        assert world.now() == other.now() == halo.now() == datetime(2027, 1, 1, tzinfo=UTC)
        world.reset_clock()
        assert halo.now() == world.clock.now()

    def test_stays_among_the_years_that_make_sense(self, world: World) -> None:
        """Neither before 2000 nor after 2100."""
        for by in (timedelta(days=365 * 200), timedelta(days=-365 * 200)):
            with pytest.raises(ValueError, match="2000"):
                world.move_clock(by)

    def test_of_no_world_is_the_real_one(self, world: World) -> None:
        """A home that was never opened has no offset, and is not made by asking."""
        nowhere = world.path.with_name("nobody.db")
        assert read_offset(nowhere) == timedelta(0)
        assert not nowhere.exists()


class TestAnOffsetClock:
    def test_sleeps_by_its_own_time(self, clock: FakeClock) -> None:
        """Asleep until ten seconds from its now, ten seconds pass for the base."""
        moved, before = OffsetClock(clock, lambda: timedelta(days=3)), clock.now()
        moved.sleep_until(moved.now() + timedelta(seconds=10))
        assert clock.now() - before == timedelta(seconds=10)

    def test_makes_ids_that_stay_in_order_when_it_is_set_back(self, clock: FakeClock) -> None:
        """They follow the base."""
        offset = [timedelta(days=3)]
        moved = OffsetClock(clock, lambda: offset[0])
        first = moved.new_id(Prefix.DRAFT)
        offset[0] = timedelta(days=-3)
        assert moved.new_id(Prefix.DRAFT) > first
        assert len(moved.token_hex(8)) == 16
