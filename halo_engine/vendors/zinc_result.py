"""What an order at Zinc comes to, in whichever state it is, and what a refused request means. Called by `zinc` only.

A 201 is no order yet: it says that Zinc has taken it on. What became of it is in the order's status, its items and its prices, and those must agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from halo_engine.model.outcome import Artifact, Done, Partial, Pending, Reason, Rejected, Unknown
from halo_engine.vendors.merchant import OrderLine
from halo_engine.vendors.zinc_wire import Item, JobResult, Order, asin_of

_WAITING = frozenset({"pending", "processing"})
_BOUGHT = frozenset({"ordered", "shipped", "available_for_pickup", "delivered"})
_NOT_BOUGHT = frozenset({"cancelled", "failed", "skipped"})

#: Why processing failed. What is not here is `OTHER`: the order has failed all the same.
_FAILURES: Mapping[str, Reason] = MappingProxyType(
    {
        "max_price_exceeded": Reason.PRICE,
        "product_out_of_stock": Reason.STOCK,
        "product_unavailable": Reason.STOCK,
        "product_variant_unavailable": Reason.STOCK,
        "product_quantity_unavailable": Reason.STOCK,
        "quantity_limit_exceeded": Reason.STOCK,
        "product_not_found": Reason.NOT_FOUND,
        "invalid_product_url": Reason.NOT_FOUND,
        "payment_declined": Reason.PAYMENT,
        "payment_failed": Reason.PAYMENT,
        "payment_method_invalid": Reason.PAYMENT,
        "order_limit_exceeded": Reason.POLICY,
        "gift_option_unavailable": Reason.POLICY,
        "checkout_blocked": Reason.RESTRICTED,
        "account_locked": Reason.RESTRICTED,
        "account_verification_required": Reason.RESTRICTED,
    }
)

#: Why a request was refused, by the code of the error.
REFUSALS: Mapping[str, Reason] = MappingProxyType(
    {
        "insufficient_funds": Reason.PAYMENT,
        "payment_required": Reason.PAYMENT,
        "payment_failed": Reason.PAYMENT,
        "payment_method_required": Reason.PAYMENT,
        "invalid_payment_method": Reason.PAYMENT,
        "out_of_stock": Reason.STOCK,
        "invalid_variant": Reason.NOT_FOUND,
        "url_unreachable": Reason.NOT_FOUND,
        "unsupported_retailer": Reason.RESTRICTED,
        "unsupported_country": Reason.RESTRICTED,
        "retailer_country_not_supported": Reason.RESTRICTED,
        "forbidden": Reason.RESTRICTED,
    }
)


def covers(order: Order, lines: Sequence[OrderLine]) -> bool:
    """Whether the order is for exactly these products and quantities."""
    asked = sorted((line.asin, line.quantity) for line in lines)
    return sorted((asin_of(item.url) or "", item.quantity) for item in order.items) == asked


def outcome_of(order: Order) -> Done | Partial | Pending | Rejected | Unknown:
    """What became of it. Contradictions, and states nobody has heard of, are Unknown."""
    match order.status:
        case "pending" | "in_progress":
            return Pending(reference=order.id)
        case "order_placed":
            return _placed(order)
        case "order_failed":
            return _failed(order)
        case "cancelled" | "cancelled_by_retailer":
            by = "Amazon" if order.status == "cancelled_by_retailer" else "somebody at Zinc"
            return _ended(order, Rejected(reason=Reason.OTHER, message=f"The order was cancelled by {by}."))
    return Unknown(message=f"The order is in a state that Halo does not know: {order.status[:40]}.")


def _placed(order: Order) -> Done | Partial | Pending | Unknown:
    statuses = {item.status for item in order.items}
    if not order.items or not statuses <= _BOUGHT | _NOT_BOUGHT | _WAITING:
        return Unknown(message="Zinc placed the order, but what became of its items cannot be read.")
    if statuses & _WAITING:
        return Pending(reference=order.id)
    result = order.job_result
    components = result.price_components if result else None
    if result is None or result.success is False or components is None or components.charged is None:
        return Unknown(message="Zinc placed the order, but what it charged cannot be read.")
    total, artifacts = components.charged, _artifacts(order)
    done, missing = _split(order.items)
    if not done:
        return Unknown(message="Zinc's answer contradicts itself: an order placed with nothing in it.")
    if missing:
        return Partial(reference=order.id, total=total, done=done, not_done=missing, artifacts=artifacts)
    return Done(reference=order.id, total=total, artifacts=artifacts)


def _split(items: tuple[Item, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    done = tuple(item.named for item in items if item.status in _BOUGHT)
    return done, tuple(item.named for item in items if item.status in _NOT_BOUGHT)


def _artifacts(order: Order) -> tuple[Artifact, ...]:
    numbers = tuple(Artifact(label="Order number", text=number) for number in dict.fromkeys(order.merchant_order_ids or ()))
    day = order.job_result.estimated_delivery if order.job_result else None
    return (*numbers, Artifact(label="Delivery", text=day)) if day else numbers


def _failed(order: Order) -> Rejected | Unknown:
    result = order.job_result or JobResult()
    kind = result.error_type or next((item.error_type for item in order.items if item.error_type), None) or ""
    words = result.error or kind.replace("_", " ")[:100] or "no reason was given"
    return _ended(order, Rejected(reason=_FAILURES.get(kind, Reason.OTHER), message=f"Zinc could not buy it: {words}"))


def _ended(order: Order, no: Rejected) -> Rejected | Unknown:
    """`no`, unless something in the order says that it was bought all the same."""
    claims_success = order.job_result is not None and order.job_result.success is True
    bought = claims_success or bool(order.merchant_order_ids) or any(item.status in _BOUGHT for item in order.items)
    if bought and order.status != "cancelled_by_retailer":
        return Unknown(message="Zinc's answer contradicts itself: an order that failed and was bought.")
    return no
