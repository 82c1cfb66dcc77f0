"""The subscription companies: a registry of who they are, and a Stripe-shaped billing API under each of them.

No streaming service or gym offers consumers such an API; the registry says so by `capability`, and only `api` providers can be cancelled
here. Nothing is written as time passes: a subscription's state is computed from when it renews, what was cancelled, and now.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Row

from halo_engine.model.money import Money
from halo_sim import ledger
from halo_sim.data import Provider, providers
from halo_sim.router import Route, Vendor
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, json_response, query_number, read_form, write_json
from halo_sim.world import Transaction, from_text, to_text

API_KEY = "sk_halo_sim"

_UPDATE_FIELDS = frozenset({"cancel_at_period_end", "cancellation_details[comment]", "cancellation_details[feedback]"})
_DELETE_FIELDS = frozenset({"invoice_now", "prorate", "cancellation_details[comment]", "cancellation_details[feedback]"})
_FEEDBACK = frozenset(
    {"customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused"}
)
_MAX_KEY = 255


# Time.


def _later(at: datetime, months: int) -> datetime:
    """So many months on, on the same day or the month's last."""
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


def first_renewal(provider: Provider, created_at: datetime) -> datetime:
    """The first renewal after the world began, at midnight UTC."""
    midnight = created_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if provider.renewal_days_ahead is not None:
        return midnight + timedelta(days=provider.renewal_days_ahead)
    this_month = midnight.replace(day=provider.renewal_day_of_month or 1)
    return this_month if this_month > created_at else _later(this_month, 1)


@dataclass(frozen=True, slots=True)
class _Period:
    start: datetime
    end: datetime
    following_end: datetime


def _period(provider: Provider, created_at: datetime, now: datetime) -> _Period:
    """The billing period that `now` is in, counted from the anchor, so that a renewal on the 31st finds its way back to it."""
    months = 12 if provider.interval == "year" else 1
    anchor = first_renewal(provider, created_at)
    step = 0
    while _later(anchor, step) <= now:
        step += months
    return _Period(start=_later(anchor, step - months), end=_later(anchor, step), following_end=_later(anchor, step + months))


# State.


@dataclass(frozen=True, slots=True)
class _Cancellation:
    requested_at: datetime
    ends_at: datetime
    mode: str
    comment: str | None
    feedback: str | None


@dataclass(frozen=True, slots=True)
class _State:
    """One subscription as it is now."""

    provider: Provider
    period: _Period
    cancellation: _Cancellation | None
    ended: bool


def _state(tx: Transaction, provider: Provider) -> _State:
    row = tx.row("SELECT * FROM cancellations WHERE subscription_id = ?", provider.subscription_id)
    cancellation = _cancellation(row) if row else None
    ended = cancellation is not None and cancellation.ends_at <= tx.now
    seen_at = cancellation.requested_at if ended and cancellation else tx.now
    return _State(provider=provider, period=_period(provider, tx.created_at, seen_at), cancellation=cancellation, ended=ended)


def _cancellation(row: Row) -> _Cancellation:
    return _Cancellation(
        requested_at=from_text(row["requested_at"]),
        ends_at=from_text(row["ends_at"]),
        mode=row["mode"],
        comment=row["comment"],
        feedback=row["feedback"],
    )


# The registry.


def registry(_tx: Transaction, _request: Request) -> Response:
    """GET v1/providers."""
    return json_response(200, {"object": "list", "data": [_entry(provider) for provider in providers().values()]})


def _entry(provider: Provider) -> JsonObject:
    fee: Json = {"amount": provider.fee_cents, "currency": "usd"} if provider.fee_cents else None
    return {
        "provider_id": provider.provider_id,
        "display_name": provider.display_name,
        "aliases": provider.aliases,
        "category": provider.category,
        "cancel": {
            "capability": provider.capability,
            "modes": provider.modes,
            "default_mode": provider.default_mode,
            "undo_until": "period_end" if "period_end" in provider.modes else None,
            "async": False,
            "retention_offer": False,
            "fee": fee,
            "notice_days": provider.notice_days,
            "loses": provider.loses,
        },
        "deeplink": provider.deeplink,
        # A reference, to be resolved against the registry's own address.
        "base_url": f"/subscriptions/{provider.provider_id}",
        "dialect": "stripe",
    }


