"""Chargebee, Recurly and Google Play when they answer what no documentation promises."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Done, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.subscriptions import Subscription, Subscriptions, When
from halo_engine.vendors.subscriptions_values import Purchase
from tests.halo_engine.vendors.kit import NOW, RUBBISH, Script, Step, client, ok, raw
from tests.halo_engine.vendors.test_subscriptions_hostile import MINE
from tests.halo_engine.vendors.worlds import subscriptions_over

END = 1797120000
NON_RENEWING: dict[str, Any] = {
    "subscription": {
        "id": "sub_1",
        "status": "non_renewing",
        "currency_code": "USD",
        "billing_period": 1,
        "billing_period_unit": "month",
        "current_term_end": END,
        "cancelled_at": END,
        "due_invoices_count": 0,
        "subscription_items": [{"amount": 1599}],
    }
}
CANCELED: dict[str, Any] = {
    "id": "sub_1",
    "state": "canceled",
    "currency": "USD",
    "subtotal": 15.99,
    "current_period_started_at": "2026-11-13T00:00:00Z",
    "current_period_ends_at": "2026-12-13T00:00:00Z",
    "canceled_at": "2026-11-22T12:00:00Z",
    "expires_at": "2026-12-13T00:00:00Z",
}


PLAYED: dict[str, Any] = {
    "subscriptionState": "SUBSCRIPTION_STATE_CANCELED",
    "lineItems": [
        {
            "productId": "monthly001",
            "expiryTime": "2026-12-13T00:00:00.123456789Z",
            "autoRenewingPlan": {"recurringPrice": {"currencyCode": "USD", "units": "15", "nanos": 990000000}},
        }
    ],
}


def play(state: str = "CANCELED", *, plan: dict[str, Any] | None = None, **change: Any) -> dict[str, Any]:
    """A record of Google's, with another state, members of its item, or of its plan."""
    item = PLAYED["lineItems"][0]
    plan = {**item["autoRenewingPlan"], **({"autoRenewEnabled": True} if state == "ACTIVE" else {}), **(plan or {})}
    return {"subscriptionState": f"SUBSCRIPTION_STATE_{state}", "lineItems": [{**item, "autoRenewingPlan": plan, **change}]}


def bee(**change: Any) -> dict[str, Any]:
    return {"subscription": NON_RENEWING["subscription"] | change}


BEE_ENDED = bee(status="cancelled", cancelled_at=1795321740)
CURLY_ACTIVE = CANCELED | {"state": "active", "canceled_at": None, "expires_at": None}
CURLY_EXPIRED = CANCELED | {"state": "expired", "expires_at": "2026-11-22T11:00:00Z"}


def speaking(dialect: str) -> Subscription:
    purchase = Purchase(package_name="example.app", token="sub_1", interval="month") if dialect == "google_play" else None
    change = {"dialect": dialect, "purchase": purchase, "refund": "prorated"}
    return MINE.model_copy(update={"provider": MINE.provider.model_copy(update=change)})


def subscriptions(*steps: Step) -> tuple[Subscriptions, Script]:
    script, clock = Script(*steps), FakeClock(NOW)
    return subscriptions_over(client(script, clock), clock), script


def cancelled(dialect: str, *steps: Step, when: When = "period_end") -> Outcome:
    """The outcome; Recurly and Google Play are always read first."""
    first = {"recurly": (ok(CURLY_ACTIVE),), "google_play": (ok(play("ACTIVE")),)}.get(dialect, ())
    return subscriptions(*first, *steps)[0].cancel(speaking(dialect), when=when, key="key-1")


def bee_no(status: int, code: str) -> httpx.Response:
    return ok({"message": "No.", "type": "invalid_request", "api_error_code": code, "error_code": code}, status)


def curly_no(status: int, kind: str) -> httpx.Response:
    return ok({"error": {"type": kind, "message": "No.", "params": []}}, status)


def play_no(status: int, word: str = "", *, code: int | None = None) -> httpx.Response:
    return ok({"error": {"code": code or status, "message": "No.", **({"status": word} if word else {})}}, status)


#: An entry of the registry that names a purchase.
BOUGHT: dict[str, Any] = {
    "provider_id": "streamly",
    "display_name": "Streamly",
    "dialect": "google_play",
    "cancel": {"capability": "api", "modes": ["period_end", "immediate"], "default_mode": "period_end", "refund": "full"},
    "purchase": {"package_name": "example.app", "purchase_token": "sub_1", "interval": "year"},
}


