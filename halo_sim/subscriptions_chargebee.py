"""A provider that bills with Chargebee v2: `/api/v2/subscriptions`, forms in, JSON out, HTTP Basic, keys that replay.

Paths, fields and codes are the official SDK's (PyPI `chargebee` 3.29). Which status goes with which code, and what a key is answered that comes back
with another body, is not documented there: 409 and 400 are this simulator's picks. Source: vendor notes §4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from halo_sim.data import Provider
from halo_sim.replays import Key, once
from halo_sim.router import Route
from halo_sim.subscriptions_state import (
    BASIC,
    CUSTOMER,
    OFFER_FIELDS,
    State,
    asked_of,
    cancel,
    epoch,
    offer_instead,
    saying_no,
    state_of,
    undo,
)
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, json_response, query_number, read_form
from halo_sim.world import Transaction

_Change: TypeAlias = Callable[[Provider, Mapping[str, str], str | None], JsonObject]

_MODES = {"immediately": "immediate", "end_of_term": "period_end"}
_CANCEL_FIELDS = frozenset({"cancel_option", "cancel_reason_code", "credit_option_for_current_term_charges"}) | OFFER_FIELDS
_CREDITS = (None, "none", "prorate", "full")
_TYPES = {"payment_processing_failed": "payment", "resource_not_found": "invalid_request", "invalid_state_for_request": "invalid_request"}
#: What the router says in its own words, in Chargebee's.
_CODES = {
    "unauthorized": "api_authentication_failed",
    "rate_limit": "api_request_limit_exceeded",
    "service_unavailable": "internal_temporary_error",
    "server_error": "internal_error",
    "invalid_request": "param_wrong_value",
}


def _asked(request: Request) -> Provider:
    return asked_of(request, "chargebee", lambda name: Refusal(404, "resource_not_found", f"{name or 'the site'} not found"))


def list_all(tx: Transaction, request: Request) -> Response:
    """GET api/v2/subscriptions?limit=: of every status."""
    query_number(request, "limit", default=10, low=1, high=100)
    return json_response(200, {"list": [_render(state_of(tx, _asked(request)))]})


def read(tx: Transaction, request: Request) -> Response:
    """GET api/v2/subscriptions/{id}."""
    return json_response(200, _render(state_of(tx, _asked(request))))


def cancel_for_items(tx: Transaction, request: Request) -> Response:
    """POST api/v2/subscriptions/{id}/cancel_for_items: at the end of the term, or immediately."""
    return _once(tx, request, lambda provider, form, key: _cancel(tx, provider, form, key))


def remove_scheduled_cancellation(tx: Transaction, request: Request) -> Response:
    """POST api/v2/subscriptions/{id}/remove_scheduled_cancellation: it renews again."""
    return _once(tx, request, lambda provider, _form, key: _undo(tx, provider, key))


def _once(tx: Transaction, request: Request, do: _Change) -> Response:
    provider = _asked(request)
    key = request.headers.get("chargebee-idempotency-key", "")
    known = Key(
        scope=provider.provider_id,
        text=key,
        reused=Refusal(400, "invalid_request", "The idempotency key was used with another request."),
        mark="chargebee-idempotency-replayed",
    )
    return once(tx, request, known, refuse=refuse, do=lambda: do(provider, read_form(request), key or None))


def _cancel(tx: Transaction, provider: Provider, form: Mapping[str, str], key: str | None) -> JsonObject:
    mode = _mode(provider, form)
    state = state_of(tx, provider)
    if state.ended or (state.cancellation and mode == "period_end"):
        raise Refusal(409, "invalid_state_for_request", "The subscription is cancelled already.")
    if offer := offer_instead(tx, provider, mode, form, key=key):
        return offer
    cancel(tx, state, mode, key=key, feedback=form.get("cancel_reason_code"))
    return _render(state_of(tx, provider))


def _mode(provider: Provider, form: Mapping[str, str]) -> str:
    mode = _MODES.get(form.get("cancel_option", "immediately"), "")
    if form.keys() - _CANCEL_FIELDS or mode not in provider.modes or form.get("credit_option_for_current_term_charges") not in _CREDITS:
        raise Refusal(400, "param_wrong_value", "A parameter has a wrong value.", details="cancel_option")
    return mode


def _undo(tx: Transaction, provider: Provider, key: str | None) -> JsonObject:
    state = state_of(tx, provider)
    if state.ended or state.cancellation is None:
        raise Refusal(409, "invalid_state_for_request", "No cancellation is scheduled.")
    undo(tx, provider, key)
    return _render(state_of(tx, provider))


def _render(state: State) -> JsonObject:
    provider, gone = state.provider, state.cancellation
    running = "active" if gone is None else "non_renewing"
    item: JsonObject = {
        "item_price_id": provider.plan,
        "item_type": "plan",
        "quantity": 1,
        "unit_price": provider.price_cents,
        "amount": provider.price_cents,
    }
    subscription: dict[str, Json] = {
        "id": provider.subscription_id,
        "object": "subscription",
        "customer_id": CUSTOMER,
        "status": "cancelled" if state.ended else running,
        "currency_code": "USD",
        "billing_period": 1,
        "billing_period_unit": provider.interval,
        "current_term_start": epoch(state.period.start),
        "current_term_end": epoch(state.period.end),
        "due_invoices_count": 0,
        "deleted": False,
        "subscription_items": [item],
    }
    if gone is None:
        subscription["next_billing_at"] = epoch(state.period.end)
    else:
        # The day it ends, and not the day that was asked for; absent members are left out rather than null.
        subscription |= {"cancelled_at": epoch(gone.ends_at), "cancel_schedule_created_at": epoch(gone.requested_at)}
    return {"subscription": subscription, "customer": {"id": CUSTOMER, "object": "customer"}}


def check_caller(request: Request) -> None:
    """Raises `Refusal` without the key as the user of HTTP Basic."""
    if request.headers.get("authorization") != BASIC:
        raise Refusal(401, "unauthorized", "Sorry, authentication failed. Invalid api key.")


def refuse(refusal: Refusal) -> Response:
    """Chargebee's error body, in both of its vocabularies."""
    code = _CODES.get(refusal.code, refusal.code)
    body = {"message": refusal.message, "type": _TYPES.get(code, "invalid_request"), "api_error_code": code, "error_code": code}
    if refusal.status >= 500:
        body["type"] = "operation_failed"
    return saying_no(refusal, body | {"error_msg": refusal.message} | ({"param": refusal.details} if refusal.details else {}))


_LIST = "/{provider_id}/api/v2/subscriptions"
_ONE = f"{_LIST}/{{subscription_id}}"

ROUTES = (
    Route("GET", _LIST, "list", list_all, refuse=refuse),
    Route("GET", _ONE, "read", read, refuse=refuse),
    Route("POST", f"{_ONE}/cancel_for_items", "cancel_for_items", cancel_for_items, commits=True, refuse=refuse),
    Route("POST", f"{_ONE}/remove_scheduled_cancellation", "undo", remove_scheduled_cancellation, commits=True, refuse=refuse),
)