# Reading.


def _provider(request: Request) -> Provider:
    provider = providers().get(request.params["provider_id"])
    if provider is None:
        raise Refusal(404, "resource_missing", "No such provider.")
    return provider


def _asked(request: Request) -> Provider:
    """The provider whose subscription the path names."""
    provider = _provider(request)
    if request.params["subscription_id"] != provider.subscription_id:
        raise _missing(request.params["subscription_id"])
    return provider


def _missing(subscription_id: str) -> Refusal:
    return Refusal(404, "resource_missing", f"No such subscription: '{subscription_id[:100]}'", details="id")


def list_all(tx: Transaction, request: Request) -> Response:
    """GET v1/subscriptions?status=&limit=: without a status those that have not ended."""
    query_number(request, "limit", default=10, low=1, high=100)
    state, wanted = _state(tx, _provider(request)), request.query.get("status", "")
    shown = wanted == "all" or wanted == _status(state) or (not wanted and not state.ended)
    data = [_render(state)] if shown and request.query.get("customer") in (None, "", "cus_halo") else []
    return json_response(200, {"object": "list", "url": "/v1/subscriptions", "has_more": False, "data": data})


def read(tx: Transaction, request: Request) -> Response:
    """GET v1/subscriptions/{id}."""
    return json_response(200, _render(_state(tx, _asked(request))))


# Writing.


def update(tx: Transaction, request: Request) -> Response:
    """POST v1/subscriptions/{id}: cancel at the end of the period, or take that back. An Idempotency-Key replays the first answer."""
    provider = _asked(request)
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MAX_KEY:
        raise Refusal(400, "idempotency_error", "Idempotency keys may have 255 characters at most.")
    body_hash = hashlib.sha256(request.path.encode() + b"\n" + request.body).hexdigest()
    earlier = tx.row("SELECT * FROM replays WHERE scope = ? AND key = ?", provider.provider_id, key)
    if earlier is not None:
        return _replay(earlier, body_hash)
    answer = write_json(_update(tx, provider, read_form(request), key or None))
    if key:
        tx.run("INSERT INTO replays VALUES (?, ?, ?, 200, ?)", provider.provider_id, key, body_hash, answer)
    return _json(answer)


def _json(answer: bytes, *headers: tuple[str, str]) -> Response:
    return Response(status=200, body=answer, headers=(("content-type", "application/json"), *headers))


def _replay(earlier: Row, body_hash: str) -> Response:
    if earlier["body_hash"] != body_hash:
        raise Refusal(400, "idempotency_error", "This Idempotency-Key was used with other parameters.")
    return _json(earlier["answer"], ("idempotent-replayed", "true"))


def _update(tx: Transaction, provider: Provider, form: Mapping[str, str], key: str | None) -> JsonObject:
    _check_fields(form, _UPDATE_FIELDS)
    wanted = form.get("cancel_at_period_end")
    if wanted not in ("true", "false"):
        raise Refusal(400, "parameter_invalid", "cancel_at_period_end must be true or false.", details="cancel_at_period_end")
    _check_capability(provider, "period_end")
    state = _state(tx, provider)
    if state.ended:
        raise Refusal(400, "resource_missing", "A canceled subscription can only update its cancellation_details and metadata.")
    if wanted == "true" and state.cancellation is None:
        _cancel(tx, state, mode="period_end", form=form, key=key)
    elif wanted == "false" and state.cancellation is not None:
        _undo(tx, provider, key)
    return _render(_state(tx, provider))


def delete(tx: Transaction, request: Request) -> Response:
    """DELETE v1/subscriptions/{id}: ends it now. Once it has ended it is no longer there to be deleted."""
    provider = _asked(request)
    form = {**request.query, **read_form(request)}
    _check_fields(form, _DELETE_FIELDS)
    _check_capability(provider, "immediate")
    state = _state(tx, provider)
    if state.ended:
        raise _missing(provider.subscription_id)
    _cancel(tx, state, mode="immediate", form=form, key=request.headers.get("idempotency-key"))
    return json_response(200, _render(_state(tx, provider)))


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


