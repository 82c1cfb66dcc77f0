"""Looks: every ink can be read on its ground, and the font draws what stands there."""

from __future__ import annotations

import pytest
from fontTools.ttLib import TTFont

from cards import looks, typesetting
from halo_engine.model.card import CardKind

THEMES = {"light": looks.LIGHT, "dark": looks.DARK}
#: WCAG 2.2, 1.4.3 for text of this size.
AA = 4.5


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(ink: str, ground: str) -> float:
    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class TestContrast:
    @pytest.mark.parametrize("name", list(THEMES))
    def test_every_ink_reads_on_every_ground_it_stands_on(self, name: str) -> None:
        theme = THEMES[name]
        pairs = {(ink, ground) for ink in (theme.ink, theme.quiet, theme.rise, theme.fall) for ground in (theme.ground, theme.panel)}
        pairs.add((theme.caution_ink, theme.caution))
        assert {pair for pair in pairs if contrast(*pair) < AA} == set()

    @pytest.mark.parametrize("accent", list(looks.Accent))
    def test_every_accent_reads_on_the_card_and_carries_letters(self, accent: looks.Accent) -> None:
        light, dark, _ = looks.SHADES[accent]
        for ground in (looks.LIGHT.ground, looks.LIGHT.panel):
            assert contrast(light, ground) >= AA
        for ground in (looks.DARK.ground, looks.DARK.panel):
            assert contrast(dark, ground) >= AA


class TestTable:
    def test_has_every_kind(self) -> None:
        assert set(looks.LOOKS) == set(CardKind)

    def test_a_verb_it_does_not_know_gets_the_speech_bubble(self) -> None:
        assert looks.verb_icon("</svg>") == looks.verb_icon(None) != looks.verb_icon("ORDER")


class TestTypesetting:
    def test_no_line_is_wider_than_its_room(self) -> None:
        text = "Bounty Quick-Size Paper Towels " * 9 + "W" * 200
        lines = typesetting.balanced(text, room=200, size=14)
        assert max(typesetting.width(line, size=14) for line in lines) <= 200
        assert "".join("".join(lines).split()) == "".join(text.split())

    def test_no_short_word_is_left_alone_on_the_last_line(self) -> None:
        room = typesetting.width("Dawn Platinum Dish Soap, 24 fl", size=14)
        assert typesetting.wrapped("Dawn Platinum Dish Soap, 24 fl oz", room=room, size=14)[-1] == "oz"
        first, last = typesetting.balanced("Dawn Platinum Dish Soap, 24 fl oz", room=room, size=14)
        assert (first, last) == ("Dawn Platinum Dish", "Soap, 24 fl oz")

    def test_a_character_the_font_lacks_takes_room_and_is_boxed_where_it_must_be(self) -> None:
        assert typesetting.width("茶", size=10) == 10
        assert typesetting.boxed("お茶 a") == "□□ a"
        assert typesetting.known("▲ → × • – … −")

    def test_the_fonts_draw_letters_as_they_are_written(self) -> None:
        """The reason: with its contextual alternates Inter draws the id `0x2s` as `0×2s`."""
        for path in typesetting.FONT_FILES.values():
            with TTFont(path) as font:
                features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
            assert features == {"ccmp", "locl", "tnum"}