class TestARequest:
    def test_to_chargebee_is_a_form_with_its_key(self) -> None:
        """Basic, and the header of its own name."""
        adapter, script = subscriptions(ok(NON_RENEWING))
        assert isinstance(adapter.cancel(speaking("chargebee"), when="period_end", key="key-1"), Done)
        (sent,) = script.sent
        assert sent.url.path == "/subscriptions/streamly/api/v2/subscriptions/sub_1/cancel_for_items"
        assert (sent.headers["chargebee-idempotency-key"], sent.content) == ("key-1", b"cancel_option=end_of_term")
        assert sent.headers["authorization"] == "Basic c2tfaGFsb19zaW06"

    def test_to_recurly_is_json_with_its_version(self) -> None:
        """Basic, no key, PUT."""
        adapter, script = subscriptions(ok(CURLY_ACTIVE), ok(CANCELED))
        assert isinstance(adapter.cancel(speaking("recurly"), when="period_end", key="key-1"), Done)
        sent = script.sent[1]
        assert (sent.method, sent.content) == ("PUT", b'{"timeframe":"term_end"}')
        assert sent.headers["accept"] == "application/vnd.recurly.v2021-02-25"
        assert "idempotency-key" not in sent.headers

    @pytest.mark.parametrize(
        ("when", "verb", "body"),
        [
            ("period_end", "cancel", b'{"cancellationContext":{"cancellationType":"USER_REQUESTED_STOP_RENEWALS"}}'),
            ("now", "revoke", b'{"revocationContext":{"proratedRefund":{}}}'),
        ],
    )
    def test_to_google_play_is_a_verb_behind_the_token(self, when: When, verb: str, body: bytes) -> None:
        """A bearer token, no key, POST, and what may come back said."""
        adapter, script = subscriptions(ok(play("ACTIVE")), raw(""), ok(play("EXPIRED", expiryTime="2026-11-22T11:59:00Z")))
        assert isinstance(adapter.cancel(speaking("google_play"), when=when, key="key-1"), Done)
        sent = script.sent[1]
        assert (sent.method, sent.content) == ("POST", body)
        path = f"/subscriptions/streamly/androidpublisher/v3/applications/example.app/purchases/subscriptionsv2/tokens/sub_1:{verb}"
        assert (sent.url.path, sent.headers["authorization"]) == (path, "Bearer sk_halo_sim")


@pytest.mark.parametrize("dialect", ["chargebee", "recurly"])
class TestAnAnswer:
    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_of_rubbish_is_not_known(self, dialect: str, body: str | bytes) -> None:
        """A 200 that cannot be read may be the end of it."""
        assert isinstance(cancelled(dialect, raw(body)), Unknown)

    @pytest.mark.parametrize("status", [201, 202, 204, 302, 409, 418, 500, 502, 503])
    def test_of_another_status_is_not_known(self, dialect: str, status: int) -> None:
        """Also when the body looks like success, or like a no in Stripe's words."""
        assert isinstance(cancelled(dialect, ok(NON_RENEWING if dialect == "chargebee" else CANCELED, status)), Unknown)
        assert isinstance(cancelled(dialect, ok({"error": {"type": "strange", "code": "x", "message": "No."}}, status)), Unknown)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(httpx.ConnectError("x"), Retryable), (httpx.ReadTimeout("x"), Unknown), (httpx.RemoteProtocolError("x"), Unknown)],
    )
    def test_that_never_came_is_told_from_a_request_that_never_left(self, dialect: str, error: Exception, kind: type[Outcome]) -> None:
        """Only the second may be sent again without a look."""
        assert isinstance(cancelled(dialect, error), kind)


