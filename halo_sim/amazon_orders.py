"""Amazon Business Ordering 2022-10-30: quote (TrialMode), place, look up.

A quote and a real order are one calculation; only what follows differs. Answers that nobody has documented are picked here: a repeated
`externalId` with the same body gets the first answer back, with another body a 400; an order with nothing accepted leaves no trace, so
its id stays free; line charges carry the tax, and shipping is charged on the first accepted item.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, DecimalException

from halo_engine.model.money import Money
from halo_sim import faults, ledger
from halo_sim.amazon_products import money_json, take_units, unit_price, units_left
from halo_sim.data import BUYER_EMAIL, Product, catalogue
from halo_sim.pricing import shipping_on, tax_by_line, tax_on
from halo_sim.wire import (
    Json,
    JsonObject,
    Refusal,
    Request,
    Response,
    json_response,
    number_of,
    object_of,
    objects_of,
    read_object,
    text_of,
    write_json,
)
from halo_sim.world import Transaction, from_text, to_text

MAX_LINES = 50
_ADDRESS = ("fullName", "addressLine1", "city", "stateOrRegion", "postalCode")


@dataclass(frozen=True, slots=True)
class _Line:
    """One requested line. `ceiling` is the highest unit price the buyer takes; None is no guard."""

    external_id: str
    asin: str
    offer_id: str | None
    quantity: int
    ceiling: Money | None


@dataclass(frozen=True, slots=True)
class _Order:
    """One request to order, checked for form."""

    external_id: str
    purchase_order: str | None
    lines: tuple[_Line, ...]
    #: Highest amounts the buyer takes, by source: SUBTOTAL, SHIPPING, TAX.
    ceilings: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What becomes of one line: so many units at this price, and why the others are refused."""

    line: _Line
    accepted: int
    unit: Money
    delivery_days: int
    reasons: tuple[JsonObject, ...]

    @property
    def amount(self) -> Money:
        return self.unit * self.accepted

    @property
    def refused(self) -> int:
        return self.line.quantity - self.accepted


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of the order. `broken` is why the order as a whole is refused, empty when it is not."""

    verdicts: tuple[_Verdict, ...]
    broken: tuple[JsonObject, ...]

    @property
    def bought(self) -> tuple[_Verdict, ...]:
        return () if self.broken else tuple(verdict for verdict in self.verdicts if verdict.accepted)

    @property
    def subtotal(self) -> Money:
        return Money.total(verdict.amount for verdict in self.bought)

    @property
    def total(self) -> Money:
        return self.subtotal + shipping_on(self.subtotal) + tax_on(self.subtotal)


# The three operations.


def is_trial(request: Request) -> bool:
    """Whether the body of POST orders asks for a quote only."""
    try:
        attributes = objects_of(read_object(request), "attributes")
    except Refusal:
        return False
    return any(attribute.get("attributeType") == "TrialMode" for attribute in attributes)


def quote(tx: Transaction, request: Request) -> Response:
    """POST orders with TrialMode: the same answer without an order, and without an order id."""
    order = _read_order(read_object(request))
    return json_response(200, _render(tx, _decide(tx, order), order_id=None))


def place(tx: Transaction, request: Request) -> Response:
    """POST orders."""
    body = read_object(request)
    order = _read_order(body)
    body_hash = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
    earlier = tx.row("SELECT body_hash, answer FROM orders WHERE external_id = ?", order.external_id)
    if earlier is not None and not faults.active(tx, "ignore_keys"):
        if earlier["body_hash"] != body_hash or faults.active(tx, "refuse_duplicates"):
            raise Refusal(400, "InvalidRequest", "An order with this externalId exists.")
        return Response(status=200, body=earlier["answer"], headers=(("content-type", "application/json"),))
    outcome = _decide(tx, order)
    if not outcome.bought:
        return json_response(200, _render(tx, outcome, order_id=None))
    number = tx.next_number("orders")
    order_id = _order_id(number)
    told_id = _order_id(max(1, number - 1)) if faults.take(tx, "repeat_order_id") else order_id
    answer = write_json(_render(tx, outcome, order_id=told_id))
    _keep(tx, order, outcome, order_id=order_id, body_hash=body_hash, answer=answer)
    return Response(status=200, body=answer, headers=(("content-type", "application/json"),))


def look_up(tx: Transaction, request: Request) -> Response:
    """GET orders/{externalId}: the answer the order got when it was placed."""
    found = tx.row("SELECT answer, placed_at FROM orders WHERE external_id = ?", request.params["external_id"])
    if faults.take(tx, "hide_orders") or found is None or _shows_late(tx, found["placed_at"]):
        raise Refusal(404, "ResourceNotFound", "The order was not found.")
    return Response(status=200, body=found["answer"], headers=(("content-type", "application/json"),))


def _shows_late(tx: Transaction, placed_at: str) -> bool:
    waits = [fault.size for fault in faults.active(tx, "late_orders")]
    return bool(waits) and tx.now < from_text(placed_at) + timedelta(seconds=max(waits))


# Reading the request.


def _read_order(body: JsonObject) -> _Order:
    attributes = objects_of(body, "attributes")
    _check_attributes(attributes)
    lines = tuple(_read_line(line) for line in objects_of(body, "lineItems", low=1, high=MAX_LINES))
    if len({line.external_id for line in lines}) != len(lines):
        raise Refusal(400, "InvalidRequest", "Every line item needs an externalId of its own.")
    number = _attribute(attributes, "PurchaseOrderNumber")
    return _Order(
        external_id=text_of(body, "externalId", limit=255),
        purchase_order=text_of(number, "purchaseOrderNumber", limit=100) if number else None,
        lines=lines,
        ceilings=_ceilings(objects_of(body, "expectations")),
    )


def _attribute(attributes: Sequence[JsonObject], kind: str) -> JsonObject | None:
    return next((attribute for attribute in attributes if attribute.get("attributeType") == kind), None)


def _required(attributes: Sequence[JsonObject], kind: str) -> JsonObject:
    found = _attribute(attributes, kind)
    if found is None:
        raise Refusal(400, "InvalidRequest", f"The attribute {kind} is required.")
    return found


def _check_attributes(attributes: Sequence[JsonObject]) -> None:
    """The buyer, the region, a stored payment method and an address, as a real account needs them."""
    buyer = object_of(_required(attributes, "BuyerReference"), "userReference")
    if str(buyer.get("emailAddress")).lower() != BUYER_EMAIL:
        raise Refusal(400, "InvalidRequest", "The user is not known.", details="BuyerReference")
    if _required(attributes, "Region").get("region") != "US":
        raise Refusal(400, "InvalidRequest", "The region must be US.")
    method = object_of(_required(attributes, "SelectedPaymentMethodReference"), "paymentMethodReference")
    if method.get("paymentMethodReferenceType") != "StoredPaymentMethod":
        raise Refusal(400, "InvalidRequest", "Only a stored payment method can be used.")
    address = object_of(_required(attributes, "ShippingAddress"), "address")
    for name in _ADDRESS:
        text_of(address, name)
    if address.get("countryCode") != "US":
        raise Refusal(400, "InvalidRequest", "The countryCode must be US.")


def _read_line(line: JsonObject) -> _Line:
    attributes = objects_of(line, "attributes", low=1)
    option = _attribute(attributes, "SelectedBuyingOptionReference")
    guards = [guard for guard in objects_of(line, "expectations") if guard.get("expectationType") == "ExpectedUnitPrice"]
    return _Line(
        external_id=text_of(line, "externalId", limit=100),
        asin=text_of(object_of(_required(attributes, "SelectedProductReference"), "productReference"), "id", limit=20),
        offer_id=text_of(object_of(option, "buyingOptionReference"), "id") if option else None,
        quantity=number_of(line, "quantity", low=1, high=999),
        ceiling=min(_read_money(guard) for guard in guards) if guards else None,
    )


def _ceilings(guards: Sequence[JsonObject]) -> Mapping[str, Money]:
    found: dict[str, Money] = {}
    for guard in guards:
        if guard.get("expectationType") != "ExpectedCharge":
            continue
        source = guard.get("source")
        if source not in ("SUBTOTAL", "SHIPPING", "TAX"):
            raise Refusal(400, "InvalidRequest", "The source of an ExpectedCharge must be SUBTOTAL, SHIPPING or TAX.")
        found[str(source)] = _read_money(guard)
    return found


def _read_money(guard: JsonObject) -> Money:
    amount = object_of(guard, "amount")
    number = amount.get("amount")
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise Refusal(400, "InvalidRequest", "An amount must be a number.")
    try:
        money = Money.from_decimal(Decimal(number), text_of(amount, "currencyCode", limit=3))
    except (ValueError, DecimalException) as error:
        raise Refusal(400, "InvalidRequest", "An amount must be in whole cents.") from error
    if money.currency != "USD":
        raise Refusal(400, "InvalidRequest", "The currency must be USD.")
    return money


# Deciding.


def _decide(tx: Transaction, order: _Order) -> _Outcome:
    guarded = not faults.active(tx, "ignore_expectations", *(line.asin for line in order.lines))
    left = {line.asin: units_left(tx, catalogue()[line.asin]) for line in order.lines if line.asin in catalogue()}
    verdicts = []
    for line in order.lines:
        verdict = _judge(tx, line, left.get(line.asin, 0), guarded=guarded)
        # Two lines of one product share what there is.
        left[line.asin] = left.get(line.asin, 0) - verdict.accepted
        verdicts.append(verdict)
    outcome = _Outcome(verdicts=tuple(verdicts), broken=())
    broken = _broken_charges(outcome.subtotal, order.ceilings) if guarded and outcome.bought else ()
    return _Outcome(verdicts=outcome.verdicts, broken=broken)


def _judge(tx: Transaction, line: _Line, left: int, *, guarded: bool) -> _Verdict:
    product = catalogue().get(line.asin)
    if product is None or line.offer_id not in (None, product.offer_id):
        return _refused(line, Money(cents=0), _reason("OFFER_NOT_FOUND", "This product or offer is not available."))
    unit = unit_price(tx, product)
    if guarded and line.ceiling is not None and unit > line.ceiling:
        return _refused(line, unit, _broken_price(line.ceiling, unit))
    accepted = min(line.quantity, left, product.max_quantity)
    return _Verdict(
        line=line,
        accepted=accepted,
        unit=unit,
        delivery_days=product.delivery_days,
        reasons=() if accepted == line.quantity else _shortage(product, accepted, line.quantity),
    )


def _refused(line: _Line, unit: Money, reasons: tuple[JsonObject, ...]) -> _Verdict:
    return _Verdict(line=line, accepted=0, unit=unit, delivery_days=0, reasons=reasons)


def _reason(code: str, message: str) -> tuple[JsonObject, ...]:
    return (
        {"rejectionArtifactType": "RejectionCode", "code": code},
        {"rejectionArtifactType": "RejectionMessage", "message": message},
    )


def _broken_price(ceiling: Money, unit: Money) -> tuple[JsonObject, ...]:
    return (
        {
            "rejectionArtifactType": "BrokenUnitPriceExpectation",
            "boundary": money_json(ceiling),
            "actualAmount": money_json(unit),
        },
        {"rejectionArtifactType": "RejectionMessage", "message": "Unit price is above the expectation."},
    )


def _shortage(product: Product, available: int, wanted: int) -> tuple[JsonObject, ...]:
    limited = available == product.max_quantity
    words = f"At most {product.max_quantity} can be ordered." if limited else f"Only {available} of {wanted} can be delivered."
    return (
        {"rejectionArtifactType": "AvailableQuantity", "quantity": available},
        {"rejectionArtifactType": "UnavailableQuantity", "quantity": wanted - available},
        {"rejectionArtifactType": "RejectionMessage", "message": words},
    )


def _broken_charges(subtotal: Money, ceilings: Mapping[str, Money]) -> tuple[JsonObject, ...]:
    actual = {"SUBTOTAL": subtotal, "SHIPPING": shipping_on(subtotal), "TAX": tax_on(subtotal)}
    return tuple(
        {
            "rejectionArtifactType": "BrokenChargeExpectation",
            "boundary": money_json(ceiling),
            "actualAmount": money_json(actual[source]),
            "sources": [source],
        }
        for source, ceiling in ceilings.items()
        if actual[source] > ceiling
    )


# Keeping and writing.


def _order_id(number: int) -> str:
    return f"113-{number // 10**7:07d}-{number % 10**7:07d}"


def _keep(tx: Transaction, order: _Order, outcome: _Outcome, *, order_id: str, body_hash: str, answer: bytes) -> None:
    lines = [_kept_line(verdict) for verdict in outcome.bought]
    tx.run(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        # A vendor that does not know its own keys still tells its two orders apart.
        order.external_id if not _is_kept(tx, order.external_id) else f"{order.external_id}#{order_id}",
        order_id,
        to_text(tx.now),
        order.purchase_order,
        body_hash,
        answer,
        json.dumps(lines),
        outcome.subtotal.cents,
        shipping_on(outcome.subtotal).cents,
        tax_on(outcome.subtotal).cents,
    )
    for verdict in outcome.bought:
        take_units(tx, verdict.line.asin, verdict.accepted)
    ledger.record(
        tx,
        vendor="amazon",
        kind="order",
        reference=order_id,
        client_reference=order.external_id,
        charged=outcome.total,
        detail={
            "lines": lines,
            "subtotal_cents": outcome.subtotal.cents,
            "shipping_cents": shipping_on(outcome.subtotal).cents,
            "tax_cents": tax_on(outcome.subtotal).cents,
        },
    )


def _is_kept(tx: Transaction, external_id: str) -> bool:
    return tx.row("SELECT 1 FROM orders WHERE external_id = ?", external_id) is not None


def _kept_line(verdict: _Verdict) -> dict[str, str | int]:
    title = catalogue()[verdict.line.asin].title
    return {"asin": verdict.line.asin, "title": title, "quantity": verdict.accepted, "unit_cents": verdict.unit.cents}


def _render(tx: Transaction, outcome: _Outcome, *, order_id: str | None) -> JsonObject:
    bought = outcome.bought
    charges = dict(zip((verdict.line.external_id for verdict in bought), _charges(bought), strict=True))
    identifier: list[JsonObject] = [{"acceptanceArtifactType": "OrderIdentifier", "identifier": order_id}] if order_id else []
    lines: list[JsonObject] = []
    for verdict in outcome.verdicts:
        accepted: list[JsonObject] = []
        if verdict.line.external_id in charges:
            artifacts = [*identifier, *charges[verdict.line.external_id], _delivery(tx, verdict)]
            accepted = [{"quantity": verdict.accepted, "artifacts": artifacts}]
        lines.append({"externalId": verdict.line.external_id, "acceptedItems": accepted, "rejectedItems": _rejected(verdict, outcome)})
    code = [] if bought else [{"rejectionArtifactType": "RejectionCode", "code": _code(outcome)}]
    return {"lineItems": lines, "acceptanceArtifacts": identifier, "rejectionArtifacts": [*outcome.broken, *code]}


def _code(outcome: _Outcome) -> str:
    """Invented, as the real values are not published: a caller has to go by the types of the artifacts."""
    kinds = {str(reason["rejectionArtifactType"]) for verdict in outcome.verdicts for reason in verdict.reasons}
    return "UNMET_EXPECTATION" if outcome.broken or "BrokenUnitPriceExpectation" in kinds else "NOT_AVAILABLE"


def _charges(bought: tuple[_Verdict, ...]) -> list[list[JsonObject]]:
    amounts = tuple(verdict.amount for verdict in bought)
    written: list[list[JsonObject]] = [
        [
            {"acceptanceArtifactType": "UnitPrice", "amount": money_json(verdict.unit)},
            _charge("SUBTOTAL", "PRINCIPAL", verdict.amount),
            _charge("SUBTOTAL", "TAX", tax),
        ]
        for verdict, tax in zip(bought, tax_by_line(amounts), strict=True)
    ]
    shipping = shipping_on(Money.total(amounts))
    if shipping.cents:
        written[0].append(_charge("SHIPPING", "PRINCIPAL", shipping))
    return written


def _charge(category: str, kind: str, amount: Money) -> JsonObject:
    return {"acceptanceArtifactType": "Charge", "category": category, "type": kind, "amount": money_json(amount)}


def _delivery(tx: Transaction, verdict: _Verdict) -> JsonObject:
    day = (tx.now + timedelta(days=verdict.delivery_days)).date()
    boundaries: dict[str, Json] = {
        "lowerBoundary": {"date": f"{day} 08:00:00.000"},
        "upperBoundary": {"date": f"{day} 20:00:00.000"},
    }
    return {"acceptanceArtifactType": "DeliveryTimeRange", **boundaries}


def _rejected(verdict: _Verdict, outcome: _Outcome) -> list[JsonObject]:
    """What of a line is not bought: its own shortfall, or all of it when the order as a whole is refused."""
    quantity = verdict.line.quantity if outcome.broken else verdict.refused
    if not quantity:
        return []
    reasons = verdict.reasons or ({"rejectionArtifactType": "RejectionMessage", "message": "The order was refused as a whole."},)
    return [{"quantity": quantity, "artifacts": list(reasons)}]