def _cancel(tx: Transaction, state: _State, *, mode: str, form: Mapping[str, str], key: str | None) -> None:
    ends_at = tx.now if mode == "immediate" else _end_after_notice(state, tx.now)
    tx.run(
        "INSERT OR REPLACE INTO cancellations VALUES (?, ?, ?, ?, ?, ?)",
        state.provider.subscription_id,
        to_text(tx.now),
        to_text(ends_at),
        mode,
        form.get("cancellation_details[comment]"),
        form.get("cancellation_details[feedback]"),
    )
    # A second cancellation, now instead of later, does not cost the fee again.
    fee = 0 if state.cancellation else state.provider.fee_cents
    _record(tx, state.provider, kind="cancellation", key=key, fee=fee, detail={"mode": mode, "ends_at": _second(ends_at)})


def _end_after_notice(state: _State, now: datetime) -> datetime:
    """The period's end, or the next one's when there is too little notice left."""
    in_time = now + timedelta(days=state.provider.notice_days) <= state.period.end
    return state.period.end if in_time else state.period.following_end


def _undo(tx: Transaction, provider: Provider, key: str | None) -> None:
    tx.run("DELETE FROM cancellations WHERE subscription_id = ?", provider.subscription_id)
    _record(tx, provider, kind="undo", key=key, fee=0, detail={})


def _record(tx: Transaction, provider: Provider, *, kind: ledger.Kind, key: str | None, fee: int, detail: dict[str, str]) -> None:
    ledger.record(
        tx,
        vendor="subscriptions",
        kind=kind,
        reference=provider.subscription_id,
        client_reference=key or None,
        charged=Money(cents=fee),
        detail={"provider_id": provider.provider_id, "price_cents": provider.price_cents, "interval": provider.interval, **detail},
    )


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# The wire shape.


def _status(state: _State) -> str:
    return "canceled" if state.ended else "active"


def _render(state: _State) -> JsonObject:
    provider, gone = state.provider, state.cancellation
    later = gone is not None and gone.mode == "period_end"
    return {
        "id": provider.subscription_id,
        "object": "subscription",
        "status": _status(state),
        "customer": "cus_halo",
        "currency": "usd",
        "description": provider.plan,
        "cancel_at_period_end": later and not state.ended,
        "cancel_at": _epoch(gone.ends_at) if gone and later else None,
        "canceled_at": _epoch(gone.requested_at) if gone else None,
        "ended_at": _epoch(gone.ends_at) if gone and state.ended else None,
        "cancellation_details": {
            "comment": gone.comment if gone else None,
            "feedback": gone.feedback if gone else None,
            "reason": "cancellation_requested" if gone else None,
        },
        "items": {"object": "list", "data": [_item(state)]},
        "metadata": {},
    }


def _item(state: _State) -> JsonObject:
    provider = state.provider
    price: JsonObject = {
        "id": f"price_{provider.provider_id}",
        "unit_amount": provider.price_cents,
        "currency": "usd",
        "recurring": {"interval": provider.interval, "interval_count": 1},
    }
    return {
        "id": f"si_{provider.provider_id}",
        "current_period_start": _epoch(state.period.start),
        "current_period_end": _epoch(state.period.end),
        "quantity": 1,
        "price": price,
    }


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


# Who may call, and how it says no.


def _check_caller(_tx: Transaction, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        raise Refusal(401, "invalid_api_key", "Invalid API Key provided.")


def _refuse(refusal: Refusal) -> Response:
    kind = {"idempotency_error": "idempotency_error", "service_unavailable": "api_error"}.get(refusal.code, "invalid_request_error")
    error: dict[str, Json] = {"type": kind, "code": refusal.code, "message": refusal.message}
    if refusal.details:
        error["param"] = refusal.details
    headers = () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)
    return json_response(refusal.status, {"error": error}, headers=headers)


_LIST = "/{provider_id}/v1/subscriptions"
_ONE = "/{provider_id}/v1/subscriptions/{subscription_id}"

VENDOR = Vendor(
    name="subscriptions",
    routes=(
        Route("GET", "/v1/providers", "registry", registry),
        Route("GET", _LIST, "list", list_all),
        Route("GET", _ONE, "read", read),
        Route("POST", _ONE, "update", update, commits=True),
        Route("DELETE", _ONE, "delete", delete, commits=True),
    ),
    check_caller=_check_caller,
    refuse=_refuse,
)