class TestChargebee:
    @pytest.mark.parametrize(
        "change",
        [
            {"id": "sub_2"},
            {"status": "something_new"},
            {"status": "active"},
            {"status": "future"},
            {"cancelled_at": None},
            {"current_term_end": None},
            {"current_term_end": "soon"},
            {"currency_code": "JPY"},
            {"billing_period_unit": "week"},
            {"billing_period": 3},
            {"subscription_items": []},
            {"subscription_items": [{"amount": 15.99}]},
            {"subscription_items": [{"amount": 10**14}]},
        ],
    )
    def test_proves_nothing_by_an_answer_that_does_not_fit(self, change: dict[str, Any]) -> None:
        """Another subscription, another status, no date: never done."""
        assert isinstance(cancelled("chargebee", ok(bee(**change))), Unknown)

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (400, "param_wrong_value", Rejected),
            (403, "api_authorization_failed", Rejected),
            (400, "payment_processing_failed", Rejected),
            (401, "api_authentication_failed", Retryable),
            (500, "internal_error", Unknown),
            (503, "internal_temporary_error", Unknown),
            (400, "something_new", Unknown),
        ],
    )
    def test_refuses_in_its_own_vocabulary(self, status: int, code: str, kind: type[Outcome]) -> None:
        """An unknown word settles nothing."""
        assert isinstance(cancelled("chargebee", bee_no(status, code)), kind)

    @pytest.mark.parametrize("no", [bee_no(409, "invalid_state_for_request"), bee_no(404, "resource_not_found")])
    def test_is_looked_at_before_a_no_is_believed(self, no: httpx.Response) -> None:
        """Cancelled already is what was wanted."""
        assert isinstance(cancelled("chargebee", no, ok(NON_RENEWING)), Done)
        assert isinstance(cancelled("chargebee", no, ok(BEE_ENDED), when="now"), Done)

    def test_that_still_runs_is_refused_by_its_state(self) -> None:
        """A paused subscription may not be cancelled; that is a plain no."""
        answer = cancelled("chargebee", bee_no(409, "invalid_state_for_request"), ok(bee(status="paused")))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.POLICY

    def test_does_not_take_the_end_of_the_term_for_now(self) -> None:
        """Scheduling the end did not do what was confirmed."""
        assert isinstance(cancelled("chargebee", ok(NON_RENEWING), when="now"), Unknown)

    @pytest.mark.parametrize(
        ("body", "status"), [(bee(status="active", due_invoices_count=1), "past_due"), (bee(status="in_trial"), "active")]
    )
    def test_says_who_owes_and_who_tries(self, body: dict[str, Any], status: str) -> None:
        """Chargebee has no status for a bill that is due."""
        assert of_list("chargebee", {"list": [body]}).status == status


class TestRecurly:
    @pytest.mark.parametrize(
        "change",
        [
            {"id": "sub_2"},
            {"state": "something_new"},
            {"state": "active"},
            {"state": "future"},
            {"state": "failed"},
            {"expires_at": None},
            {"expires_at": "soon"},
            {"expires_at": "2026-12-13T00:00:00"},
            {"currency": "JPY"},
            {"subtotal": 15.999},
            {"subtotal": -1},
            {"subtotal": True},
            {"subtotal": "1_599"},
            {"current_period_started_at": "2026-10-13T00:00:00Z"},
        ],
    )
    def test_proves_nothing_by_an_answer_that_does_not_fit(self, change: dict[str, Any]) -> None:
        """Another subscription, another state, no date: never done."""
        assert isinstance(cancelled("recurly", ok(CANCELED | change)), Unknown)

    @pytest.mark.parametrize(
        ("status", "kind_of_no", "kind"),
        [
            (400, "bad_request", Rejected),
            (403, "forbidden", Rejected),
            (422, "transaction", Rejected),
            (401, "unauthorized", Retryable),
            (422, "simultaneous_request", Retryable),
            (500, "internal_server", Unknown),
            (422, "something_new", Unknown),
        ],
    )
    def test_refuses_in_its_own_vocabulary(self, status: int, kind_of_no: str, kind: type[Outcome]) -> None:
        """An unknown word settles nothing."""
        assert isinstance(cancelled("recurly", curly_no(status, kind_of_no)), kind)

    @pytest.mark.parametrize("no", [curly_no(422, "validation"), curly_no(422, "immutable_subscription"), curly_no(404, "not_found")])
    def test_is_looked_at_before_a_no_is_believed(self, no: httpx.Response) -> None:
        """Somebody else was faster."""
        assert isinstance(cancelled("recurly", no, ok(CANCELED)), Done)
        assert isinstance(cancelled("recurly", no, ok(CURLY_EXPIRED), when="now"), Done)

    def test_sends_nothing_where_it_is_cancelled_already(self) -> None:
        """The read that comes first is enough."""
        adapter, script = subscriptions(ok(CANCELED))
        assert isinstance(adapter.cancel(speaking("recurly"), when="period_end", key="key-1"), Done)
        assert [request.method for request in script.sent] == ["GET"]

    def test_is_over_when_its_day_has_come_whatever_its_state(self) -> None:
        """A record that was not tidied up yet."""
        late = CANCELED | {"expires_at": "2026-11-22T11:00:00Z"}
        assert isinstance(cancelled("recurly", ok(late), when="now"), Done)

    @pytest.mark.parametrize(("state", "found"), [(CANCELED, Done), (CURLY_ACTIVE, NotThere), (CANCELED | {"state": "new"}, Unknown)])
    def test_is_found_as_its_record_proves(self, state: dict[str, Any], found: type[object]) -> None:
        """And nothing more."""
        assert isinstance(subscriptions(ok(state))[0].find(speaking("recurly"), when="period_end"), found)


