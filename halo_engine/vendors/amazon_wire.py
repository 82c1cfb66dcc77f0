"""The shapes of Amazon Business: request bodies, and answers as private models. Called by `amazon` only.

Source: vendor notes §1.3 (Product Search 2020-08-26), §1.4 (Ordering 2022-10-30), §1.7 (Reporting 2021-01-08). Amounts are numbers in the
first two and strings in the third; both end as exact money or make the answer unreadable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.strict_json import Json
from halo_engine.vendors.merchant import Offer, OrderLine, PastLine, PastOrder, Quote
from halo_engine.vendors.wire import Ident, NotNegative, Opaque, Text, Wire, to_money


class CamelWire(Wire):
    """Amazon writes `lineItems`."""

    model_config = ConfigDict(alias_generator=to_camel)


def _money(value: Any) -> Any:
    if isinstance(value, dict):
        return to_money(value.get("amount"), str(value.get("currencyCode")))
    raise ValueError("not an amount")


AnyMoney = Annotated[Money, BeforeValidator(_money)]
Price = Annotated[Money, BeforeValidator(_money), NotNegative]


# Errors.


class ErrorItem(CamelWire):
    code: Text = ""
    message: Text = ""
    details: Text | None = None


class Errors(CamelWire):
    """The vendor's own way of saying no. An answer without it did not come from the vendor."""

    errors: tuple[ErrorItem, ...] = Field(min_length=1)

    @property
    def message(self) -> str:
        """The first error in the vendor's words."""
        return self.errors[0].message or self.errors[0].code or "no reason was given"

    def names(self, *words: str) -> bool:
        """Whether any of `words` occurs in what the vendor says."""
        said = " ".join(f"{error.code} {error.message} {error.details or ''}" for error in self.errors).lower()
        return any(word in said for word in words)


# Product Search.


class _PriceTag(CamelWire):
    value: Price


class _Limits(CamelWire):
    min_quantity: int = Field(default=1, ge=1, le=10**6)
    max_quantity: int = Field(default=999, ge=0, le=10**6)


class _Offer(CamelWire):
    offer_id: Opaque
    price: _PriceTag
    list_price: _PriceTag | None = None
    quantity_limits: _Limits | None = None
    buying_guidance: str = "UNKNOWN"
    product_condition: str = "NEW"
    availability: Text = ""
    delivery_information: Text | None = None


class _ByLine(CamelWire):
    display_string: Text = ""


class _Reviews(CamelWire):
    number_of_reviews: int | None = Field(default=None, ge=0, le=10**9)
    star_rating: Decimal | None = Field(default=None, ge=0, le=10)


class _Included(CamelWire):
    offers: tuple[Any, ...] = Field(default=(), alias="OFFERS")


class _Product(CamelWire):
    asin: Ident
    asin_type: str
    title: Text
    url: str = ""
    features: tuple[Text, ...] = ()
    by_line: _ByLine | None = None
    customer_reviews_summary: _Reviews | None = None
    included_data_types: _Included


class Products(CamelWire):
    """Both kinds of product list. Products are read one by one: a strange one is left out, the others still count."""

    products: tuple[Any, ...]

    def offers(self) -> tuple[Offer, ...]:
        """One offer for each product that has a readable one, in the vendor's order."""
        return tuple(offer for raw in self.products for offer in _offer_of(raw))


#: Documented values under which the account may buy; anything else, known or new, is left alone.
_BUYABLE = frozenset({"PREFERRED", "RESTRICTED", "NONE", "UNKNOWN"})
_BUYABLE_TYPES = frozenset({"STANDARD", "VARIATION_CHILD"})


def _offer_of(raw: Any) -> tuple[Offer, ...]:
    """The product's first new offer, else its first; nothing when there is none."""
    try:
        product = _Product.model_validate(raw)
        offers = [_Offer.model_validate(offer) for offer in product.included_data_types.offers]
    except ValidationError:
        return ()
    offers.sort(key=lambda offer: offer.product_condition != "NEW")
    return tuple(_offer_value(product, offer) for offer in offers[:1])


