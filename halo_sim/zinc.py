"""Zinc v2 as its customers' programs see it: the operations, who may call them, and how it says no.

It sells what the simulated Amazon sells, at the same prices and from the same stock, to another kind of account: orders placed here are not in
Amazon Business's reports. Source of the wire shape: the public API reference and the official client's types.
"""

from __future__ import annotations

from decimal import Decimal

from halo_sim import zinc_orders
from halo_sim.amazon_products import ranked, unit_price, units_left
from halo_sim.data import Product, catalogue
from halo_sim.router import Route, Vendor
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, json_response, query_number
from halo_sim.world import Transaction

API_KEY = "zn_test_halo_sim"

_PAGE_SIZE = 24


# Products.


def search(tx: Transaction, request: Request) -> Response:
    """GET products/search?query=&retailer=amazon&page=: as Amazon ranks them."""
    _check_retailer(request)
    words = request.query.get("query", "")
    if not words:
        raise Refusal(422, "validation_error", "query is required.")
    page = query_number(request, "page", default=1, low=1, high=10_000)
    found = ranked(words)
    shown = found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    following: Json = page + 1 if page * _PAGE_SIZE < len(found) else None
    return json_response(200, {"status": "completed", "results": [_result(tx, product) for product in shown], "next_page": following})


def details(tx: Transaction, request: Request) -> Response:
    """GET products/{product_id}?retailer=amazon. A product that the shop does not have is a 200 that says so."""
    _check_retailer(request)
    product = catalogue().get(request.params["product_id"])
    if product is None:
        return json_response(200, {"status": "failed", "code": "product_not_found", "message": "The product was not found."})
    return json_response(200, _details(tx, product))


def _check_retailer(request: Request) -> None:
    if request.query.get("retailer") != "amazon":
        raise Refusal(422, "unsupported_retailer", "retailer must be amazon.")


def _result(tx: Transaction, product: Product) -> JsonObject:
    return {
        **_common(tx, product),
        "price": unit_price(tx, product).cents,
        "num_reviews": product.reviews,
        "product_details": [product.size, *product.keywords],
        "available": units_left(tx, product) > 0,
        "currency_code": "USD",
        "url": f"https://www.amazon.com/dp/{product.asin}",
    }


def _details(tx: Transaction, product: Product) -> JsonObject:
    """Without a price when there is none left: a shop's page then has no box to buy from."""
    return {
        **_common(tx, product),
        "status": "completed",
        "retailer": "amazon",
        "asin": product.asin,
        "price": unit_price(tx, product).cents if units_left(tx, product) else None,
        "original_retail_price": product.list_price_cents,
        "review_count": product.reviews,
        "feature_bullets": [product.size, *product.keywords],
        "digital": False,
    }


def _common(tx: Transaction, product: Product) -> JsonObject:
    return {
        "product_id": product.asin,
        "title": product.title,
        "brand": product.brand,
        "stars": Decimal(product.rating),
        "fresh": False,
        "pantry": False,
        "addon": False,
        "buyapi_hint": True,
    }


# Who may call, and how it says no.


def _check_caller(_tx: Transaction, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        raise Refusal(401, "invalid_token", "The API key is not valid.")


#: What the router and the readers of bodies call things, in Zinc's words.
_CODES = {"rate_limit": "rate_limit_exceeded", "server_error": "internal_error", "invalid_request": "validation_error"}


def _refuse(refusal: Refusal) -> Response:
    details: JsonObject = {"reason": refusal.details} if refusal.details else {}
    error: JsonObject = {"code": _CODES.get(refusal.code, refusal.code), "message": refusal.message, "details": details}
    headers = () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)
    return json_response(refusal.status, {"error": error}, headers=headers)


VENDOR = Vendor(
    name="zinc",
    routes=(
        Route("GET", "/products/search", "search_products", search),
        Route("GET", "/products/{product_id}", "product", details),
        Route("POST", "/orders", "place_order", zinc_orders.place, commits=True),
        Route("GET", "/orders", "orders", zinc_orders.listed),
        Route("GET", "/orders/{order_id}", "order", zinc_orders.one),
        Route("POST", "/orders/{order_id}/cancel", "cancel_order", zinc_orders.cancel, commits=True),
    ),
    check_caller=_check_caller,
    refuse=_refuse,
)
