from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.option import Option, option_meant

BATTERIES = (
    Option(label="Voltara AAA Alkaline Batteries, 8 Count", reason="$7.29, the cheapest, rated 4.5 by 8077"),
    Option(label="Northcell AAA Alkaline Batteries, 24 Count", reason="$11.99"),
    Option(label="Voltara AAA Alkaline Batteries, 24 Count", reason="$14.49"),
)
TIMES = (Option(label="19:30"), Option(label="20:00"), Option(label="19:00"))


class TestOptionMeant:
    @pytest.mark.parametrize(
        ("said", "number"),
        [
            ("1", 1),
            ("2.", 2),
            ("#3", 3),
            ("option two", 2),
            ("number two", 2),
            ("one", 1),
            ("number 3", 3),
            ("no. 2", 2),
            ("No 2", 2),
            ("nr. 3", 3),
            ("the first", 1),
            ("the second one", 2),
            ("3rd", 3),
            ("the last one", 3),
            ("the cheapest", 1),
            ("northcell aaa alkaline batteries, 24 count", 2),
            ("Northcell", 2),
            ("the Northcell one please", 2),
            ("voltara 8 count", 1),
            ("Voltara AAA Alkaline Batteries, 2", 3),
        ],
    )
    def test_is_the_one_that_is_named(self, said: str, number: int) -> None:
        """By its number, its words, their beginning, or words that only it has."""
        assert option_meant(BATTERIES, said) is BATTERIES[number - 1]

    @pytest.mark.parametrize(
        "said",
        ["", "4", "24", "8", "voltara", "batteries", "none", "no", "nor", "nope", "yes", "make it 3", "cancel streamly", "the fourth", "0"],
    )
    def test_is_none_where_none_or_several_are(self, said: str) -> None:
        """A number beyond the options is a count, and "voltara" could be two."""
        assert option_meant(BATTERIES, said) is None

    @pytest.mark.parametrize("said", ["no one", "No two.", "no three", "nr one", "no, two", "no the second"])
    def test_is_none_for_a_no(self, said: str) -> None:
        """ "No" is short for "number" only before digits."""
        assert option_meant(BATTERIES, said) is None

    @pytest.mark.parametrize(("said", "number"), [("20:00", 2), ("2", 2), ("20", None), ("19", None), ("7:30", None)])
    def test_of_times_is_named_by_the_time(self, said: str, number: int | None) -> None:
        """A bare number is the option's; what is no option is read as a time by the parser."""
        assert option_meant(TIMES, said) is (TIMES[number - 1] if number else None)

    def test_that_is_alone_is_agreed_to(self) -> None:
        """ "Did you mean Streamly?" "Yes."""
        only = (Option(label="Streamly"),)
        assert option_meant(only, "yes") is only[0]
        assert option_meant(only, "Yeah!") is only[0]
        assert option_meant(only, "yes but not now") is None

    @given(st.text(max_size=250), st.integers(0, 3))
    def test_has_an_answer_for_any_text(self, said: str, options: int) -> None:
        """One of them, or none."""
        meant = option_meant(BATTERIES[:options], said)
        assert meant is None or meant in BATTERIES[:options]
