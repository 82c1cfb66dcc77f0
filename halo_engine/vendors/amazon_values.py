"""What Halo says to and hears from Amazon Business, as values. Re-exported by `amazon`; kept apart so that the wire can make them."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, SecretStr

from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.value import Value

__all__ = ["Address", "AmazonCredentials", "Offer", "OrderLine", "PastLine", "PastOrder", "Quote", "QuotedLine"]


class AmazonCredentials(Value):
    """A Login with Amazon client, the household's authorisation of it, and the account that buys."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    user_email: str


class Offer(Value):
    """One product at one price from one seller, as it stood when it was read."""

    asin: str
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
    #: For eyes only: "Tue 24 Nov".
    delivery: str | None

    @property
    def other(self) -> Money:
        """Fees less discounts: items + shipping + tax + other = total. Below zero where there is a discount."""
        return self.total - self.items - self.shipping - self.tax


class PastLine(Value):
    """Something bought before, at the price it was then."""

    asin: str
    title: str
    quantity: int
    unit_price: Money


class PastOrder(Value):
    """An order that was not cancelled."""

    order_id: str
    ordered_at: AwareDatetime
    lines: tuple[PastLine, ...]
    total: Money
