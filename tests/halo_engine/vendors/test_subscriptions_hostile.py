"""Subscription providers when they answer what no documentation promises."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, HandOff, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.subscriptions import Provider, Subscription, Subscriptions, When
from tests.halo_engine.vendors.kit import NOW, RUBBISH, Script, Step, client, ok, raw
from tests.halo_engine.vendors.worlds import subscriptions_over

PROVIDER = Provider(
    provider_id="streamly",
    display_name="Streamly",
    aliases=(),
    capability="api",
    modes=("period_end", "now"),
    default_mode="period_end",
    deeplink="https://streamly.example/account/cancel",
    dialect="stripe",
    notice_days=0,
    fee=None,
    loses=(),
    instructions=None,
)
MINE = Subscription(
    provider=PROVIDER,
    subscription_id="sub_1",
    status="active",
    price=Money(cents=1599),
    interval="month",
    period_end=datetime(2026, 12, 13, tzinfo=UTC),
    ends_at=None,
)
ENDING: dict[str, Any] = {
    "id": "sub_1",
    "status": "active",
    "cancel_at_period_end": True,
    "cancel_at": 1797120000,
    "canceled_at": 1795321740,
    "ended_at": None,
    "items": {
        "data": [
            {
                "current_period_end": 1797120000,
                "quantity": 1,
                "price": {"unit_amount": 1599, "currency": "usd", "recurring": {"interval": "month", "interval_count": 1}},
            }
        ]
    },
}
ACTIVE = ENDING | {"cancel_at_period_end": False, "cancel_at": None}
ENDED = ENDING | {"status": "canceled", "cancel_at_period_end": False, "ended_at": 1795321740}
#: Its token would add a field of its own, if it were not quoted.
OFFER = {"status": "offer_pending", "offer": {"discount_percent": 50, "months": 3}, "confirm_token": "t&accept_offer=true"}
ENTRY: dict[str, Any] = {
    "provider_id": "streamly",
    "display_name": "Streamly",
    "cancel": {"capability": "api", "modes": ["period_end", "immediate"], "default_mode": "period_end"},
    "deeplink": "https://streamly.example/account/cancel",
    "base_url": "http://evil.example/",
    "dialect": "stripe",
}


def says_no(status: int, code: str = "x", kind: str = "invalid_request_error") -> httpx.Response:
    return ok({"error": {"type": kind, "code": code, "message": "No."}}, status)


def subscriptions(*steps: Step) -> tuple[Subscriptions, Script]:
    script = Script(*steps)
    clock = FakeClock(NOW)
    return subscriptions_over(client(script, clock), clock), script


def cancelled(*steps: Step, when: When = "period_end") -> Outcome:
    return subscriptions(*steps)[0].cancel(MINE, when=when, key="key-1")


def changed(change: Callable[[dict[str, Any]], object], base: dict[str, Any] = ENDING) -> dict[str, Any]:
    answer = copy.deepcopy(base)
    change(answer)
    return answer


class TestCancel:
    def test_sends_its_key(self) -> None:
        """POST carries the idempotency key and asks for the end of the period."""
        adapter, script = subscriptions(ok(ENDING))
        assert isinstance(adapter.cancel(MINE, when="period_end", key="key-1"), Done)
        assert script.sent[0].headers["idempotency-key"] == "key-1"
        assert script.sent[0].content == b"cancel_at_period_end=true"

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_does_not_know_after_rubbish(self, body: str | bytes, when: When) -> None:
        """A 200 that cannot be read may be the end of it."""
        assert isinstance(cancelled(raw(body), when=when), Unknown)

    @pytest.mark.parametrize(
        "change",
        [
            lambda s: s.update(id="sub_2"),
            lambda s: s.update(status="something_new"),
            lambda s: s.update(status="something_new", ended_at=1795321740),
            lambda s: s.update(cancel_at_period_end="true"),
            lambda s: s.pop("cancel_at_period_end"),
            lambda s: s.pop("status"),
            lambda s: s.update(cancel_at_period_end=False, cancel_at=None),
            lambda s: s.update(cancel_at=10**30),
            lambda s: s.update(items={"data": []}),
            lambda s: s["items"]["data"][0].update(current_period_end="soon"),
            lambda s: s["items"]["data"][0]["price"].update(currency="jpy"),
            lambda s: s["items"]["data"][0]["price"].update(unit_amount=15.99),
            lambda s: s["items"]["data"][0]["price"]["recurring"].update(interval="fortnight"),
        ],
    )
    def test_does_not_know_after_an_answer_that_does_not_fit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Another subscription, another status, no proof: never done."""
        assert isinstance(cancelled(ok(changed(change))), Unknown)

    def test_does_not_take_ending_for_ended(self) -> None:
        """A DELETE that only schedules the end did not do what was confirmed."""
        assert isinstance(cancelled(ok(ENDING), when="now"), Unknown)

    @pytest.mark.parametrize("status", [201, 202, 204, 302, 409, 418, 500, 502, 503])
    def test_does_not_know_after_any_other_status(self, status: int) -> None:
        """Also when the body looks like success, and while the same key is in flight."""
        assert isinstance(cancelled(ok(ENDING, status)), Unknown)
        assert isinstance(cancelled(says_no(status)), Unknown)

    @pytest.mark.parametrize(("status", "reason"), [(400, Reason.OTHER), (402, Reason.PAYMENT), (403, Reason.RESTRICTED)])
    def test_is_refused_in_the_providers_own_words(self, status: int, reason: Reason) -> None:
        """And only then."""
        assert cancelled(says_no(status)) == Rejected(reason=reason, message="Streamly refused it: No.")
        assert isinstance(cancelled(raw("<html>", status)), Unknown)

    def test_does_not_know_when_its_key_was_used_for_something_else(self) -> None:
        """What became of that is not known."""
        assert isinstance(cancelled(says_no(400, kind="idempotency_error")), Unknown)

    def test_wants_another_key_when_told_so(self) -> None:
        """A refused credential did nothing."""
        answer = cancelled(says_no(401))
        assert isinstance(answer, Retryable)
        assert answer.auth

    @pytest.mark.parametrize(
        ("look", "kind"),
        [
            (ok(ENDED), Done),
            (ok(ACTIVE), Unknown),
            (says_no(404, "resource_missing"), Rejected),
            (raw("<html>", 404), Unknown),
            (raw("<html>"), Unknown),
            (raw("", 500), Unknown),
        ],
    )
    def test_looks_before_it_believes_that_there_is_none(self, look: Step, kind: type[Outcome]) -> None:
        """What has ended can no longer be ended, and that is success."""
        assert isinstance(cancelled(says_no(404, "resource_missing"), look, when="now"), kind)

    def test_declines_an_offer_with_its_token(self) -> None:
        """Half the price for three months is not what was confirmed: it is asked again, under a key of that question's own."""
        adapter, script = subscriptions(ok(OFFER), ok(ENDING))
        assert isinstance(adapter.cancel(MINE, when="period_end", key="key-1"), Done)
        assert [request.headers["idempotency-key"] for request in script.sent] == ["key-1", "key-1-decline"]
        assert script.sent[1].content == b"cancel_at_period_end=true&decline_offer=true&confirm_token=t%26accept_offer%3Dtrue"

    @pytest.mark.parametrize("steps", [(ok(OFFER | {"confirm_token": None}),), (ok(OFFER), ok(OFFER))], ids=["no token", "again"])
    @pytest.mark.parametrize("when", ["period_end", "now"])
    def test_leaves_an_offer_that_cannot_be_declined_to_a_person(self, steps: tuple[Step, ...], when: When) -> None:
        """Whatever else is pressed might accept it, so nothing is."""
        adapter, script = subscriptions(*steps)
        answer = adapter.cancel(MINE, when=when, key="key-1")
        assert isinstance(answer, HandOff)
        assert "not accepted" in answer.message
        assert len(script.sent) == len(steps)

    @pytest.mark.parametrize("step", [httpx.ReadTimeout("x"), ok(ACTIVE), raw("<html>"), raw("", 500)])
    def test_does_not_know_after_a_decline_that_is_not_answered(self, step: Step) -> None:
        """An offer declined is not yet an end."""
        assert isinstance(cancelled(ok(OFFER), step), Unknown)

    @pytest.mark.parametrize(
        ("look", "kind"),
        [(ok(ENDING), Done), (ok(ACTIVE), Rejected), (raw("", 500), Unknown), (says_no(404, "resource_missing"), Rejected)],
    )
    def test_takes_a_replayed_500_for_what_it_is(self, look: Step, kind: type[Outcome]) -> None:
        """The key only ever repeats that answer: the record says whether anything came of it."""
        replayed = says_no(500, "server_error", "api_error")
        replayed.headers["idempotent-replayed"] = "true"
        adapter, script = subscriptions(replayed, *[look] * (3 if isinstance(look, httpx.Response) and look.status_code == 500 else 1))
        assert isinstance(adapter.cancel(MINE, when="period_end", key="key-1"), kind)
        assert [request.method for request in script.sent[1:]] == ["GET"] * (len(script.sent) - 1)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(httpx.ConnectError("x"), Retryable), (httpx.ReadTimeout("x"), Unknown), (httpx.RemoteProtocolError("x"), Unknown)],
    )
    def test_tells_not_sent_from_maybe_sent(self, error: Exception, kind: type[Outcome]) -> None:
        """Only what never left may be sent again without a look."""
        assert isinstance(cancelled(error), kind)


