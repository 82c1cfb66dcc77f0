from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.parsing.values.quantities import in_digits, read_count, read_people

#: Words that numbers and companies are made of, so that what is tried comes close to what is read.
VOCABULARY = """2 12 1,000 x3 two twenty hundred thousand first a an half dozen couple couples pair of and plus with , - me myself my wife kids
our parents people others us the more including highchair just alone no one \u0663 \u00b2 ½"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=12).map(" ".join)


class TestInDigits:
    @pytest.mark.parametrize(
        ("words", "figures"),
        [
            ("twenty five", "25"),
            ("the twenty-first", "the 21th"),
            ("six forty-five", "6 45"),
            ("seven thirty pm", "7 30 pm"),
            ("a hundred and ten", "110"),
            ("one hundred twenty seven days", "127 days"),
            ("2 thousand", "2000"),
            ("two thousand twenty six", "2026"),
            ("two and three", "2 and 3"),
            ("six-eight", "6-8"),
            ("someone at ten", "someone at 10"),
        ],
    )
    def test_writes_number_words_as_figures(self, words: str, figures: str) -> None:
        """What belongs together is one number, what does not stays two."""
        assert in_digits(words) == figures


class TestReadCount:
    @pytest.mark.parametrize(
        ("words", "count"),
        [
            ("2", 2),
            ("two", 2),
            ("a couple", 2),
            ("a couple of", 2),
            ("a dozen", 12),
            ("half a dozen", 6),
            ("two dozen", 24),
            ("a pair", 2),
            ("twenty five", 25),
            ("1,000", 1000),
            ("x3", 3),
            ("3x", 3),
            ("a", 1),
            ("2 packs of", 2),
            ("0", 0),
        ],
    )
    def test_reads_what_people_count_with(self, words: str, count: int) -> None:
        """In figures and in words; zero is a number, so that nobody takes it for one."""
        assert read_count(words) == count

    @pytest.mark.parametrize("words", ["", "a few", "some", "1.5", "-2", "two pairs", "2 or 3", "1,00", "1" * 8, "5-6"])
    def test_leaves_what_is_no_certain_number(self, words: str) -> None:
        """It is asked, not guessed."""
        assert read_count(words) is None

    @given(st.text(max_size=200) | WORDS)
    def test_has_an_answer_for_any_text(self, words: str) -> None:
        """A number that is not negative, or none."""
        count = read_count(words)
        assert count is None or count >= 0


class TestReadPeople:
    @pytest.mark.parametrize(
        ("words", "count"),
        [
            ("4", 4),
            ("two", 2),
            ("the 12", 12),
            ("4 people", 4),
            ("4ppl", 4),
            ("a party of six", 6),
            ("family of 4", 4),
            ("9 of us", 9),
            ("the 5 of us", 5),
            ("the two of us", 2),
            ("half a dozen people", 6),
            ("5 adults and 2 kids", 7),
            ("2 adults 2 children", 4),
            ("2 adults, one teen and a child", 4),
            ("two couples", 4),
            ("2 couples and a child", 5),
            ("a couple", 2),
            ("a couple of friends and me", 3),
            ("just me", 1),
            ("me alone", 1),
            ("on my own", 1),
            ("me and my wife", 2),
            ("my mother in law and i", 2),
            ("myself, my wife and 4 kids", 6),
            ("my wife and child and i", 3),
            ("me and three of my friends", 4),
            ("my 3 sisters and my brother, me and my mother", 6),
            ("me and my parents", 3),
            ("me and my twins", 3),
            ("me and one other", 2),
            ("me and hannah", 2),
            ("with 3 friends, me and my parents", 6),
            ("four plus two", 6),
            ("a man and his wife", 2),
            ("4 people, 3 adults and 1 baby", 4),
            ("6 people including 2 kids", 6),
            ("5 people and i", 6),
        ],
    )
    def test_counts_everybody(self, words: str, count: int) -> None:
        """By numbers and by who they are."""
        assert read_people(words) == count

    @pytest.mark.parametrize(
        "words",
        [
            "",
            "my family",
            "me and my family",
            "me and my kids",
            "me and friends",
            "me and my crew",
            "a few people",
            "4 or 5",
            "4-5 people",
            "at least 4",
            "two more",
            "2 families",
            "me and our parents",
            "my grandparents and me",
            "12 people, 1 child",
            "14 plus one highchair",
            "gretchen trisha and amber",
            "3 hours",
        ],
    )
    def test_leaves_a_number_that_is_not_said(self, words: str) -> None:
        """A family is of unknown size, and "12 people, 1 child" are 12 or 13."""
        assert read_people(words) is None

    @pytest.mark.parametrize("words", ["my wife", "my wife and two children", "with 3 guests", "my boss and his wife", "5 people with me"])
    def test_asks_whether_the_speaker_comes_too(self, words: str) -> None:
        """Where they speak of others only, it is not said."""
        assert read_people(words) is None

    @given(st.text(max_size=200) | WORDS)
    def test_has_an_answer_for_any_text(self, words: str) -> None:
        """A number that is not negative, or none."""
        count = read_people(words)
        assert count is None or count >= 0
