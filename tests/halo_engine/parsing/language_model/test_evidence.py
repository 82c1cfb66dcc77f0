"""What a text says in numbers, and what it does not: the yardstick for a model's answer."""

from __future__ import annotations

from datetime import date

import pytest

from halo_engine.parsing.language_model.evidence import Evidence

WEDNESDAY = date(2026, 3, 4)


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "clock"),
        [
            ("table at nopa at 7", "19:00"),
            ("nopa at 7:30pm", "19:30"),
            ("nopa at 7.30 p.m.", "19:30"),
            ("quarter to eight", "19:45"),
            ("half past six", "18:30"),
            ("twenty past seven", "19:20"),
            ("seven thirty", "19:30"),
            ("friday 730", "19:30"),
            ("2moro 730pm", "19:30"),
            ("7 tonight", "19:00"),
            ("a week from friday at 7", "19:00"),
            ("book nopa for 7 tonight", "19:00"),
            ("between 7 and 8:30", "19:00"),
            ("between 7 and 8:30", "20:30"),
            ("6 to 8", "20:00"),
            ("8 in the morning", "08:00"),
            ("lunch at 1", "13:00"),
            ("lunch at 11", "11:00"),
            ("noon", "12:00"),
            ("7ish", "19:00"),
            ("7 o'clock", "19:00"),
            ("at 19:30", "19:30"),
            ("make it 8 for six people", "20:00"),
            ("after 6", "18:00"),
        ],
    )
    def test_that_were_said(self, text: str, clock: str) -> None:
        """In figures and in words; a bare hour as the occasion has it."""
        assert Evidence(text, WEDNESDAY).tells_time(clock, table=True, alone=False)

    @pytest.mark.parametrize(
        ("text", "clock"),
        [
            ("table at nopa at 7", "07:00"),
            ("nopa at 7:30pm", "19:00"),
            ("nopa at 7:30pm", "07:30"),
            ("at 7", "19:30"),
            ("at 19:30", "07:30"),
            ("8 in the morning", "20:00"),
            ("table for 7", "19:00"),
            ("table for 7 tonight", "19:00"),
            ("7 people", "19:00"),
            ("on the 7th", "19:00"),
            ("march 7", "19:00"),
            ("under $7", "19:00"),
            ("table for 2 adults and 3 kids", "15:00"),
            ("friday morning", "09:00"),
            ("tonight", "19:00"),
            ("dinner", "19:00"),
            ("make it 8 for six people", "18:00"),
            ("7", "19:00"),
        ],
    )
    def test_that_were_not(self, text: str, clock: str) -> None:
        """The number of a day, a price or a party is no hour; a part of the day is no time."""
        assert not Evidence(text, WEDNESDAY).tells_time(clock, table=True, alone=False)

    def test_of_an_appointment_are_in_the_day(self) -> None:
        """The dentist at 9 is in the morning; and "9 to 11 am" says so."""
        assert Evidence("dentist at 9", WEDNESDAY).tells_time("09:00", table=False, alone=False)
        assert Evidence("haircut 9 to 11 am", WEDNESDAY).tells_time("09:00", table=False, alone=False)
        assert not Evidence("dentist at 9", WEDNESDAY).tells_time("21:00", table=False, alone=False)

    def test_may_stand_alone_where_one_was_asked_for(self) -> None:
        """ "7" answers "at what time?"."""
        assert Evidence("7", WEDNESDAY).tells_time("19:00", table=True, alone=True)


class TestPeople:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("5 adults and 2 kids", 7),
            ("me and my wife", 2),
            ("my wife and I", 2),
            ("me, my wife and two kids", 4),
            ("me and 3 friends", 4),
            ("me plus two", 3),
            ("me +1", 2),
            ("my parents and me", 3),
            ("with my wife", 2),
            ("just me", 1),
            ("just us two", 2),
            ("the two of us", 2),
            ("a couple of us", 2),
            ("party of six", 6),
            ("family of five", 5),
            ("a dozen people", 12),
            ("4ppl", 4),
            ("9 of us", 9),
            ("table for 4 at 7", 4),
            ("for four, 7 pm", 4),
            ("make it 8 for six people", 6),
            ("nopa saturday at quarter to eight, four of us", 4),
        ],
    )
    def test_that_were_said(self, text: str, count: int) -> None:
        """By number, by name, and added up."""
        assert Evidence(text, WEDNESDAY).tells_people(count)

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("a table at nopa", 1),
            ("a table at nopa", 2),
            ("5 adults and 2 kids", 5),
            ("me and my wife", 3),
            ("me and my wife", 1),
            ("table for 4 at 7", 7),
            ("table for 4 at 7", 3),
            ("for four, 7 pm", 7),
            ("for four, 7 pm", 11),
            ("march 7", 7),
            ("a 2 hour massage", 2),
            ("dinner for me and the kids", 3),
        ],
    )
    def test_that_were_not(self, text: str, count: int) -> None:
        """Part of a party is not the party; an hour or a day is nobody."""
        assert not Evidence(text, WEDNESDAY).tells_people(count)


class TestDays:
    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("table friday at 7", ["2026-03-06"]),
            ("a week from friday at 7 for two", ["2026-03-13"]),
            ("next friday", ["2026-03-13"]),
            ("friday or saturday", ["2026-03-06", "2026-03-07"]),
            ("sunday, march 8", ["2026-03-08"]),
            ("in 3 days", ["2026-03-07"]),
            ("christmas eve", ["2026-12-24"]),
            ("nopa sat at 7", ["2026-03-07"]),
            ("2moro 730", ["2026-03-05"]),
            ("sun hats and a second towel", []),
            ("this weekend", []),
            ("sunday, march 9", []),
        ],
    )
    def test_are_those_that_the_longest_words_name(self, text: str, days: list[str]) -> None:
        """ "A week from Friday" does not say Friday, and a Sunday that is a Monday says nothing."""
        assert [str(found.value) for found in Evidence(text, WEDNESDAY).days if found.value] == days


class TestAmounts:
    @pytest.mark.parametrize(
        ("text", "cents"),
        [
            ("under forty dollars", {4_000}),
            ("under 40", {4_000}),
            ("$4.99", {499}),
            ("99 cents", {99}),
            ("no more than five dollars each", {500}),
            ("max 35 bucks", {3_500}),
            ("less than a hundred dollars", {10_000}),
            ("5 milk", set()),
            ("under 5 people", set()),
        ],
    )
    def test_are_to_the_cent(self, text: str, cents: set[int]) -> None:
        """A number is an amount only with its currency or a limit's words."""
        assert Evidence(text, WEDNESDAY).amounts == cents


class TestLength:
    def test_costs_no_more_than_it_must(self) -> None:
        """Eight thousand hostile characters are read at once."""
        for text in ("7 to " * 1_600, "me and " * 1_100, "friday " * 1_100, "1 " * 4_000, "for 2 and " * 800, "a dozen " * 1_000):
            Evidence(text, WEDNESDAY).tells_people(3)
