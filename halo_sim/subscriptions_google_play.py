"""An app whose subscriptions are sold by Google Play: `purchases.subscriptionsv2` of the Android Publisher API v3. JSON, a bearer token, no keys.

Paths, members, states and the empty answers are the API reference's; that a token is gone sixty days after the end was observed in open-source
clients. What a second cancellation is answered with, and when a revoked subscription expires, is documented nowhere: 400 and at once are this
simulator's picks. There is no call to take a cancellation back: a person does that in the Play Store. Source: vendor notes §4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from halo_sim.data import Provider
from halo_sim.router import Route
from halo_sim.subscriptions_state import (
    BEARER,
    OFFER_FIELDS,
    State,
    cancel,
    instant,
    offer_instead,
    provider_at,
    saying_no,
    state_of,
)
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, json_response, object_of, read_object
from halo_sim.world import Transaction

_TYPES = ("USER_REQUESTED_STOP_RENEWALS", "DEVELOPER_REQUESTED_STOP_PAYMENTS")
_REFUNDS = {"prorated": "proratedRefund", "full": "fullRefund"}
_REMEMBERED = timedelta(days=60)
#: The words of the status codes that have one.
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _asked(tx: Transaction, request: Request) -> State:
    """What the path names by app and token, as it is now."""
    provider, (token, _, _) = provider_at(request, "google_play"), request.params["token"].partition(":")
    if provider is None or (request.params["package_name"], token) != (provider.package_name, provider.subscription_id):
        raise Refusal(404, "purchaseTokenNotFound", "The purchase token was not found.")
    state = state_of(tx, provider)
    if state.ended and state.cancellation and state.cancellation.ends_at + _REMEMBERED < tx.now:
        raise Refusal(410, "purchaseTokenNoLongerValid", "The purchase token is no longer valid.")
    return state


def read(tx: Transaction, request: Request) -> Response:
    """GET …/tokens/{token}."""
    return json_response(200, _render(_asked(tx, request)))


def post_cancel(tx: Transaction, request: Request) -> Response:
    """POST …/tokens/{token}:cancel: it runs on until it expires."""
    state, body = _asked(tx, request), _body(request, "cancellationContext")
    if object_of(body, "cancellationContext").get("cancellationType") not in _TYPES:
        raise _invalid("Invalid cancellation type.")
    if state.cancellation:
        raise _invalid("The subscription is not active.")
    return _ended(tx, state, "period_end", body)


def post_revoke(tx: Transaction, request: Request) -> Response:
    """POST …/tokens/{token}:revoke: it expires now, and money goes back."""
    state, body = _asked(tx, request), _body(request, "revocationContext")
    if tuple(object_of(body, "revocationContext")) != (_REFUNDS.get(state.provider.refund),):
        raise _invalid("Exactly one type of refund, and the one this app gives.")
    if state.ended:
        raise _invalid("The subscription is not active.")
    return _ended(tx, state, "immediate", body)


def _body(request: Request, context: str) -> JsonObject:
    body = read_object(request)
    if body.keys() - {context} - OFFER_FIELDS:
        raise _invalid("Invalid JSON payload received. Unknown name.")
    return body


def _ended(tx: Transaction, state: State, mode: str, body: JsonObject) -> Response:
    if mode not in state.provider.modes:
        raise _invalid(f"This app does not offer {mode}.")
    if offer := offer_instead(tx, state.provider, mode, body, key=None):
        return json_response(200, offer)
    cancel(tx, state, mode, key=None)
    return Response(status=200)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)


def _render(state: State) -> JsonObject:
    gone = state.cancellation
    running = "ACTIVE" if gone is None else "CANCELED"
    record: dict[str, Json] = {
        "kind": "androidpublisher#subscriptionPurchaseV2",
        "regionCode": "US",
        "subscriptionState": f"SUBSCRIPTION_STATE_{'EXPIRED' if state.ended else running}",
        "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        "lineItems": [_item(state)],
    }
    if gone is not None:
        record["canceledStateContext"] = {"userInitiatedCancellation": {"cancelTime": instant(gone.requested_at)}}
    return record


def _item(state: State) -> JsonObject:
    provider, gone = state.provider, state.cancellation
    # What is false is left out.
    renews: dict[str, Json] = {"autoRenewEnabled": True} if gone is None else {}
    return {
        "productId": provider.provider_id,
        "expiryTime": instant(gone.ends_at if gone else state.period.end),
        "autoRenewingPlan": {**renews, "recurringPrice": _price(provider)},
        "offerDetails": {"basePlanId": "monthly" if provider.interval == "month" else "yearly"},
    }


def _price(provider: Provider) -> JsonObject:
    """Whole units as a text, and billionths; what is zero is left out."""
    units, cents = divmod(provider.price_cents, 100)
    return {"currencyCode": "USD"} | ({"units": str(units)} if units else {}) | ({"nanos": cents * 10**7} if cents else {})


def check_caller(request: Request) -> None:
    """Raises `Refusal` without the key as a bearer token."""
    if request.headers.get("authorization") != BEARER:
        raise Refusal(401, "authError", "Request had invalid authentication credentials.")


def refuse(refusal: Refusal) -> Response:
    """Google's error envelope."""
    why: JsonObject = {"message": refusal.message, "domain": "androidpublisher", "reason": refusal.code}
    error: dict[str, Json] = {"code": refusal.status, "message": refusal.message, "errors": [why]}
    if refusal.status in _STATUSES:
        error["status"] = _STATUSES[refusal.status]
    return saying_no(refusal, {"error": error})


def _verb(name: str) -> Callable[[Request], bool]:
    """The verb stands behind a colon in the last segment, where the router's patterns do not look."""
    return lambda request: request.segments[-1].endswith(f":{name}")


_ONE = "/{provider_id}/androidpublisher/v3/applications/{package_name}/purchases/subscriptionsv2/tokens/{token}"

ROUTES = (
    Route("GET", _ONE, "read", read, refuse=refuse),
    Route("POST", _ONE, "stop_renewals", post_cancel, commits=True, when=_verb("cancel"), refuse=refuse),
    Route("POST", _ONE, "revoke", post_revoke, commits=True, when=_verb("revoke"), refuse=refuse),
)
