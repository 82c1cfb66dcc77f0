"""Money as an integer of minor units. Never a float, not even to print it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from halo_engine.model.value import Value

#: Far above any household purchase, far below SQLite's and PostgreSQL's 64-bit integers, even when thousands are summed.
MAX_CENTS = 10**12

#: Only currencies whose minor unit is a hundredth: a yen has none, and treating it as cents would be wrong by a factor of 100.
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$"}

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Money(Value):
    """An amount in hundredths of `currency` (ISO 4217).

    Arithmetic and comparison refuse to mix currencies with `ValueError`.
    """

    cents: int = Field(ge=-MAX_CENTS, le=MAX_CENTS, strict=True)
    currency: Currency = "USD"

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str = "USD") -> Self:
        """Exact conversion of a decimal amount in whole units.

        Raises `ValueError` for a fraction of a cent, a non-finite number or a currency without hundredths: a vendor's amount that cannot be
        read exactly must not be guessed.
        """
        if currency not in SYMBOLS:
            raise ValueError(f"amounts in {currency!r} are not supported")
        if not amount.is_finite():
            raise ValueError("an amount must be a finite number")
        # A huge exponent would be expanded digit by digit by the arithmetic below.
        if amount.adjusted() > 12:
            raise ValueError("an amount is too large")
        # In the amount's own precision: the default one would round the last digits of a long amount away.
        scaled = amount.scaleb(2, Context(prec=len(amount.as_tuple().digits)))
        if scaled != scaled.to_integral_value():
            raise ValueError("an amount has a fraction of a cent")
        return cls(cents=int(scaled), currency=currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], *, currency: str = "USD") -> Money:
        """The sum; zero of `currency` when there is nothing to add."""
        result = cls(cents=0, currency=currency)
        for amount in amounts:
            result = result + amount
        return result

    def to_decimal(self) -> Decimal:
        """Whole units with two places, for a vendor that takes decimal numbers."""
        return Decimal(self.cents).scaleb(-2)

    @property
    def display(self) -> str:
        """As a person reads it: `$1,234.50`, `-$3.00`."""
        whole, part = divmod(abs(self.cents), 100)
        symbol = SYMBOLS.get(self.currency, f"{self.currency} ")
        return f"{'-' if self.cents < 0 else ''}{symbol}{whole:,}.{part:02d}"

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.cents

    def __add__(self, other: Money) -> Money:
        return Money(cents=self.cents + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(cents=self.cents - self._same(other), currency=self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(cents=self.cents * times, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.cents < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.cents <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.cents > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.cents >= self._same(other)
