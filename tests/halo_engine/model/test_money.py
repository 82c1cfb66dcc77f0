"""Money: exact, in hundredths, and never mixed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halo_engine.model.money import MAX_CENTS, Money
from tests.halo_engine.model.samples import usd

cents = st.integers(min_value=-(10**11), max_value=10**11)


class TestFromDecimal:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [("0", 0), ("0.1", 10), ("19.99", 1999), ("-5.00", -500), ("1E+2", 10_000), ("12.3400", 1234), ("9999999999.99", 999_999_999_999)],
    )
    def test_reads_the_amount_to_the_cent(self, written: str, expected: int) -> None:
        """What a vendor wrote is what is kept, however many zeros it ends with."""
        assert Money.from_decimal(Decimal(written)) == usd(expected)

    @pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "CAD", "AUD"])
    def test_takes_every_currency_that_halo_knows(self, currency: str) -> None:
        """In hundredths, in all of them."""
        assert Money.from_decimal(Decimal("19.99"), currency) == Money(cents=1999, currency=currency)

    @pytest.mark.parametrize(
        ("written", "currency"),
        [
            ("NaN", "USD"),
            ("sNaN", "USD"),
            ("Infinity", "USD"),
            ("0.001", "USD"),
            ("1E-999999", "USD"),
            ("1.0000000000000000000000000000000000001", "USD"),
            ("1E+30", "USD"),
            ("1E+999999", "USD"),
            ("999999999999.99", "USD"),
            ("100", "JPY"),
            ("1", "usd"),
            ("1", ""),
        ],
    )
    def test_refuses_what_cannot_be_read_exactly(self, written: str, currency: str) -> None:
        """A vendor's amount is never guessed, rounded or read as cents of a currency that has none."""
        with pytest.raises(ValueError, match=r".+"):
            Money.from_decimal(Decimal(written), currency)

    @pytest.mark.parametrize("written", ["1E+13", "1E+999999", "-1E+999999"])
    def test_refuses_what_is_far_too_large_unread(self, written: str) -> None:
        """A few characters of a vendor's must not become a million digits."""
        with pytest.raises(ValueError, match="too large"):
            Money.from_decimal(Decimal(written))

    @given(cents)
    def test_gives_back_what_to_decimal_wrote(self, amount: int) -> None:
        """The way to a vendor and back loses nothing."""
        assert Money.from_decimal(usd(amount).to_decimal()) == usd(amount)


class TestMoney:
    @pytest.mark.parametrize("amount", [1.0, 0.1, "100", True, None, Decimal("1.5"), MAX_CENTS + 1, -MAX_CENTS - 1])
    def test_takes_nothing_but_an_integer_in_bounds(self, amount: Any) -> None:
        """A float, a text or a yes is not an amount."""
        with pytest.raises(ValidationError):
            Money(cents=amount)

    @pytest.mark.parametrize("currency", ["", "US", "USDX", "usd", "U$D", "USD\n"])
    def test_has_a_currency_of_three_capitals(self, currency: str) -> None:
        with pytest.raises(ValidationError):
            Money(cents=1, currency=currency)

    def test_is_in_dollars_where_nothing_is_said(self) -> None:
        """However it is made."""
        assert Money(cents=100) == Money.from_decimal(Decimal(1)) == Money.total([Money(cents=100, currency="USD")])

    def test_stays_in_its_currency(self) -> None:
        """Whatever is done with it."""
        one, two = Money(cents=100, currency="EUR"), Money(cents=200, currency="EUR")
        assert one + one == one * 2 == two
        assert two - one == one
        assert Money.total([one, one], currency="EUR") == two

    def test_cannot_be_multiplied_by_a_fraction(self) -> None:
        """Half of $1.01 is no amount."""
        with pytest.raises(ValidationError):
            usd(101) * 0.5  # type: ignore[operator]

    @given(cents, cents, st.integers(min_value=0, max_value=9))
    def test_adds_subtracts_and_multiplies_like_integers(self, one: int, other: int, times: int) -> None:
        """No rounding anywhere."""
        assert usd(one) + usd(other) == usd(one + other)
        assert usd(one) - usd(other) == usd(one - other)
        assert usd(one) * times == usd(one * times)

    @given(cents, cents)
    def test_compares_like_integers(self, one: int, other: int) -> None:
        """All four comparisons agree with the cents."""
        a, b = usd(one), usd(other)
        assert (a < b, a <= b, a > b, a >= b) == (one < other, one <= other, one > other, one >= other)

    @pytest.mark.parametrize(
        "mixed",
        [
            lambda a, b: a + b,
            lambda a, b: a - b,
            lambda a, b: a < b,
            lambda a, b: a <= b,
            lambda a, b: a > b,
            lambda a, b: a >= b,
            lambda a, b: Money.total([a, b]),
        ],
    )
    def test_is_never_mixed_with_another_currency(self, mixed: Callable[[Money, Money], object]) -> None:
        """Ten euros are neither more nor less than ten dollars."""
        with pytest.raises(ValueError, match="cannot mix"):
            mixed(usd(1000), Money(cents=1000, currency="EUR"))

    def test_differs_from_the_same_number_of_another_currency(self) -> None:
        """Equality looks at the currency."""
        assert usd(1000) != Money(cents=1000, currency="EUR")

    def test_totals_nothing_to_zero_of_the_currency_asked_for(self) -> None:
        """An empty sum has a currency too."""
        assert Money.total([], currency="GBP") == Money(cents=0, currency="GBP")

    def test_cannot_be_changed(self) -> None:
        """A value is frozen."""
        with pytest.raises(ValidationError):
            usd(1).cents = 2  # type: ignore[misc]


class TestDisplay:
    @pytest.mark.parametrize(
        ("amount", "currency", "expected"),
        [
            (0, "USD", "$0.00"),
            (5, "USD", "$0.05"),
            (123_450, "USD", "$1,234.50"),
            (-300, "USD", "-$3.00"),
            (-5, "EUR", "-€0.05"),
            (100, "GBP", "£1.00"),
            (100, "CAD", "CA$1.00"),
            (100, "AUD", "A$1.00"),
            (100, "CHF", "CHF 1.00"),
            (MAX_CENTS, "USD", "$10,000,000,000.00"),
        ],
    )
    def test_is_what_a_person_reads(self, amount: int, currency: str, expected: str) -> None:
        """Symbol, thousands, two places, and the sign in front."""
        assert Money(cents=amount, currency=currency).display == expected

    @given(cents)
    def test_holds_every_cent(self, amount: int) -> None:
        """Reading the digits gives the amount back: nothing goes through a float."""
        assert int(usd(amount).display.replace("$", "").replace(",", "").replace(".", "")) == amount
