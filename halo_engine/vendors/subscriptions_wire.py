"""The shapes of the provider registry and of the Stripe-like billing API behind it. Called by `subscriptions` only.

Source: vendor notes §4.1 and §4.3. Three things mislead: a subscription cancelled for the end of its period stays `active`, `canceled_at`
is when that was asked for, and amounts are in the currency's minor unit, which is a hundredth for some currencies only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from halo_engine.model.money import SYMBOLS, Money
from halo_engine.vendors.subscriptions_values import Provider, Subscription
from halo_engine.vendors.wire import Ident, Text, UnreadableError, Wire

#: The only dialect spoken here; a provider with another is left to a person.
DIALECT = "stripe"

_MODES = {"period_end": "period_end", "immediate": "now"}
#: Part of a path, so nothing that could climb out of it.
_ProviderId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def _epoch(value: Any) -> Any:
    """Seconds since 1970; a date beyond every calendar is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**33:
        raise ValueError("not a time")
    return datetime.fromtimestamp(value, UTC)


Epoch = Annotated[datetime, BeforeValidator(_epoch)]


def _minor(amount: int, currency: str) -> Money:
    if currency.upper() not in SYMBOLS:
        raise UnreadableError("a currency whose minor unit is not known")
    return Money(cents=amount, currency=currency.upper())


# Errors.


class _Error(Wire):
    type: Text = ""
    code: Text = ""
    message: Text = ""


class ErrorBody(Wire):
    """The provider's own way of saying no."""

    error: _Error

    @property
    def message(self) -> str:
        """In the provider's words."""
        return self.error.message or self.error.code or "no reason was given"


# The registry.


class _MinorAmount(Wire):
    amount: int = Field(ge=0, strict=True)
    currency: str


class _Cancel(Wire):
    capability: str
    modes: tuple[str, ...] = ()
    default_mode: str = ""
    notice_days: int = Field(default=0, ge=0, le=3650)
    fee: _MinorAmount | None = None
    loses: tuple[Text, ...] = ()
    instructions: Text | None = None


class _Entry(Wire):
    provider_id: _ProviderId
    display_name: Text
    aliases: tuple[Text, ...] = ()
    cancel: _Cancel
    deeplink: Text | None = None
    dialect: str = ""

    def provider(self) -> Provider:
        fee = self.cancel.fee
        modes = tuple(_MODES[mode] for mode in self.cancel.modes if mode in _MODES)
        default = _MODES.get(self.cancel.default_mode, "")
        return Provider(
            provider_id=self.provider_id,
            display_name=self.display_name,
            aliases=self.aliases,
            capability=_capability(self.cancel.capability, self.dialect, modes),
            modes=modes,
            default_mode=default if default in modes else next(iter(modes), ""),
            deeplink=self.deeplink if self.deeplink is not None and self.deeplink.startswith("https://") else None,
            dialect=self.dialect,
            notice_days=self.cancel.notice_days,
            fee=None if fee is None or fee.amount == 0 else _minor(fee.amount, fee.currency),
            loses=self.cancel.loses,
            instructions=self.cancel.instructions,
        )


def _capability(stated: str, dialect: str, modes: tuple[str, ...]) -> Literal["api", "deeplink", "manual"]:
    """What nobody here understands, a person has to do."""
    if stated == "api" and dialect == DIALECT and modes:
        return "api"
    return "deeplink" if stated == "deeplink" else "manual"


class Registry(Wire):
    """Providers are read one by one: a strange one is left out, the others still count."""

    data: tuple[Any, ...]

    def providers(self) -> tuple[Provider, ...]:
        """The readable ones, in the registry's order."""
        return tuple(provider for raw in self.data for provider in _provider_of(raw))


def _provider_of(raw: Any) -> tuple[Provider, ...]:
    try:
        return (_Entry.model_validate(raw).provider(),)
    except (ValidationError, UnreadableError):
        return ()


# Subscriptions.


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


class SubscriptionBody(Wire):
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

    def _status(self) -> Literal["active", "ending", "ended", "paused", "past_due", "unknown"]:
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
            parts = [_minor(item.price.unit_amount, item.price.currency) * item.quantity for item in self.items.data]
            return Money.total(parts, currency=parts[0].currency)
        except ValueError as error:
            raise UnreadableError("the price cannot be read") from error

    def _interval(self) -> Literal["month", "year"]:
        rhythms = {(item.price.recurring.interval, item.price.recurring.interval_count) for item in self.items.data}
        if rhythms == {("month", 1)}:
            return "month"
        if rhythms <= {("year", 1), ("month", 12)}:
            return "year"
        raise UnreadableError("it is paid in a rhythm that is not known")


class SubscriptionList(Wire):
    data: tuple[SubscriptionBody, ...]


class Offer(Wire):
    """An offer to stay, instead of the cancellation that was asked for. Its terms are not read: nobody here bargains."""

    status: Literal["offer_pending"]
