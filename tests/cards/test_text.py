"""Cards for a screen reader or a pipe: the same content, and nothing drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from syrupy.assertion import SnapshotAssertion

from cards import words
from cards.text import render, render_receipt
from cards.words import change_line, harmless, told
from halo_engine.model.text import inert
from tests.cards.examples import CARDS, RECEIPT
from tests.cards.golden import Golden
from tests.cards.hostile import ANY_TEXT, FLOOD, TEXTS, card_of

EVERY = pytest.mark.parametrize("name", list(CARDS))


class TestText:
    @EVERY
    def test_reads_as_agreed(self, name: str, snapshot: SnapshotAssertion) -> None:
        assert f"{render(CARDS[name])}\n" == snapshot(extension_class=Golden)

    def test_reads_a_receipt(self, snapshot: SnapshotAssertion) -> None:
        assert f"{render_receipt(RECEIPT)}\n" == snapshot(extension_class=Golden)

    @EVERY
    def test_says_everything_the_card_says(self, name: str) -> None:
        card, said = CARDS[name], render(CARDS[name])
        texts = [card.title, card.summary, card.cost or "", card.note or "", *card.disclosures]
        texts += [part for row in card.rows for part in (row.label, row.text)]
        texts += [change_line(change) for change in told(harmless(card).changes)]
        texts += [part for option in card.options for part in (option.label, option.reason)] + [button.value for button in card.buttons]
        assert [text for text in texts if inert(text) not in said] == []

    @EVERY
    def test_has_no_character_that_a_reader_cannot_speak(self, name: str) -> None:
        said = render(CARDS[name]).replace("\n", "")
        assert said.isprintable()
        assert not set(said) & set("╭╮╰╯│─")

    def test_says_first_what_changed(self) -> None:
        first, second, *_ = render(CARDS["terms_changed_delivery"]).splitlines()[1:]
        assert first == "Changed: shipping +$1.20 (was $0.00, now $1.20)"
        assert second == "Changed: tax −$0.27 (was $2.95, now $2.68)"

    def test_a_dropped_draft_is_not_called_charged(self) -> None:
        assert "Charged" not in render(CARDS["cancelled"])
        assert "Charged: $36.91" in render(CARDS["done"])


def assert_sound(text: str) -> None:
    card = card_of(text)
    said = render(card)
    assert said.replace("\n", "").isprintable()
    assert [each for each in words.harmless(card).disclosures if each not in said] == []
    assert len(said) < 50_000


class TestHostileText:
    @pytest.mark.parametrize("sort", list(TEXTS))
    def test_stays_on_its_line(self, sort: str) -> None:
        assert_sound(TEXTS[sort])

    def test_a_flood_in_every_place_is_bounded(self) -> None:
        assert_sound(FLOOD)

    @settings(max_examples=60, deadline=None)
    @given(text=ANY_TEXT)
    def test_any_text_in_any_place_is_said_and_no_more(self, text: str) -> None:
        assert_sound(text)
