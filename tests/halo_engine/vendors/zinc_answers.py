"""Zinc's answers as documented, to be spoilt; and an adapter that gets them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import httpx

from halo_engine.model.money import Money
from halo_engine.model.outcome import Outcome
from halo_engine.vendors.merchant import OrderLine, Quote, QuotedLine
from halo_engine.vendors.zinc import Zinc
from tests.halo_engine.vendors.kit import Script, Step, client, ok
from tests.halo_engine.vendors.worlds import HOME, zinc_over

KEY = "halo-1"
LINE = OrderLine(asin="B000EXAMPL", offer_id="", quantity=2, unit_price=Money(cents=1699))
QUOTE = Quote(
    lines=(QuotedLine(asin="B000EXAMPL", quantity=2, unit_price=Money(cents=1699), subtotal=Money(cents=3398)),),
    items=Money(cents=3398),
    shipping=Money(cents=0),
    tax=Money(cents=0),
    total=Money(cents=3398),
    maximum=Money(cents=3800),
    delivery=None,
)

#: As documented, in the three states.
TAKEN: dict[str, Any] = {
    "id": "7c0f2a52-0000-4000-8000-000000000001",
    "status": "pending",
    "max_price": 3800,
    "attempts": 0,
    "items": [
        {"id": "i1", "url": "https://www.amazon.com/dp/B000EXAMPL", "quantity": 2, "status": "pending", "error_type": None},
    ],
    "job_result": None,
    "merchant_order_ids": [],
    "metadata": {"halo_key": KEY},
    "created_at": "2026-11-22T04:29:00Z",
}
COMPONENTS: dict[str, Any] = {
    "subtotal": 3398,
    "shipping": 0,
    "tax": 293,
    "discount": 0,
    "fees": 0,
    "total": 3691,
    "currency": "USD",
    "payment_currency": "USD",
    "converted_payment_total": 3691,
    "breakdown_recorded": True,
    "cart_items": None,
}
PLACED: dict[str, Any] = {
    **TAKEN,
    "status": "order_placed",
    "items": [{**TAKEN["items"][0], "status": "ordered"}],
    "job_result": {"success": True, "error": None, "error_type": None, "price_components": COMPONENTS, "estimated_delivery": "2026-11-24"},
    "merchant_order_ids": [{"merchant_order_id": "112-0000001-0000002"}],
}


def failed(error_type: str | None) -> dict[str, Any]:
    job = {"success": False, "error": "It could not be bought.", "error_type": error_type, "price_components": None}
    return {**TAKEN, "status": "order_failed", "items": [{**TAKEN["items"][0], "status": "failed"}], "job_result": job}


def listing(*orders: dict[str, Any]) -> httpx.Response:
    return ok({"orders": list(orders), "total": len(orders), "limit": 10, "offset": 0})


def says_no(status: int, code: str, *, wrapped: bool = True) -> httpx.Response:
    body = {"code": code, "message": "No.", "details": {}}
    return ok({"error": body} if wrapped else body, status)


def zinc(*steps: Step) -> tuple[Zinc, Script]:
    script = Script(*steps)
    return zinc_over(client(script)), script


def placed(*steps: Step) -> Outcome:
    return zinc(*steps)[0].place([LINE], ship_to=HOME, external_id=KEY, expected=QUOTE)


def found(*orders: dict[str, Any]) -> object:
    return zinc(listing(*orders))[0].find(KEY)


def changed(order: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    altered = copy.deepcopy(order)
    change(altered)
    return altered
