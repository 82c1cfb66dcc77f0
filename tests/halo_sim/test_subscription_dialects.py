"""Chargebee's, Recurly's and Google Play's side of a provider, the offers that keep people, and the errors that are kept for a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.data import providers
from halo_sim.faults import add_fault
from halo_sim.ledger import Entry, read_ledger
from halo_sim.world import World
from tests.halo_sim.callers import Chargebee, GooglePlay, Recurly, Subscriptions, in_the_play_store

#: The Daily Ledger renews eleven days after the world's first, Cineloft after six.
LEDGER_END = int(datetime(2026, 12, 3, tzinfo=UTC).timestamp())
CINELOFT_END = "2026-11-28T00:00:00Z"


@pytest.fixture
def keyring(http: httpx.Client) -> Chargebee:
    """Yearly, and makes no offers."""
    return Chargebee(http, "keyring-vault")


@pytest.fixture
def cineloft(http: httpx.Client) -> Recurly:
    """Monthly, and makes no offers."""
    return Recurly(http, "cineloft")


@pytest.fixture
def trailmark(http: httpx.Client) -> GooglePlay:
    """Monthly, and gives the rest of the month back."""
    return GooglePlay(http, "trailmark")


def books(world: World) -> list[tuple[str, str, str | None]]:
    return [(entry.kind, entry.reference, entry.client_reference) for entry in read_ledger(world.path)]


def only(world: World) -> Entry:
    (entry,) = read_ledger(world.path)
    return entry


class TestDialects:
    def test_are_three_with_at_least_three_providers_each(self) -> None:
        """And each has one that makes offers."""
        for dialect in ("stripe", "chargebee", "recurly"):
            speakers = [one for one in providers().values() if one.dialect == dialect]
            assert len(speakers) >= 3
            assert any(one.retention_offer for one in speakers)

    @pytest.mark.parametrize(
        "path",
        [
            "/keyring-vault/v1/subscriptions/sub_keyring_vault",
            "/cineloft/v1/subscriptions/sub_cineloft",
            "/streamly/api/v2/subscriptions/sub_streamly",
            "/streamly/subscriptions/sub_streamly",
            "/streamly/androidpublisher/v3/applications/example.streamly/purchases/subscriptionsv2/tokens/sub_streamly",
            "/trailmark/v1/subscriptions/gp-trailmark.AO-J1OhaloSim",
        ],
    )
    def test_of_others_are_not_spoken(self, http: httpx.Client, path: str) -> None:
        """A provider has one API."""
        callers = [{"authorization": "Bearer sk_halo_sim"}, {"accept": "application/vnd.recurly.v2021-02-25"}]
        for headers in callers:
            auth = None if "authorization" in headers else ("sk_halo_sim", "")
            assert http.get(f"/subscriptions{path}", headers=headers, auth=auth).status_code in (401, 404)


class TestChargebee:
    def test_has_its_own_shape(self, http: httpx.Client) -> None:
        """Cents, seconds, and the period's unit beside its number."""
        said = Chargebee(http, "daily-ledger").read()
        assert (said["status"], said["billing_period"], said["billing_period_unit"]) == ("active", 1, "month")
        assert (said["current_term_end"], said["next_billing_at"]) == (LEDGER_END, LEDGER_END)
        assert said["subscription_items"][0]["amount"] == 800
        assert "cancelled_at" not in said

    def test_is_non_renewing_until_the_end_and_then_cancelled(self, keyring: Chargebee, clock: FakeClock, world: World) -> None:
        """Two words for two things."""
        said = keyring.cancel(key="k1").json()["subscription"]
        assert (said["status"], said["cancelled_at"]) == ("non_renewing", said["current_term_end"])
        assert "next_billing_at" not in said
        clock.advance(timedelta(days=201))
        assert keyring.read()["status"] == "cancelled"
        assert books(world) == [("cancellation", "sub_keyring_vault", "k1")]

    def test_ends_at_once_and_gives_the_rest_back(self, keyring: Chargebee, world: World) -> None:
        """The unused part of the year, by the provider's own rule."""
        assert keyring.cancel("immediately").json()["subscription"]["status"] == "cancelled"
        assert 0 < int(str(only(world).detail["refunded_cents"])) < 4799

    def test_refuses_a_second_time_by_its_state(self, keyring: Chargebee, world: World) -> None:
        """409 in both vocabularies."""
        keyring.cancel()
        said = keyring.cancel()
        assert (said.status_code, said.json()["api_error_code"], said.json()["type"]) == (
            409,
            "invalid_state_for_request",
            "invalid_request",
        )
        assert len(books(world)) == 1

    def test_replays_its_answer_for_a_key(self, keyring: Chargebee, world: World) -> None:
        """Marked; another body under the key is refused."""
        first, again = keyring.cancel(key="k1"), keyring.cancel(key="k1")
        assert again.content == first.content
        assert again.headers["chargebee-idempotency-replayed"] == "true"
        assert keyring.cancel("immediately", key="k1").status_code == 400
        assert len(books(world)) == 1

    def test_is_taken_back_before_the_end_only(self, keyring: Chargebee, clock: FakeClock, world: World) -> None:
        """The books keep both."""
        assert keyring.post("remove_scheduled_cancellation").status_code == 409
        keyring.cancel()
        assert keyring.post("remove_scheduled_cancellation").json()["subscription"]["status"] == "active"
        keyring.cancel()
        clock.advance(timedelta(days=400))
        assert keyring.post("remove_scheduled_cancellation").status_code == 409
        assert [kind for kind, *_ in books(world)] == ["cancellation", "undo", "cancellation"]

    @pytest.mark.parametrize("form", [{"cancel_option": "tomorrow"}, {"price": "0"}, {"credit_option_for_current_term_charges": "double"}])
    def test_refuses_what_it_does_not_know(self, keyring: Chargebee, form: dict[str, str], world: World) -> None:
        """400, and nothing happened."""
        said = keyring.post("cancel_for_items", **{"cancel_option": "end_of_term", **form})
        assert (said.status_code, said.json()["api_error_code"]) == (400, "param_wrong_value")
        assert books(world) == []

    @pytest.mark.parametrize(
        ("fault", "status", "code"), [("unavailable", 503, "internal_temporary_error"), ("rate_limited", 429, "api_request_limit_exceeded")]
    )
    def test_is_in_trouble_in_its_own_words(self, keyring: Chargebee, world: World, fault: str, status: int, code: str) -> None:
        """Also where the router says it."""
        add_fault(world, fault, target="subscriptions.cancel_for_items")
        said = keyring.cancel()
        assert (said.status_code, said.json()["api_error_code"]) == (status, code)

    def test_wants_the_key(self, keyring: Chargebee) -> None:
        """As the user of HTTP Basic."""
        keyring.auth = ("sk_other", "")
        said = keyring.cancel()
        assert (said.status_code, said.json()["api_error_code"]) == (401, "api_authentication_failed")


