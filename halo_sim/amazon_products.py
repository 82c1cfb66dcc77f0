"""Amazon Business Product Search 2020-08-26: keyword search, one product, several by ASIN.

Ranking is what a shopper would expect and nothing more: how many of the words a product covers, whether it is that kind of thing (a tin
of tuna in olive oil covers `olive oil`, but is not one), then how much it is reviewed. It must stay deterministic: drafts are compared
across runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from halo_engine.model.money import Money
from halo_sim import faults
from halo_sim.data import Product, catalogue
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, Written, json_response, query_number, read_object, write_json
from halo_sim.world import Transaction

MAX_PAGE_SIZE = 24
MAX_ASINS = 30
#: Below this, the page says how many are left.
_FEW_LEFT = 5

_WORD = re.compile(r"[0-9]+(?:\.[0-9]+)?|[a-z]+")
_IDLE_WORDS = frozenset({"a", "an", "the", "of", "for", "and", "with", "in", "some", "to", "our", "my"})


def search(tx: Transaction, request: Request) -> Response:
    """GET products?keywords=: the products that cover most of the words, best first."""
    _check_region(request.query)
    number = query_number(request, "pageNumber", default=0, low=0, high=10_000)
    size = query_number(request, "pageSize", default=MAX_PAGE_SIZE, low=1, high=MAX_PAGE_SIZE)
    found = ranked(request.query.get("keywords", ""))
    facets = frozenset(request.query.get("facets", "").split(","))
    shown = found[number * size : (number + 1) * size]
    return json_response(
        200,
        {
            "matchingProductCount": len(found),
            "numberOfPages": -(-len(found) // size),
            "searchRefinements": [],
            "products": [render(tx, product, facets) for product in shown],
        },
    )


def one(tx: Transaction, request: Request) -> Response:
    """GET products/{productId}."""
    _check_region(request.query)
    product = catalogue().get(request.params["asin"])
    if product is None:
        raise Refusal(404, "PRODUCT_NOT_FOUND", "The product was not found.")
    return json_response(200, render(tx, product, frozenset(request.query.get("facets", "").split(","))))


def several(tx: Transaction, request: Request) -> Response:
    """POST products/getProductsByAsins: up to 30 ASINs, those unknown listed apart."""
    body = read_object(request)
    _check_region(body)
    asins = _texts(body, "productIds", low=1, high=MAX_ASINS)
    facets = frozenset(_texts(body, "facets", low=0, high=10)) if "facets" in body else frozenset()
    known = [catalogue()[asin] for asin in dict.fromkeys(asins) if asin in catalogue()]
    missing = [asin for asin in dict.fromkeys(asins) if asin not in catalogue()]
    products = [render(tx, product, facets) for product in known]
    return json_response(200, {"matchingProductCount": len(known), "products": products, "notFoundAsins": missing})


def _check_region(fields: JsonObject) -> None:
    if fields.get("productRegion") != "US":
        raise Refusal(400, "INVALID_REQUEST_PARAMETER", "productRegion must be US.")
    if fields.get("locale") != "en_US":
        raise Refusal(400, "INVALID_REQUEST_PARAMETER", "locale must be en_US.")


def _texts(body: JsonObject, name: str, *, low: int, high: int) -> tuple[str, ...]:
    members = body.get(name)
    texts = tuple(member for member in members if isinstance(member, str)) if isinstance(members, list) else ()
    if not isinstance(members, list) or len(texts) != len(members) or not low <= len(texts) <= high:
        raise Refusal(400, "INVALID_REQUEST_PARAMETER", f"{name} must be a list of {low} to {high} texts.")
    return texts


# What a product costs and how much of it there is, with what faults and earlier orders did to it.


def unit_price(tx: Transaction, product: Product) -> Money:
    """Today's price of one."""
    risen = sum(fault.amount or 0 for fault in faults.active(tx, "price_up", product.asin))
    return Money(cents=product.price_cents + risen)


def units_left(tx: Transaction, product: Product) -> int:
    """How many can be had."""
    limits = [fault.amount or 0 for fault in faults.active(tx, "out_of_stock", product.asin)]
    sold = tx.row("SELECT quantity FROM sold WHERE asin = ?", product.asin)
    return max(0, min([product.stock - (sold["quantity"] if sold else 0), *limits]))


def take_units(tx: Transaction, asin: str, quantity: int) -> None:
    """So many are sold. The units that a fault left are used up like any others."""
    tx.run("INSERT INTO sold VALUES (?1, ?2) ON CONFLICT (asin) DO UPDATE SET quantity = quantity + ?2", asin, quantity)
    tx.run("UPDATE faults SET amount = MAX(0, amount - ?2) WHERE name = 'out_of_stock' AND target = ?1", asin, quantity)


# Ranking.


@dataclass(frozen=True, slots=True)
class _Indexed:
    product: Product
    words: frozenset[str]
    title_words: frozenset[str]
    #: The names a shopper has for this kind of thing.
    kinds: tuple[frozenset[str], ...]


