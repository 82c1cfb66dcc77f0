from __future__ import annotations

import pytest

from halo_engine.parsing.names import known_name

NAMES = ("Netflix", "Streamly", "Cloud Box", "The Daily Paper", "FitGym", "FitGear")


class TestAName:
    @pytest.mark.parametrize(
        ("words", "name"),
        [
            ("netflix", "Netflix"),
            ("Netflx", "Netflix"),
            ("cloudbox", "Cloud Box"),
            ("box cloud", "Cloud Box"),
            ("daily paper", "The Daily Paper"),
        ],
    )
    def test_is_found_as_the_household_spells_it(self, words: str, name: str) -> None:
        """In any case and order, with a slip of the finger or a word more."""
        assert known_name(words, NAMES) == name

    @pytest.mark.parametrize("words", ["hulu", "streamly premium", "net", "the", "fit", "fitge", "", "   ", "🍕", "a" * 10_000])
    def test_is_never_invented(self, words: str) -> None:
        """What is like none of them, or like two of them, is left as it was said."""
        assert known_name(words, NAMES) is None
