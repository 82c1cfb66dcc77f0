"""What has to be typed before anything is bought."""

from __future__ import annotations

import pytest

from halo_engine.model.card import Card, CardKind, draft_card
from halo_engine.model.consent import challenge
from tests.cards.examples import CANCEL, ORDER, order_terms, usd


class TestAmount:
    @pytest.mark.parametrize("typed", ["36.91", "$36.91", " 36.91 ", "$ 36.91"])
    def test_is_accepted_as_shown(self, typed: str) -> None:
        assert challenge(draft_card(ORDER)).accepts(typed)

    @pytest.mark.parametrize(
        "typed",
        [
            None,
            "",
            "y",
            "yes",
            "c",
            "confirm",
            "36.9",
            "36.90",
            "036.91",
            "36,91",
            "-36.91",
            "36.91 ok",
            "$$36.91",
            "3691",
            "3,6.91",
            "36.91,",
        ],
    )
    def test_nothing_else_is(self, typed: str | None) -> None:
        assert not challenge(draft_card(ORDER)).accepts(typed)

    def test_is_the_most_that_may_be_charged(self) -> None:
        draft = draft_card(ORDER.model_copy(update={"terms": order_terms(maximum=usd(123456))}))
        assert challenge(draft).accepts("1234.56")
        assert challenge(draft).accepts("$1,234.56")
        assert not challenge(draft).accepts("36.91")

    def test_is_asked_for_from_the_first_cent(self) -> None:
        """Of one cent the verb is no answer."""
        card = draft_card(ORDER).model_copy(update={"maximum": usd(1)})
        assert challenge(card).accepts("0.01")
        assert not challenge(card).accepts("order")


class TestFree:
    def test_asks_for_the_verb(self) -> None:
        """No currency has a sign there."""
        asked = challenge(draft_card(CANCEL))
        assert asked.accepts("cancel")
        assert (asked.expected, asked.symbol) == ("cancel", "")

    def test_asks_for_the_verb_where_a_card_names_no_amount(self) -> None:
        """Not every card is one of a draft."""
        assert challenge(Card(kind=CardKind.DRAFT, title="Draft: Cancel Netflix", summary="", verb="CANCEL")).accepts("cancel")
        assert challenge(Card(kind=CardKind.DRAFT, title="Draft", summary="")).expected == ""

    @pytest.mark.parametrize("typed", [None, "", "c", "0.00", "CANCEL", "yes"])
    def test_nothing_else_is_accepted(self, typed: str | None) -> None:
        assert not challenge(draft_card(CANCEL)).accepts(typed)
