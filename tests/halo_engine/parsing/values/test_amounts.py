from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.parsing.values.amounts import Limit, read_price

VOCABULARY = """under max no more than at most up to $40 40 40.00 $1,299.99 five twenty fifty bucks dollars each apiece a box per month total tops
or less €30 quid cents 99 k $ . , over about and \u0663 budget in for us$ 9999999"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=9).map(" ".join)


class TestReadPrice:
    @pytest.mark.parametrize(
        ("words", "cents"),
        [
            ("under $40", 4000),
            ("max 35 bucks", 3500),
            ("40.00 dollars", 4000),
            ("$40.5", 4050),
            ("$1,299.99", 129999),
            ("under 35", 3500),
            ("40", 4000),
            ("twenty bucks", 2000),
            ("a hundred and fifty dollars", 15000),
            ("under a buck", 100),
            ("99 cents", 99),
            ("$.99", 99),
            ("five dollars and fifty cents", 550),
            ("$2k", 200_000),
            ("40 bucks tops", 4000),
            ("$40 or less", 4000),
            ("less than $40 in total", 4000),
        ],
    )
    def test_reads_a_limit_for_all(self, words: str, cents: int) -> None:
        """In figures and words, with the words of a limit before or after."""
        assert read_price(words) == Limit(cents, each=False)

    @pytest.mark.parametrize(
        ("words", "cents"),
        [
            ("no more than five dollars each", 500),
            ("$5 a box", 500),
            ("max $15 per item", 1500),
            ("$12.50/pack", 1250),
            ("$40 apiece", 4000),
            ("up to 25 each please", 2500),
        ],
    )
    def test_reads_a_limit_for_each(self, words: str, cents: int) -> None:
        """Said after the amount."""
        assert read_price(words) == Limit(cents, each=True)

    @pytest.mark.parametrize(
        ("words", "currency"), [("€30", "EUR"), ("under 30 euros", "EUR"), ("20 quid", "GBP"), ("c$40", "CAD"), ("40 pesos", "MXN")]
    )
    def test_says_which_other_currency(self, words: str, currency: str) -> None:
        """It is a limit, but not one Halo can keep."""
        limit = read_price(words)
        assert limit is not None
        assert limit.currency == currency

    @pytest.mark.parametrize(
        "words",
        [
            "",
            "over $20",
            "at least 20",
            "about $20",
            "20 to 30 dollars",
            "$20-30",
            "five fifty",
            "under twelve fifty",
            "1,29",
            "$1.299",
            "$0",
            "no more than",
            "$40 a month",
            "10000000",
            "$40 and €30",
            "cheap",
        ],
    )
    def test_reads_none_where_no_upper_limit_is_certain(self, words: str) -> None:
        """A lower limit is not an upper one, and "five fifty" is 5.50 or 550."""
        assert read_price(words) is None

    @given(st.text(max_size=200) | WORDS)
    def test_has_an_answer_for_any_text(self, words: str) -> None:
        """A positive amount, or none."""
        limit = read_price(words)
        assert limit is None or limit.cents > 0
