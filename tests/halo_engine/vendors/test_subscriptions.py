"""Subscriptions against the simulator, whose ledger says what really happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Artifact, Done, HandOff, NotThere, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.subscriptions import Subscription, When
from halo_sim.faults import add_fault
from tests.halo_engine.vendors.worlds import Vendors


def has(vendors: Vendors, provider_id: str) -> Subscription:
    found = vendors.subscriptions.get(provider_id)
    assert found is not None
    return found


class TestProviders:
    def test_say_how_they_can_be_left(self, vendors: Vendors) -> None:
        """Modes in Halo's words, fees as money, and only three capabilities."""
        by_id = {provider.provider_id: provider for provider in vendors.subscriptions.providers()}
        assert by_id["streamly"].modes == ("period_end", "now")
        assert by_id["barkbundle"].modes == (by_id["barkbundle"].default_mode,) == ("now",)
        assert (by_id["ironworks-gym"].fee, by_id["ironworks-gym"].notice_days) == (Money(cents=4900), 30)
        assert {provider.capability for provider in by_id.values()} == {"api", "deeplink", "manual"}


class TestSubscriptions:
    def test_are_one_for_each_provider(self, vendors: Vendors) -> None:
        """All of the household's, with exact prices."""
        found = vendors.subscriptions.subscriptions()
        assert len(found) == len(vendors.subscriptions.providers())
        assert {one.status for one in found} == {"active"}

    def test_say_when_they_renew(self, vendors: Vendors) -> None:
        """The end of the paid period, in UTC."""
        streamly = has(vendors, "streamly")
        assert (streamly.price, streamly.interval) == (Money(cents=1599), "month")
        assert streamly.period_end == datetime(2026, 12, 13, tzinfo=UTC)
        assert streamly.ends_at is None

    def test_are_none_with_a_stranger(self, vendors: Vendors) -> None:
        """No such provider is an answer."""
        assert vendors.subscriptions.get("nobody") is None

    def test_fail_readably(self, vendors: Vendors) -> None:
        """A registry that is down is an error in words."""
        add_fault(vendors.world, "unavailable", target="subscriptions", times=3)
        with pytest.raises(VendorFailed, match="The provider registry has a problem of its own"):
            vendors.subscriptions.subscriptions()


