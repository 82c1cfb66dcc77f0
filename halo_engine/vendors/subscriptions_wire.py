"""The shapes of the provider registry, and of the offer to stay that any of its providers may make. Called by `subscriptions` only.

Both are Halo's own proposal: no real vendor was found to let consumers cancel by an API. Source: vendor notes §4.3.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from halo_engine.vendors.subscriptions_dialect import minor_units
from halo_engine.vendors.subscriptions_values import Provider, Refund
from halo_engine.vendors.wire import Opaque, Text, UnreadableError, Wire

_MODES = {"period_end": "period_end", "immediate": "now"}
#: Part of a path, so nothing that could climb out of it.
_ProviderId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


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


class _Entry(Wire):
    provider_id: _ProviderId
    display_name: Text
    aliases: tuple[Text, ...] = ()
    cancel: _Cancel
    deeplink: Text | None = None
    dialect: str = ""

    def provider(self, dialects: Collection[str]) -> Provider:
        fee = self.cancel.fee
        modes = tuple(_MODES[mode] for mode in self.cancel.modes if mode in _MODES)
        default = _MODES.get(self.cancel.default_mode, "")
        return Provider(
            provider_id=self.provider_id,
            display_name=self.display_name,
            aliases=self.aliases,
            capability=_capability(self.cancel.capability, modes, is_spoken=self.dialect in dialects),
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
        )


def _capability(stated: str, modes: tuple[str, ...], *, is_spoken: bool) -> Literal["api", "deeplink", "manual"]:
    """What nobody here understands, a person has to do."""
    if stated == "api" and is_spoken and modes:
        return "api"
    return "deeplink" if stated == "deeplink" else "manual"


class Registry(Wire):
    """Providers are read one by one: a strange one is left out, the others still count."""

    data: tuple[Any, ...]

    def providers(self, dialects: Collection[str]) -> tuple[Provider, ...]:
        """The readable ones, in the registry's order. Those that speak none of `dialects` are left to a person."""
        return tuple(provider for raw in self.data for provider in _provider_of(raw, dialects))


def _provider_of(raw: Any, dialects: Collection[str]) -> tuple[Provider, ...]:
    try:
        return (_Entry.model_validate(raw).provider(dialects),)
    except (ValidationError, UnreadableError):
        return ()


class Offer(Wire):
    """An offer to stay, instead of the cancellation that was asked for. Its terms are not read: nobody here bargains."""

    status: Literal["offer_pending"]
    #: Names the offer that is declined. Without one there is no declining it.
    confirm_token: Opaque | None = None
