"""Google Play, Android Publisher API v3: JSON both ways, a bearer token, amounts in units and nanos. Called by `subscriptions` only.

It is the odd one out. Nothing lists purchases and a record does not name itself, so the registry names the one there is, by its app and token, and
says how often it is paid. There are no keys and a 200 has no body, so the record is read before a request and after it. `CANCELED` runs until
`expiryTime`; some sixty days after `EXPIRED` the token is gone, with a 410. To end at once is to revoke, which always pays something back. What a
second cancellation is answered with is documented nowhere, so no refusal is believed before a look. The key is an OAuth token of the app's owner,
good for an hour; getting one from a service account is not done here.
Source: vendor notes §4.2; Android Publisher API reference, purchases.subscriptionsv2 `get`, `cancel` and `revoke`.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Annotated, ClassVar
from urllib.parse import quote

from pydantic import AwareDatetime, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel

from halo_engine.model.money import Money
from halo_engine.model.outcome import Outcome, Reason
from halo_engine.model.strict_json import Json
from halo_engine.vendors.http import Answer, Call
from halo_engine.vendors.subscriptions_dialect import (
    Contested,
    Dialect,
    Ending,
    Site,
    bearer_auth,
    key_refused,
    not_there,
    refused,
    unsettled,
)
from halo_engine.vendors.subscriptions_values import Provider, Purchase, Status, Subscription
from halo_engine.vendors.wire import Text, UnreadableError, Wire, read_as, to_money

_REVOCATIONS = {"prorated": "proratedRefund", "full": "fullRefund"}
_STATES: dict[str, Status] = {
    "SUBSCRIPTION_STATE_ACTIVE": "active",
    "SUBSCRIPTION_STATE_IN_GRACE_PERIOD": "past_due",
    "SUBSCRIPTION_STATE_ON_HOLD": "past_due",
    "SUBSCRIPTION_STATE_PAUSED": "paused",
    "SUBSCRIPTION_STATE_CANCELED": "ending",
    "SUBSCRIPTION_STATE_EXPIRED": "ended",
}


class GooglePlay(Dialect):
    """`/androidpublisher/v3/applications/{package}/purchases/subscriptionsv2/tokens/{token}`."""

    name: ClassVar[str] = "google_play"
    recognises_repeats: ClassVar[bool] = False
    answers_with_record: ClassVar[bool] = False
    missing: ClassVar[frozenset[int]] = frozenset({404, 410})

    def can_serve(self, provider: Provider) -> bool:
        """Only what was bought is known, and nothing can be ended at once without paying back."""
        return provider.purchase is not None and ("now" not in provider.modes or provider.refund in _REVOCATIONS)

    def headers(self, api_key: SecretStr) -> dict[str, str]:
        return bearer_auth(api_key)

    def one(self, site: Site, subscription_id: str) -> str:
        app = quote(_bought(site.provider).package_name, safe="")
        purchases = f"{site.root}/androidpublisher/v3/applications/{app}/purchases"
        return f"{purchases}/subscriptionsv2/tokens/{quote(subscription_id, safe='')}"

    def end(self, site: Site, ending: Ending) -> Call:
        url, headers = self.one(site, ending.subscription.subscription_id), self.headers(site.api_key)
        if ending.when == "now":
            back: Json = {_REVOCATIONS[site.provider.refund]: {}}
            return Call(method="POST", url=f"{url}:revoke", headers=headers, json={"revocationContext": back, **ending.decline_fields})
        # Of the two types the one that a person may take back in the Play Store until the end.
        why: Json = {"cancellationType": "USER_REQUESTED_STOP_RENEWALS"}
        return Call(method="POST", url=f"{url}:cancel", headers=headers, json={"cancellationContext": why, **ending.decline_fields})

    def read_one(self, answer: Answer, provider: Provider) -> Subscription:
        return read_as(answer, _Body).subscription(provider)

    def read_refusal(self, answer: Answer, provider: Provider) -> Outcome | Contested:
        said = _error(answer)
        if answer.status >= 500:
            return unsettled(provider, answer)
        match answer.status:
            case 404 | 410:
                return not_there(provider)
            case 400:
                # Also what has been cancelled already may be answered like this.
                return Contested(refused(provider, Reason.POLICY, said.message))
            case 401:
                return key_refused(provider)
            case 403 if said.status == "PERMISSION_DENIED":
                return refused(provider, Reason.RESTRICTED, said.message)
        return unsettled(provider, answer)

    def says_missing(self, answer: Answer) -> bool:
        return _error(answer).code in self.missing


def _bought(provider: Provider) -> Purchase:
    if provider.purchase is None:
        raise AssertionError("an entry without a purchase is left out of the registry")
    return provider.purchase


class _Error(Wire):
    code: int = Field(strict=True)
    message: Text = ""
    #: A word for the code; some answers, such as 410, come without.
    status: Text = ""


class _ErrorBody(Wire):
    """Google's own way of saying no."""

    error: _Error


def _error(answer: Answer) -> _Error:
    """Raises `UnreadableError` where it is not Google who speaks: a gateway's error does not repeat the status in its body."""
    said = read_as(answer, _ErrorBody).error
    if said.code != answer.status:
        raise UnreadableError("the error is of another status")
    return said


class _Part(Wire):
    """A part of a record. Members that are zero or false are left out of it."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Price(_Part):
    """Google's `Money`."""

    currency_code: str
    units: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")] = "0"
    nanos: int = Field(default=0, ge=0, lt=10**9, strict=True)

    def money(self) -> Money:
        """Raises `ValueError` for a fraction of a cent."""
        return to_money(Decimal(self.units) + Decimal(self.nanos).scaleb(-9), self.currency_code)


class _Plan(_Part):
    auto_renew_enabled: bool = Field(default=False, strict=True)
    recurring_price: _Price | None = None


class _Item(_Part):
    expiry_time: AwareDatetime
    #: A prepaid item has none; there is nothing to cancel about it.
    auto_renewing_plan: _Plan


class _Body(_Part):
    """One subscription. What decides is required."""

    subscription_state: str
    line_items: tuple[_Item, ...] = Field(min_length=1)

    def subscription(self, provider: Provider) -> Subscription:
        """As a value. Raises `UnreadableError` where there is no price that can be shown exactly, or where it says two things."""
        bought, status = _bought(provider), _STATES.get(self.subscription_state, "unknown")
        is_ending = status in ("ending", "ended")
        if is_ending and any(item.auto_renewing_plan.auto_renew_enabled for item in self.line_items):
            raise UnreadableError("it is cancelled, and it renews")
        expires = max(item.expiry_time for item in self.line_items).astimezone(UTC)
        return Subscription(
            provider=provider,
            subscription_id=bought.token,
            status=status,
            price=self._price(is_ending=is_ending),
            interval=bought.interval,
            period_end=expires,
            ends_at=expires if is_ending else None,
        )

    def _price(self, *, is_ending: bool) -> Money:
        stated = [item.auto_renewing_plan.recurring_price for item in self.line_items]
        prices = [price for price in stated if price is not None]
        if len(prices) < len(stated):
            # Nobody says that the price stays on the record of what renews no more, and nothing hangs on it any longer.
            if is_ending:
                return Money(cents=0)
            raise UnreadableError("it does not say what it costs")
        try:
            return Money.total((price.money() for price in prices), currency=prices[0].currency_code)
        except ValueError as error:
            raise UnreadableError("the price cannot be read") from error