class TestRecurly:
    def test_has_its_own_shape(self, cineloft: Recurly) -> None:
        """Whole units with decimals, and times in words."""
        said = cineloft.read()
        assert (said["state"], said["subtotal"], said["currency"]) == ("active", Decimal("10.99"), "USD")
        assert (said["current_period_ends_at"], said["expires_at"]) == (CINELOFT_END, None)

    def test_is_canceled_until_it_expires(self, cineloft: Recurly, clock: FakeClock, world: World) -> None:
        """Canceled is not over."""
        said = cineloft.cancel().json()
        assert (said["state"], said["expires_at"]) == ("canceled", CINELOFT_END)
        clock.advance(timedelta(days=6))
        assert cineloft.read()["state"] == "expired"
        assert books(world) == [("cancellation", "sub_cineloft", None)]

    def test_refuses_a_second_time_as_invalid(self, cineloft: Recurly, world: World) -> None:
        """There are no keys: the state is all that stops it."""
        cineloft.cancel()
        said = cineloft.cancel()
        assert (said.status_code, said.json()["error"]["type"]) == (422, "validation")
        assert len(books(world)) == 1

    def test_expires_at_once_also_when_canceled(self, cineloft: Recurly, world: World) -> None:
        """And not a second time."""
        cineloft.cancel()
        assert cineloft.terminate(refund="none").json()["state"] == "expired"
        said = cineloft.terminate()
        assert (said.status_code, said.json()["error"]["type"]) == (422, "immutable_subscription")
        assert len(books(world)) == 2

    def test_is_reactivated_before_the_end_only(self, cineloft: Recurly, clock: FakeClock, world: World) -> None:
        """The books keep both."""
        cineloft.cancel()
        assert cineloft.reactivate().json()["state"] == "active"
        clock.advance(timedelta(days=30))
        cineloft.cancel()
        clock.advance(timedelta(days=60))
        assert cineloft.reactivate().status_code == 422
        assert [kind for kind, *_ in books(world)] == ["cancellation", "undo", "cancellation"]

    def test_wants_a_version_it_knows(self, cineloft: Recurly) -> None:
        """In Accept."""
        cineloft.headers = {"accept": "application/json"}
        said = cineloft.cancel()
        assert (said.status_code, said.json()["error"]["type"]) == (406, "unknown_api_version")

    def test_is_in_trouble_in_its_own_words(self, cineloft: Recurly, world: World) -> None:
        """Also where the router says it."""
        add_fault(world, "rate_limited", target="subscriptions.cancel")
        said = cineloft.cancel()
        assert (said.status_code, said.json()["error"]["type"]) == (429, "rate_limited")


