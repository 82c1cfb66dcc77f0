"""A provider that bills with Stripe: `/v1/subscriptions`, forms in, JSON out. Source: vendor notes §4.1."""

from __future__ import annotations

from collections.abc import Mapping

from halo_sim.data import Provider
from halo_sim.replays import Key, once
from halo_sim.router import Route
from halo_sim.subscriptions_state import (
    BEARER,
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

_DETAILS = frozenset({"cancellation_details[comment]", "cancellation_details[feedback]"})
_UPDATE_FIELDS = frozenset({"cancel_at_period_end"}) | _DETAILS | OFFER_FIELDS
_DELETE_FIELDS = frozenset({"invoice_now", "prorate"}) | _DETAILS | OFFER_FIELDS
_FEEDBACK = frozenset(
    {"customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused"}
)
_MAX_KEY = 255


# Reading.


def _asked(request: Request) -> Provider:
    return asked_of(request, "stripe", _missing)


def _missing(subscription_id: str) -> Refusal:
    return Refusal(404, "resource_missing", f"No such subscription: '{subscription_id}'", details="id")


def list_all(tx: Transaction, request: Request) -> Response:
    """GET v1/subscriptions?status=&limit=: without a status those that have not ended."""
    query_number(request, "limit", default=10, low=1, high=100)
    state, wanted = state_of(tx, _asked(request)), request.query.get("status", "")
    shown = wanted == "all" or wanted == _status(state) or (not wanted and not state.ended)
    data = [_render(state)] if shown and request.query.get("customer") in (None, "", CUSTOMER) else []
    return json_response(200, {"object": "list", "url": "/v1/subscriptions", "has_more": False, "data": data})


def read(tx: Transaction, request: Request) -> Response:
    """GET v1/subscriptions/{id}."""
    return json_response(200, _render(state_of(tx, _asked(request))))


# Writing.


def update(tx: Transaction, request: Request) -> Response:
    """POST v1/subscriptions/{id}: cancel at the end of the period, or take that back. An Idempotency-Key replays the first answer."""
    provider = _asked(request)
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MAX_KEY:
        raise Refusal(400, "idempotency_error", "Idempotency keys may have 255 characters at most.")
    known = Key(
        scope=provider.provider_id,
        text=key,
        reused=Refusal(400, "idempotency_error", "This Idempotency-Key was used with other parameters."),
        mark="idempotent-replayed",
    )
    return once(tx, request, known, refuse=refuse, do=lambda: _update(tx, provider, read_form(request), key or None))


def _update(tx: Transaction, provider: Provider, form: Mapping[str, str], key: str | None) -> JsonObject:
    _check_fields(form, _UPDATE_FIELDS)
    wanted = form.get("cancel_at_period_end")
    if wanted not in ("true", "false"):
        raise Refusal(400, "parameter_invalid", "cancel_at_period_end must be true or false.", details="cancel_at_period_end")
    _check_capability(provider, "period_end")
    state = state_of(tx, provider)
    if state.ended:
        raise Refusal(400, "resource_missing", "A canceled subscription can only update its cancellation_details and metadata.")
    if wanted == "true" and state.cancellation is None:
        if offer := offer_instead(tx, provider, "period_end", form, key=key):
            return offer
        cancel(tx, state, "period_end", key=key, **_why(form))
    elif wanted == "false" and state.cancellation is not None:
        undo(tx, provider, key)
    return _render(state_of(tx, provider))


def delete(tx: Transaction, request: Request) -> Response:
    """DELETE v1/subscriptions/{id}: ends it now. Once it has ended it is no longer there to be deleted."""
    provider = _asked(request)
    form = {**request.query, **read_form(request)}
    _check_fields(form, _DELETE_FIELDS)
    _check_capability(provider, "immediate")
    state = state_of(tx, provider)
    if state.ended:
        raise _missing(provider.subscription_id)
    key = request.headers.get("idempotency-key")
    if offer := offer_instead(tx, provider, "immediate", form, key=key):
        return json_response(200, offer)
    cancel(tx, state, "immediate", key=key, **_why(form))
    return json_response(200, _render(state_of(tx, provider)))


def _why(form: Mapping[str, str]) -> dict[str, str | None]:
    return {name: form.get(f"cancellation_details[{name}]") for name in ("comment", "feedback")}


def _check_fields(form: Mapping[str, str], known: frozenset[str]) -> None:
    for name in form:
        if name not in known:
            raise Refusal(400, "parameter_unknown", f"Received unknown parameter: {name[:100]}", details=name[:100])
    feedback = form.get("cancellation_details[feedback]")
    if feedback is not None and feedback not in _FEEDBACK:
        raise Refusal(400, "parameter_invalid", "Invalid feedback.", details="cancellation_details[feedback]")


def _check_capability(provider: Provider, mode: str) -> None:
    if provider.capability != "api":
        raise Refusal(403, "cancellation_not_supported", "This provider takes cancellations on its own page or by telephone only.")
    if mode not in provider.modes:
        raise Refusal(400, "mode_not_supported", f"This provider does not offer {mode}.")


# The wire shape.


def _status(state: State) -> str:
    return "canceled" if state.ended else "active"


def _render(state: State) -> JsonObject:
    provider, gone = state.provider, state.cancellation
    later = gone is not None and gone.mode == "period_end"
    return {
        "id": provider.subscription_id,
        "object": "subscription",
        "status": _status(state),
        "customer": CUSTOMER,
        "currency": "usd",
        "description": provider.plan,
        "cancel_at_period_end": later and not state.ended,
        "cancel_at": epoch(gone.ends_at) if gone and later else None,
        "canceled_at": epoch(gone.requested_at) if gone else None,
        "ended_at": epoch(gone.ends_at) if gone and state.ended else None,
        "cancellation_details": {
            "comment": gone.comment if gone else None,
            "feedback": gone.feedback if gone else None,
            "reason": "cancellation_requested" if gone else None,
        },
        "items": {"object": "list", "data": [_item(state)]},
        "metadata": {},
    }


def _item(state: State) -> JsonObject:
    provider = state.provider
    price: JsonObject = {
        "id": f"price_{provider.provider_id}",
        "unit_amount": provider.price_cents,
        "currency": "usd",
        "recurring": {"interval": provider.interval, "interval_count": 1},
    }
    return {
        "id": f"si_{provider.provider_id}",
        "current_period_start": epoch(state.period.start),
        "current_period_end": epoch(state.period.end),
        "quantity": 1,
        "price": price,
    }


# Who may call, and how it says no.


def check_caller(request: Request) -> None:
    """Raises `Refusal` without the key as a bearer token."""
    if request.headers.get("authorization") != BEARER:
        raise Refusal(401, "invalid_api_key", "Invalid API Key provided.")


def refuse(refusal: Refusal) -> Response:
    """Stripe's error body."""
    kind = {"idempotency_error": "idempotency_error"}.get(refusal.code, "invalid_request_error" if refusal.status < 500 else "api_error")
    error: dict[str, Json] = {"type": kind, "code": refusal.code, "message": refusal.message}
    if refusal.details:
        error["param"] = refusal.details
    return saying_no(refusal, {"error": error})


_LIST = "/{provider_id}/v1/subscriptions"
_ONE = "/{provider_id}/v1/subscriptions/{subscription_id}"

ROUTES = (
    Route("GET", _LIST, "list", list_all),
    Route("GET", _ONE, "read", read),
    Route("POST", _ONE, "update", update, commits=True),
    Route("DELETE", _ONE, "delete", delete, commits=True),
)
