"""Chargebee, API v2 with item-based catalogue: forms in, JSON out, HTTP Basic, amounts in cents. Called by `subscriptions` only.

`non_renewing` runs until the end of its term and `cancelled` is over; `cancelled_at` is the day of the end and not of the request. Keys go in
`chargebee-idempotency-key`. Paths, fields, states and error members are the official SDK's (PyPI `chargebee` 3.29); what a repeated key with another
body is answered is not documented there, so it settles nothing here. Source: vendor notes §4.2.
"""

from __future__ import annotations

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
    basic_auth,
    key_refused,
    minor_units,
    not_there,
    refused,
    refused_as,
    rhythm,
    unsettled,
)
from halo_engine.vendors.subscriptions_values import Provider, Status, Subscription
from halo_engine.vendors.wire import Ident, Text, UnreadableError, Wire, read_as

_OPTIONS = {"period_end": "end_of_term", "now": "immediately"}
_CREDITS = {"none": "none", "prorated": "prorate", "full": "full"}
#: By `api_error_code`, the stable one of its two vocabularies.
_REFUSALS = {
    "api_authorization_failed": Reason.RESTRICTED,
    "param_wrong_value": Reason.OTHER,
    "param_not_found": Reason.OTHER,
    "invalid_request": Reason.OTHER,
    "payment_processing_failed": Reason.PAYMENT,
}


class Chargebee(Listing):
    """`/api/v2/subscriptions`."""

    name: ClassVar[str] = "chargebee"
    recognises_repeats: ClassVar[bool] = True
    path: ClassVar[str] = "/api/v2/subscriptions"

    def headers(self, api_key: SecretStr) -> dict[str, str]:
        return basic_auth(api_key)

    def end(self, site: Site, ending: Ending) -> Call:
        form = {"cancel_option": _OPTIONS[ending.when]} | ending.decline_fields
        if ending.when == "now":
            form["credit_option_for_current_term_charges"] = _CREDITS[site.provider.refund]
        headers = self.headers(site.api_key) | {"chargebee-idempotency-key": ending.idempotency_key}
        url = f"{self.one(site, ending.subscription.subscription_id)}/cancel_for_items"
        return Call(method="POST", url=url, headers=headers, form=form)

    def read_list(self, answer: Answer, provider: Provider) -> tuple[Subscription, ...]:
        return tuple(entry.subscription.value(provider) for entry in read_as(answer, _List).list)

    def read_one(self, answer: Answer, provider: Provider) -> Subscription:
        return read_as(answer, _Entry).subscription.value(provider)

    def read_refusal(self, answer: Answer, provider: Provider) -> Outcome | Contested:
        said = read_as(answer, _ErrorBody)
        if answer.status >= 500:
            return unsettled(provider, answer)
        match said.api_error_code:
            case "resource_not_found":
                return not_there(provider)
            case "invalid_state_for_request":
                return Contested(refused(provider, Reason.POLICY, said.message))
            case "api_authentication_failed":
                return key_refused(provider)
        return refused_as(provider, answer, _REFUSALS.get(said.api_error_code), said.message)

    def says_missing(self, answer: Answer) -> bool:
        return read_as(answer, _ErrorBody).api_error_code == "resource_not_found"


class _ErrorBody(Wire):
    """Chargebee's own way of saying no. `error_code` is the older vocabulary, and is not read."""

    message: Text
    type: Text = ""
    api_error_code: Text


class _Item(Wire):
    #: Of all units together; without it the price would have to be guessed.
    amount: int = Field(ge=0, strict=True)


class _Body(Wire):
    """One subscription. What decides is required."""

    id: Ident
    status: str
    currency_code: str
    billing_period: int = Field(ge=1, le=120, strict=True)
    billing_period_unit: str
    current_term_end: Epoch | None = None
    cancelled_at: Epoch | None = None
    due_invoices_count: int = Field(default=0, ge=0, strict=True)
    subscription_items: tuple[_Item, ...] = Field(min_length=1)

    def value(self, provider: Provider) -> Subscription:
        """As a value. Raises `UnreadableError` where there is no term, price or rhythm that can be shown exactly."""
        status = self._status()
        ends_at = self.cancelled_at if status in ("ending", "ended") else None
        # What is over may have no term any more; the day it ended is the end of its last one.
        period_end = self.current_term_end or (ends_at if status == "ended" else None)
        if period_end is None or (status in ("ending", "ended") and ends_at is None):
            raise UnreadableError("it does not say when it ends")
        return Subscription(
            provider=provider,
            subscription_id=self.id,
            status=status,
            price=self._price(),
            interval=rhythm({"month": 1, "year": 12}.get(self.billing_period_unit, 0) * self.billing_period),
            period_end=period_end,
            ends_at=ends_at,
        )

    def _status(self) -> Status:
        match self.status:
            case "cancelled":
                return "ended"
            case "non_renewing":
                return "ending"
            case "active" if self.due_invoices_count:
                return "past_due"
            case "active" | "in_trial":
                return "active"
            case "paused":
                return "paused"
        return "unknown"

    def _price(self) -> Money:
        try:
            parts = [minor_units(item.amount, self.currency_code) for item in self.subscription_items]
            return Money.total(parts, currency=parts[0].currency)
        except ValueError as error:
            raise UnreadableError("the price cannot be read") from error


class _Entry(Wire):
    subscription: _Body


class _List(Wire):
    list: tuple[_Entry, ...]