def _offer_value(product: _Product, offer: _Offer) -> Offer:
    limits = offer.quantity_limits or _Limits()
    reviews = product.customer_reviews_summary or _Reviews()
    orderable = (
        product.asin_type in _BUYABLE_TYPES
        and offer.buying_guidance in _BUYABLE
        and offer.product_condition == "NEW"
        and limits.max_quantity >= limits.min_quantity
    )
    return Offer(
        asin=product.asin,
        offer_id=offer.offer_id,
        title=product.title,
        brand=product.by_line.display_string if product.by_line else "",
        unit_price=offer.price.value,
        list_price=offer.list_price.value if offer.list_price else None,
        min_quantity=limits.min_quantity,
        max_quantity=limits.max_quantity,
        orderable=orderable,
        delivery=offer.delivery_information or offer.availability,
        rating=None if reviews.star_rating is None else f"{reviews.star_rating:.1f}",
        reviews=reviews.number_of_reviews,
        features=product.features[:20],
        url=product.url if product.url.startswith("https://") and product.url.isascii() and product.url.isprintable() else "",
    )


# Ordering: the request.


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What is asked for, by whom, and where it goes."""

    external_id: str
    lines: Sequence[OrderLine]
    ship_to: Address
    user_email: str
    region: str


def trial_body(basket: Basket) -> Json:
    """A dry run. It states no expectation, so the answer tells today's price instead of refusing an old one."""
    lines = [_line_body(key, line, []) for key, line in keyed(basket.lines).items()]
    return _body(basket, lines) | {"attributes": [*_attributes(basket), {"attributeType": "TrialMode"}], "expectations": []}


def order_body(basket: Basket, quote: Quote) -> Json:
    """An order that the vendor itself must refuse when it would cost more than the lines' prices and the quote's parts."""
    lines = [_line_body(key, line, [_unit_ceiling(line)]) for key, line in keyed(basket.lines).items()]
    return _body(basket, lines) | {"attributes": _attributes(basket), "expectations": _ceilings(quote)}


def _body(basket: Basket, lines: list[Json]) -> dict[str, Json]:
    return {"externalId": basket.external_id, "lineItems": lines}


def _attributes(basket: Basket) -> list[Json]:
    return [
        {"attributeType": "BuyerReference", "userReference": {"userReferenceType": "UserEmail", "emailAddress": basket.user_email}},
        {"attributeType": "Region", "region": basket.region},
        {
            "attributeType": "SelectedPaymentMethodReference",
            "paymentMethodReference": {"paymentMethodReferenceType": "StoredPaymentMethod"},
        },
        {"attributeType": "ShippingAddress", "address": _address_body(basket.ship_to)},
    ]


def keyed(lines: Sequence[OrderLine]) -> dict[str, OrderLine]:
    """The lines under our own names for them, which hold the ASIN so that a look-up can say what a line was."""
    return {f"{number}-{line.asin}": line for number, line in enumerate(lines, start=1)}


def asin_of(key: str) -> str:
    """The ASIN in a name given by `keyed`."""
    return key.partition("-")[2] or key


