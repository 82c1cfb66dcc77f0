from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.parsing.values.dates import read_day

#: A Tuesday.
TODAY = date(2026, 3, 3)

VOCABULARY = """the of on in a next this last coming day days week weeks month year years from now after before today tomorrow tonight 2moro fri
friday tues march feb 29 30 31st 3/20 20.3. 2026/03/20 9999 2018 0 999 first twenty third end weekend christmas eve new year's and
couple 3rd monday 12-25 99/99/99 \u0663 night"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=8).map(" ".join)


class TestReadDay:
    @pytest.mark.parametrize(
        ("words", "day"),
        [
            ("today", "2026-03-03"),
            ("tonight", "2026-03-03"),
            ("this evening", "2026-03-03"),
            ("2nite", "2026-03-03"),
            ("tomorrow", "2026-03-04"),
            ("2moro", "2026-03-04"),
            ("tmrw", "2026-03-04"),
            ("tommorow", "2026-03-04"),
            ("tomorrow night", "2026-03-04"),
            ("day after tomorrow", "2026-03-05"),
            ("in 3 days", "2026-03-06"),
            ("in 3 days' time", "2026-03-06"),
            ("9 days from now", "2026-03-12"),
            ("in twelve more days", "2026-03-15"),
            ("in a couple of days", "2026-03-05"),
            ("in two weeks", "2026-03-17"),
            ("in 2 weeks and 3 days", "2026-03-20"),
            ("a month from now", "2026-04-03"),
            ("a week tomorrow", "2026-03-11"),
            ("a week from friday", "2026-03-13"),
            ("friday week", "2026-03-13"),
            ("3 tuesdays from now", "2026-03-24"),
        ],
    )
    def test_counts_from_today(self, words: str, day: str) -> None:
        """In words, in figures, and as people type."""
        assert read_day(words, TODAY) == date.fromisoformat(day)

    @pytest.mark.parametrize(
        ("words", "day"),
        [
            ("tuesday", "2026-03-03"),
            ("friday", "2026-03-06"),
            ("fri.", "2026-03-06"),
            ("thrusday", "2026-03-05"),
            ("this coming sat", "2026-03-07"),
            ("friday night", "2026-03-06"),
            ("tuesday at 6pm", "2026-03-03"),
            ("next friday", "2026-03-13"),
            ("next tuesday", "2026-03-10"),
            ("next week tuesday", "2026-03-10"),
            ("friday this week", "2026-03-06"),
        ],
    )
    def test_takes_a_weekday_for_the_coming_one(self, words: str, day: str) -> None:
        """Today included; "next" is the one of next week, whose first day is Monday."""
        assert read_day(words, TODAY) == date.fromisoformat(day)

    @pytest.mark.parametrize(
        ("words", "day"),
        [
            ("the 21st", "2026-03-21"),
            ("the 19", "2026-03-19"),
            ("2nd", "2026-04-02"),
            ("twenty-first", "2026-03-21"),
            ("march third", "2026-03-03"),
            ("1st of march", "2027-03-01"),
            ("the first of may", "2026-05-01"),
            ("aug. 24th", "2026-08-24"),
            ("august 06,2026", "2026-08-06"),
            ("the 5th of next month", "2026-04-05"),
            ("friday the 13th", "2026-03-13"),
            ("friday, march 6", "2026-03-06"),
            ("6 mar 2026 friday", "2026-03-06"),
            ("wednesday, december the 23rd of 2026", "2026-12-23"),
            ("august the 20th this year", "2026-08-20"),
        ],
    )
    def test_takes_a_passed_date_for_the_next(self, words: str, day: str) -> None:
        """The 2nd is next month's on the 3rd, and the first of March next year's."""
        assert read_day(words, TODAY) == date.fromisoformat(day)

    @pytest.mark.parametrize(
        ("words", "day"),
        [
            ("3/20", "2026-03-20"),
            ("3/4", "2026-03-04"),
            ("13/4", "2026-04-13"),
            ("8/19/26", "2026-08-19"),
            ("20.3.", "2026-03-20"),
            ("4.5.2026", "2026-05-04"),
            ("2026/03/20", "2026-03-20"),
            ("2026-03-20", "2026-03-20"),
            ("friday, 3/20", "2026-03-20"),
            ("on8/19/26", "2026-08-19"),
        ],
    )
    def test_reads_figures_month_first(self, words: str, day: str) -> None:
        """With slashes, unless only the other order makes a date; with full stops the day comes first."""
        assert read_day(words, TODAY) == date.fromisoformat(day)

    @pytest.mark.parametrize(
        ("words", "day"),
        [
            ("end of the month", "2026-03-31"),
            ("last day of april", "2026-04-30"),
            ("last friday of the month", "2026-03-27"),
            ("first monday of september", "2026-09-07"),
            ("christmas eve", "2026-12-24"),
            ("new year's day", "2027-01-01"),
            ("valentine's", "2027-02-14"),
            ("easter", "2026-04-05"),
            ("mothers day", "2026-05-10"),
            ("thanksgiving", "2026-11-26"),
            ("4th of july", "2026-07-04"),
            ("day after christmas", "2026-12-26"),
        ],
    )
    def test_knows_the_calendar(self, words: str, day: str) -> None:
        """Ends of months, weekdays of months, and the holidays of the United States."""
        assert read_day(words, TODAY) == date.fromisoformat(day)

    @pytest.mark.parametrize(
        "words",
        [
            "",
            "tue, 18 dec 2018",
            "friday, march 7",
            "2 march 2026",
            "monday this week",
            "feb 30",
            "2/30",
            "7.30",
            "this weekend",
            "next month",
            "next week",
            "march",
            "mon, sept",
            "friday or saturday",
            "in a few days",
            "in about two weeks",
            "within 3 days",
            "last friday",
            "yesterday",
            "new years",
            "11 in the morning",
            "in an hour",
            "in 5",
            "dec 18 26",
            "1/1/2101",
            "in 999 years",
            "summer, during august 16th",
        ],
    )
    def test_names_no_day_where_none_is_certain(self, words: str) -> None:
        """Passed with its year, weekday against date, impossible, vague, a choice, or words that are not understood: it is asked."""
        assert read_day(words, TODAY) is None

    @pytest.mark.parametrize(
        ("today", "words", "day"), [((2026, 1, 31), "a month from now", "2026-02-28"), ((2026, 12, 31), "the 1st", "2027-01-01")]
    )
    def test_gets_over_the_ends_of_months(self, today: tuple[int, int, int], words: str, day: str) -> None:
        """Months differ in length, and years end."""
        assert read_day(words, date(*today)) == date.fromisoformat(day)

    @given(st.text(max_size=200) | WORDS, st.dates(min_value=date(1990, 1, 1)))
    def test_has_an_answer_for_any_text(self, words: str, today: date) -> None:
        """A day that has not passed, or none."""
        day = read_day(words, today)
        assert day is None or today <= day
