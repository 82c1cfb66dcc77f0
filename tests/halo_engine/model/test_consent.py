"""What has to be typed before anything is bought."""

from __future__ import annotations

import pytest

from halo_engine.model.card import draft_card
from halo_engine.model.consent import challenge
from tests.cards.examples import CANCEL, ORDER, order_terms, usd


class TestAmount:
    @pytest.mark.parametrize("typed", ["36.91", "$36.91", " 36.91 ", "$ 36.91"])
    def test_is_accepted_as_shown(self, typed: str) -> None:
        assert challenge(draft_card(ORDER)).accepts(typed)

    @pytest.mark.parametrize(
        "typed", [None, "", "y", "yes", "c", "confirm", "36.9", "36.90", "036.91", "36,91", "-36.91", "36.91 ok", "$$36.91", "3691"]
    )
    def test_nothing_else_is(self, typed: str | None) -> None:
        assert not challenge(draft_card(ORDER)).accepts(typed)

    def test_is_the_most_that_may_be_charged(self) -> None:
        draft = draft_card(ORDER.model_copy(update={"terms": order_terms(maximum=usd(123456))}))
        assert challenge(draft).accepts("1234.56")
        assert challenge(draft).accepts("$1,234.56")
        assert not challenge(draft).accepts("36.91")


class TestFree:
    def test_asks_for_the_verb(self) -> None:
        assert challenge(draft_card(CANCEL)).accepts("cancel")

    @pytest.mark.parametrize("typed", [None, "", "c", "0.00", "CANCEL", "yes"])
    def test_nothing_else_is_accepted(self, typed: str | None) -> None:
        assert not challenge(draft_card(CANCEL)).accepts(typed)
