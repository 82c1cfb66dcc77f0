"""A provider that bills with Recurly v3: `/subscriptions`, JSON both ways, HTTP Basic, the version in `Accept`, and no idempotency keys.

Paths, members, states and error types are the official SDK's (PyPI `recurly` 4.79). Which type a second cancellation is answered with is not
documented there: `validation` is this simulator's pick. Source: vendor notes §4.2.
"""

from __future__ import annotations

from collections.abc import Mapping

from halo_engine.model.money import Money
from halo_sim.data import Provider
from halo_sim.router import Route
from halo_sim.subscriptions_state import (
    BASIC,
    CUSTOMER,
    OFFER_FIELDS,
    State,
    asked_of,
    cancel,
    instant,
    offer_instead,
    saying_no,
    state_of,
    undo,
)
from halo_sim.wire import JsonObject, Refusal, Request, Response, json_response, query_number, read_object
from halo_sim.world import Transaction

VERSION = "application/vnd.recurly.v2021-02-25"
_TIMEFRAMES = ("bill_date", "term_end")
_REFUNDS = ("full", "partial", "none")
#: What the router says in its own words, in Recurly's.
_TYPES = {
    "rate_limit": "rate_limited",
    "service_unavailable": "service_not_available",
    "server_error": "internal_server",
    "invalid_request": "bad_request",
}


def _asked(request: Request) -> Provider:
    return asked_of(request, "recurly", lambda name: Refusal(404, "not_found", f"Couldn't find Subscription with id = {name}"))


def list_all(tx: Transaction, request: Request) -> Response:
    """GET subscriptions?limit=: in every state."""
    query_number(request, "limit", default=20, low=1, high=200)
    return json_response(200, {"object": "list", "has_more": False, "next": None, "data": [_render(state_of(tx, _asked(request)))]})


def read(tx: Transaction, request: Request) -> Response:
    """GET subscriptions/{id}."""
    return json_response(200, _render(state_of(tx, _asked(request))))


def put_cancel(tx: Transaction, request: Request) -> Response:
    """PUT subscriptions/{id}/cancel: it runs on until it expires."""
    provider = _asked(request)
    body = read_object(request) if request.body else {}
    if body.keys() - {"timeframe"} - OFFER_FIELDS or body.get("timeframe", "term_end") not in _TIMEFRAMES:
        raise _invalid("Timeframe is invalid")
    state = state_of(tx, provider)
    if state.ended or state.cancellation:
        raise _invalid("Only active and future subscriptions can be canceled")
    return _cancel(tx, state, "period_end", body)


def delete(tx: Transaction, request: Request) -> Response:
    """DELETE subscriptions/{id}?refund=&charge=: it expires now."""
    provider = _asked(request)
    if request.query.get("refund", "none") not in _REFUNDS:
        raise _invalid("Refund is invalid")
    state = state_of(tx, provider)
    if state.ended:
        raise Refusal(422, "immutable_subscription", "An expired subscription cannot be terminated")
    return _cancel(tx, state, "immediate", request.query)


def _cancel(tx: Transaction, state: State, mode: str, fields: Mapping[str, object]) -> Response:
    if mode not in state.provider.modes:
        raise _invalid(f"This provider does not offer {mode}")
    if offer := offer_instead(tx, state.provider, mode, fields, key=None):
        return json_response(200, offer)
    cancel(tx, state, mode, key=None)
    return json_response(200, _render(state_of(tx, state.provider)))


def reactivate(tx: Transaction, request: Request) -> Response:
    """PUT subscriptions/{id}/reactivate: it renews again."""
    provider = _asked(request)
    state = state_of(tx, provider)
    if state.ended or state.cancellation is None:
        raise _invalid("Only canceled subscriptions can be reactivated")
    undo(tx, provider, None)
    return json_response(200, _render(state_of(tx, provider)))


def _invalid(message: str) -> Refusal:
    return Refusal(422, "validation", message)


def _render(state: State) -> JsonObject:
    provider, gone = state.provider, state.cancellation
    price, running = Money(cents=provider.price_cents).to_decimal(), "active" if gone is None else "canceled"
    return {
        "id": provider.subscription_id,
        "object": "subscription",
        "account": {"id": CUSTOMER, "object": "account"},
        "plan": {"object": "plan", "code": provider.provider_id, "name": provider.plan},
        "state": "expired" if state.ended else running,
        "currency": "USD",
        "quantity": 1,
        "unit_amount": price,
        "subtotal": price,
        "current_period_started_at": instant(state.period.start),
        "current_period_ends_at": instant(state.period.end),
        "canceled_at": instant(gone.requested_at) if gone else None,
        "expires_at": instant(gone.ends_at) if gone else None,
        "auto_renew": gone is None,
    }


def check_caller(request: Request) -> None:
    """Raises `Refusal` without the key as the user of HTTP Basic, or without a version that is known."""
    if request.headers.get("authorization") != BASIC:
        raise Refusal(401, "unauthorized", "There was a problem with your API key.")
    if request.headers.get("accept") != VERSION:
        raise Refusal(406, "unknown_api_version", "The API version in the Accept header is not known.")


def refuse(refusal: Refusal) -> Response:
    """Recurly's error body."""
    return saying_no(refusal, {"error": {"type": _TYPES.get(refusal.code, refusal.code), "message": refusal.message, "params": []}})


_LIST = "/{provider_id}/subscriptions"
_ONE = f"{_LIST}/{{subscription_id}}"

ROUTES = (
    Route("GET", _LIST, "list", list_all, refuse=refuse),
    Route("GET", _ONE, "read", read, refuse=refuse),
    Route("PUT", f"{_ONE}/cancel", "cancel", put_cancel, commits=True, refuse=refuse),
    Route("DELETE", _ONE, "terminate", delete, commits=True, refuse=refuse),
    Route("PUT", f"{_ONE}/reactivate", "undo", reactivate, commits=True, refuse=refuse),
)