class TestGooglePlay:
    def test_has_its_own_shape(self, trailmark: GooglePlay) -> None:
        """Units as a text and billionths, and times in words."""
        said = trailmark.get().json()
        (item,) = said["lineItems"]
        assert (said["subscriptionState"], item["expiryTime"]) == ("SUBSCRIPTION_STATE_ACTIVE", "2026-12-01T00:00:00Z")
        assert item["autoRenewingPlan"] == {
            "autoRenewEnabled": True,
            "recurringPrice": {"currencyCode": "USD", "units": "4", "nanos": 990000000},
        }

    def test_says_yes_without_a_word(self, trailmark: GooglePlay, world: World) -> None:
        """The record then says canceled, and leaves out what is false."""
        said = trailmark.cancel()
        assert (said.status_code, said.content) == (200, b"")
        record = trailmark.get().json()
        assert record["subscriptionState"] == "SUBSCRIPTION_STATE_CANCELED"
        assert "autoRenewEnabled" not in record["lineItems"][0]["autoRenewingPlan"]
        assert books(world) == [("cancellation", "gp-trailmark.AO-J1OhaloSim", None)]

    def test_is_canceled_until_it_expires_and_then_forgotten(self, trailmark: GooglePlay, clock: FakeClock) -> None:
        """Sixty days on there is no such token any more."""
        trailmark.cancel()
        clock.advance(timedelta(days=9))
        assert trailmark.get().json()["subscriptionState"] == "SUBSCRIPTION_STATE_EXPIRED"
        clock.advance(timedelta(days=60))
        said = trailmark.get()
        assert (said.status_code, said.json()["error"]["errors"][0]["reason"]) == (410, "purchaseTokenNoLongerValid")

    def test_expires_at_once_where_it_is_revoked(self, trailmark: GooglePlay, world: World) -> None:
        """The rest of the month goes back."""
        assert trailmark.revoke().status_code == 200
        assert trailmark.get().json()["subscriptionState"] == "SUBSCRIPTION_STATE_EXPIRED"
        assert 0 < int(str(only(world).detail["refunded_cents"])) < 499

    def test_is_restored_in_the_play_store(self, trailmark: GooglePlay, world: World) -> None:
        """By a person; the books keep both."""
        trailmark.cancel()
        in_the_play_store(world, "trailmark")
        assert trailmark.get().json()["subscriptionState"] == "SUBSCRIPTION_STATE_ACTIVE"
        assert [kind for kind, *_ in books(world)] == ["cancellation", "undo"]

    def test_refuses_what_it_does_not_know_and_a_second_time(self, trailmark: GooglePlay, world: World) -> None:
        """In Google's envelope, and nothing happens."""
        for said in (trailmark.cancel("PLEASE"), trailmark.cancel(reason="x"), trailmark.revoke("fullRefund")):
            assert (said.status_code, said.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert books(world) == []
        trailmark.cancel()
        assert trailmark.cancel().status_code == 400
        assert len(books(world)) == 1

    def test_does_not_revoke_where_the_app_offers_no_end_at_once(self, http: httpx.Client, world: World) -> None:
        """Quillnote ends with the period."""
        assert GooglePlay(http, "quillnote").revoke().status_code == 400
        assert books(world) == []

    def test_wants_the_key(self, trailmark: GooglePlay) -> None:
        """As a bearer token."""
        trailmark.headers = {}
        said = trailmark.cancel()
        assert (said.status_code, said.json()["error"]["status"]) == (401, "UNAUTHENTICATED")

    def test_is_in_trouble_in_its_own_words(self, trailmark: GooglePlay, world: World) -> None:
        """Also where the router says it."""
        add_fault(world, "rate_limited", target="subscriptions.stop_renewals")
        said = trailmark.cancel()
        assert (said.status_code, said.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


class Speaker:
    """One provider that makes offers, in whichever dialect."""

    def __init__(self, http: httpx.Client, dialect: str) -> None:
        self.http, self.dialect = http, dialect

    def cancel(self, **more: str) -> httpx.Response:
        match self.dialect:
            case "stripe":
                return Subscriptions(self.http).update("stillwater", cancel_at_period_end="true", **more)
            case "chargebee":
                return Chargebee(self.http, "daily-ledger").cancel(**more)
            case _:
                return Recurly(self.http, "tunewave").cancel(**more)


@pytest.mark.parametrize("dialect", ["stripe", "chargebee", "recurly"])
class TestAnOffer:
    def offer(self, speaker: Speaker) -> Any:
        said = speaker.cancel().json()
        assert said["status"] == "offer_pending"
        return said

    def test_is_made_instead_of_cancelling(self, http: httpx.Client, world: World, dialect: str) -> None:
        """As often as it is asked, and nothing happens."""
        speaker = Speaker(http, dialect)
        assert self.offer(speaker) == self.offer(speaker)
        assert books(world) == []

    def test_is_declined_with_its_token(self, http: httpx.Client, world: World, dialect: str) -> None:
        """Then it is cancelled."""
        speaker = Speaker(http, dialect)
        assert speaker.cancel(decline_offer="true", confirm_token=self.offer(speaker)["confirm_token"]).status_code == 200
        assert [kind for kind, *_ in books(world)] == ["cancellation"]

    def test_is_made_again_to_who_does_not_name_it(self, http: httpx.Client, world: World, dialect: str) -> None:
        """A guessed token declines nothing."""
        said = Speaker(http, dialect).cancel(decline_offer="true", confirm_token="offer-0").json()
        assert said["status"] == "offer_pending"
        assert books(world) == []

    def test_that_is_accepted_stands_in_the_books(self, http: httpx.Client, world: World, dialect: str) -> None:
        """So that a test can tell who pressed the wrong button."""
        speaker = Speaker(http, dialect)
        speaker.cancel(accept_offer="true", confirm_token=self.offer(speaker)["confirm_token"])
        assert [kind for kind, *_ in books(world)] == ["offer"]


class TestAnErrorThatIsKept:
    def test_is_replayed_for_its_key_and_not_for_another(self, subscriptions: Subscriptions, world: World) -> None:
        """A 500 that was stored, as Stripe stores them."""
        add_fault(world, "kept_error", target="streamly")
        first = subscriptions.update("streamly", key="k1", cancel_at_period_end="true")
        again = subscriptions.update("streamly", key="k1", cancel_at_period_end="true")
        assert (first.status_code, again.status_code, again.content) == (500, 500, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert books(world) == []
        assert subscriptions.update("streamly", key="k2", cancel_at_period_end="true").status_code == 200

    def test_is_in_chargebees_words_at_chargebee(self, keyring: Chargebee, world: World) -> None:
        """And replayed there too."""
        add_fault(world, "kept_error", target="keyring-vault")
        assert [keyring.cancel(key="k1").json()["api_error_code"] for _ in range(2)] == ["internal_error", "internal_error"]
