"""Cards for a screen reader or a pipe: the same content, and nothing drawn."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from cards.text import render, render_receipt
from halo_engine.model.text import inert
from tests.cards.examples import CARDS, RECEIPT
from tests.cards.golden import Golden

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
        texts = [card.title, card.summary, card.cost or "", card.note or "", *card.warnings, *card.policies]
        texts += [part for row in card.rows for part in (row.label, row.text)]
        texts += [part for change in card.changes for part in (change.field, change.before, change.after)]
        texts += [part for option in card.options for part in (option.label, option.reason)] + [button.value for button in card.buttons]
        assert [text for text in texts if inert(text) not in said] == []

    @EVERY
    def test_has_no_character_that_a_reader_cannot_speak(self, name: str) -> None:
        said = render(CARDS[name]).replace("\n", "")
        assert said.isprintable()
        assert not set(said) & set("╭╮╰╯│─")

    def test_a_dropped_draft_is_not_called_charged(self) -> None:
        assert "Charged" not in render(CARDS["cancelled"])
        assert "Charged: $36.91" in render(CARDS["done"])
