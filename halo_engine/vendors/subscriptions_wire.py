"""The shapes of the provider registry, and of the offer to stay that any of its providers may make. Called by `subscriptions` only.

Both are Halo's own proposal: no real vendor was found to let consumers cancel by an API. Source: vendor notes §4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from halo_engine.vendors.subscriptions_dialect import Dialect, minor_units
from halo_engine.vendors.subscriptions_values import Interval, Provider, Purchase, Refund
from halo_engine.vendors.wire import Opaque, Text, UnreadableError, Wire

_MODES = {"period_end": "period_end", "immediate": "now"}
#: Part of a path, so nothing that could climb out of it.
_ProviderId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_PackageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$", max_length=200)]
_PurchaseToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,999}$")]


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
    refund: Refund = "none"
    retention_offer: bool = False
    loses: tuple[Text, ...] = ()
    instructions: Text | None = None


class _Purchase(Wire):
    package_name: _PackageName
    #: Not `token`: what is recorded under that name is scrubbed, and a replay would ask for another purchase.
    purchase_token: _PurchaseToken
    interval: Interval

    def purchase(self) -> Purchase:
        return Purchase(package_name=self.package_name, token=self.purchase_token, interval=self.interval)


class _Entry(Wire):
    provider_id: _ProviderId
    display_name: Text
    aliases: tuple[Text, ...] = ()
    cancel: _Cancel
    deeplink: Text | None = None
    dialect: str = ""
    purchase: _Purchase | None = None

    def provider(self, *, is_spoken: bool) -> Provider:
        fee = self.cancel.fee
        modes = tuple(_MODES[mode] for mode in self.cancel.modes if mode in _MODES)
        default = _MODES.get(self.cancel.default_mode, "")
        return Provider(
            provider_id=self.provider_id,
            display_name=self.display_name,
            aliases=self.aliases,
            capability=_capability(self.cancel.capability, modes, is_spoken=is_spoken),
            modes=modes,
            default_mode=default if default in modes else next(iter(modes), ""),
            deeplink=self.deeplink if self.deeplink is not None and self.deeplink.startswith("https://") else None,
            dialect=self.dialect,
            notice_days=self.cancel.notice_days,
            fee=None if fee is None or fee.amount == 0 else minor_units(fee.amount, fee.currency),
            loses=self.cancel.loses,
            instructions=self.cancel.instructions,
            refund=self.cancel.refund,
            makes_offers=self.cancel.retention_offer,
            purchase=None if self.purchase is None else self.purchase.purchase(),
        )


def _capability(stated: str, modes: tuple[str, ...], *, is_spoken: bool) -> Literal["api", "deeplink", "manual"]:
    """What nobody here understands, a person has to do."""
    if stated == "api" and is_spoken and modes:
        return "api"
    return "deeplink" if stated == "deeplink" else "manual"


class Registry(Wire):
    """Providers are read one by one: a strange one is left out, the others still count."""

    data: tuple[Any, ...]

    def providers(self, dialects: Mapping[str, Dialect]) -> tuple[Provider, ...]:
        """The readable ones, in the registry's order. Those that speak none of `dialects` are left to a person."""
        return tuple(provider for raw in self.data for provider in _provider_of(raw, dialects))


def _provider_of(raw: Any, dialects: Mapping[str, Dialect]) -> tuple[Provider, ...]:
    try:
        entry = _Entry.model_validate(raw)
        dialect = dialects.get(entry.dialect)
        provider = entry.provider(is_spoken=dialect is not None)
    except (ValidationError, UnreadableError):
        return ()
    return (provider,) if dialect is None or dialect.can_serve(provider) else ()


class Offer(Wire):
    """An offer to stay, instead of the cancellation that was asked for. Its terms are not read: nobody here bargains."""

    status: Literal["offer_pending"]
    #: Names the offer that is declined. Without one there is no declining it.
    confirm_token: Opaque | None = None