def _line_body(key: str, line: OrderLine, expectations: list[Json]) -> Json:
    return {
        "externalId": key,
        "quantity": line.quantity,
        "attributes": [
            {
                "attributeType": "SelectedProductReference",
                "productReference": {"productReferenceType": "ProductIdentifier", "id": line.asin},
            },
            {
                "attributeType": "SelectedBuyingOptionReference",
                "buyingOptionReference": {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": line.offer_id},
            },
        ],
        "expectations": expectations,
    }


def _unit_ceiling(line: OrderLine) -> Json:
    return {"expectationType": "ExpectedUnitPrice", "amount": _money_body(line.unit_price)}


def _ceilings(quote: Quote) -> list[Json]:
    sources = (("SUBTOTAL", quote.items), ("SHIPPING", quote.shipping), ("TAX", quote.tax))
    return [{"expectationType": "ExpectedCharge", "amount": _money_body(amount), "source": source} for source, amount in sources]


def _money_body(amount: Money) -> Json:
    return {"currencyCode": amount.currency, "amount": amount.to_decimal()}


def _address_body(address: Address) -> Json:
    second = {} if address.address_line2 is None else {"addressLine2": address.address_line2}
    return {
        "addressType": "PhysicalAddress",
        "fullName": address.full_name,
        "phoneNumber": address.phone_number,
        "addressLine1": address.address_line1,
        **second,
        "city": address.city,
        "stateOrRegion": address.state_or_region,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }


# Ordering: the answer. A kind of artifact that nobody has heard of makes the whole answer unreadable.


class OrderIdentifier(CamelWire):
    acceptance_artifact_type: Literal["OrderIdentifier"]
    identifier: Ident


class UnitPrice(CamelWire):
    acceptance_artifact_type: Literal["UnitPrice"]
    amount: Price


class Charge(CamelWire):
    acceptance_artifact_type: Literal["Charge"]
    category: Literal["SUBTOTAL", "SHIPPING", "GIFT_WRAP", "PAYMENT_METHOD_FEE", "EXPORT_FEE", "OTHER"]
    type: Literal["PRINCIPAL", "TAX", "DISCOUNT"]
    amount: AnyMoney


class DeliveryTimeRange(CamelWire):
    """For display only, so whatever is in it may be anything."""

    acceptance_artifact_type: Literal["DeliveryTimeRange"]
    lower_boundary: Any = None
    upper_boundary: Any = None


class Notice(CamelWire):
    acceptance_artifact_type: Literal["ShipmentGroup", "Shipment", "Signed"]


Acceptance = Annotated[
    OrderIdentifier | UnitPrice | Charge | DeliveryTimeRange | Notice,
    Field(discriminator="acceptance_artifact_type"),
]


class BrokenPrice(CamelWire):
    rejection_artifact_type: Literal["BrokenUnitPriceExpectation", "BrokenChargeExpectation"]
    boundary: AnyMoney
    actual_amount: AnyMoney


class Quantity(CamelWire):
    rejection_artifact_type: Literal["AvailableQuantity", "UnavailableQuantity"]
    quantity: int = Field(ge=0, strict=True)


class AgeRestriction(CamelWire):
    rejection_artifact_type: Literal["AgeRestriction"]


class DeliveryIncongruity(CamelWire):
    rejection_artifact_type: Literal["DeliveryTimeRangeIncongruity"]


class RejectionCode(CamelWire):
    """Its values are not published: never branched on."""

    rejection_artifact_type: Literal["RejectionCode"]


class RejectionMessage(CamelWire):
    rejection_artifact_type: Literal["RejectionMessage"]
    message: Text


Rejection = Annotated[
    BrokenPrice | Quantity | AgeRestriction | DeliveryIncongruity | RejectionCode | RejectionMessage,
    Field(discriminator="rejection_artifact_type"),
]


class AcceptedItem(CamelWire):
    quantity: int = Field(ge=1, strict=True)
    artifacts: tuple[Acceptance, ...]


class RejectedItem(CamelWire):
    quantity: int = Field(ge=1, strict=True)
    artifacts: tuple[Rejection, ...]


class LineResult(CamelWire):
    external_id: Text
    accepted_items: tuple[AcceptedItem, ...]
    rejected_items: tuple[RejectedItem, ...]


class OrderResult(CamelWire):
    """The answer to a trial, an order and a look-up alike."""

    line_items: tuple[LineResult, ...] = Field(min_length=1)
    acceptance_artifacts: tuple[Acceptance, ...]
    rejection_artifacts: tuple[Rejection, ...]


# Reporting.


class _ReportedLine(CamelWire):
    asin: Ident
    title: Text
    item_quantity: int = Field(ge=1)
    purchased_price_per_unit: Price


class _ReportedOrder(CamelWire):
    order_id: Ident
    order_date: AwareDatetime
    order_status: str
    order_net_total: Price
    line_items: tuple[_ReportedLine, ...]


class OrderPage(NamedTuple):
    """What a page of the history tells."""

    orders: tuple[PastOrder, ...]
    next_page_token: str | None


class OrderReport(CamelWire):
    """One page of the history. Orders are read one by one, like products."""

    orders: tuple[Any, ...]
    next_page_token: Opaque | None = None

    def past_orders(self) -> tuple[PastOrder, ...]:
        """The readable orders that were not cancelled."""
        return tuple(order for raw in self.orders for order in _past_order(raw))


def _past_order(raw: Any) -> tuple[PastOrder, ...]:
    try:
        order = _ReportedOrder.model_validate(raw)
    except ValidationError:
        return ()
    if order.order_status.upper() in ("CANCELLED", "CANCELED"):
        return ()
    lines = tuple(_past_line(line) for line in order.line_items)
    return (PastOrder(order_id=order.order_id, ordered_at=order.order_date.astimezone(UTC), lines=lines, total=order.order_net_total),)


def _past_line(line: _ReportedLine) -> PastLine:
    return PastLine(asin=line.asin, title=line.title, quantity=line.item_quantity, unit_price=line.purchased_price_per_unit)


def day_of(boundary: Any) -> date | None:
    """The day in a boundary like `{"date": "2026-11-24 08:00:00.000"}`; its zone is unknown, so it is for display only."""
    try:
        return date.fromisoformat(str(boundary["date"])[:10])
    except (ValueError, TypeError, KeyError):
        return None