def ranked(keywords: str) -> tuple[Product, ...]:
    """The products that cover more than half of the words, best first."""
    wanted = frozenset(_words(keywords[:500]))
    hits = [entry for entry in _index() if 2 * len(wanted & entry.words) > len(wanted)]
    hits.sort(key=lambda entry: _rank(entry, wanted))
    return tuple(entry.product for entry in hits)


def _rank(entry: _Indexed, wanted: frozenset[str]) -> tuple[int, int, int, int, str]:
    covered = len(wanted & entry.words)
    kind = max((len(kind) for kind in entry.kinds if kind <= wanted), default=0)
    return (-covered, -kind, -len(wanted & entry.title_words), -entry.product.reviews, entry.product.asin)


@lru_cache(maxsize=1)
def _index() -> tuple[_Indexed, ...]:
    return tuple(_indexed(product) for product in catalogue().values())


def _indexed(product: Product) -> _Indexed:
    pack = f"{product.pack_count} pack count" if product.pack_count > 1 else ""
    everything = " ".join((product.title, product.brand, product.size, product.category, pack, *product.keywords))
    kinds = tuple(frozenset(_words(keyword)) for keyword in product.keywords)
    return _Indexed(product=product, words=frozenset(_words(everything)), title_words=frozenset(_words(product.title)), kinds=kinds)


def _words(text: str) -> list[str]:
    found = _WORD.findall(text.lower().replace("'", "").replace("’", ""))
    return [_singular(word) for word in found if word not in _IDLE_WORDS]


def _singular(word: str) -> str:
    """One spelling for one and many; it need not be English, only the same on both sides."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith("ie"):
        return word[:-2] + "y"
    if len(word) > 4 and word.endswith(("shes", "ches", "xes", "sses", "toes")):
        return word[:-2]
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


# The wire shape.


def money_json(amount: Money) -> JsonObject:
    """As Product Search and Ordering write it: a number with two decimals."""
    return {"currencyCode": amount.currency, "amount": amount.to_decimal()}


def render(tx: Transaction, product: Product, facets: frozenset[str]) -> Written:
    """One product; without the facet OFFERS there is no price in it."""
    return _rendered(product.asin, facets, _today(tx, product) if "OFFERS" in facets else None)


class _Today(NamedTuple):
    """What changes about a product."""

    price: Money
    availability: str
    delivery: str


def _today(tx: Transaction, product: Product) -> _Today:
    return _Today(unit_price(tx, product), _availability(units_left(tx, product)), _delivery(tx, product))


@lru_cache(maxsize=1024)
def _rendered(asin: str, facets: frozenset[str], today: _Today | None) -> Written:
    product = catalogue()[asin]
    included: dict[str, Json] = {}
    if today:
        included["OFFERS"] = [_offer(product, today)]
    if "IMAGES" in facets:
        included["IMAGES"] = []
    described: JsonObject = {
        "asin": product.asin,
        "asinType": "STANDARD",
        "signedProductId": f"signed-{product.asin}",
        "title": product.title,
        "url": f"https://www.amazon.com/dp/{product.asin}",
        "features": [product.size, *product.keywords],
        "byLine": {"displayString": product.brand, "url": f"https://www.amazon.com/s?k={product.brand.replace(' ', '+')}"},
        "customerReviewsSummary": {"numberOfReviews": product.reviews, "starRating": Decimal(product.rating)},
        "includedDataTypes": included,
    }
    return Written(write_json(described).decode())


def _offer(product: Product, today: _Today) -> JsonObject:
    return {
        "availability": today.availability,
        "buyingGuidance": "NONE",
        "buyingRestrictions": [],
        "fulfillmentType": "AMAZON",
        "merchant": {"merchantId": "AHALOSIM00001", "name": "Amazon.com", "meanFeedbackRating": Decimal("4.8"), "totalFeedbackCount": 1000},
        "offerId": product.offer_id,
        "price": _price(today.price, "BUSINESS"),
        "listPrice": _price(Money(cents=product.list_price_cents), "LIST"),
        "productCondition": "NEW",
        "condition": {"conditionValue": "NEW", "conditionNote": "", "subCondition": "NEW"},
        "quantityLimits": {"minQuantity": 1, "maxQuantity": product.max_quantity},
        "quantityPrice": {"quantityPriceTiers": []},
        "taxExclusivePrice": None,
        "deliveryInformation": today.delivery,
    }


def _price(amount: Money, kind: str) -> JsonObject:
    value: JsonObject = {"amount": amount.to_decimal(), "currencyCode": amount.currency}
    return {"value": value, "formattedPrice": amount.display, "priceType": kind}


def _availability(left: int) -> str:
    if left == 0:
        return "Out of Stock"
    return f"Only {left} left in stock - order soon" if left <= _FEW_LEFT else "In Stock"


def _delivery(tx: Transaction, product: Product) -> str:
    day = (tx.now + timedelta(days=product.delivery_days)).date()
    return f"FREE delivery {day:%a, %b} {day.day}"
