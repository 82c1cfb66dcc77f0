"""The card as a value: its hash covers what it shows, its words for a difference, and what is spoken instead of shown."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.card import Button, Card, CardKind, draft_card, superseded_card
from halo_engine.model.difference import difference
from halo_engine.model.draft import DraftStatus, Terms
from tests.cards.examples import BOOK, CANCEL, CARDS, DEARER, ORDER, order_terms, usd


class TestTheHash:
    @pytest.mark.parametrize("name", CARDS)
    def test_is_there_for_every_card(self, name: str) -> None:
        assert len(CARDS[name].hash) == 64

    def test_differs_between_cards(self) -> None:
        assert len({card.hash for card in CARDS.values()}) == len(CARDS)

    @pytest.mark.parametrize(
        "field",
        sorted(set(Card.model_fields) - {"asked_by", "kind", "buttons", "options", "changes", "lines", "rows", "maximum", "expires_at"}),
    )
    def test_covers_each_text(self, field: str) -> None:
        card = draft_card(ORDER)
        other: Any = (
            ("other",)
            if isinstance(getattr(card, field), tuple)
            else 7
            if field == "revision"
            else True
            if field == "irreversible"
            else "other"
        )
        assert card.model_copy(update={field: other}).hash != card.hash

    def test_is_the_same_for_the_same_card(self) -> None:
        assert draft_card(ORDER).hash == Card.model_validate(draft_card(ORDER).model_dump()).hash


class TestADifference:
    def test_of_a_charge_is_what_it_rose_by(self) -> None:
        assert "shipping +$1.20" in said(_charged(shipping=120))

    def test_that_is_less_says_so(self) -> None:
        assert "tax −$0.45" in said(_charged(tax=250))

    def test_of_a_term_in_words_is_one_instead_of_the_other(self) -> None:
        facts = (ORDER.terms.fulfilment[0].model_copy(update={"text": "Tue 10 March"}), *ORDER.terms.fulfilment[1:])
        assert said(order_terms(fulfilment=facts)) == "delivery Tue 10 March instead of Sun 8 March, by 9 pm"

    def test_of_a_line_names_the_thing(self) -> None:
        assert said(DEARER.terms) == "Bounty Quick-Size Paper Towels, White, 8 Family Rolls +$1.50; total +$1.50"

    def test_of_a_quantity_says_how_many_now_and_before(self) -> None:
        lines = (ORDER.terms.lines[0].model_copy(update={"quantity": 2}), ORDER.terms.lines[1])
        more = order_terms(lines=lines, total=usd(5989), maximum=usd(5989))
        assert "2 × Bounty Quick-Size Paper Towels, White, 8 Family Rolls instead of 1" in said(more)

    def test_of_another_thing_names_both(self) -> None:
        lines = (ORDER.terms.lines[0].model_copy(update={"title": "Rags"}), ORDER.terms.lines[1])
        assert said(order_terms(lines=lines)) == "no more: 1 × Bounty Quick-Size Paper Towels, White, 8 Family Rolls; new: 1 × Rags"

    def test_knows_a_thing_by_its_name_wherever_it_stands(self) -> None:
        """Two lines that changed places are no change of either."""
        assert "Bounty" not in said(order_terms(lines=ORDER.terms.lines[::-1]))

    def test_of_the_same_thing_from_another_offer_says_so(self) -> None:
        lines = (ORDER.terms.lines[0].model_copy(update={"reference": "B000000000"}), ORDER.terms.lines[1])
        assert said(order_terms(lines=lines)) == "Bounty Quick-Size Paper Towels, White, 8 Family Rolls from another offer"

    def test_of_a_new_warning_is_the_warning(self) -> None:
        assert said(order_terms(warnings=("It comes late.",))) == "new: It comes late"

    def test_of_a_thing_that_is_gone_says_so(self) -> None:
        less = order_terms(lines=ORDER.terms.lines[:1], total=usd(2593), maximum=usd(2593))
        assert "no more: 2 × Dawn Platinum Dish Soap, 24 fl oz" in said(less)

    def test_of_a_maximum_is_said_where_it_is_not_the_total(self) -> None:
        assert said(order_terms(maximum=usd(4000))) == "maximum +$3.09"

    def test_is_never_silent_about_a_changed_hash(self) -> None:
        assert "details" in said(order_terms(instruction={"asin": "other"}))


class TestWhatIsSpoken:
    @pytest.mark.parametrize("name", [name for name in CARDS if name != "hostile"])
    def test_has_everything_that_may_not_be_collapsed(self, name: str) -> None:
        card = CARDS[name]
        assert [text for text in card.disclosures if text not in card.alt_text] == []

    def test_begins_with_what_it_is(self) -> None:
        assert draft_card(CANCEL).alt_text.startswith("Draft: Cancel Netflix. End Netflix Standard on 22 March.")


class TestADraftsCard:
    def test_can_be_confirmed_only_while_it_is_open(self) -> None:
        can = {status: Button.CONFIRM in draft_card(ORDER.model_copy(update={"status": status})).buttons for status in DraftStatus}
        assert [status for status, confirmable in can.items() if confirmable] == [DraftStatus.OPEN]

    def test_carries_the_hash_only_while_it_is_open(self) -> None:
        for status in set(DraftStatus) - {DraftStatus.OPEN}:
            assert draft_card(ORDER.model_copy(update={"status": status})).draft_hash is None

    def test_that_expired_offers_to_ask_again(self) -> None:
        assert draft_card(ORDER.model_copy(update={"status": DraftStatus.EXPIRED})).buttons == (Button.ASK_AGAIN,)

    def test_that_was_replaced_has_nothing_to_press(self) -> None:
        card = superseded_card(ORDER, revision=2)
        assert (card.kind, card.buttons, card.draft_hash) == (CardKind.SUPERSEDED, (), None)
        assert "revision 2" in (card.note or "")

    def test_says_who_may_confirm_it_while_it_can_be(self) -> None:
        assert draft_card(BOOK, approval=("Alex may confirm.",)).disclosures[-1] == "Alex may confirm."
        closed = BOOK.model_copy(update={"status": DraftStatus.CANCELLED})
        assert draft_card(closed, approval=("Alex may confirm.",)).approval == ()


def _charged(*, shipping: int = 0, tax: int = 295) -> Terms:
    charges = tuple(
        charge.model_copy(update={"amount": usd({"shipping": shipping, "tax": tax}[charge.label])}) for charge in ORDER.terms.charges
    )
    total = usd(2298 + 2 * 549 + shipping + tax)
    return order_terms(charges=charges, total=total, maximum=total)


def said(after: Terms) -> str:
    headed = after.model_copy(update={"title": ORDER.terms.title, "summary": ORDER.terms.summary})
    return draft_card(ORDER.model_copy(update={"changes": difference(ORDER.terms, headed)})).difference
