"""The shapes of Zinc v2: the order body, and answers as private models. Called by `zinc` and `zinc_result` only.

Source: vendor notes §3.1. Amounts are integer cents throughout. Where the sources differ both forms are read: an error inside `error`, bare, or as
the framework's own `detail`; a merchant's order number as a text or as an object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BeforeValidator, Field, ValidationError, model_validator

from halo_engine.model.household import Address
from halo_engine.model.money import MAX_CENTS, Money
from halo_engine.model.strict_json import Json
from halo_engine.vendors.merchant import Offer, OrderLine, PastLine, PastOrder
from halo_engine.vendors.wire import Ident, Text, Wire

#: The one currency Zinc's wallet is kept in, and `max_price` is written in.
CURRENCY = "USD"
#: Longest texts that Zinc takes; it refuses longer ones instead of cutting them.
MAX_KEY_CHARS = 36
MAX_STREET_CHARS = 60
MAX_QUANTITY = 100
#: Under this name every order carries our own id, so that it can be looked up.
METADATA_KEY = "halo_key"

_PRODUCT_URL = re.compile(r"https://(?:www\.)?amazon\.com/(?:[^?#]*/)?(?:dp|gp/product)/([A-Z0-9]{10})(?:[/?#].*)?")

#: Strict, so that neither `true` nor "1699" nor 16.99 is an amount.
Cents = Annotated[int, Field(strict=True, ge=0, le=MAX_CENTS)]


def product_url(asin: str) -> str:
    """The page of a product, which is Zinc's name for it."""
    return f"https://www.amazon.com/dp/{asin}"


def asin_of(url: str) -> str | None:
    """The ASIN in a product page's address; None for a page of another shop."""
    found = _PRODUCT_URL.fullmatch(url)
    return found[1] if found else None


# Errors.


class ErrorBody(Wire):
    """The vendor's own way of saying no. An answer without it did not come from the vendor."""

    code: Text = ""
    message: Text

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("error"), dict):
            return value["error"]
        if "message" not in value and "detail" in value:
            return {"message": _detail(value["detail"])}
        return value


def _detail(detail: Any) -> Any:
    """The framework's own complaints: a sentence, or a list of them with the place of each."""
    if not isinstance(detail, list):
        return detail
    return "; ".join(str(item.get("msg")) for item in detail if isinstance(item, dict)) or None


# Products.


class _Product(Wire):
    """Both a search result and a product's details: the fields that say whether it can be ordered, and at what price."""

    product_id: Ident = Field(validation_alias=AliasChoices("product_id", "asin"))
    title: Text
    brand: Text | None = None
    price: Cents | None = None
    currency_code: str | None = None
    stars: Decimal | None = Field(default=None, ge=0, le=10)
    num_reviews: int | None = Field(default=None, ge=0, le=10**9)
    review_count: int | None = Field(default=None, ge=0, le=10**9)
    product_details: tuple[Any, ...] | None = None
    feature_bullets: tuple[Any, ...] | None = None
    available: bool | None = None
    buyapi_hint: bool | None = None
    digital: bool | None = None
    fresh: bool | None = None
    pantry: bool | None = None
    addon: bool | None = None
    preorder: bool | None = None

    @property
    def orderable(self) -> bool:
        """Not what Zinc says it cannot order, nor what needs more than a plain order: groceries by van, add-ons, what is not out yet."""
        special = (self.digital, self.fresh, self.pantry, self.addon, self.preorder)
        return self.available is not False and self.buyapi_hint is not False and not any(special)

    def offers(self) -> tuple[Offer, ...]:
        """The one offer, or nothing where there is no price in dollars."""
        if self.price is None or self.currency_code not in (None, CURRENCY) or not asin_of(product_url(self.product_id)):
            return ()
        return (
            Offer(
                asin=self.product_id,
                offer_id="",
                title=self.title,
                brand=self.brand or "",
                unit_price=Money(cents=self.price, currency=CURRENCY),
                list_price=None,
                min_quantity=1,
                max_quantity=MAX_QUANTITY,
                orderable=self.orderable,
                delivery="",
                rating=None if self.stars is None else f"{self.stars:.1f}",
                reviews=self.num_reviews if self.review_count is None else self.review_count,
                features=_texts(self.product_details) + _texts(self.feature_bullets),
                url=product_url(self.product_id),
            ),
        )


def _texts(values: tuple[Any, ...] | None) -> tuple[str, ...]:
    return tuple(value for value in values or () if isinstance(value, str))[:20]


class SearchResults(Wire):
    """A page of results. They are read one by one: a strange one is left out, the others still count."""

    results: tuple[Any, ...] | None = None

    def offers(self) -> tuple[Offer, ...]:
        """In Zinc's order."""
        return tuple(offer for raw in self.results or () for offer in product_offers(raw))


class Details(Wire):
    """What every answer about one product says, whether it could be read at the retailer's or not."""

    status: str
    code: str | None = None


def product_offers(raw: Any) -> tuple[Offer, ...]:
    """The offer in a product as it came; nothing when it cannot be read."""
    try:
        return _Product.model_validate(raw).offers()
    except ValidationError:
        return ()


class AnyProduct(Wire):
    """A whole body, to be read as a product."""

    body: Any

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return {"body": value}


# Orders: the request.


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What is asked for under which id, where it goes, and what it may cost altogether."""

    key: str
    lines: Sequence[OrderLine]
    ship_to: Address
    max_price: Money


def order_body(basket: Basket) -> dict[str, Json]:
    """An order that Zinc itself must refuse when it would cost more than `max_price`. All of it or nothing: `fulfillment` is left out, which is
    Zinc's strict mode."""
    products: list[Json] = [{"url": product_url(line.asin), "quantity": line.quantity, "condition_in": ["New"]} for line in basket.lines]
    return {
        "products": products,
        "max_price": basket.max_price.cents,
        "shipping_address": _address_body(basket.ship_to),
        "idempotency_key": basket.key,
        "metadata": {METADATA_KEY: basket.key},
        "is_gift": False,
    }


