"""The fixtures as frozen values: what the vendors sell, serve and remember before anybody has asked for anything.

Loaded once a process. The files are data written for this project from public documentation; `fixtures/vendors/README.md` says how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: The buyer whom every simulated account belongs to.
BUYER_EMAIL = "buyer@example.com"


@dataclass(frozen=True, slots=True)
class Product:
    """One ASIN with its one offer."""

    asin: str
    offer_id: str
    title: str
    brand: str
    size: str
    pack_count: int
    price_cents: int
    list_price_cents: int
    stock: int
    category: str
    keywords: tuple[str, ...]
    rating: str
    reviews: int
    max_quantity: int
    delivery_days: int


@dataclass(frozen=True, slots=True)
class PastLine:
    """One line of an order of the past, at the price that was paid."""

    asin: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One order of the household, so many days before the world began."""

    order_id: str
    days_ago: int
    buyer: str
    lines: tuple[PastLine, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A service of a venue: every `every_minutes` from `first` to `last`, at each table type."""

    service: str
    first: str
    last: str
    every_minutes: int
    tables: tuple[str, ...]
    party_min: int
    party_max: int


@dataclass(frozen=True, slots=True)
class Venue:
    """A restaurant and the rule its slots follow."""

    venue_id: int
    name: str
    url_slug: str
    cuisine: tuple[str, ...]
    address: str
    neighborhood: str
    locality: str
    region: str
    time_zone: str
    latitude: str
    longitude: str
    price_range: int
    rating: str
    reviews: int
    open_days: tuple[str, ...]
    shifts: tuple[Shift, ...]
    seating_minutes: int
    lead_time_days: int
    cut_off_hours: int
    cancellation_fee_cents_per_person: int
    deposit_cents_per_person: int
    #: How many of a hundred slots are taken on an ordinary day.
    busy_percent: int
    feature_recaptcha: bool
    sold_out: bool

    @property
    def max_party(self) -> int:
        """The largest party any service takes."""
        return max(shift.party_max for shift in self.shifts)


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody, or something, that does one appointment at a time."""

    team_member_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Variation:
    """One way to have a service: what is booked."""

    variation_id: str
    name: str
    price_cents: int
    duration_minutes: int
    version: int


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """A service, under the words it is asked for by."""

    item_id: str
    name: str
    keywords: tuple[str, ...]
    variations: tuple[Variation, ...]


@dataclass(frozen=True, slots=True)
class Shop:
    """A place that takes appointments, and the rule its free times follow."""

    location_id: str
    name: str
    category: str
    street: str
    locality: str
    time_zone: str
    open_days: tuple[str, ...]
    first: str
    #: By then the last appointment is over.
    last: str
    every_minutes: int
    busy_percent: int
    team: tuple[Worker, ...]
    #: False: somebody there looks at every booking first.
    accepts_at_once: bool
    cancellation_window_hours: int
    cancellation_fee_cents: int
    policy: str
    lead_time_days: int
    services: tuple[ServiceItem, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """A company and the household's one subscription with it."""

    provider_id: str
    display_name: str
    aliases: tuple[str, ...]
    category: str
    capability: str
    modes: tuple[str, ...]
    default_mode: str
    notice_days: int
    fee_cents: int
    loses: tuple[str, ...]
    deeplink: str
    subscription_id: str
    plan: str
    price_cents: int
    interval: str
    #: Exactly one of these says when it renews next, counted from the beginning of the world.
    renewal_day_of_month: int | None
    renewal_days_ahead: int | None
    #: The billing system, as `halo_sim/subscriptions_<dialect>.py` speaks it.
    dialect: str
    #: What comes back when it ends at once: `none`, `prorated` or `full`.
    refund: str = "none"
    #: Whether it answers a cancellation with an offer to stay.
    retention_offer: bool = False
    #: How a person ends it, where no program can.
    instructions: str | None = None
    #: The app it was bought in, at `google_play` only; the subscription's id is then the purchase token.
    package_name: str | None = None


def fixtures_root() -> Path:
    """The directory that holds `vendors/` and `households/`: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "fixtures"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "fixtures"


def _read(*parts: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(fixtures_root().joinpath("vendors", *parts).read_text(encoding="utf-8"))
    return rows


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Product]:
    """Every product by its ASIN."""
    given = (*_read("amazon", "catalogue.json"), *_read("amazon", "magic.json"))
    rows = (Product(**{**row, "keywords": tuple(row["keywords"])}) for row in given)
    return MappingProxyType({product.asin: product for product in rows})


@lru_cache(maxsize=1)
def order_history() -> tuple[PastOrder, ...]:
    """The household's orders before the world began, newest first."""
    orders = (PastOrder(**{**row, "lines": tuple(PastLine(**line) for line in row["lines"])}) for row in _read("amazon", "orders.json"))
    return tuple(sorted(orders, key=lambda order: order.days_ago))


@lru_cache(maxsize=1)
def venues() -> Mapping[int, Venue]:
    """Every venue by its id."""
    given = (*_read("resy", "venues.json"), *_read("resy", "magic.json"))
    return MappingProxyType({row["venue_id"]: _venue(row) for row in given})


def _venue(row: dict[str, Any]) -> Venue:
    shifts = tuple(Shift(**{**shift, "tables": tuple(shift["tables"])}) for shift in row["shifts"])
    return Venue(**{**row, "cuisine": tuple(row["cuisine"]), "open_days": tuple(row["open_days"]), "shifts": shifts})


@lru_cache(maxsize=1)
def shops() -> Mapping[str, Shop]:
    """Every place that takes appointments, by its id."""
    return MappingProxyType({row["location_id"]: _shop(row) for row in _read("square", "services.json")})


def _shop(row: dict[str, Any]) -> Shop:
    team = tuple(Worker(**worker) for worker in row["team"])
    services = tuple(_service(service) for service in row["services"])
    return Shop(**{**row, "open_days": tuple(row["open_days"]), "team": team, "services": services})


def _service(row: dict[str, Any]) -> ServiceItem:
    variations = tuple(Variation(**variation) for variation in row["variations"])
    return ServiceItem(**{**row, "keywords": tuple(row["keywords"]), "variations": variations})


@lru_cache(maxsize=1)
def providers() -> Mapping[str, Provider]:
    """Every subscription provider by its id."""
    return MappingProxyType({row["provider_id"]: _provider(row) for row in _read("subscriptions", "providers.json")})


def _provider(row: dict[str, Any]) -> Provider:
    return Provider(**{**row, **{name: tuple(row[name]) for name in ("aliases", "modes", "loses")}})
