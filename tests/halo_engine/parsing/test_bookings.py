"""What is made of the marks in a booking and in a cancellation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from halo_engine.parsing import bookings, cancellations
from tests.halo_engine.parsing.marks import marked
from tests.halo_engine.parsing.samples import said

# A Wednesday morning.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=ZoneInfo("America/Los_Angeles"))


def _read(markup: str, now: datetime = NOW) -> dict[str, Any]:
    return said(bookings.read(marked(markup, "BOOK"), now))


class TestABooking:
    def test_has_every_field_that_was_said(self) -> None:
        """A table with all that can be said of it."""
        markup = (
            "a table for <people: 5 adults and 2 kids> at <venue: Nopa> in <location: hayes valley> <date: this friday> between <time: 7> and "
            "<time: 8:30>, under <first_name: Melissa> <last_name: Jones>"
        )
        assert _read(markup) == {
            "service": "restaurant",
            "venue": "Nopa",
            "party_size": 7,
            "date": "2026-03-06",
            "time": "19:00",
            "time_until": "20:30",
            "location": "hayes valley",
            "name": "Melissa Jones",
        }

    def test_is_under_a_members_name_as_the_household_spells_it(self) -> None:
        """ "under alx" is Alex; a name that nobody here has stays as it was said."""
        members = ("Alex", "Sam")
        assert bookings.read(marked("under <first_name: alx>", "BOOK"), NOW, members)["name"] == "Alex"
        assert bookings.read(marked("under <first_name: maria>", "BOOK"), NOW, members)["name"] == "maria"

    def test_of_a_service_has_no_number_of_people(self) -> None:
        """A haircut for two is two haircuts, which nobody can book at once."""
        assert _read("a <service: haircut> for <people: two> <date: tomorrow> at <time: 3pm>") == {
            "service": "haircut",
            "date": "2026-03-05",
            "time": "15:00",
        }

    def test_of_an_appointment_is_no_table(self) -> None:
        """With whom was said, for what was not."""
        assert _read("an appointment with <venue: Dr. Lee>") == {"venue": "Dr. Lee"}

    @pytest.mark.parametrize(
        ("markup", "size"),
        [
            ("for <people: 4>, no, <people: 6>", 6),
            ("<people: 2 adults> and <people: 3 kids>", 5),
            ("just <people: me and my wife>", 2),
            ("for <people: 51>", None),
            ("for <people: everyone>", None),
            ("for <people: 4> or <people: 5>", None),
        ],
    )
    def test_counts_the_people_who_were_named(self, markup: str, size: int | None) -> None:
        """A later number is a correction, numbers that are joined are counted together, and what is no number is asked."""
        assert _read(f"book a table {markup}").get("party_size") == size

    @pytest.mark.parametrize(
        ("markup", "date", "time"),
        [
            ("<date: friday> or <date: saturday> at <time: 7>", None, "19:00"),
            ("<date: this weekend> at <time: 7>", None, "19:00"),
            ("<date: tomorrow> at <time: 7> or <time: 8>", "2026-03-05", None),
            ("<date: tomorrow> before <time: 9>", "2026-03-05", None),
            ("<date: tomorrow> at <time: 7>, make it <time: 8>", "2026-03-05", "20:00"),
            ("<date: wednesday> at <time: 9am>", "2026-03-11", "09:00"),
            ("<date: wednesday> at <time: 7pm>", "2026-03-04", "19:00"),
            ("<time: in an hour>", "2026-03-04", "11:00"),
        ],
    )
    def test_asks_for_a_moment_that_is_not_certain(self, markup: str, date: str | None, time: str | None) -> None:
        """A choice, a vague day and an end without a beginning are questions; a weekday whose hour has passed is next week's."""
        read = _read(f"a table {markup}")
        assert (read.get("date"), read.get("time")) == (date, time)


_STANDING = bookings.read(marked("a table at <venue: Nopa> for <people: 4> <date: friday> from <time: 7> to <time: 8>", "BOOK"), NOW)


class TestAChange:
    @pytest.mark.parametrize(
        ("markup", "changes"),
        [
            ("make it <time: 8> for <people: six people>", {"time": "20:00", "time_until": None, "party_size": 6}),
            ("<date: saturday> instead", {"date": "2026-03-07"}),
            ("at <venue: Zuni> please", {"venue": "Zuni"}),
            ("<date: this weekend>", {"date": None}),
            ("under <first_name: Tom>", {"name": "Tom"}),
            ("add <people: one person>", {"party_size": 5}),
            ("at <venue: Zuni>, no, <venue: Delfina>", {"venue": "Delfina"}),
        ],
    )
    def test_changes_what_it_names(self, markup: str, changes: dict[str, Any]) -> None:
        """Everything else stays; what is not certain is asked again."""
        assert bookings.change(marked(markup, "BOOK"), _STANDING, NOW) == _STANDING | changes

    def test_that_says_nothing_new_is_none(self) -> None:
        """The same table again, and words about nothing."""
        for markup in ("at <venue: Nopa>", "hmm"):
            assert bookings.change(marked(markup, "BOOK"), _STANDING, NOW) is None


class TestACancellation:
    @pytest.mark.parametrize(
        ("markup", "params"),
        [
            ("cancel <subscription: streemly>", {"subscription": "Streamly", "when": None}),
            ("cancel <subscription: hulu> <when_end: at the end of the month>", {"subscription": "hulu", "when": "period_end"}),
            (
                "cancel <subscription: streamly> <when_end: at renewal>, no, <when_now: right now>",
                {"subscription": "Streamly", "when": "now"},
            ),
            ("cancel my subscription", {"subscription": None, "when": None}),
            ("cancel <subscription: hulu> on <date: the 20th>", None),
            ("cancel <subscription: hulu>, I mean <subscription: netflix>", {"subscription": "netflix", "when": None}),
            ("cancel <subscription: hulu> or <subscription: netflix>", {"subscription": None, "when": None}),
            ("cancel <subscription: hulu> and <subscription: netflix>", {"subscription": "hulu", "when": None}),
        ],
    )
    def test_says_which_and_when(self, markup: str, params: dict[str, Any] | None) -> None:
        """A name is the household's own where it is meant; another day would be acting later, and is not for Halo."""
        assert cancellations.read(marked(markup, "CANCEL"), ("Streamly", "Cloud Box")) == params

    def test_is_changed_by_what_it_names(self) -> None:
        """The moment or the subscription."""
        standing = {"subscription": "Streamly", "when": None}
        assert cancellations.change(marked("<when_now: today>", "CANCEL"), standing, ()) == standing | {"when": "now"}
        assert cancellations.change(marked("hmm", "CANCEL"), standing, ()) is None