class TestGooglePlay:
    @pytest.mark.parametrize("said", [*RUBBISH.values(), "{}"], ids=[*RUBBISH.keys(), "nothing"])
    def test_is_believed_by_its_record_whatever_its_yes_says(self, said: str | bytes) -> None:
        """Empty is what is documented; a gateway's page is no better and no worse."""
        assert isinstance(cancelled("google_play", raw(said), ok(PLAYED)), Done)
        assert isinstance(cancelled("google_play", raw(said), ok(play("ACTIVE"))), Unknown)

    @pytest.mark.parametrize("record", [raw(""), raw("<html>"), play_no(404, "NOT_FOUND"), play_no(410), play_no(401, "UNAUTHENTICATED")])
    def test_whose_record_cannot_be_read_is_not_known(self, record: httpx.Response) -> None:
        """It was asked, so it is not a no either."""
        assert isinstance(cancelled("google_play", raw(""), record), Unknown)

    @pytest.mark.parametrize(
        "record",
        [
            play("SOMETHING_NEW"),
            play("UNSPECIFIED"),
            play("PENDING"),
            play("PENDING_PURCHASE_CANCELED"),
            play("ON_HOLD"),
            play(plan={"autoRenewEnabled": True}),
            play(plan={"autoRenewEnabled": "no"}),
            play(autoRenewingPlan=None),
            play(expiryTime="soon"),
            play(expiryTime="2026-12-13T00:00:00"),
            play(plan={"recurringPrice": {"currencyCode": "JPY", "units": "1599"}}),
            play(plan={"recurringPrice": {"currencyCode": "USD", "units": "15", "nanos": 995000001}}),
            play(plan={"recurringPrice": {"currencyCode": "USD", "units": "1_5"}}),
            play(plan={"recurringPrice": {"currencyCode": "USD", "units": "-1"}}),
            play(plan={"recurringPrice": {"currencyCode": "USD", "units": 15}}),
            play(plan={"recurringPrice": {"currencyCode": "USD", "units": "999999999999"}}),
            {"subscriptionState": "SUBSCRIPTION_STATE_CANCELED", "lineItems": []},
        ],
    )
    def test_proves_nothing_by_a_record_that_does_not_fit(self, record: dict[str, Any]) -> None:
        """Another state, two things at once, no date, a price that nobody can pay: never done."""
        assert isinstance(cancelled("google_play", raw(""), ok(record)), Unknown)

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (play_no(403, "PERMISSION_DENIED"), Rejected),
            (play_no(401, "UNAUTHENTICATED"), Retryable),
            (play_no(403, "SOMETHING_NEW"), Unknown),
            (play_no(409, "ABORTED"), Unknown),
            (play_no(500, "INTERNAL"), Unknown),
            (play_no(403, "PERMISSION_DENIED", code=7), Unknown),
            (ok(PLAYED, 204), Unknown),
        ],
    )
    def test_refuses_in_its_own_vocabulary(self, answer: httpx.Response, kind: type[Outcome]) -> None:
        """An unknown word, or a gateway's error that only looks like Google's, settles nothing."""
        assert isinstance(cancelled("google_play", answer), kind)

    @pytest.mark.parametrize("no", [play_no(400, "INVALID_ARGUMENT"), play_no(400, "FAILED_PRECONDITION"), play_no(404), play_no(410)])
    def test_is_looked_at_before_a_no_is_believed(self, no: httpx.Response) -> None:
        """Somebody else was faster."""
        assert isinstance(cancelled("google_play", no, ok(PLAYED)), Done)

    def test_that_still_renews_is_refused(self) -> None:
        """Then the no is one."""
        answer = cancelled("google_play", play_no(400, "INVALID_ARGUMENT"), ok(play("ACTIVE")))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.POLICY

    @pytest.mark.parametrize(
        ("state", "status"),
        [("ACTIVE", "active"), ("IN_GRACE_PERIOD", "past_due"), ("ON_HOLD", "past_due"), ("PAUSED", "paused"), ("PENDING", "unknown")],
    )
    def test_says_who_owes_and_who_pauses(self, state: str, status: str) -> None:
        """Nine states, in Halo's words."""
        found = of_entry(BOUGHT, ok(play(state)))
        assert (found.status, found.price.cents, found.interval, found.ends_at) == (status, 1599, "year", None)

    def test_costs_what_all_its_items_cost(self) -> None:
        """An add-on is paid too; one without a price, or in another currency, cannot be summed up."""
        (item,) = play("ACTIVE")["lineItems"]
        free = {**item, "autoRenewingPlan": {"autoRenewEnabled": True}}
        euros = {**item, "autoRenewingPlan": {"recurringPrice": {"currencyCode": "EUR", "units": "1"}}}
        assert of_entry(BOUGHT, ok(play("ACTIVE") | {"lineItems": [item, item]})).price.cents == 3198
        for other in (free, euros):
            with pytest.raises(VendorFailed):
                of_entry(BOUGHT, ok(play("ACTIVE") | {"lineItems": [item, other]}))

    def test_may_have_no_price_any_more(self) -> None:
        """Where it renews no more, nothing hangs on it."""
        assert isinstance(cancelled("google_play", raw(""), ok(play(plan={"recurringPrice": None}))), Done)
        assert isinstance(cancelled("google_play", raw(""), ok(play("ACTIVE", plan={"recurringPrice": None}))), Unknown)

    @pytest.mark.parametrize(
        "change",
        [
            {"purchase": None},
            {"purchase": {**BOUGHT["purchase"], "purchase_token": "../../orders"}},
            {"purchase": {**BOUGHT["purchase"], "package_name": "example.app/x"}},
            {"purchase": {**BOUGHT["purchase"], "interval": "week"}},
            {"cancel": {**BOUGHT["cancel"], "refund": "none"}},
        ],
    )
    def test_without_a_purchase_that_can_be_ended_as_stated_is_left_out(self, change: dict[str, Any]) -> None:
        """No token, one that climbs out of its place, or an end at once that pays nothing back, which Google does not have."""
        assert subscriptions(ok({"data": [BOUGHT | change]}))[0].providers() == ()


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        ("recurly", CURLY_EXPIRED | {"current_period_ends_at": "2026-11-22T11:00:00Z"}),
        ("chargebee", {"subscription": {**BEE_ENDED["subscription"], "current_term_end": None}}),
    ],
)
def test_what_ended_at_once_may_have_lost_its_period(dialect: str, answer: dict[str, Any]) -> None:
    """It is over all the same, and the price is the one it had while it ran."""
    done = cancelled(dialect, ok(answer), when="now")
    assert isinstance(done, Done)
    assert done.artifacts[2].text == "$15.99 a month"


