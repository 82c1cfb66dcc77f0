from __future__ import annotations

import pytest

from halo_engine.parsing.marked_text import READ_CHARS, Visible


class TestAText:
    @pytest.mark.parametrize(
        ("given", "seen"),
        [
            ("or\u200bder mi\u00adlk", "order milk"),
            ("\ufefforder milk", "order milk"),
            ("order\u202e milk", "order milk"),
            ("order\x00milk", "order milk"),
            ("order \x1b[31mmilk\x1b[0m", "order      milk    "),
            ("order\nmilk", "order milk"),
            ("caf\u00e9", "caf\u00e9"),
        ],
    )
    def test_is_read_without_what_nobody_sees(self, given: str, seen: str) -> None:
        """Invisible characters do not cut words, control characters are blanks."""
        assert Visible(given).text.split() == seen.split()

    def test_knows_where_its_words_stand(self) -> None:
        """Offsets count in the text as given, invisible characters and all."""
        given = "\u200border a pi\u200bz\ufeffza"
        visible = Visible(given)
        start = visible.text.index("pizza")
        entity = visible.entity("item", start, start + 5)
        assert entity is not None
        assert given[entity.start : entity.end] == entity.text == "pi\u200bz\ufeffza"

    def test_is_read_only_so_far(self) -> None:
        """What comes after is told, not lost, and a flood of invisible characters hides nothing."""
        visible = Visible("order milk. " + "a story. " * 1_000)
        assert len(visible.text) == READ_CHARS
        assert visible.cut
        assert "story" in visible.unread
        assert Visible("\u200b" * 1_000 + "order milk").text == "order milk"

    def test_with_half_a_character_has_no_entity_there(self) -> None:
        """A lone surrogate cannot be written down."""
        assert Visible("a \ud800 b").entity("item", 2, 3) is None
