"""Who sells things: what the purchase verbs need of a merchant, and the values that go between them.

`verbs/purchase.py` and the verbs on it know a merchant only by this; `AmazonBusiness` and `Zinc` are two, and the household's preference says
which one it buys from. Both sell Amazon's products, so a product is named by its ASIN at either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, Field

from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.outcome import Found, Outcome, Rejected
from halo_engine.model.value import Value


class Merchant(Protocol):
    """One account that can buy. Reads raise `VendorFailed`; `place` and `find` never raise, they answer."""

    @property
    def name(self) -> str:
        """As preferences and terms name it: `amazon`."""

    @property
    def payee(self) -> str:
        """Who sells, as a card names it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What everybody must know who confirms an order here. They are terms, so they hold no amount that may move."""

    def search(self, keywords: str, *, postal_code: str, limit: int = 10) -> tuple[Offer, ...]:
        """At most `limit` offers, the merchant's best first. The search is fuzzy."""

    def offers(self, asins: Sequence[str]) -> Mapping[str, Offer]:
        """Today's offer for each ASIN that has one."""

    def quote(self, lines: Sequence[OrderLine], *, ship_to: Address, quote_id: str) -> Quote | Rejected:
        """What `lines` would come to today, without ordering anything. `quote_id` is never the id of an order."""

    def place(self, lines: Sequence[OrderLine], *, ship_to: Address, external_id: str, expected: Quote) -> Outcome:
        """Order `lines` once under our own id, held to what was confirmed: the lines' prices, and the parts and the maximum of `expected`."""

    def find(self, external_id: str) -> Found:
        """What became of the order under our own id. `NotThere` may only mean "not yet": ask again before believing it."""

    def history(self, *, since: datetime) -> tuple[PastOrder, ...]:
        """Orders from `since` (aware) on, newest first, without those that came to nothing."""


class Offer(Value):
    """One product at one price from one seller, as it stood when it was read."""

    asin: str
    #: The merchant's name for this price at this seller; empty where it has none.
    offer_id: str
    title: str
    brand: str
    unit_price: Money
    list_price: Money | None
    min_quantity: int
    max_quantity: int
    #: False for what a program must not order: blocked by the account's rules, not new, or only a family of variants.
    orderable: bool
    #: The vendor's own words; never parsed.
    delivery: str
    rating: str | None
    reviews: int | None
    features: tuple[str, ...]
    url: str


class OrderLine(Value):
    """What is asked for. `unit_price` is the ceiling that is sent along."""

    asin: str
    offer_id: str
    quantity: int = Field(ge=1)
    unit_price: Money


class QuotedLine(Value):
    """One line as it would be charged now; `subtotal` is always `unit_price` times `quantity`."""

    asin: str
    quantity: int
    unit_price: Money
    subtotal: Money


class Quote(Value):
    """What the order would come to. `total` is what would be charged; `other` is what of it no other field names."""

    lines: tuple[QuotedLine, ...]
    #: The lines together, before tax and discounts.
    items: Money
    shipping: Money
    tax: Money
    total: Money
    #: Where shipping and tax are not known before it is bought, and stand as nothing here: what they and the lines may come to at the most.
    maximum: Money | None = None
    #: For eyes only: "Tue 24 Nov".
    delivery: str | None

    @property
    def other(self) -> Money:
        """Fees less discounts: items + shipping + tax + other = total. Below zero where there is a discount."""
        return self.total - self.items - self.shipping - self.tax


class PastLine(Value):
    """Something bought before, at the price it was then; None where the merchant does not say."""

    asin: str
    title: str
    quantity: int
    unit_price: Money | None


class PastOrder(Value):
    """An order that was not cancelled."""

    order_id: str
    ordered_at: AwareDatetime
    lines: tuple[PastLine, ...]
    total: Money
