"""Amazon Business Reporting 2021-01-08: what was ordered, newest first.

The household's past comes from the fixtures and is joined by what was really ordered here. Amounts are texts, unlike everywhere else at
Amazon.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache

from halo_engine.model.money import Money
from halo_sim.data import BUYER_EMAIL, PastLine, PastOrder, catalogue, order_history
from halo_sim.pricing import shipping_on, tax_by_line, tax_on
from halo_sim.wire import JsonObject, Refusal, Request, Response, Written, json_response, write_json
from halo_sim.world import Transaction, from_text

PAGE_SIZE = 100
#: An order is under way this long, then it is closed.
_OPEN_FOR = timedelta(days=2)


@dataclass(frozen=True)
class _Reported:
    ordered_at: datetime
    order_id: str
    purchase_order: str
    buyer: str
    lines: tuple[PastLine, ...]

    @cached_property
    def written(self) -> dict[tuple[bool, ...], Written]:
        """What was said of it already, by what was asked. A page tells a hundred of them."""
        return {}


@dataclass(frozen=True, slots=True)
class _Goods:
    """What is said of the lines of an order, whenever it is asked for."""

    quantity: int
    subtotal: JsonObject
    total: JsonObject
    lines: tuple[JsonObject, ...]


def orders(tx: Transaction, request: Request) -> Response:
    """GET orders?startDate=&endDate=&purchaseOrderNumber=&include…=true&nextPageToken=."""
    start, end = _date(request, "startDate"), _date(request, "endDate")
    number = request.query.get("purchaseOrderNumber")
    found = [
        order
        for order in _all(tx)
        if (start is None or order.ordered_at >= start)
        and (end is None or order.ordered_at <= end)
        and number in (None, "", order.purchase_order)
    ]
    first = _page_start(request.query.get("nextPageToken", ""))
    following = first + PAGE_SIZE
    token = _page_token(following) if following < len(found) else None
    return _page(tx, request, found[first:following], token)


def one(tx: Transaction, request: Request) -> Response:
    """GET orders/{orderId}."""
    found = [order for order in _all(tx) if order.order_id == request.params["order_id"]]
    if not found:
        raise Refusal(404, "ResourceNotFound", "The order was not found.")
    return _page(tx, request, found, None)


def _all(tx: Transaction) -> list[_Reported]:
    past = _before(tx.created_at)
    rows = tx.rows("SELECT placed_at, order_id, purchase_order, lines FROM orders")
    placed = [
        _Reported(
            ordered_at=from_text(row["placed_at"]),
            order_id=row["order_id"],
            purchase_order=row["purchase_order"] or "",
            buyer="Halo",
            lines=tuple(PastLine(line["asin"], line["quantity"], line["unit_cents"]) for line in json.loads(row["lines"])),
        )
        for row in rows
    ]
    return sorted([*past, *placed], key=lambda order: (order.ordered_at, order.order_id), reverse=True)


@lru_cache(maxsize=8)
def _before(created_at: datetime) -> tuple[_Reported, ...]:
    """The orders from before a world began, which stay as they are."""
    return tuple(_past(created_at, order) for order in order_history())


def _past(created_at: datetime, order: PastOrder) -> _Reported:
    at = created_at - timedelta(days=order.days_ago)
    return _Reported(ordered_at=at, order_id=order.order_id, purchase_order="", buyer=order.buyer, lines=order.lines)


def _date(request: Request, name: str) -> datetime | None:
    """A date or a time of the query; one without a zone is UTC, and an end date includes its day."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "InvalidRequest", f"{name} must be an ISO 8601 date.") from error
    if name == "endDate" and len(text) == len("2026-11-22"):
        at = at.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _page_token(first: int) -> str:
    return base64.urlsafe_b64encode(f"orders:{first}".encode()).decode()


def _page_start(token: str) -> int:
    if not token:
        return 0
    try:
        kind, _, first = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
    except ValueError as error:
        raise Refusal(400, "InvalidRequest", "nextPageToken is not valid.") from error
    if kind != "orders" or not (first.isascii() and first.isdigit() and len(first) < 10):
        raise Refusal(400, "InvalidRequest", "nextPageToken is not valid.")
    return int(first)


def _page(tx: Transaction, request: Request, found: Sequence[_Reported], token: str | None) -> Response:
    body = {"orders": [_render(tx, request, order) for order in found], "nextPageToken": token, "size": len(found)}
    return json_response(200, body)


def _render(tx: Transaction, request: Request, order: _Reported) -> Written:
    how = (
        tx.now - order.ordered_at < _OPEN_FOR,
        request.query.get("includeLineItems") == "true",
        request.query.get("includeCharges") == "true",
    )
    if how not in order.written:
        order.written[how] = Written(write_json(_described(order, *how)).decode())
    return order.written[how]


def _described(order: _Reported, is_open: bool, with_lines: bool, with_charges: bool) -> JsonObject:
    charge = {"paymentInstrumentType": "Visa", "paymentInstrumentLast4Digits": "0000"}
    goods = _goods(order.lines)
    return {
        "orderDate": order.ordered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "orderId": order.order_id,
        "purchaseOrderNumber": order.purchase_order,
        "orderQuantity": goods.quantity,
        "orderStatus": "PENDING_FULFILLMENT" if is_open else "CLOSED",
        "buyingCustomer": {"email": BUYER_EMAIL, "name": order.buyer},
        "orderSubTotal": goods.subtotal,
        "orderNetTotal": goods.total,
        "lineItems": goods.lines if with_lines else [],
        "shipments": [],
        "charges": [charge] if with_charges else [],
    }


def _goods(lines: tuple[PastLine, ...]) -> _Goods:
    amounts = tuple(Money(cents=line.unit_price_cents) * line.quantity for line in lines)
    subtotal = Money.total(amounts)
    total = subtotal + shipping_on(subtotal) + tax_on(subtotal)
    return _Goods(
        quantity=sum(line.quantity for line in lines),
        subtotal=_text(subtotal),
        total=_text(total),
        lines=tuple(_line(line, amount + tax) for line, amount, tax in zip(lines, amounts, tax_by_line(amounts), strict=True)),
    )


def _line(line: PastLine, net: Money) -> JsonObject:
    product = catalogue()[line.asin]
    return {
        "asin": line.asin,
        "title": product.title,
        "itemQuantity": line.quantity,
        "listedPricePerUnit": _text(Money(cents=product.list_price_cents)),
        "purchasedPricePerUnit": _text(Money(cents=line.unit_price_cents)),
        "itemNetTotal": _text(net),
        "carrierTrackingNumbers": [],
    }


def _text(amount: Money) -> JsonObject:
    return {"currencyCode": amount.currency, "amount": format(amount.to_decimal(), "f")}
