"""Contract tests 12 to 14: leaving a subscription, in every dialect, without being talked into staying."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.outcome import Done
from halo_engine.vendors.directory import Vendors
from halo_engine.vendors.subscriptions import Subscription
from halo_sim.data import providers
from halo_sim.http import SimTransport
from halo_sim.ledger import read_ledger
from halo_sim.world import World
from tests.contract.worlds import House
from tests.halo_sim.callers import Subscriptions as Caller

#: One of each that makes no offers and can be left at the end and at once.
DIALECTS = {"stripe": "streamly", "chargebee": "forkful", "recurly": "cineloft", "google_play": "trailmark"}


def held(vendors: Vendors, provider_id: str) -> Subscription:
    found = vendors.subscriptions.get(provider_id)
    assert found is not None
    return found


class Test12CancelTwiceUndoAndAfterTheEnd:
    def test_cancelled_twice_is_one_cancellation(self, vendors: Vendors, world: World) -> None:
        """Under the same key and under another one."""
        for key in ("one", "one", "two"):
            assert isinstance(vendors.subscriptions.cancel(held(vendors, "streamly"), when="period_end", key=key), Done)
        assert [entry.kind for entry in read_ledger(world.path)] == ["cancellation"]

    def test_cancelled_at_period_end_and_undone_runs_on_and_can_be_cancelled_again(self, vendors: Vendors, world: World) -> None:
        """The household changes its mind at the provider's own door; Halo sees it, and starts afresh."""
        vendors.subscriptions.cancel(held(vendors, "streamly"), when="period_end", key="one")
        with httpx.Client(transport=SimTransport(world), base_url="http://sim.example") as http:
            assert Caller(http).update("streamly", cancel_at_period_end="false").status_code == 200
        assert held(vendors, "streamly").status == "active"
        assert isinstance(vendors.subscriptions.cancel(held(vendors, "streamly"), when="period_end", key="two"), Done)
        assert [entry.kind for entry in read_ledger(world.path)] == ["cancellation", "undo", "cancellation"]

    def test_cancelled_after_the_end_is_done_already(self, vendors: Vendors, world: World) -> None:
        """What has ended is not cancelled again, and nothing is charged for it."""
        before = held(vendors, "streamly")
        vendors.subscriptions.cancel(before, when="period_end", key="one")
        world.pass_time(timedelta(days=62))
        assert held(vendors, "streamly").status == "ended"
        assert isinstance(vendors.subscriptions.cancel(before, when="now", key="two"), Done)
        assert len(read_ledger(world.path)) == 1


class Test13RetentionOffer:
    @pytest.mark.parametrize("provider_id", sorted(one.provider_id for one in providers().values() if one.retention_offer))
    def test_is_not_accepted(self, house: House, provider_id: str) -> None:
        """Fifty percent for three months are declined: either it ends, or a person has to go on; the books show no offer taken."""
        home = house.installation
        ended = home.carry_out(house.draft(f"cancel {providers()[provider_id].display_name}"))
        assert ended.status in (ExecutionStatus.DONE, ExecutionStatus.HANDED_OFF)
        assert not any(b"accept_offer" in request.content for request in house.wire.sent)
        assert [entry.kind for entry in home.ledger()] == (["cancellation"] if ended.status is ExecutionStatus.DONE else [])

    def test_that_is_made_again_and_again_goes_to_a_person(self, house: House) -> None:
        """A provider that never lets go is never called done."""
        home = house.installation
        card = house.draft("cancel streamly")
        home.fault("retention_offer", times=99)
        assert home.carry_out(card).status is ExecutionStatus.HANDED_OFF
        assert home.ledger() == ()


class Test14EveryDialect:
    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_give_the_same_normal_states(self, vendors: Vendors, world: World, dialect: str) -> None:
        """`canceled` is the end at Stripe and not yet at Recurly and Google Play; here it is active, ending, ended in each."""
        clock, name = world.clock, DIALECTS[dialect]
        assert isinstance(clock, FakeClock)
        seen = [held(vendors, name)]
        assert seen[0].provider.dialect == dialect
        outcome = vendors.subscriptions.cancel(seen[0], when="period_end", key="one")
        seen.append(held(vendors, name))
        assert seen[1].ends_at is not None
        clock.sleep_until(seen[1].ends_at)
        seen.append(held(vendors, name))
        assert [one.status for one in seen] == ["active", "ending", "ended"]
        assert isinstance(outcome, Done)
        assert outcome.reference == seen[0].subscription_id

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_end_at_once_where_that_is_asked_for(self, vendors: Vendors, world: World, dialect: str) -> None:
        """From active to ended without an ending in between."""
        assert isinstance(vendors.subscriptions.cancel(held(vendors, DIALECTS[dialect]), when="now", key="one"), Done)
        assert held(vendors, DIALECTS[dialect]).status == "ended"
        assert len(read_ledger(world.path)) == 1
