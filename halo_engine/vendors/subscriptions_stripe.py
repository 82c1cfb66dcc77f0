"""Stripe Billing: forms in, JSON out, amounts in the currency's minor unit. Called by `subscriptions` only.

Three things mislead: a subscription cancelled for the end of its period stays `active`, `canceled_at` is when that was asked for, and a stored
answer is replayed for its key for a day, also when that answer was a 500. Source: vendor notes §4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pydantic import Field, SecretStr

from halo_engine.model.money import Money
from halo_engine.model.outcome import Outcome, Reason
from halo_engine.vendors.http import Answer, Call
from halo_engine.vendors.subscriptions_dialect import (
    Contested,
    Ending,
    Epoch,
    Listing,
    Site,
    bearer_auth,
    key_refused,
    minor_units,
    not_there,
    refused,
    refused_as,
    rhythm,
)
from halo_engine.vendors.subscriptions_values import Interval, Provider, Status, Subscription
from halo_engine.vendors.wire import Ident, Text, UnreadableError, Wire, read_as

_REFUSALS = {400: Reason.OTHER, 402: Reason.PAYMENT, 403: Reason.RESTRICTED, 404: Reason.NOT_FOUND}


class Stripe(Listing):
    """`/v1/subscriptions`."""

    name: ClassVar[str] = "stripe"
    recognises_repeats: ClassVar[bool] = True
    path: ClassVar[str] = "/v1/subscriptions"
    every: ClassVar[Mapping[str, str]] = MappingProxyType({"status": "all", "limit": "10"})

    def headers(self, api_key: SecretStr) -> dict[str, str]:
        return bearer_auth(api_key)

    def end(self, site: Site, ending: Ending) -> Call:
        url, headers = self.one(site, ending.subscription.subscription_id), self.headers(site.api_key)
        if ending.when == "now":
            # No key: what has ended cannot be ended again.
            return Call(method="DELETE", url=url, headers=headers, query=_refund(ending) | ending.decline_fields)
        headers |= {"Idempotency-Key": ending.idempotency_key}
        return Call(method="POST", url=url, headers=headers, form={"cancel_at_period_end": "true"} | ending.decline_fields)

    def read_list(self, answer: Answer, provider: Provider) -> tuple[Subscription, ...]:
        return tuple(body.subscription(provider) for body in read_as(answer, _List).data)

    def read_one(self, answer: Answer, provider: Provider) -> Subscription:
        return read_as(answer, _Body).subscription(provider)

    def read_refusal(self, answer: Answer, provider: Provider) -> Outcome | Contested:
        said = read_as(answer, _ErrorBody).error
        if answer.status in (400, 404) and said.code == "resource_missing":
            return not_there(provider)
        if answer.status == 401:
            return key_refused(provider)
        if answer.status >= 500 and answer.headers.get("idempotent-replayed") == "true":
            # Stored, so that request is over for good: what it did not do it never will, and its key only repeats this answer.
            return Contested(refused(provider, Reason.OTHER, "it failed there, and nothing was changed"))
        # The key was used before with other terms: what became of that is not known.
        reason = None if "idempotency_error" in (said.type, said.code) else _REFUSALS.get(answer.status)
        return refused_as(provider, answer, reason, said.message or said.code)

    def says_missing(self, answer: Answer) -> bool:
        return bool(read_as(answer, _ErrorBody).error)


def _refund(ending: Ending) -> dict[str, str]:
    """Stripe gives the unused part back as a credit on a last invoice, and gives nothing back unless it is asked to."""
    return {"prorate": "true", "invoice_now": "true"} if ending.subscription.provider.refund == "prorated" else {}


class _Error(Wire):
    type: Text = ""
    code: Text = ""
    message: Text = ""


class _ErrorBody(Wire):
    """Stripe's own way of saying no."""

    error: _Error


class _Recurring(Wire):
    interval: str
    interval_count: int = Field(default=1, ge=1, strict=True)


class _Price(Wire):
    unit_amount: int = Field(ge=0, strict=True)
    currency: str
    recurring: _Recurring


class _Item(Wire):
    current_period_end: Epoch
    quantity: int = Field(default=1, ge=1, le=10_000, strict=True)
    price: _Price


class _Items(Wire):
    data: tuple[_Item, ...] = Field(min_length=1)


class _Body(Wire):
    """One subscription. What decides is required: an answer that leaves it out proves nothing."""

    id: Ident
    status: str
    cancel_at_period_end: bool = Field(strict=True)
    cancel_at: Epoch | None = None
    ended_at: Epoch | None = None
    items: _Items

    def subscription(self, provider: Provider) -> Subscription:
        """As a value. Raises `UnreadableError` for a price or a rhythm that cannot be shown exactly."""
        period_end = max(item.current_period_end for item in self.items.data)
        return Subscription(
            provider=provider,
            subscription_id=self.id,
            status=self._status(),
            price=self._price(),
            interval=self._interval(),
            period_end=period_end,
            ends_at=self.ended_at or self.cancel_at or (period_end if self.cancel_at_period_end else None),
        )

    def _status(self) -> Status:
        ending = self.cancel_at_period_end or self.cancel_at is not None
        match self.status:
            case "canceled" | "incomplete_expired":
                return "ended"
            case "active" | "trialing" | "past_due" | "unpaid" | "paused" if ending:
                return "ending"
            case "active" | "trialing":
                return "active"
            case "past_due" | "unpaid":
                return "past_due"
            case "paused":
                return "paused"
        return "unknown"

    def _price(self) -> Money:
        try:
            parts = [minor_units(item.price.unit_amount, item.price.currency) * item.quantity for item in self.items.data]
            return Money.total(parts, currency=parts[0].currency)
        except ValueError as error:
            raise UnreadableError("the price cannot be read") from error

    def _interval(self) -> Interval:
        rhythms = {_months(item.price.recurring) for item in self.items.data}
        return rhythm(rhythms.pop() if len(rhythms) == 1 else 0)


def _months(recurring: _Recurring) -> int:
    return {"month": 1, "year": 12}.get(recurring.interval, 0) * recurring.interval_count


class _List(Wire):
    data: tuple[_Body, ...]