def names_of(address: Address) -> tuple[str, str]:
    """First and last name; the last is empty where there is only one."""
    first, _, last = address.full_name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def _address_body(address: Address) -> Json:
    first, last = names_of(address)
    second = {} if address.address_line2 is None else {"address_line2": address.address_line2}
    return {
        "first_name": first,
        "last_name": last,
        "address_line1": address.address_line1,
        **second,
        "city": address.city,
        "state": address.state_or_region,
        "postal_code": address.postal_code,
        "phone_number": address.phone_number,
        "country": address.country_code,
    }


# Orders: the answer. Statuses stay texts here: one that nobody has heard of must reach `zinc_result`, which makes it unknown.


def _number_of(value: Any) -> Any:
    return value.get("merchant_order_id") if isinstance(value, dict) else value


MerchantNumber = Annotated[Ident, BeforeValidator(_number_of)]


class Item(Wire):
    url: str
    quantity: int = Field(ge=1, le=10**6, strict=True)
    status: str
    error_type: str | None = None

    @property
    def named(self) -> str:
        """As a receipt counts it."""
        return f"{self.quantity} × {asin_of(self.url) or 'an item'}"


class CartItem(Wire):
    """One row of the retailer's cart, as far as it could be read."""

    name: Text | None = None
    product_id: str | None = None
    unit_price: Cents | None = None


class PriceComponents(Wire):
    """What was charged. With `breakdown_recorded` false every amount but the total is a placeholder."""

    subtotal: Cents | None = None
    shipping: Cents | None = None
    tax: Cents | None = None
    discount: Cents | None = None
    fees: Cents | None = None
    total: Cents
    currency: str | None = None
    payment_currency: str | None = None
    converted_payment_total: Cents | None = None
    breakdown_recorded: bool | None = None
    cart_items: tuple[Any, ...] | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the parts come to the total, where there are parts."""
        if self.breakdown_recorded is False or self.subtotal is None or self.shipping is None or self.tax is None:
            return True
        return self.subtotal + self.shipping + self.tax + (self.fees or 0) - (self.discount or 0) == self.total

    @property
    def charged(self) -> Money | None:
        """The total; None where it is in another currency, or two of the amounts disagree."""
        dollars = self.currency in (None, CURRENCY) and self.payment_currency in (None, CURRENCY)
        agreed = self.converted_payment_total in (None, self.total)
        return Money(cents=self.total, currency=CURRENCY) if dollars and agreed and self.adds_up else None

    def rows(self) -> dict[str, CartItem]:
        """The readable rows by their product."""
        found = (row for raw in self.cart_items or () for row in _cart_row(raw))
        return {row.product_id: row for row in found if row.product_id}


def _cart_row(raw: Any) -> tuple[CartItem, ...]:
    try:
        return (CartItem.model_validate(raw),)
    except ValidationError:
        return ()


class JobResult(Wire):
    """What processing came to; absent while it goes on."""

    success: bool | None = None
    error: Text | None = None
    error_type: str | None = None
    price_components: PriceComponents | None = None
    estimated_delivery: Text | None = None


class Order(Wire):
    """One order in any state."""

    id: Ident
    status: str
    max_price: Cents
    items: tuple[Item, ...] = ()
    metadata: dict[str, Any] | None = None
    job_result: JobResult | None = None
    merchant_order_ids: tuple[MerchantNumber, ...] | None = None

    @property
    def key(self) -> str | None:
        """Our own id, where the order carries one."""
        found = (self.metadata or {}).get(METADATA_KEY)
        return found if isinstance(found, str) else None


class Orders(Wire):
    """The answer to a look-up: every order in it must be readable, because the unreadable one may be ours."""

    orders: tuple[Order, ...]


class _PastOrder(Order):
    created_at: AwareDatetime


class History(Wire):
    """One page of the history. Orders are read one by one, like products."""

    orders: tuple[Any, ...]
    total: int = Field(ge=0, le=10**9)

    def past_orders(self) -> tuple[PastOrder, ...]:
        """The readable orders of Amazon's products that were placed."""
        return tuple(order for raw in self.orders for order in _past_order(raw))


_NOT_BOUGHT = frozenset({"failed", "skipped", "cancelled"})


def _past_order(raw: Any) -> tuple[PastOrder, ...]:
    try:
        order = _PastOrder.model_validate(raw)
    except ValidationError:
        return ()
    components = order.job_result.price_components if order.job_result else None
    charged = components.charged if components else None
    if order.status != "order_placed" or components is None or charged is None:
        return ()
    rows = components.rows()
    lines = tuple(line for item in order.items if item.status not in _NOT_BOUGHT for line in _past_line(item, rows))
    return (PastOrder(order_id=order.id, ordered_at=order.created_at.astimezone(UTC), lines=lines, total=charged),) if lines else ()


def _past_line(item: Item, rows: dict[str, CartItem]) -> tuple[PastLine, ...]:
    """An order's items have neither title nor price: both are in the cart's rows, when Zinc could read them."""
    asin = asin_of(item.url)
    if asin is None:
        return ()
    row = rows.get(asin, CartItem())
    price = None if row.unit_price is None else Money(cents=row.unit_price, currency=CURRENCY)
    return (PastLine(asin=asin, title=row.name or asin, quantity=item.quantity, unit_price=price),)
