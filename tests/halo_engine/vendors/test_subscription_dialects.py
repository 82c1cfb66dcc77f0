"""Four billing systems, one meaning: whatever the provider's words, the household hears the same states and the same outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, HandOff, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.subscriptions import Subscription, When
from halo_sim.faults import add_fault
from halo_sim.http import SimTransport
from tests.halo_engine.vendors.worlds import HOST, Vendors
from tests.halo_sim.callers import Chargebee, Recurly, Subscriptions, in_the_play_store

#: By dialect: a provider without offers, one with (no app on Google Play makes any), and the operations that end a subscription later and now.
PLAIN = {"stripe": "streamly", "chargebee": "keyring-vault", "recurly": "cineloft", "google_play": "trailmark"}
CLINGY = {"stripe": "stillwater", "chargebee": "daily-ledger", "recurly": "tunewave"}
LATER = {"stripe": "update", "chargebee": "cancel_for_items", "recurly": "cancel", "google_play": "stop_renewals"}
NOW = {"stripe": "delete", "chargebee": "cancel_for_items", "recurly": "terminate", "google_play": "revoke"}

each_dialect = pytest.mark.parametrize("dialect", PLAIN)
each_with_offers = pytest.mark.parametrize("dialect", CLINGY)


def has(vendors: Vendors, provider_id: str) -> Subscription:
    found = vendors.subscriptions.get(provider_id)
    assert found is not None
    return found


def cancel(vendors: Vendors, subscription: Subscription, when: When = "period_end", key: str = "k1") -> Outcome:
    return vendors.subscriptions.cancel(subscription, when=when, key=key)


def undo(vendors: Vendors, dialect: str) -> None:
    """At the provider's, by the person."""
    with httpx.Client(transport=SimTransport(vendors.world), base_url=HOST) as http:
        match dialect:
            case "stripe":
                Subscriptions(http).update(PLAIN[dialect], cancel_at_period_end="false")
            case "chargebee":
                Chargebee(http, PLAIN[dialect]).post("remove_scheduled_cancellation")
            case "recurly":
                Recurly(http, PLAIN[dialect]).reactivate()
            case _:
                in_the_play_store(vendors.world, PLAIN[dialect])


@each_dialect
class TestASubscription:
    def test_is_active_ending_and_ended(self, vendors: Vendors, dialect: str) -> None:
        """`canceled`, `non_renewing` and `cancel_at_period_end` all still run; what follows them is over."""
        before = has(vendors, PLAIN[dialect])
        assert (before.status, before.ends_at) == ("active", None)
        cancel(vendors, before)
        ending = has(vendors, PLAIN[dialect])
        assert (ending.status, ending.ends_at) == ("ending", before.period_end)
        vendors.clock.advance(before.period_end - vendors.clock.now())
        assert has(vendors, PLAIN[dialect]).status == "ended"

    def test_has_an_exact_price_and_rhythm(self, vendors: Vendors, dialect: str) -> None:
        """Cents, or whole units with decimals."""
        prices = {"stripe": (1599, "month"), "chargebee": (4799, "year"), "recurly": (1099, "month"), "google_play": (499, "month")}
        found = has(vendors, PLAIN[dialect])
        assert (found.price, found.interval) == (Money(cents=prices[dialect][0]), prices[dialect][1])


