"""Cards on a terminal: golden pictures, every width, and texts that try to draw for themselves."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from rich.cells import cell_len
from rich.console import Console, RenderableType
from syrupy.assertion import SnapshotAssertion

from cards import words
from cards.terminal import render, render_receipt
from halo_engine.model.card import Card
from tests.cards.examples import CARDS, RECEIPT
from tests.cards.golden import Coloured, Golden
from tests.cards.hostile import ANY_TEXT, FLOOD, TEXTS, card_of

EVERY = pytest.mark.parametrize("name", list(CARDS))
SGR = re.compile(r"\x1b\[[\d;]*m")


def drawn(what: RenderableType, *, width: int, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        _environ={},
    )
    console.print(what)
    return out.getvalue()


def letters(text: str) -> str:
    return "".join(re.findall(r"[\w$.]", SGR.sub("", text)))


class TestGolden:
    @EVERY
    @pytest.mark.parametrize("width", [40, 76])
    def test_looks_as_agreed(self, name: str, width: int, snapshot: SnapshotAssertion) -> None:
        picture = drawn(render(CARDS[name], width=width, colour=False), width=width)
        assert picture == snapshot(extension_class=Golden)

    @pytest.mark.parametrize("name", ["draft_order", "terms_changed", "terms_changed_delivery", "hostile"])
    def test_colours_as_agreed(self, name: str, snapshot: SnapshotAssertion) -> None:
        picture = drawn(render(CARDS[name], width=76), width=76, colour=True)
        assert picture == snapshot(extension_class=Coloured)

    def test_draws_a_receipt(self, snapshot: SnapshotAssertion) -> None:
        assert drawn(render_receipt(RECEIPT, width=60, colour=False), width=60) == snapshot(extension_class=Golden)


class TestWidth:
    @EVERY
    @pytest.mark.parametrize("width", [40, 52, 80, 120])
    def test_no_line_is_wider_than_asked(self, name: str, width: int) -> None:
        picture = drawn(render(CARDS[name], width=width, colour=False), width=width)
        assert max(cell_len(line) for line in picture.splitlines()) <= width

    @EVERY
    @pytest.mark.parametrize("width", [40, 120])
    def test_every_box_line_ends_at_the_same_column(self, name: str, width: int) -> None:
        lines = drawn(render(CARDS[name], width=width, colour=False), width=width).splitlines()
        assert {cell_len(line) for line in lines if line[0] in "╭│╰"} == {width}

    def test_wide_characters_keep_the_box_closed(self) -> None:
        card = CARDS["draft_order"].model_copy(update={"title": "寿司を注文 🍣 " * 8, "summary": "日本語" * 40})
        lines = drawn(render(card, width=40, colour=False), width=40).splitlines()
        assert {cell_len(line) for line in lines if line[0] in "╭│╰"} == {40}


class TestNothingIsLost:
    @pytest.mark.parametrize("width", [40, 120])
    def test_a_long_warning_is_shown_to_its_last_word(self, width: int) -> None:
        warning = " ".join(f"word{n}" for n in range(150)) + " lastword"
        card = CARDS["draft_book"].model_copy(update={"warnings": (warning,), "policies": (warning,)})
        assert drawn(render(card, width=width, colour=False), width=width).count("lastword") == 2

    def test_a_long_title_is_wrapped_and_not_cut(self) -> None:
        card = CARDS["draft_book"].model_copy(update={"title": "Draft: " + "very " * 20 + "long"})
        assert "long" in drawn(render(card, width=40, colour=False), width=40)

    @EVERY
    def test_colour_adds_no_words_but_the_button_brackets_go(self, name: str) -> None:
        plain = drawn(render(CARDS[name], width=80, colour=False), width=80)
        coloured = drawn(render(CARDS[name], width=80), width=80, colour=True)
        assert letters(plain) == letters(coloured)


class TestWhatChanged:
    def test_stands_above_everything_but_the_title(self) -> None:
        picture = drawn(render(CARDS["terms_changed_delivery"], width=76, colour=False), width=76)
        assert picture.index("What changed") < picture.index("Shipping +$1.20") < picture.index("The delivery that you confirmed")

    def test_is_said_in_words_and_not_by_colour_alone(self) -> None:
        card = CARDS["terms_changed_delivery"]
        for colour in (False, True):
            picture = SGR.sub("", drawn(render(card, width=100, colour=colour), width=100, colour=colour))
            assert all(words.change_heading(change) in picture for change in words.told(card.changes))
            assert "$0.00 → $1.20" in picture

    def test_a_rise_and_a_fall_have_different_colours(self) -> None:
        picture = drawn(render(CARDS["terms_changed_delivery"], width=76), width=76, colour=True)
        styles = dict(re.findall(r"(\x1b\[[\d;]*m)([+−]\$[\d.]+)", picture))
        assert sorted(styles.values()) == ["+$0.93", "−$0.27"]


def assert_sound(text: str, *, width: int) -> None:
    card = card_of(text)
    picture = drawn(render(card, width=width, colour=False), width=width)
    assert picture.replace("\n", "").isprintable()
    assert max(cell_len(line) for line in picture.splitlines()) <= width
    assert len(picture) < 200_000
    found = letters(picture)
    assert [each for each in words.harmless(card).disclosures if letters(each) not in found] == []


class TestHostileText:
    @pytest.mark.parametrize("sort", list(TEXTS))
    @pytest.mark.parametrize("width", [40, 120])
    def test_stays_in_the_box(self, sort: str, width: int) -> None:
        assert_sound(TEXTS[sort], width=width)

    def test_a_flood_in_every_place_is_bounded(self) -> None:
        assert_sound(FLOOD, width=40)

    @settings(max_examples=40, deadline=None)
    @given(text=ANY_TEXT)
    def test_any_text_in_any_place_is_shown_and_no_more(self, text: str) -> None:
        assert_sound(text, width=76)

    def test_only_our_own_control_sequences_come_out(self) -> None:
        picture = drawn(render(CARDS["hostile"], width=80), width=80, colour=True)
        rest = SGR.sub("", picture).replace("\n", "")
        assert rest.isprintable()
        assert "\u202e" not in rest

    def test_markup_and_emoji_codes_stay_letters(self) -> None:
        picture = drawn(render(CARDS["hostile"], width=120, colour=False), width=120)
        assert "[bold red]markup[/]" in picture
        assert ":skull:" in picture

    def test_a_receipt_cannot_draw_either(self) -> None:
        receipt = RECEIPT.model_copy(update={"content_text": "\x1b[2Jgone\n[red]x[/red]", "external_reference_id": "\x1b]0;t\x07A"})
        picture = drawn(render_receipt(receipt, width=60, colour=False), width=60)
        assert "\x1b" not in picture
        assert "[red]x[/red]" in picture

    def test_an_endless_text_is_bounded(self) -> None:
        flood = Card.model_validate(CARDS["draft_order"].model_dump() | {"summary": "a" * 10_000_000, "warnings": ["b" * 10_000_000]})
        assert len(drawn(render(flood, width=80, colour=False), width=80)) < 20_000
