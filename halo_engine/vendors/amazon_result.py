"""What an ordering answer comes to: a quote from a trial, an outcome from an order or from looking one up. Called by `amazon` only.

The status says nothing here: an order that was refused is a 200, and so is one of which half was refused. The artifacts decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from halo_engine.model.money import Money
from halo_engine.model.outcome import Artifact, Done, Partial, Reason, Rejected, Unknown
from halo_engine.vendors.amazon_wire import (
    Acceptance,
    AgeRestriction,
    BrokenPrice,
    Charge,
    DeliveryTimeRange,
    LineResult,
    OrderIdentifier,
    OrderResult,
    Quantity,
    Rejection,
    RejectionMessage,
    UnitPrice,
    asin_of,
    day_of,
    keyed,
)
from halo_engine.vendors.merchant import OrderLine, Quote, QuotedLine
from halo_engine.vendors.wire import UnreadableError


def quote_of(result: OrderResult, lines: Sequence[OrderLine]) -> Quote | Rejected:
    """What a trial promises for `lines`, all of them or none. Raises `UnreadableError` for an answer that does not fit what was asked."""
    if not covers(result, lines):
        raise UnreadableError("the quote is not for what was asked")
    if _refused(result):
        return _rejected(result)
    by_key = {line.external_id: line for line in result.line_items}
    if any(len(_unit_prices(line)) > 1 for line in by_key.values()):
        return Rejected(reason=Reason.PRICE, message="It would be sold at more than one price.")
    try:
        quoted = tuple(_quoted(line, by_key[key]) for key, line in keyed(lines).items())
        return _added_up(quoted, _acceptances(result))
    except ValueError as error:
        raise UnreadableError("the quote does not add up") from error


def outcome_of(result: OrderResult) -> Done | Partial | Rejected | Unknown:
    """What became of an order. Contradictions are Unknown."""
    accepted = any(line.accepted_items for line in result.line_items)
    if accepted:
        return _bought(result)
    if _refused(result) and not _order_ids(result):
        return _rejected(result)
    return Unknown(message="Amazon's answer contradicts itself.")


def covers(result: OrderResult, lines: Sequence[OrderLine]) -> bool:
    """Whether the answer speaks of exactly these lines, and of every unit of each."""
    asked = {key: line.quantity for key, line in keyed(lines).items()}
    answered = [(line.external_id, _units(line)) for line in result.line_items]
    return len(answered) == len(asked) and dict(answered) == asked


def _units(line: LineResult) -> int:
    return sum(item.quantity for item in line.accepted_items) + sum(item.quantity for item in line.rejected_items)


def _acceptances(result: OrderResult) -> tuple[Acceptance, ...]:
    """Of both levels: where Amazon puts an order number or a shipping charge is not documented."""
    inner = (artifact for line in result.line_items for item in line.accepted_items for artifact in item.artifacts)
    return (*inner, *result.acceptance_artifacts)


def _refused(result: OrderResult) -> bool:
    return bool(result.rejection_artifacts) or any(line.rejected_items for line in result.line_items)


def _order_ids(result: OrderResult) -> tuple[str, ...]:
    found = (artifact.identifier for artifact in _acceptances(result) if isinstance(artifact, OrderIdentifier))
    return tuple(dict.fromkeys(found))


def _total(charges: Sequence[Charge]) -> Money:
    """Principal and tax less discounts. Raises `UnreadableError` where there is no price, or more than one currency."""
    if not any(charge.type == "PRINCIPAL" for charge in charges):
        raise UnreadableError("no price in the answer")
    try:
        total = Money.total((_signed(charge) for charge in charges), currency=charges[0].amount.currency)
    except ValueError as error:
        raise UnreadableError("the charges cannot be added") from error
    if total.cents < 0:
        raise UnreadableError("more discount than price")
    return total


def _signed(charge: Charge) -> Money:
    if charge.type == "DISCOUNT":
        # Whether a discount is written with a minus is not documented; it never makes anything dearer.
        return charge.amount if charge.amount.cents < 0 else charge.amount * -1
    if charge.amount.cents < 0:
        raise UnreadableError("a negative charge")
    return charge.amount


def _charges(acceptances: Sequence[Acceptance]) -> tuple[Charge, ...]:
    return tuple(artifact for artifact in acceptances if isinstance(artifact, Charge))


# Bought.


def _bought(result: OrderResult) -> Done | Partial | Unknown:
    acceptances = _acceptances(result)
    numbers = _order_ids(result)
    if not numbers:
        return Unknown(message="Amazon took the order but gave no order number.")
    try:
        total = _total(_charges(acceptances))
    except UnreadableError:
        return Unknown(message="Amazon took the order, but what it charged cannot be read.")
    artifacts = tuple(Artifact(label="Order number", text=number) for number in numbers) + _delivery_artifact(acceptances)
    if not any(line.rejected_items for line in result.line_items):
        return _whole(result, numbers[0], total, artifacts)
    done = tuple(_counted(line, sum(item.quantity for item in line.accepted_items)) for line in result.line_items if line.accepted_items)
    missing = tuple(_counted(line, sum(item.quantity for item in line.rejected_items)) for line in result.line_items if line.rejected_items)
    return Partial(reference=numbers[0], total=total, done=done, not_done=missing, artifacts=artifacts)


def _whole(result: OrderResult, reference: str, total: Money, artifacts: tuple[Artifact, ...]) -> Done | Unknown:
    if result.rejection_artifacts or not all(line.accepted_items for line in result.line_items):
        return Unknown(message="Amazon's answer contradicts itself.")
    return Done(reference=reference, total=total, artifacts=artifacts)


def _counted(line: LineResult, quantity: int) -> str:
    return f"{quantity} × {asin_of(line.external_id)}"


def _delivery_artifact(acceptances: Sequence[Acceptance]) -> tuple[Artifact, ...]:
    window = _delivery(acceptances)
    return () if window is None else (Artifact(label="Delivery", text=window),)


# Quoted.


def _quoted(line: OrderLine, result: LineResult) -> QuotedLine:
    prices = _unit_prices(result)
    if not prices:
        raise UnreadableError("a line without a price")
    (price,) = prices
    return QuotedLine(asin=line.asin, quantity=line.quantity, unit_price=price, subtotal=price * line.quantity)


def _unit_prices(line: LineResult) -> frozenset[Money]:
    return frozenset(artifact.amount for item in line.accepted_items for artifact in item.artifacts if isinstance(artifact, UnitPrice))


def _added_up(lines: tuple[QuotedLine, ...], acceptances: tuple[Acceptance, ...]) -> Quote:
    charges = _charges(acceptances)
    total = _total(charges)
    currency = total.currency
    items = Money.total((c.amount for c in charges if (c.category, c.type) == ("SUBTOTAL", "PRINCIPAL")), currency=currency)
    if items != Money.total((line.subtotal for line in lines), currency=lines[0].subtotal.currency):
        raise UnreadableError("the lines do not add up to the subtotal")
    return Quote(
        lines=lines,
        items=items,
        shipping=Money.total((c.amount for c in charges if (c.category, c.type) == ("SHIPPING", "PRINCIPAL")), currency=currency),
        tax=Money.total((c.amount for c in charges if c.type == "TAX"), currency=currency),
        total=total,
        delivery=_delivery(acceptances),
    )


def _delivery(acceptances: Sequence[Acceptance]) -> str | None:
    """The days between which everything comes: `Tue 24 Nov`, or `Tue 24 Nov to Thu 26 Nov`."""
    ranges = [artifact for artifact in acceptances if isinstance(artifact, DeliveryTimeRange)]
    days = [day for window in ranges for day in (day_of(window.lower_boundary), day_of(window.upper_boundary)) if day]
    if not days:
        return None
    first, last = min(days), max(days)
    return _day(first) if first == last else f"{_day(first)} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


# Refused.


def _rejected(result: OrderResult) -> Rejected:
    """The first reason that the artifacts give; with several lines it says which one."""
    several = len(result.line_items) > 1
    said = [(f"{asin_of(line.external_id)}: " if several else "", item) for line in result.line_items for item in _said(line)]
    said += [("", artifact) for artifact in result.rejection_artifacts]
    for prefix, artifact in said:
        found = _reason(artifact)
        if found is not None:
            return Rejected(reason=found[0], message=f"{prefix}{found[1]}")
    words = " ".join(f"{prefix}{artifact.message}" for prefix, artifact in said if isinstance(artifact, RejectionMessage))
    return Rejected(reason=Reason.OTHER, message=f"Amazon refused it: {words}" if words else "Amazon refused it and gave no reason.")


def _said(line: LineResult) -> tuple[Rejection, ...]:
    return tuple(artifact for item in line.rejected_items for artifact in item.artifacts)


def _reason(artifact: Rejection) -> tuple[Reason, str] | None:
    match artifact:
        case BrokenPrice(boundary=boundary, actual_amount=actual):
            return Reason.PRICE, f"The price is now {actual.display}; it was {boundary.display}."
        case Quantity(rejection_artifact_type="UnavailableQuantity", quantity=quantity):
            return Reason.STOCK, f"{quantity} of those asked for cannot be had."
        case Quantity(quantity=quantity):
            return Reason.STOCK, f"Only {quantity} can be had." if quantity else "It is out of stock."
        case AgeRestriction():
            return Reason.RESTRICTED, "It is sold to adults only."
    return None