def of_list(dialect: str, listed: dict[str, Any]) -> Subscription:
    """The subscription in a list that a provider of that dialect gives."""
    entry: dict[str, Any] = {"provider_id": "streamly", "display_name": "Streamly", "dialect": dialect}
    entry["cancel"] = {"capability": "api", "modes": ["period_end"], "default_mode": "period_end"}
    return of_entry(entry, ok(listed))


def of_entry(entry: dict[str, Any], said: httpx.Response) -> Subscription:
    """The subscription with the one provider of a registry."""
    found = subscriptions(ok({"data": [entry]}), said)[0].get("streamly")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("dialect", "listed"),
    [
        ("chargebee", {"list": [bee(id="sub_0", status="cancelled"), NON_RENEWING]}),
        ("recurly", {"data": [CURLY_EXPIRED | {"id": "sub_0"}, CANCELED]}),
    ],
)
def test_a_list_prefers_the_one_that_runs(dialect: str, listed: dict[str, Any]) -> None:
    """An old one that has ended does not hide it."""
    assert of_list(dialect, copy.deepcopy(listed)).subscription_id == "sub_1"


@pytest.mark.parametrize("change", [lambda entry: entry.update(dialect="chargebee"), lambda entry: entry["cancel"].update(refund="maybe")])
def test_an_entry_is_read_or_left_out(change: Callable[[dict[str, Any]], object]) -> None:
    """A refund that nobody here understands must not be shown as none."""
    entry: dict[str, Any] = {"provider_id": "x", "display_name": "X", "dialect": "stripe"}
    entry["cancel"] = {"capability": "api", "modes": ["period_end"], "default_mode": "period_end"}
    change(entry)
    found = subscriptions(ok({"data": [entry]}))[0].providers()
    assert [provider.dialect for provider in found] == ([] if "refund" in entry["cancel"] else ["chargebee"])
