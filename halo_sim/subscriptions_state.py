"""What a subscription is, whoever's API shows it: when it renews, how it is cancelled, when it is over, and what the books say.

Called by the dialects' servers. Nothing is written as time passes: a state is computed from when it renews, what was cancelled, and now.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Row

from halo_engine.model.money import Money
from halo_sim import ledger
from halo_sim.data import Provider, providers
from halo_sim.wire import JsonObject, Refusal, Request, Response, json_response
from halo_sim.world import Transaction, from_text, to_text

API_KEY = "sk_halo_sim"
#: The same key, as the dialects want it in `Authorization`.
BEARER = f"Bearer {API_KEY}"
BASIC = "Basic " + base64.b64encode(f"{API_KEY}:".encode()).decode()
CUSTOMER = "cus_halo"

#: The token in the offer that the fault `retention_offer` makes, whatever the provider.
_TOKEN_OF_THE_FAULT = "offer-halo-sim"  # noqa: S105 - names an offer, opens nothing
_OFFER: JsonObject = {"discount_percent": 50, "months": 3}


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


def epoch(at: datetime) -> int:
    """Seconds since 1970."""
    return int(at.timestamp())


def instant(at: datetime) -> str:
    """As RFC 3339 writes it, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period, and the end of the one after it."""

    start: datetime
    end: datetime
    following_end: datetime


def _period(provider: Provider, created_at: datetime, now: datetime) -> Period:
    """The billing period that `now` is in, counted from the anchor, so that a renewal on the 31st finds its way back to it."""
    months = 12 if provider.interval == "year" else 1
    anchor = first_renewal(provider, created_at)
    step = 0
    while _later(anchor, step) <= now:
        step += months
    return Period(start=_later(anchor, step - months), end=_later(anchor, step), following_end=_later(anchor, step + months))


# State.


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What was asked for, and when it takes effect. `mode` is `period_end` or `immediate`."""

    requested_at: datetime
    ends_at: datetime
    mode: str
    comment: str | None
    feedback: str | None


@dataclass(frozen=True, slots=True)
class State:
    """One subscription as it is now."""

    provider: Provider
    period: Period
    cancellation: Cancellation | None
    ended: bool


def state_of(tx: Transaction, provider: Provider) -> State:
    """Computed, not stored."""
    row = tx.row("SELECT * FROM cancellations WHERE subscription_id = ?", provider.subscription_id)
    cancellation = _cancellation(row) if row else None
    ended = cancellation is not None and cancellation.ends_at <= tx.now
    seen_at = cancellation.requested_at if ended and cancellation else tx.now
    return State(provider=provider, period=_period(provider, tx.created_at, seen_at), cancellation=cancellation, ended=ended)


def _cancellation(row: Row) -> Cancellation:
    return Cancellation(
        requested_at=from_text(row["requested_at"]),
        ends_at=from_text(row["ends_at"]),
        mode=row["mode"],
        comment=row["comment"],
        feedback=row["feedback"],
    )


def provider_at(request: Request, dialect: str) -> Provider | None:
    """The provider that the path names, if that is how it is spoken to. Those without an API of their own can be read in Stripe's."""
    provider = providers().get(request.params["provider_id"])
    return provider if provider is not None and provider.dialect == dialect else None


def asked_of(request: Request, dialect: str, missing: Callable[[str], Refusal]) -> Provider:
    """That provider, if it also has the subscription that the path names. Raises `missing` of that name, which is empty for a list."""
    provider, wanted = provider_at(request, dialect), request.params.get("subscription_id")
    if provider is None or wanted not in (None, provider.subscription_id):
        raise missing((wanted or "")[:100])
    return provider


# Ending.


def cancel(tx: Transaction, state: State, mode: str, *, key: str | None, comment: str | None = None, feedback: str | None = None) -> None:
    """End it now, or at the end of the period that still leaves the notice; the fee is charged once."""
    ends_at = tx.now if mode == "immediate" else _end_after_notice(state, tx.now)
    values = (state.provider.subscription_id, to_text(tx.now), to_text(ends_at), mode, comment, feedback)
    tx.run("INSERT OR REPLACE INTO cancellations VALUES (?, ?, ?, ?, ?, ?)", *values)
    # A second cancellation, now instead of later, does not cost the fee again.
    fee = 0 if state.cancellation else state.provider.fee_cents
    detail: dict[str, str | int] = {"mode": mode, "ends_at": instant(ends_at), "refunded_cents": _refunded_cents(state, mode, tx.now)}
    record(tx, state.provider, kind="cancellation", key=key, fee=fee, detail=detail)


def _end_after_notice(state: State, now: datetime) -> datetime:
    """The period's end, or the next one's when there is too little notice left."""
    in_time = now + timedelta(days=state.provider.notice_days) <= state.period.end
    return state.period.end if in_time else state.period.following_end


def _refunded_cents(state: State, mode: str, now: datetime) -> int:
    """What the provider's own rule gives back, rounded down to the cent."""
    if mode != "immediate" or state.provider.refund == "none":
        return 0
    if state.provider.refund == "full":
        return state.provider.price_cents
    left, whole = state.period.end - now, state.period.end - state.period.start
    return state.provider.price_cents * (left // timedelta(seconds=1)) // (whole // timedelta(seconds=1))


def undo(tx: Transaction, provider: Provider, key: str | None) -> None:
    """It renews again."""
    tx.run("DELETE FROM cancellations WHERE subscription_id = ?", provider.subscription_id)
    record(tx, provider, kind="undo", key=key, fee=0, detail={})


def record(tx: Transaction, provider: Provider, *, kind: ledger.Kind, key: str | None, fee: int, detail: Mapping[str, str | int]) -> None:
    """Into the books."""
    ledger.record(
        tx,
        vendor="subscriptions",
        kind=kind,
        reference=provider.subscription_id,
        client_reference=key or None,
        charged=Money(cents=fee),
        detail={"provider_id": provider.provider_id, "price_cents": provider.price_cents, "interval": provider.interval, **detail},
    )


# Offers to stay. No vendor documents any: how they are made, declined and accepted is Halo's own invention.

OFFER_FIELDS = frozenset({"decline_offer", "accept_offer", "confirm_token"})


def offer_instead(tx: Transaction, provider: Provider, mode: str, fields: Mapping[str, object], *, key: str | None) -> JsonObject | None:
    """What the provider says instead of cancelling; None where it cancels.

    A cancellation is answered with an offer and its `confirm_token`. The same request again with `decline_offer=true` and that token cancels;
    with `accept_offer=true` it is the discount that is taken, which is an effect that the books tell.
    """
    token = _offer_token(tx, provider, mode)
    answered = fields.get("confirm_token") in (token, _TOKEN_OF_THE_FAULT)
    if answered and fields.get("accept_offer") == "true":
        record(tx, provider, kind="offer", key=key, fee=0, detail={"discount_percent": 50, "months": 3})
        return {"status": "offer_accepted", "offer": _OFFER}
    if not provider.retention_offer or (answered and fields.get("decline_offer") == "true"):
        return None
    return {"status": "offer_pending", "offer": _OFFER, "confirm_token": token}


def _offer_token(tx: Transaction, provider: Provider, mode: str) -> str:
    """Of this offer in this world; the same each time it is made."""
    return "offer-" + hashlib.sha256(f"{provider.provider_id}/{mode}/{to_text(tx.created_at)}".encode()).hexdigest()[:24]


def saying_no(refusal: Refusal, body: JsonObject) -> Response:
    """A refusal with its dialect's body."""
    headers = () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)
    return json_response(refusal.status, body, headers=headers)
