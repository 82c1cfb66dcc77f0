"""Recurly v3: JSON both ways, HTTP Basic, the version in `Accept`, amounts in whole units with decimals. Called by `subscriptions` only.

`canceled` still runs, until `expires_at`; only `expired` is over. There are no idempotency keys (none is in the official SDK), so the record is read
before a cancellation is sent, each time. A subscription does not say its rhythm: that is the length of its period. Paths, states, members and error
types are the official SDK's (PyPI `recurly` 4.79). Source: vendor notes §4.2.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar

from pydantic import AwareDatetime, SecretStr

from halo_engine.model.money import Money
from halo_engine.model.outcome import Outcome, Reason, Retryable
from halo_engine.vendors.http import Answer, Call
from halo_engine.vendors.subscriptions_dialect import (
    Contested,
    Ending,
    Listing,
    Site,
    basic_auth,
    key_refused,
    not_there,
    refused,
    refused_as,
    rhythm,
    unsettled,
)
from halo_engine.vendors.subscriptions_values import Interval, Provider, Status, Subscription
from halo_engine.vendors.wire import Ident, Text, UnreadableError, Wire, read_as, to_money

_VERSION = "application/vnd.recurly.v2021-02-25"
_REFUNDS = {"none": "none", "prorated": "partial", "full": "full"}
_REFUSALS = {
    "bad_request": Reason.OTHER,
    "forbidden": Reason.RESTRICTED,
    "invalid_permissions": Reason.RESTRICTED,
    "transaction": Reason.PAYMENT,
    "missing_feature": Reason.RESTRICTED,
}


class Recurly(Listing):
    """`/subscriptions`."""

    name: ClassVar[str] = "recurly"
    recognises_repeats: ClassVar[bool] = False
    path: ClassVar[str] = "/subscriptions"

    def headers(self, api_key: SecretStr) -> dict[str, str]:
        return basic_auth(api_key) | {"Accept": _VERSION}

    def end(self, site: Site, ending: Ending) -> Call:
        url, headers = self.one(site, ending.subscription.subscription_id), self.headers(site.api_key)
        if ending.when == "now":
            query = {"refund": _REFUNDS[site.provider.refund]} | ending.decline_fields
            return Call(method="DELETE", url=url, headers=headers, query=query)
        return Call(method="PUT", url=f"{url}/cancel", headers=headers, json={"timeframe": "term_end"} | ending.decline_fields)

    def read_list(self, answer: Answer, provider: Provider) -> tuple[Subscription, ...]:
        return tuple(body.subscription(provider) for body in read_as(answer, _List).data)

    def read_one(self, answer: Answer, provider: Provider) -> Subscription:
        return read_as(answer, _Body).subscription(provider)

    def read_refusal(self, answer: Answer, provider: Provider) -> Outcome | Contested:
        said = read_as(answer, _ErrorBody).error
        if answer.status >= 500:
            return unsettled(provider, answer)
        match said.type:
            case "not_found":
                return not_there(provider)
            case "validation" | "immutable_subscription":
                return Contested(refused(provider, Reason.POLICY, said.message))
            case "simultaneous_request":
                return Retryable(message=f"{provider.display_name} is busy with the same subscription.")
            case "unauthorized" | "invalid_api_key":
                return key_refused(provider)
        return refused_as(provider, answer, _REFUSALS.get(said.type), said.message)

    def says_missing(self, answer: Answer) -> bool:
        return read_as(answer, _ErrorBody).error.type == "not_found"


class _Error(Wire):
    type: Text
    message: Text = ""


class _ErrorBody(Wire):
    """Recurly's own way of saying no."""

    error: _Error


class _Body(Wire):
    """One subscription. What decides is required."""

    id: Ident
    state: str
    currency: str
    #: Before tax, of all units and add-ons together.
    subtotal: Any
    current_period_started_at: AwareDatetime
    current_period_ends_at: AwareDatetime
    canceled_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None

    def subscription(self, provider: Provider) -> Subscription:
        """As a value. Raises `UnreadableError` where there is no end, price or rhythm that can be shown exactly."""
        status = self._status()
        ends_at = self.expires_at if status in ("ending", "ended") else None
        if status in ("ending", "ended") and ends_at is None:
            raise UnreadableError("it does not say when it ends")
        return Subscription(
            provider=provider,
            subscription_id=self.id,
            status=status,
            price=self._price(),
            interval=self._interval(),
            period_end=self.current_period_ends_at.astimezone(UTC),
            ends_at=None if ends_at is None else ends_at.astimezone(UTC),
        )

    def _status(self) -> Status:
        match self.state:
            case "expired":
                return "ended"
            case "canceled":
                return "ending"
            case "active":
                return "active"
            case "paused":
                return "paused"
        return "unknown"

    def _price(self) -> Money:
        try:
            price = to_money(self.subtotal, self.currency)
        except ValueError as error:
            raise UnreadableError("the price cannot be read") from error
        if price.cents < 0:
            raise UnreadableError("a negative price")
        return price

    def _interval(self) -> Interval:
        start, end = self.current_period_started_at.astimezone(UTC), self.current_period_ends_at.astimezone(UTC)
        months = (end.year - start.year) * 12 + end.month - start.month
        # What was ended at once may have had its period cut short, and nothing hangs on the rhythm of what is over.
        return "month" if self.state == "expired" and months not in (1, 12) else rhythm(months)


class _List(Wire):
    data: tuple[_Body, ...]
