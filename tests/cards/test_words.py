"""The words that renderers share, and what they make of a card's texts before anything is drawn."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings

from cards import words
from halo_engine.model.card import Button, Card
from halo_engine.model.draft import Change
from tests.cards.examples import CARDS
from tests.cards.hostile import ANY_TEXT, FLOOD, TEXTS, card_of


def change(said: str) -> Change:
    return Change(field="tax", before="$1.00", after="$2.00", words=said)


class TestHarmless:
    @pytest.mark.parametrize("name", [name for name in CARDS if name != "hostile"])
    def test_leaves_an_honest_card_as_it_is(self, name: str) -> None:
        assert words.harmless(CARDS[name]).model_dump(exclude={"options"}) == CARDS[name].model_dump(exclude={"options"})

    def test_takes_a_pile_of_marks_off_a_letter_and_leaves_what_writing_needs(self) -> None:
        assert sum(unicodedata.category(each) in ("Mn", "Me") for each in words.shown(TEXTS["pile"])) == 3
        assert words.shown("Việt Nam, สวัสดี, हिन्दी, שָׁלוֹם") == "Việt Nam, สวัสดี, हिन्दी, שָׁלוֹם"

    def test_gives_a_warning_a_policy_and_a_condition_more_room_than_a_name(self) -> None:
        card = words.harmless(card_of(FLOOD))
        assert {len(text) for text in card.disclosures} == {words.MAX_WARNING_CHARS}
        assert len(card.title) == len(card.lines[0].text) == len(card.changes[0].after) == 500

    def test_keeps_buttons_what_they_are(self) -> None:
        assert all(type(button) is Button for button in words.harmless(CARDS["draft_order"]).buttons)

    @settings(max_examples=60, deadline=None)
    @given(text=ANY_TEXT)
    def test_leaves_nothing_that_cannot_be_seen(self, text: str) -> None:
        said = words.harmless(card_of(text)).model_dump_json()
        assert said.isprintable()

    def test_done_twice_is_done_once(self) -> None:
        once = words.harmless(card_of(TEXTS["wide"] + TEXTS["pile"]))
        assert words.harmless(once) == once


class TestMoves:
    def test_sets_the_last_signed_amount_apart(self) -> None:
        assert words.moves("Towels +$1.50 each") == (("Towels ", words.Move.NONE), ("+$1.50", words.Move.UP), (" each", words.Move.NONE))
        assert words.moves("Tax −$0.27")[1] == ("−$0.27", words.Move.DOWN)

    def test_what_a_title_says_of_itself_is_no_move(self) -> None:
        assert words.moves("Plan +$9 a month −$0.10")[0] == ("Plan +$9 a month ", words.Move.NONE)

    def test_words_without_an_amount_are_one_piece(self) -> None:
        assert words.moves("Delivery Tue instead of Mon") == (("Delivery Tue instead of Mon", words.Move.NONE),)

    def test_loses_no_letter(self) -> None:
        for said in ("+$1.00", "a +1 b −2 c", "+", "", "x+1"):
            assert "".join(text for text, _ in words.moves(said)) == said


class TestChange:
    def test_is_headed_by_what_a_person_would_say(self) -> None:
        assert words.change_heading(change("tax +$1.00")) == "Tax +$1.00"

    def test_is_headed_by_its_name_where_another_has_said_it(self) -> None:
        assert words.change_heading(change("")) == "Tax"


class TestHeadline:
    def test_leaves_out_the_state_that_stands_beside_it(self) -> None:
        assert words.headline(CARDS["draft_book"], state="Draft") == "Book Nopa for 6"

    def test_of_a_question_is_the_question(self) -> None:
        assert words.headline(CARDS["clarification"], state="One question") == "Which paper towels?"

    def test_is_empty_where_the_state_says_it_all(self) -> None:
        assert words.headline(CARDS["not_supported"], state="Not supported") == ""


class TestWhereToAct:
    def test_names_buttons_and_answers_and_is_silent_without(self) -> None:
        assert words.where_to_act(CARDS["expired"]) == "In Messages you can: Ask again."
        assert words.where_to_act(CARDS["clarification"]) == "Answer in Messages, with a number or in words."
        assert words.where_to_act(CARDS["superseded"]) == ""

    def test_says_both_where_there_are_both(self) -> None:
        both: Card = CARDS["clarification"].model_copy(update={"buttons": (Button.CANCEL,)})
        assert words.where_to_act(both) == "Answer in Messages, with a number or in words. In Messages you can: Cancel."
