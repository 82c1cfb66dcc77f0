"""What an order costs beside its lines: sales tax and shipping. Whole cents from end to end."""

from __future__ import annotations

from itertools import accumulate

from halo_engine.model.money import Money

#: 8.625 %, in hundred-thousandths.
TAX_RATE = 8_625
_RATE_UNIT = 100_000

FREE_SHIPPING_FROM = Money(cents=25_00)
SHIPPING = Money(cents=5_99)


def tax_on(subtotal: Money) -> Money:
    """The tax on a whole order, half a cent rounded up."""
    return Money(cents=(subtotal.cents * TAX_RATE + _RATE_UNIT // 2) // _RATE_UNIT, currency=subtotal.currency)


def shipping_on(subtotal: Money) -> Money:
    """Flat below the threshold; nothing for nothing."""
    return SHIPPING if Money(cents=0) < subtotal < FREE_SHIPPING_FROM else Money(cents=0)


def tax_by_line(amounts: tuple[Money, ...]) -> tuple[Money, ...]:
    """The order's tax spread over its lines, so that the parts add up to it exactly: each line bears what the running tax grows by."""
    running = [tax_on(subtotal) for subtotal in accumulate(amounts, lambda sum_, amount: sum_ + amount)]
    return tuple(after - before for before, after in zip([Money(cents=0), *running], running, strict=False))
