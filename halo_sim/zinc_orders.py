"""Zinc v2 orders: taken on at once, bought later, looked up by whoever wants to know.

Nothing runs between two requests: an order that has come of age is bought (or found impossible) at the beginning of the next request that touches
orders, at the prices and from the stock of that moment; its entry in the ledger is written then. Until then it is a promise that can be cancelled.
What no source states is picked here: a wallet of a thousand dollars that is always full, and 400 for a cancellation that comes too late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Row
from typing import Any

from halo_engine.model.money import Money
from halo_sim import faults, ledger
from halo_sim.amazon_products import take_units, unit_price, units_left
from halo_sim.data import PastOrder, Product, catalogue, order_history
from halo_sim.pricing import shipping_on, tax_on
from halo_sim.wire import (
    JsonObject,
    Refusal,
    Request,
    Response,
    is_object,
    json_response,
    number_of,
    object_of,
    objects_of,
    query_number,
    read_object,
    text_of,
)
from halo_sim.world import Transaction, from_text, to_text

#: An order waits this long to be taken up, and is bought when it is this old.
TAKEN_UP_AFTER = timedelta(seconds=10)
BOUGHT_AFTER = timedelta(seconds=20)

WALLET = Money(cents=1_000_00)
MAX_KEY_CHARS = 36
_MAX_PRODUCTS = 50
_ADDRESS = ("first_name", "last_name", "address_line1", "city", "state", "postal_code", "phone_number")
_URL = re.compile(r"https://www\.amazon\.com/dp/([A-Z0-9]{10})")


@dataclass(frozen=True, slots=True)
class _Line:
    """One product that is asked for."""

    asin: str
    quantity: int


# The operations.


def place(tx: Transaction, request: Request) -> Response:
    """POST orders: 201 with the order as `pending`; a key that was used before is a 409, and never the first answer again."""
    body = read_object(request)
    lines = tuple(_read_line(product) for product in objects_of(body, "products", low=1, high=_MAX_PRODUCTS))
    max_price = number_of(body, "max_price", low=1, high=10**9)
    address = _read_address(object_of(body, "shipping_address"))
    number = tx.next_number("zinc_orders")
    key = text_of(body, "idempotency_key", limit=MAX_KEY_CHARS) if "idempotency_key" in body else f"generated-{number}"
    if _is_known(tx, key) and not faults.active(tx, "ignore_keys"):
        raise Refusal(409, "already_exists", "An order with this idempotency_key exists.")
    if max_price > WALLET.cents:
        raise Refusal(402, "insufficient_funds", f"The wallet holds {WALLET.display}.", details=f"required {max_price}")
    order_id = f"7c0f2a52-0000-4000-8000-{number:012d}"
    kept = {"shipping_address": address, "metadata": body.get("metadata"), "best_effort": _is_best_effort(body)}
    tx.run(
        "INSERT INTO zinc_orders VALUES (?, ?, ?, ?, ?, ?, 'open', NULL)",
        order_id,
        key,
        to_text(tx.now),
        max_price,
        json.dumps([{"asin": line.asin, "quantity": line.quantity} for line in lines]),
        json.dumps(kept),
    )
    # An accepted order is an effect, though nothing is bought yet: its answer can be lost.
    tx.effects += 1
    return json_response(201, _render(tx, _row(tx, order_id)))


def listed(tx: Transaction, request: Request) -> Response:
    """GET orders?metadata_key=&metadata_value=&status_filter=&created_after=&limit=&offset=: newest first."""
    _settle(tx)
    limit = query_number(request, "limit", default=10, low=1, high=100)
    offset = query_number(request, "offset", default=0, low=0, high=10**6)
    looked_up = "metadata_key" in request.query
    if looked_up and faults.take(tx, "hide_orders"):
        return _page([], total=0, limit=limit, offset=offset)
    rows = tx.rows("SELECT * FROM zinc_orders ORDER BY created_at DESC, id DESC")
    orders = [_render(tx, row) for row in rows if not (looked_up and _shows_late(tx, row))]
    orders += [_past(tx, order) for order in order_history()]
    wanted = [order for order in orders if _matches(order, request.query)]
    return _page(wanted[offset : offset + limit], total=len(wanted), limit=limit, offset=offset)


def one(tx: Transaction, request: Request) -> Response:
    """GET orders/{id}."""
    _settle(tx)
    row = _row(tx, request.params["order_id"])
    if faults.take(tx, "hide_orders") or _shows_late(tx, row):
        raise Refusal(404, "not_found", "The order was not found.")
    return json_response(200, _render(tx, row))


def cancel(tx: Transaction, request: Request) -> Response:
    """POST orders/{id}/cancel: 204 while nobody has taken the order up."""
    _settle(tx)
    row = _row(tx, request.params["order_id"])
    if _status(tx, row) != "pending":
        raise Refusal(400, "order_not_cancellable", "Only a pending order can be cancelled.")
    tx.run("UPDATE zinc_orders SET status = 'cancelled' WHERE id = ?", row["id"])
    tx.effects += 1
    return Response(status=204)


# Reading the request.


def _read_line(product: JsonObject) -> _Line:
    found = _URL.fullmatch(text_of(product, "url"))
    if found is None:
        raise Refusal(422, "unsupported_retailer", "The url is not a product page of www.amazon.com.")
    return _Line(asin=found[1], quantity=number_of({"quantity": 1, **product}, "quantity", low=1, high=100))


def _read_address(address: JsonObject) -> dict[str, str]:
    read = {name: text_of(address, name, limit=60) for name in _ADDRESS}
    if "address_line2" in address:
        read["address_line2"] = text_of(address, "address_line2", limit=60)
    if address.get("country", "US") != "US":
        raise Refusal(422, "unsupported_country", "The country must be US.")
    if not re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", read["postal_code"]):
        raise Refusal(422, "invalid_shipping_address", "The postal code is not a ZIP code.")
    return {**read, "country": "US"}


def _is_best_effort(body: JsonObject) -> bool:
    """Whether items that cannot be had may be skipped; without it an order is all or nothing."""
    wishes = body.get("fulfillment")
    return is_object(wishes) and wishes.get("items") == "best_effort"


def _is_known(tx: Transaction, key: str) -> bool:
    return tx.row("SELECT 1 FROM zinc_orders WHERE key = ?", key) is not None


def _row(tx: Transaction, order_id: str) -> Row:
    row = tx.row("SELECT * FROM zinc_orders WHERE id = ?", order_id)
    if row is None:
        raise Refusal(404, "not_found", "The order was not found.")
    return row


def _shows_late(tx: Transaction, row: Row) -> bool:
    waits = [fault.amount or 0 for fault in faults.active(tx, "late_orders")]
    return bool(waits) and tx.now < from_text(row["created_at"]) + timedelta(seconds=max(waits))


# Buying what has come of age.


def _settle(tx: Transaction) -> None:
    """Buy what is due, oldest first. What happens here is not this request's doing, so a fault does not take this request's answer for it."""
    before = tx.effects
    for row in tx.rows("SELECT * FROM zinc_orders WHERE status = 'open' ORDER BY created_at, id"):
        if tx.now >= from_text(row["created_at"]) + BOUGHT_AFTER:
            _buy(tx, row)
    tx.effects = before


def _buy(tx: Transaction, row: Row) -> None:
    wanted = tuple(_Line(**line) for line in json.loads(row["lines"]))
    problems = {line: problem for line in wanted if (problem := _problem(tx, line, wanted))}
    bought = tuple(line for line in wanted if line not in problems)
    if problems and not (bought and json.loads(row["kept"])["best_effort"]):
        _fail(tx, row, next(iter(problems.values())))
        return
    subtotal = Money.total(_price(tx, line) for line in bought)
    total = subtotal + shipping_on(subtotal) + tax_on(subtotal)
    if total.cents > row["max_price"] and not faults.active(tx, "ignore_expectations"):
        _fail(tx, row, "max_price_exceeded")
        return
    _keep(tx, row, bought, subtotal, {line.asin: problem for line, problem in problems.items()})


def _problem(tx: Transaction, line: _Line, wanted: Sequence[_Line]) -> str:
    """Why the line cannot be bought; empty when it can. Two lines of one product share what there is."""
    product = catalogue().get(line.asin)
    if product is None:
        return "product_not_found"
    if line.quantity > product.max_quantity:
        return "quantity_limit_exceeded"
    together = sum(other.quantity for other in wanted if other.asin == line.asin)
    return "product_out_of_stock" if together > units_left(tx, product) else ""


def _price(tx: Transaction, line: _Line) -> Money:
    return unit_price(tx, catalogue()[line.asin]) * line.quantity


def _fail(tx: Transaction, row: Row, error_type: str) -> None:
    result = {"success": False, "error": error_type.replace("_", " ") + ".", "error_type": error_type, "price_components": None}
    tx.run("UPDATE zinc_orders SET status = 'order_failed', result = ? WHERE id = ?", json.dumps({"job": result}), row["id"])


def _keep(tx: Transaction, row: Row, bought: Sequence[_Line], subtotal: Money, skipped: Mapping[str, str]) -> None:
    number = tx.next_number("zinc_merchant_orders")
    merchant_order_id = f"114-{number // 10**7:07d}-{number % 10**7:07d}"
    cart = [_cart_row(line.asin, line.quantity, unit_price(tx, catalogue()[line.asin])) for line in bought]
    days = max(catalogue()[line.asin].delivery_days for line in bought)
    job = _placed(subtotal, cart, delivery=tx.now + timedelta(days=days))
    result = {"job": job, "merchant_order_id": merchant_order_id, "skipped": dict(skipped)}
    tx.run("UPDATE zinc_orders SET status = 'order_placed', result = ? WHERE id = ?", json.dumps(result), row["id"])
    for line in bought:
        take_units(tx, line.asin, line.quantity)
    ledger.record(
        tx,
        vendor="zinc",
        kind="order",
        reference=row["id"],
        client_reference=row["key"],
        charged=Money(cents=job["price_components"]["total"]),
        detail={
            "lines": [
                {"asin": line["product_id"], "title": line["name"], "quantity": line["quantity"], "unit_cents": line["unit_price"]}
                for line in cart
            ],
            "merchant_order_id": merchant_order_id,
            "max_price_cents": row["max_price"],
        },
    )


def _cart_row(asin: str, quantity: int, unit: Money) -> dict[str, Any]:
    product: Product = catalogue()[asin]
    return {
        "name": product.title,
        "product_id": asin,
        "quantity": quantity,
        "unit_price": unit.cents,
        "line_total": (unit * quantity).cents,
    }


def _placed(subtotal: Money, cart: list[dict[str, Any]], *, delivery: datetime) -> dict[str, Any]:
    total = subtotal + shipping_on(subtotal) + tax_on(subtotal)
    components = {
        "subtotal": subtotal.cents,
        "shipping": shipping_on(subtotal).cents,
        "tax": tax_on(subtotal).cents,
        "discount": 0,
        "fees": 0,
        "total": total.cents,
        "currency": "USD",
        "payment_currency": "USD",
        "converted_payment_total": total.cents,
        "breakdown_recorded": True,
        "cart_items": cart,
    }
    return {
        "success": True,
        "error": None,
        "error_type": None,
        "price_components": components,
        "estimated_delivery": f"{delivery:%Y-%m-%d}",
    }


# The wire shape.


def _status(tx: Transaction, row: Row) -> str:
    if row["status"] != "open":
        return str(row["status"])
    return "in_progress" if tx.now >= from_text(row["created_at"]) + TAKEN_UP_AFTER else "pending"


def _render(tx: Transaction, row: Row) -> JsonObject:
    status, kept = _status(tx, row), json.loads(row["kept"])
    result: dict[str, Any] = json.loads(row["result"]) if row["result"] else {}
    number = result.get("merchant_order_id")
    at = _second(from_text(row["created_at"]))
    return {
        "id": row["id"],
        "status": status,
        "max_price": row["max_price"],
        "attempts": 0 if status == "pending" else 1,
        "items": [_item(n, line, status, result, at) for n, line in enumerate(json.loads(row["lines"]), 1)],
        "shipping_address": kept["shipping_address"],
        "job_result": result.get("job"),
        "merchant_order_ids": [{"merchant_order_id": number}] if number else [],
        "tracking_numbers": [],
        "metadata": kept["metadata"],
        "created_at": at,
        "updated_at": at,
    }


_ITEM_STATUS = {"in_progress": "processing", "order_placed": "ordered", "order_failed": "failed", "cancelled": "cancelled"}


def _item(number: int, line: Mapping[str, Any], status: str, result: Mapping[str, Any], at: str) -> JsonObject:
    skipped = result.get("skipped", {}).get(line["asin"])
    failed = result.get("job", {}).get("error_type")
    return {
        "id": f"i{number}",
        "url": f"https://www.amazon.com/dp/{line['asin']}",
        "quantity": line["quantity"],
        "status": "skipped" if skipped else _ITEM_STATUS.get(status, status),
        "error_type": skipped or failed,
        "created_at": at,
        "updated_at": at,
    }


def _past(tx: Transaction, order: PastOrder) -> JsonObject:
    """An order of the household's past, which is the same wherever it is asked for."""
    at = _second(tx.created_at - timedelta(days=order.days_ago))
    cart = [_cart_row(line.asin, line.quantity, Money(cents=line.unit_price_cents)) for line in order.lines]
    subtotal = Money.total(Money(cents=row["line_total"]) for row in cart)
    items = [{"asin": line.asin, "quantity": line.quantity} for line in order.lines]
    return {
        "id": f"past-{order.order_id}",
        "status": "order_placed",
        "max_price": 100_000,
        "attempts": 1,
        "items": [_item(n, line, "order_placed", {}, at) for n, line in enumerate(items, 1)],
        "shipping_address": {},
        "job_result": _placed(subtotal, cart, delivery=tx.created_at - timedelta(days=order.days_ago - 2)),
        "merchant_order_ids": [{"merchant_order_id": order.order_id}],
        "tracking_numbers": [],
        "metadata": None,
        "created_at": at,
        "updated_at": at,
    }


def _matches(order: JsonObject, query: Mapping[str, str]) -> bool:
    metadata = order["metadata"]
    key = query.get("metadata_key")
    if key is not None and not (is_object(metadata) and metadata.get(key) == query.get("metadata_value", "")):
        return False
    if "status_filter" in query and order["status"] != query["status_filter"]:
        return False
    return "created_after" not in query or str(order["created_at"]) >= _second(_time(query["created_after"]))


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(422, "validation_error", "created_after must be an ISO 8601 time.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(orders: Sequence[JsonObject], *, total: int, limit: int, offset: int) -> Response:
    return json_response(200, {"orders": list(orders), "total": total, "limit": limit, "offset": offset})
