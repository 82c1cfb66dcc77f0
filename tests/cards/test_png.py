"""The picture in points: the same bytes everywhere, and a mark for every letter that it cannot draw."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET

import pytest
from syrupy.assertion import SnapshotAssertion

from cards import png, svg
from tests.cards.examples import CARDS
from tests.cards.golden import Picture
from tests.cards.hostile import FLOOD, TEXTS, card_of, squeezed

AGREED = ["draft_order", "draft_book", "terms_changed_delivery", "clarification", "done", "failed", "other_scripts"]


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high = struct.unpack(">II", picture[16:24])
    return wide, high


class TestGolden:
    @pytest.mark.parametrize("name", AGREED)
    def test_looks_as_agreed(self, name: str, snapshot: SnapshotAssertion) -> None:
        assert png.render(CARDS[name]) == snapshot(extension_class=Picture)

    def test_looks_as_agreed_in_the_dark(self, snapshot: SnapshotAssertion) -> None:
        assert png.render(CARDS["draft_cancel_irreversible"], theme="dark") == snapshot(extension_class=Picture)


class TestPicture:
    def test_has_two_or_three_dots_to_the_point(self) -> None:
        (wide, high), (wide_3, high_3) = size(png.render(CARDS["done"])), size(png.render(CARDS["done"], scale=3))
        assert (wide, wide_3) == (720, 1080)
        assert high * 3 == high_3 * 2

    def test_is_the_same_each_time(self) -> None:
        assert png.render(CARDS["draft_book"]) == png.render(CARDS["draft_book"])

    def test_a_letter_that_cannot_be_drawn_is_a_box_and_the_fine_print_says_so(self) -> None:
        note = squeezed("□ stands for a letter this picture cannot draw.")
        drawn = "".join(ET.fromstring(svg.render_boxed(CARDS["other_scripts"], theme="light")).itertext())
        assert note in squeezed(drawn)
        assert "茶" not in drawn
        assert note not in squeezed("".join(ET.fromstring(svg.render_boxed(CARDS["draft_order"], theme="light")).itertext()))

    @pytest.mark.parametrize("sort", list(TEXTS))
    def test_any_hostile_text_can_be_drawn(self, sort: str) -> None:
        assert size(png.render(card_of(TEXTS[sort])))[0] == 720

    def test_a_flood_is_bounded(self) -> None:
        picture = png.render(card_of(FLOOD))
        assert size(picture)[1] < 40_000
        assert len(picture) < 4_000_000