class TestFind:
    @pytest.mark.parametrize(
        ("step", "kind"),
        [
            (ok(ENDING), Done),
            (ok(ENDED), Done),
            (ok(ACTIVE), NotThere),
            (ok(ACTIVE | {"status": "past_due"}), NotThere),
            (ok(ENDING | {"status": "past_due"}), Done),
            (ok(ACTIVE | {"status": "something_new"}), Unknown),
            (ok(ACTIVE | {"id": "sub_2"}), Unknown),
            (says_no(404, "resource_missing"), Unknown),
            (raw("<html>"), Unknown),
        ],
    )
    def test_tells_what_the_record_proves(self, step: Step, kind: type[object]) -> None:
        """And nothing more."""
        assert isinstance(subscriptions(step)[0].find(MINE, when="period_end"), kind)


class TestProviders:
    def one(self, **change: Any) -> Provider:
        (provider,) = subscriptions(ok({"data": [ENTRY | change]}))[0].providers()
        return provider

    @pytest.mark.parametrize(
        "change",
        [
            {"dialect": "esperanto"},
            {"cancel": {"capability": "telepathy", "modes": ["period_end"]}},
            {"cancel": {"capability": "api", "modes": ["eventually"]}},
            {"cancel": {"capability": "api", "modes": []}},
        ],
    )
    def test_are_left_to_a_person_where_they_are_not_understood(self, change: dict[str, Any]) -> None:
        """A dialect, a capability or modes that nobody here speaks."""
        assert self.one(**change).capability == "manual"

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "http://streamly.example/", "file:///etc/passwd"])
    def test_lose_links_that_are_not_safe(self, link: str) -> None:
        """Only https leaves the card."""
        assert self.one(deeplink=link).deeplink is None

    @pytest.mark.parametrize("provider_id", ["../amazon", "a/b", "", "A B", "x" * 65])
    def test_are_left_out_where_their_id_would_lead_elsewhere(self, provider_id: str) -> None:
        """The id becomes part of a path."""
        answer = ok({"data": [ENTRY | {"provider_id": provider_id}, ENTRY, None, 7]})
        assert [provider.provider_id for provider in subscriptions(answer)[0].providers()] == ["streamly"]

    def test_are_asked_under_our_own_address(self) -> None:
        """The address in a registry entry is never followed."""
        adapter, script = subscriptions(ok({"data": [ENTRY]}), ok({"data": [ACTIVE]}))
        adapter.get("streamly")
        assert {request.url.host for request in script.sent} == {"simulator.invalid"}

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_fail_after_rubbish(self, body: str | bytes) -> None:
        """An unreadable registry is not an empty one."""
        with pytest.raises(VendorFailed):
            subscriptions(raw(body))[0].providers()


class TestSubscriptions:
    def test_prefer_the_one_that_runs(self) -> None:
        """An old one that has ended does not hide it."""
        found = subscriptions(ok({"data": [ENTRY]}), ok({"data": [ENDED | {"id": "sub_0"}, ACTIVE]}))[0].get("streamly")
        assert found is not None
        assert found.subscription_id == "sub_1"

    def test_may_be_none(self) -> None:
        """A provider without one is left out."""
        assert subscriptions(ok({"data": [ENTRY]}), ok({"data": []}))[0].subscriptions() == ()

    def test_read_a_year_paid_by_months(self) -> None:
        """Twelve months are a year."""
        yearly = changed(lambda s: s["items"]["data"][0]["price"]["recurring"].update(interval_count=12), ACTIVE)
        found = subscriptions(ok({"data": [ENTRY]}), ok({"data": [yearly]}))[0].get("streamly")
        assert found is not None
        assert found.interval == "year"