class TestCancel:
    def test_proves_when_it_ends(self, vendors: Vendors) -> None:
        """Cancelled is not over: Done says until when it runs, and what is no longer charged."""
        streamly = has(vendors, "streamly")
        done = vendors.subscriptions.cancel(streamly, when="period_end", key="k1")
        assert isinstance(done, Done)
        assert [(artifact.label, artifact.text) for artifact in done.artifacts] == [
            ("Subscription", "sub_streamly"),
            ("Ends on", "Sun 13 Dec 2026"),
            ("No longer charged", "$15.99 a month"),
        ]
        after = has(vendors, "streamly")
        assert (after.status, after.ends_at) == ("ending", streamly.period_end)
        assert vendors.booked("cancellation") == [("sub_streamly", 0)]

    def test_proves_it_in_the_days_of_the_household(self, vendors: Vendors) -> None:
        """Midnight UTC is the evening before in California, also when the cancellation has to be looked up."""
        streamly, home = has(vendors, "streamly"), ZoneInfo("America/Los_Angeles")
        done = vendors.subscriptions.cancel(streamly, when="period_end", key="k1", zone=home)
        assert isinstance(done, Done)
        assert done.artifacts[1] == Artifact(label="Ends on", text="Sat 12 Dec 2026")
        assert vendors.subscriptions.find(streamly, when="period_end", zone=home) == done

    def test_ends_it_now(self, vendors: Vendors) -> None:
        """The other mode is another call."""
        bark = has(vendors, "barkbundle")
        done = vendors.subscriptions.cancel(bark, when="now", key="k1")
        assert isinstance(done, Done)
        assert done.artifacts[1].label == "Ended"
        assert has(vendors, "barkbundle").status == "ended"

    def test_costs_the_fee_that_was_stated(self, vendors: Vendors) -> None:
        """With notice it runs a month longer, and the fee is the total."""
        gym = has(vendors, "ironworks-gym")
        done = vendors.subscriptions.cancel(gym, when="period_end", key="k1")
        assert isinstance(done, Done)
        assert done.total == Money(cents=4900)
        assert done.artifacts[1].text == "Fri 1 Jan 2027"
        assert vendors.booked("cancellation") == [("sub_ironworks_gym", 4900)]

    def test_repeats_nothing_under_one_key(self, vendors: Vendors) -> None:
        """The first answer again, and one entry in the books."""
        streamly = has(vendors, "streamly")
        first = vendors.subscriptions.cancel(streamly, when="period_end", key="k1")
        assert vendors.subscriptions.cancel(streamly, when="period_end", key="k1") == first
        assert len(vendors.booked("cancellation")) == 1

    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_is_done_when_it_has_ended_already(self, vendors: Vendors, when: When) -> None:
        """No such subscription, says the vendor; ended, says its record."""
        streamly = has(vendors, "streamly")
        vendors.subscriptions.cancel(streamly, when="now", key="k1")
        assert isinstance(vendors.subscriptions.cancel(streamly, when=when, key="k2"), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_does_not_ask_for_what_is_not_offered(self, vendors: Vendors) -> None:
        """A mode the provider does not have is refused without a call."""
        bark = has(vendors, "barkbundle")
        before = len(vendors.wire.paths)
        answer = vendors.subscriptions.cancel(bark, when="period_end", key="k1")
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.POLICY
        assert len(vendors.wire.paths) == before

    @pytest.mark.parametrize("provider_id", ["vireo-mobile", "harborview-pool"])
    def test_is_handed_over_without_a_call(self, vendors: Vendors, provider_id: str) -> None:
        """Only a person can finish these, at the address given."""
        subscription = has(vendors, provider_id)
        before = len(vendors.wire.paths)
        answer = vendors.subscriptions.cancel(subscription, when="period_end", key="k1")
        assert isinstance(answer, HandOff)
        assert answer.url.startswith(f"https://{provider_id}.example/")
        assert len(vendors.wire.paths) == before

    def test_can_be_repeated_after_a_rate_limit(self, vendors: Vendors) -> None:
        """Nothing was done, and it says how long to wait."""
        streamly = has(vendors, "streamly")
        add_fault(vendors.world, "rate_limited", target="subscriptions.update")
        answer = vendors.subscriptions.cancel(streamly, when="period_end", key="k1")
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s == 2


class TestReconciling:
    @pytest.mark.parametrize(("when", "operation"), [("period_end", "update"), ("now", "delete")])
    def test_finds_a_cancellation_whose_answer_was_lost(self, vendors: Vendors, when: When, operation: str) -> None:
        """Unknown, looked up, done."""
        streamly = has(vendors, "streamly")
        add_fault(vendors.world, "lose_answer", target=f"subscriptions.{operation}")
        assert isinstance(vendors.subscriptions.cancel(streamly, when=when, key="k1"), Unknown)
        assert isinstance(vendors.subscriptions.find(streamly, when=when), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_finds_nothing_where_the_request_was_lost(self, vendors: Vendors) -> None:
        """Unknown, looked up, not there; the same key then does it once."""
        streamly = has(vendors, "streamly")
        add_fault(vendors.world, "drop_before", target="subscriptions.update")
        assert isinstance(vendors.subscriptions.cancel(streamly, when="period_end", key="k1"), Unknown)
        assert vendors.subscriptions.find(streamly, when="period_end") == NotThere()
        assert isinstance(vendors.subscriptions.cancel(streamly, when="period_end", key="k1"), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_does_not_take_ending_for_ended(self, vendors: Vendors) -> None:
        """Whoever wanted it over now is not told that it is while it still runs; when its day has come, it is."""
        streamly = has(vendors, "streamly")
        vendors.subscriptions.cancel(streamly, when="period_end", key="k1")
        assert vendors.subscriptions.find(streamly, when="now") == NotThere()
        vendors.clock.advance(timedelta(days=30))
        assert isinstance(vendors.subscriptions.find(streamly, when="now"), Done)

    def test_does_not_know_while_the_provider_is_down(self, vendors: Vendors) -> None:
        """A look-up that fails proves nothing."""
        streamly = has(vendors, "streamly")
        add_fault(vendors.world, "unavailable", target="subscriptions", times=3)
        assert isinstance(vendors.subscriptions.find(streamly, when="now"), Unknown)
