"""What a billing system's dialect is: how its calls are written, how its records and its refusals are read.

`subscriptions` asks and decides, and knows no wire shape; a dialect translates, and decides nothing. One file a dialect. Source: vendor notes §4.
The word to beware of is "canceled": over at Stripe, still running until the end at Recurly and Google Play, and over at Chargebee with two l.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, SecretStr

from halo_engine.model.money import SYMBOLS, Money
from halo_engine.model.outcome import Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.http import Answer, Call
from halo_engine.vendors.subscriptions_values import Interval, Provider, Subscription, When
from halo_engine.vendors.wire import UnreadableError


@dataclass(frozen=True, slots=True)
class Contested:
    """A no that stands only if the provider's own record does not already show what was asked for; `otherwise` is what it then comes to."""

    otherwise: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who is asked: the provider, the base URL of its own API, and the key that it knows the caller by."""

    provider: Provider
    root: str
    api_key: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One cancellation to be written: which subscription, when it ends, the caller's key, and the token of an offer to be declined."""

    subscription: Subscription
    when: When
    key: str
    #: The household's, in which the day of the end is told.
    zone: ZoneInfo
    #: None at first. The decline is another request than the one the offer answered, so it goes under a key of its own.
    decline: str | None = None

    @property
    def idempotency_key(self) -> str:
        """Derived from the caller's key alone, so that every repeat of either request is recognised as one."""
        return self.key if self.decline is None else f"{self.key}-decline"

    @property
    def decline_fields(self) -> dict[str, str]:
        """How an offer to stay is declined. No vendor documents that: these two fields are Halo's own invention, as the offer itself is."""
        return {} if self.decline is None else {"decline_offer": "true", "confirm_token": self.decline}


class Dialect(ABC):
    """One billing system's language. Every method is pure."""

    #: As the registry names it.
    name: ClassVar[str]
    #: Whether the provider recognises a repeat by its key. Where it does not, the record is read before anything is sent.
    recognises_repeats: ClassVar[bool]
    #: Whether a 200 to `end` brings the record as it is now. Where it does not, the record is read after it: nothing else is proof.
    answers_with_record: ClassVar[bool] = True
    #: The statuses by which a subscription may be said not to be there; `says_missing` has the last word.
    missing: ClassVar[frozenset[int]] = frozenset({404})

    def can_serve(self, provider: Provider) -> bool:
        """Whether what the registry says of `provider` can be asked for in this language. One of whom it cannot is left out."""
        return True

    @abstractmethod
    def headers(self, api_key: SecretStr) -> dict[str, str]:
        """Who asks, and in which version."""

    @abstractmethod
    def one(self, site: Site, subscription_id: str) -> str:
        """The URL of one subscription."""

    @abstractmethod
    def end(self, site: Site, ending: Ending) -> Call:
        """The cancellation itself."""

    @abstractmethod
    def read_one(self, answer: Answer, provider: Provider) -> Subscription:
        """The answer to `retrieve`, or to `end` where that brings the record. Raises `UnreadableError`."""

    @abstractmethod
    def read_refusal(self, answer: Answer, provider: Provider) -> Outcome | Contested:
        """What a refusal of `end` comes to. Raises `UnreadableError` where it is not in the provider's own words."""

    @abstractmethod
    def says_missing(self, answer: Answer) -> bool:
        """Whether one of the statuses in `missing` means it, in the provider's own words. Raises `UnreadableError`."""

    def retrieve(self, site: Site, subscription_id: str) -> Call:
        """One subscription."""
        return Call(method="GET", url=self.one(site, subscription_id), headers=self.headers(site.api_key))


class Listing(Dialect):
    """A language that can list: the subscriptions stand under one path. Where there is no list, the registry has to name the one there is."""

    #: Under the provider's own root.
    path: ClassVar[str]
    #: What asks for those that have ended, too.
    every: ClassVar[Mapping[str, str]] = MappingProxyType({"limit": "10"})

    @abstractmethod
    def read_list(self, answer: Answer, provider: Provider) -> tuple[Subscription, ...]:
        """The answer to `list_all`. Raises `UnreadableError`."""

    def list_all(self, site: Site) -> Call:
        """Every subscription of the household, ended ones too."""
        return Call(method="GET", url=f"{site.root}{self.path}", headers=self.headers(site.api_key), query=self.every)

    def one(self, site: Site, subscription_id: str) -> str:
        return f"{site.root}{self.path}/{quote(subscription_id, safe='')}"


def bearer_auth(api_key: SecretStr) -> dict[str, str]:
    """The key as a bearer token, as Stripe and Google want it."""
    return {"Authorization": f"Bearer {api_key.get_secret_value()}"}


def basic_auth(api_key: SecretStr) -> dict[str, str]:
    """HTTP Basic with the key as the user and no password, as Chargebee and Recurly want it."""
    pair = base64.b64encode(f"{api_key.get_secret_value()}:".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def refused(provider: Provider, reason: Reason, message: str) -> Rejected:
    """A definite no in the provider's words."""
    return Rejected(reason=reason, message=f"{provider.display_name} refused it: {message or 'no reason was given'}")


def refused_as(provider: Provider, answer: Answer, reason: Reason | None, message: str) -> Outcome:
    """A definite no for a reason that is known; a word that nobody knows settles nothing."""
    return unsettled(provider, answer) if reason is None else refused(provider, reason, message)


def unsettled(provider: Provider, answer: Answer) -> Unknown:
    """An answer that settles nothing."""
    return Unknown(message=f"{provider.display_name} did not settle it (status {answer.status}).")


def not_there(provider: Provider) -> Contested:
    """It is said not to be there, and it was there a moment ago."""
    return Contested(Unknown(message=f"{provider.display_name} contradicts itself about the subscription."))


def key_refused(provider: Provider) -> Retryable:
    """Who asked was not let in, so nothing was done."""
    return Retryable(message=f"{provider.display_name} did not accept the stored key.", auth=True)


def minor_units(amount: int, currency: str) -> Money:
    """An amount in a currency's minor unit. Raises `UnreadableError` where that unit may not be a hundredth."""
    if currency.upper() not in SYMBOLS:
        raise UnreadableError("a currency whose minor unit is not known")
    return Money(cents=amount, currency=currency.upper())


def rhythm(months: int) -> Interval:
    """How often it is paid. Raises `UnreadableError` for any other rhythm than monthly and yearly."""
    if months == 1:
        return "month"
    if months == 12:
        return "year"
    raise UnreadableError("it is paid in a rhythm that is not known")


def _epoch(value: Any) -> Any:
    """Seconds since 1970; a date beyond every calendar is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**33:
        raise ValueError("not a time")
    return datetime.fromtimestamp(value, UTC)


Epoch = Annotated[datetime, BeforeValidator(_epoch)]