@each_dialect
class TestACancellation:
    def test_proves_when_it_ends(self, vendors: Vendors, dialect: str) -> None:
        """The subscription, the day, and what is no longer charged."""
        mine = has(vendors, PLAIN[dialect])
        done = cancel(vendors, mine)
        assert isinstance(done, Done)
        assert [artifact.label for artifact in done.artifacts] == ["Subscription", "Ends on", "No longer charged"]
        assert done.artifacts[1].text == f"{mine.period_end:%a} {mine.period_end.day} {mine.period_end:%b %Y}"

    def test_ends_it_now(self, vendors: Vendors, dialect: str) -> None:
        """The other mode."""
        done = cancel(vendors, has(vendors, PLAIN[dialect]), "now")
        assert isinstance(done, Done)
        assert done.artifacts[1].label == "Ended"
        assert has(vendors, PLAIN[dialect]).status == "ended"

    @pytest.mark.parametrize("key", ["k1", "k2"])
    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_twice_is_done_once(self, vendors: Vendors, dialect: str, when: When, key: str) -> None:
        """Under the same key or another: what is cancelled is cancelled."""
        mine = has(vendors, PLAIN[dialect])
        cancel(vendors, mine, when)
        assert isinstance(cancel(vendors, mine, when, key), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_of_what_was_taken_back_is_another_one(self, vendors: Vendors, dialect: str) -> None:
        """Cancelled, undone at the provider's, cancelled again."""
        mine = has(vendors, PLAIN[dialect])
        cancel(vendors, mine)
        undo(vendors, dialect)
        assert has(vendors, PLAIN[dialect]).status == "active"
        assert vendors.subscriptions.find(mine, when="period_end") == NotThere()
        assert isinstance(cancel(vendors, mine, key="k2"), Done)
        assert has(vendors, PLAIN[dialect]).status == "ending"
        assert (len(vendors.booked("cancellation")), len(vendors.booked("undo"))) == (2, 1)

    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_after_the_end_is_done_and_does_nothing(self, vendors: Vendors, dialect: str, when: When) -> None:
        """What has ended cannot be ended again, and that is what was wanted."""
        mine = has(vendors, PLAIN[dialect])
        cancel(vendors, mine)
        vendors.clock.advance(mine.period_end - vendors.clock.now() + timedelta(days=1))
        assert isinstance(cancel(vendors, mine, when, "k2"), Done)
        assert len(vendors.booked("cancellation")) == 1

    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_whose_answer_was_lost_is_found(self, vendors: Vendors, dialect: str, when: When) -> None:
        """Unknown, looked up, done; and sent again it does nothing more."""
        mine = has(vendors, PLAIN[dialect])
        operation = (LATER if when == "period_end" else NOW)[dialect]
        add_fault(vendors.world, "lose_answer", target=f"subscriptions.{operation}")
        assert isinstance(cancel(vendors, mine, when), Unknown)
        assert isinstance(vendors.subscriptions.find(mine, when=when), Done)
        assert isinstance(cancel(vendors, mine, when), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_that_was_lost_on_the_way_is_sent_again(self, vendors: Vendors, dialect: str) -> None:
        """Unknown, not there, and then done once."""
        mine = has(vendors, PLAIN[dialect])
        add_fault(vendors.world, "drop_before", target=f"subscriptions.{LATER[dialect]}")
        assert isinstance(cancel(vendors, mine), Unknown)
        assert vendors.subscriptions.find(mine, when="period_end") == NotThere()
        assert isinstance(cancel(vendors, mine), Done)
        assert len(vendors.booked("cancellation")) == 1

    def test_can_be_repeated_after_a_rate_limit(self, vendors: Vendors, dialect: str) -> None:
        """Nothing was done, and it says how long to wait."""
        add_fault(vendors.world, "rate_limited", target=f"subscriptions.{LATER[dialect]}")
        answer = cancel(vendors, has(vendors, PLAIN[dialect]))
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s == 2

    def test_is_not_known_after_an_error_of_the_providers_own(self, vendors: Vendors, dialect: str) -> None:
        """A 503 settles nothing, in whoever's words."""
        add_fault(vendors.world, "unavailable", target=f"subscriptions.{LATER[dialect]}")
        assert isinstance(cancel(vendors, has(vendors, PLAIN[dialect])), Unknown)


@each_with_offers
class TestAnOffer:
    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_is_declined_and_never_accepted(self, vendors: Vendors, dialect: str, when: When) -> None:
        """One cancellation in the books, and no offer."""
        assert isinstance(cancel(vendors, has(vendors, CLINGY[dialect]), when), Done)
        assert len(vendors.booked("cancellation")) == 1
        assert vendors.booked("offer") == []

    def test_is_declined_again_after_the_decline_was_lost(self, vendors: Vendors, dialect: str) -> None:
        """The same question and the same decline, and one end."""
        mine = has(vendors, CLINGY[dialect])
        add_fault(vendors.world, "lose_answer", target=f"subscriptions.{LATER[dialect]}")
        assert isinstance(cancel(vendors, mine), Unknown)
        assert isinstance(vendors.subscriptions.find(mine, when="period_end"), Done)
        assert isinstance(cancel(vendors, mine), Done)
        assert len(vendors.booked("cancellation")) == 1
        assert vendors.booked("offer") == []

    def test_made_again_and_again_goes_to_a_person(self, vendors: Vendors, dialect: str) -> None:
        """It was declined once; nobody argues."""
        add_fault(vendors.world, "retention_offer", times=2)
        assert isinstance(cancel(vendors, has(vendors, CLINGY[dialect])), HandOff)
        assert vendors.booked("cancellation") == vendors.booked("offer") == []


@each_dialect
def test_an_offer_that_nobody_announced_is_declined_too(vendors: Vendors, dialect: str) -> None:
    """By a provider whose entry says that it makes none."""
    add_fault(vendors.world, "retention_offer")
    assert isinstance(cancel(vendors, has(vendors, PLAIN[dialect])), Done)
    assert vendors.booked("offer") == []


class TestAKeptError:
    @pytest.mark.parametrize("dialect", ["stripe", "chargebee"])
    def test_ends_without_a_second_key(self, vendors: Vendors, dialect: str) -> None:
        """Unknown at first; Stripe's replay then proves that nothing came of it, Chargebee's settles nothing; neither is asked under another key."""
        mine = has(vendors, PLAIN[dialect])
        add_fault(vendors.world, "kept_error", target=PLAIN[dialect])
        assert isinstance(cancel(vendors, mine), Unknown)
        again = cancel(vendors, mine)
        assert again.kind == ("rejected" if dialect == "stripe" else "unknown")
        assert vendors.booked("cancellation") == []


class TestARefund:
    def test_is_what_the_registry_says(self, vendors: Vendors) -> None:
        """Asked for in each dialect's own words, and found in the books."""
        wanted = {"stratobox": "prorated", "forkful": "full", "lingopath": "prorated", "trailmark": "prorated", "streamly": "none"}
        assert {name: has(vendors, name).provider.refund for name in wanted} == wanted
        for name in wanted:
            assert isinstance(cancel(vendors, has(vendors, name), "now", f"k-{name}"), Done)
        with vendors.world.transaction() as tx:
            rows = tx.rows("SELECT reference, json_extract(detail, '$.refunded_cents') AS back FROM ledger ORDER BY seq")
        back = {row["reference"]: row["back"] for row in rows}
        assert back["sub_streamly"] == 0
        assert back["sub_forkful"] == 25596
        assert 0 < back["sub_stratobox"] < 999
        assert 0 < back["sub_lingopath"] < 8399
        assert 0 < back["gp-trailmark.AO-J1OhaloSim"] < 499


class TestRecurly:
    def test_is_read_before_each_request(self, vendors: Vendors) -> None:
        """It knows no keys, so the record is all that tells a repeat."""
        mine = has(vendors, "cineloft")
        before = len(vendors.wire.paths)
        cancel(vendors, mine)
        one = "/subscriptions/cineloft/subscriptions/sub_cineloft"
        assert vendors.wire.paths[before:] == [f"GET {one}", f"PUT {one}/cancel"]

    def test_sends_nothing_while_the_record_cannot_be_read(self, vendors: Vendors) -> None:
        """It can be tried again in a moment."""
        mine = has(vendors, "cineloft")
        add_fault(vendors.world, "unavailable", target="subscriptions.read", times=3)
        assert isinstance(cancel(vendors, mine), Retryable)
        assert vendors.booked("cancellation") == []


class TestChargebee:
    def test_that_refuses_by_state_is_believed_when_the_record_agrees(self, vendors: Vendors) -> None:
        """A mode the provider does not have is never asked for."""
        bark = has(vendors, "barkbundle")
        answer = cancel(vendors, bark)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.POLICY

    def test_says_the_day_of_the_end_and_not_of_the_request(self, vendors: Vendors) -> None:
        """`cancelled_at` lies ahead."""
        cancel(vendors, has(vendors, "forkful"))
        found = has(vendors, "forkful")
        assert found.ends_at == datetime(2026, 12, 9, tzinfo=UTC)


class TestGooglePlay:
    def test_is_read_before_each_request_and_after_it(self, vendors: Vendors) -> None:
        """It knows no keys, and its yes has no body: the record is all there is."""
        mine = has(vendors, "trailmark")
        before = len(vendors.wire.paths)
        cancel(vendors, mine)
        app = "/subscriptions/trailmark/androidpublisher/v3/applications/example.trailmark.hikes"
        one = f"{app}/purchases/subscriptionsv2/tokens/gp-trailmark.AO-J1OhaloSim"
        assert vendors.wire.paths[before:] == [f"GET {one}", f"POST {one}:cancel", f"GET {one}"]

    def test_that_says_yes_and_does_nothing_is_not_believed(self, vendors: Vendors) -> None:
        """The record still renews."""
        add_fault(vendors.world, "phantom", target="subscriptions.stop_renewals")
        assert isinstance(cancel(vendors, has(vendors, "trailmark")), Unknown)
        assert vendors.booked("cancellation") == []

    def test_forgets_what_ended_long_ago_and_the_others_are_still_listed(self, vendors: Vendors) -> None:
        """A 410 in Google's own words is no subscription, and no trouble either."""
        cancel(vendors, has(vendors, "trailmark"))
        vendors.clock.advance(timedelta(days=80))
        assert vendors.subscriptions.get("trailmark") is None
        assert {"streamly", "quillnote"} <= {one.provider.provider_id for one in vendors.subscriptions.subscriptions()}
