from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.parsing.values.times import Window, occurrences, read_moment, read_time, read_window

NEW_YORK = ZoneInfo("America/New_York")
OCCASIONS = ("morning", "day", "table", "evening")

VOCABULARY = """7 07 7:30 730 1930 25 8 15 seven thirty half quarter past to before after of an hour 30 minutes noon midnight am pm p.m. o'clock
ish in the morning evening at night tonight around 19h30 14hr between and until - or now from \u0663 12"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=8).map(" ".join)


def _window(marked: str, when: str = "table") -> Window | None:
    """The window of a text in which each time stands in angle brackets."""
    low, spans = "", []
    for part in re.split(r"(<[^>]*>)", marked):
        words = part.strip("<>")
        if part.startswith("<"):
            spans.append((len(low), len(low) + len(words)))
        low += words
    return read_window(spans, low, when)


class TestReadTime:
    @pytest.mark.parametrize(
        ("words", "clock"),
        [
            ("7", "19:00"),
            ("7:30", "19:30"),
            ("7.30", "19:30"),
            ("7 30", "19:30"),
            ("730", "19:30"),
            ("seven thirty", "19:30"),
            ("six-thirty", "18:30"),
            ("7ish", "19:00"),
            ("4:30-ish", "16:30"),
            ("9 o'clock", "21:00"),
            ("nine o clock", "21:00"),
            ("11", "11:00"),
            ("12", "12:00"),
            ("half past six", "18:30"),
            ("half nine", "21:30"),
            ("quarter after 9", "21:15"),
            ("quarter to 8", "19:45"),
            ("quarter of 9", "20:45"),
            ("twenty past seven", "19:20"),
            ("quarter to 1", "12:45"),
        ],
    )
    def test_takes_a_bare_hour_for_a_table_in_the_evening(self, words: str, clock: str) -> None:
        """Eleven and twelve are lunch."""
        assert read_time(words, "table") == clock

    @pytest.mark.parametrize(
        ("when", "clock"), [("morning", "07:00"), ("day", "07:00"), ("table", "19:00"), ("evening", "19:00"), ("unheard of", "19:00")]
    )
    def test_takes_a_bare_hour_by_the_occasion(self, when: str, clock: str) -> None:
        """Breakfast at 7 is in the morning; what is not known is dinner."""
        assert read_time("7", when) == clock

    @pytest.mark.parametrize(
        ("words", "clock"),
        [
            ("12:45pm", "12:45"),
            ("07:45pm", "19:45"),
            ("7:30 p.m.", "19:30"),
            ("930pm", "21:30"),
            ("8 am", "08:00"),
            ("12 am", "00:00"),
            ("six fifteen pm", "18:15"),
            ("half past 5pm", "17:30"),
            ("8 in the morning", "08:00"),
            ("evening around six", "18:00"),
            ("tonight at 8:30", "20:30"),
            ("07:30 in the evening", "19:30"),
            ("10 at night", "22:00"),
            ("4 in the afternoon", "16:00"),
            ("15 minutes before noon", "11:45"),
            ("an hour before 6:30pm", "17:30"),
        ],
    )
    def test_takes_the_half_of_the_day_that_is_said(self, words: str, clock: str) -> None:
        """Whatever the occasion."""
        assert {read_time(words, when) for when in OCCASIONS} == {clock}

    @pytest.mark.parametrize(
        ("words", "clock"),
        [("19:30", "19:30"), ("1930", "19:30"), ("19h30", "19:30"), ("14hr", "14:00"), ("07:45", "07:45"), ("noon", "12:00")],
    )
    def test_takes_a_24_hour_clock_as_it_stands(self, words: str, clock: str) -> None:
        """A leading nought is one too."""
        assert {read_time(words, when) for when in OCCASIONS} == {clock}

    @pytest.mark.parametrize(
        "words",
        [
            "",
            "lunch",
            "25",
            "24:00",
            "7:75",
            "13am",
            "8 am tonight",
            "19:30 in the morning",
            "tonight at 12",
            "12 in the morning",
            "3 at night",
            "10 in the afternoon",
            "7 or 8",
            "6-8",
            "six-eight",
            "7 to 9pm",
            "ten to six",
            "before 9",
            "2 at 12:15",
            "in an hour",
        ],
    )
    def test_names_no_time_where_none_is_certain(self, words: str) -> None:
        """Impossible, contradictory, two at once, or of either day: it is asked."""
        assert read_time(words, "evening") is None

    @given(st.text(max_size=200) | WORDS, st.sampled_from(OCCASIONS) | st.text(max_size=9))
    def test_has_an_answer_for_any_text(self, words: str, when: str) -> None:
        """A time of day, or none."""
        clock = read_time(words, when)
        assert clock is None or re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", clock)


class TestReadWindow:
    @pytest.mark.parametrize(
        ("marked", "start", "until"),
        [
            ("between <7> and <8:30>", "19:00", "20:30"),
            ("<6>-<8pm>", "18:00", "20:00"),
            ("from <7pm> to <9>", "19:00", "21:00"),
            ("between <11> and <1pm>", "11:00", "13:00"),
            ("<11am> until <1>", "11:00", "13:00"),
            ("<10> to <12>", "10:00", "12:00"),
            ("<noon> to <2>", "12:00", "14:00"),
            ("<18:00> - <20:00>", "18:00", "20:00"),
            ("<6-8>", "18:00", "20:00"),
            ("<7 to 9pm>", "19:00", "21:00"),
        ],
    )
    def test_reads_a_start_and_an_end(self, marked: str, start: str, until: str) -> None:
        """One pm holds for both, unless that puts the end before the start."""
        assert _window(marked) == Window(start, until)

    @pytest.mark.parametrize("marked", ["at <6>", "after <6>", "any time after <6>", "by <6>", "from <6>"])
    def test_reads_a_start_alone(self, marked: str) -> None:
        """An open end stays open."""
        assert _window(marked) == Window("18:00")

    def test_reads_working_hours(self) -> None:
        """By the occasion, each end for itself."""
        assert _window("between <9> and <5>", "day") == Window("09:00", "17:00")

    @pytest.mark.parametrize(
        "marked",
        [
            "before <9>",
            "until <9>",
            "no later than <9>",
            "<9> at the latest",
            "<7> or <8>",
            "at <7>, no <8>",
            "<10pm> to <1>",
            "<6> and <6>",
            "<10 to 6>",
            "<7>, <8> and <9>",
            "no time",
        ],
    )
    def test_asks_where_there_is_a_choice_or_no_start(self, marked: str) -> None:
        """ "Before 9" says when not; after midnight is another day."""
        assert _window(marked) is None

    @given(st.text(max_size=60) | WORDS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=3))
    def test_has_an_answer_for_any_spans(self, low: str, spans: list[tuple[int, int]]) -> None:
        """A window that ends after it starts, or none."""
        window = read_window(spans, low, "table")
        assert window is None or window.until is None or window.start < window.until


class TestReadMoment:
    NOW = datetime(2026, 3, 3, 18, 12, 40, tzinfo=NEW_YORK)

    @pytest.mark.parametrize(
        ("words", "minutes"),
        [
            ("now", 0),
            ("in half an hour", 30),
            ("in an hour", 60),
            ("in about 3 hours", 180),
            ("in an hour and a half", 90),
            ("in ten minutes", 10),
            ("two hours from now", 120),
            ("in 1 hour and 10 minutes", 70),
            ("in a couple of hours", 120),
        ],
    )
    def test_counts_from_now(self, words: str, minutes: int) -> None:
        """A day and a time at once, to the minute."""
        assert read_moment(words, self.NOW) == self.NOW.replace(second=0) + timedelta(minutes=minutes)

    def test_counts_real_time_when_the_clocks_change(self) -> None:
        """Half past one in the night of spring and two hours are half past four."""
        now = datetime(2026, 3, 8, 1, 30, tzinfo=NEW_YORK)
        moment = read_moment("in two hours", now)
        assert moment is not None
        assert (moment.hour, moment.minute) == (4, 30)

    @given(st.text(max_size=200) | WORDS, st.datetimes(timezones=st.just(UTC)))
    def test_has_an_answer_for_any_text(self, words: str, now: datetime) -> None:
        """A moment that is not before this minute, or none."""
        moment = read_moment(words, now)
        assert moment is None or moment >= now.replace(second=0, microsecond=0)


class TestOccurrences:
    @pytest.mark.parametrize(
        ("day", "clock", "times"),
        [
            (date(2026, 3, 8), "01:59", 1),
            (date(2026, 3, 8), "02:00", 0),
            (date(2026, 3, 8), "02:59", 0),
            (date(2026, 3, 8), "03:00", 1),
            (date(2026, 11, 1), "00:59", 1),
            (date(2026, 11, 1), "01:00", 2),
            (date(2026, 11, 1), "01:59", 2),
            (date(2026, 11, 1), "02:00", 1),
            (date(2026, 7, 1), "02:30", 1),
            (date(9999, 12, 31), "23:59", 1),
        ],
    )
    def test_counts_how_often_the_clocks_show_a_time(self, day: date, clock: str, times: int) -> None:
        """Never in the hour that is skipped, twice in the one that comes again."""
        assert occurrences(day, clock, NEW_YORK) == times

    def test_knows_a_day_that_never_was(self) -> None:
        """Samoa went from the 29th of December 2011 to the 31st."""
        assert occurrences(date(2011, 12, 30), "10:00", ZoneInfo("Pacific/Apia")) == 0
