"""Square against the simulator, whose ledger says what really happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.square import Appointment, Service
from halo_sim.faults import add_fault
from tests.halo_engine.vendors.worlds import Vendors

FRIDAY = date(2026, 11, 27)


def service(vendors: Vendors, words: str = "haircut", place: str = "Shear Joy") -> Service:
    return next(one for one in vendors.square.services(words) if one.place.name == place)


def free(vendors: Vendors, words: str = "haircut", place: str = "Shear Joy") -> tuple[Appointment, ...]:
    wanted = service(vendors, words, place)
    return vendors.square.times(wanted.place, wanted.variation_id, day=FRIDAY)


class TestServices:
    def test_say_where_what_how_long_and_how_much(self, vendors: Vendors) -> None:
        """With the place's own zone."""
        cut = service(vendors)
        assert (cut.name, cut.duration_minutes, cut.price) == ("Haircut", 45, Money(cents=6500))
        assert (cut.place.street, cut.place.time_zone) == ("214 Bleecker Street", "America/New_York")

    def test_name_their_variations(self, vendors: Vendors) -> None:
        """Where there is more than one way to have it."""
        assert {one.name for one in vendors.square.services("massage")} == {"Massage, 60 minutes", "Massage, 90 minutes"}

    def test_are_none_for_what_nobody_offers(self, vendors: Vendors) -> None:
        """An answer, and no error."""
        assert vendors.square.services("tattoo") == ()

    def test_fail_readably(self, vendors: Vendors) -> None:
        """In words."""
        add_fault(vendors.world, "unavailable", target="square", times=3)
        with pytest.raises(VendorFailed, match="Square has a problem of its own"):
            vendors.square.services("haircut")


class TestTimes:
    def test_are_those_of_the_places_own_day(self, vendors: Vendors) -> None:
        """Friday in New York is not Friday in Greenwich."""
        starts = [one.starts for one in free(vendors)]
        assert starts == sorted(starts)
        assert datetime(2026, 11, 27, 5, tzinfo=UTC) <= starts[0] <= starts[-1] < datetime(2026, 11, 28, 5, tzinfo=UTC)

    def test_cover_a_day_of_twenty_three_hours(self, vendors: Vendors) -> None:
        """On which the clocks go forward, and Square wants to be asked for twenty-four."""
        vendors.clock.advance(datetime(2027, 3, 1, tzinfo=UTC) - vendors.clock.now())
        barber = service(vendors, place="Oak & Ash Barbers")
        assert vendors.square.times(barber.place, barber.variation_id, day=date(2027, 3, 14))


class TestRules:
    def test_are_the_places_own(self, vendors: Vendors) -> None:
        """The fee, the window, and who says yes."""
        joy = vendors.square.rules(service(vendors).place)
        assert (joy.accepts_at_once, joy.free_to_cancel_s, joy.fee) == (True, 86400, Money(cents=2000))
        vet = vendors.square.rules(service(vendors, "vet", "Pawprint Veterinary").place)
        assert (vet.accepts_at_once, vet.fee) == (False, None)


class TestWho:
    def test_is_told_by_name(self, vendors: Vendors) -> None:
        """A card says a name and not a number; a stranger is an error in words."""
        assert vendors.square.who(free(vendors)[0].team_member_id) in ("Dana", "Mo")
        with pytest.raises(VendorFailed):
            vendors.square.who("T/../1")


class TestBook:
    def test_books_exactly_that(self, vendors: Vendors) -> None:
        """Accepted, with the id and the time."""
        time = free(vendors)[0]
        done = vendors.square.book(time, key="k1")
        assert isinstance(done, Done)
        assert (done.total, vendors.booked("booking")) == (None, [(done.reference, 0)])
        assert time not in free(vendors)

    def test_gives_the_same_booking_for_the_same_key(self, vendors: Vendors) -> None:
        """However often."""
        time = free(vendors)[0]
        assert vendors.square.book(time, key="k1") == vendors.square.book(time, key="k1")
        assert len(vendors.booked("booking")) == 1

    def test_does_not_know_what_became_of_a_key_that_was_used(self, vendors: Vendors) -> None:
        """For another time."""
        first, second = free(vendors)[:2]
        vendors.square.book(first, key="k1")
        assert isinstance(vendors.square.book(second, key="k1"), Unknown)

    def test_is_told_that_the_time_is_taken(self, vendors: Vendors) -> None:
        """By somebody else, at the last moment."""
        time = free(vendors)[0]
        add_fault(vendors.world, "slot_gone", target="square.create_booking")
        answer = vendors.square.book(time, key="k1")
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.SLOT_GONE
        assert vendors.booked("booking") == []

    def test_waits_for_a_place_that_looks_first(self, vendors: Vendors) -> None:
        """Pending is not done, until it is."""
        time = free(vendors, "vet", "Pawprint Veterinary")[0]
        pending = vendors.square.book(time, key="k1")
        assert isinstance(pending, Pending)
        assert vendors.square.find(time, key="k1") == pending
        vendors.clock.advance(timedelta(minutes=5))
        done = vendors.square.find(time, key="k1")
        assert isinstance(done, Done)
        assert done.reference == pending.reference

    def test_can_be_repeated_after_a_rate_limit(self, vendors: Vendors) -> None:
        """Nothing was done, and it says how long to wait."""
        time = free(vendors)[0]
        add_fault(vendors.world, "rate_limited", target="square.create_booking")
        answer = vendors.square.book(time, key="k1")
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s == 2

    def test_whose_answer_was_lost_is_found_by_its_key(self, vendors: Vendors) -> None:
        """And sent again it is the same booking."""
        time = free(vendors)[0]
        add_fault(vendors.world, "lose_answer", target="square.create_booking")
        assert isinstance(vendors.square.book(time, key="k1"), Unknown)
        found = vendors.square.find(time, key="k1")
        assert isinstance(found, Done)
        assert vendors.square.book(time, key="k1") == found
        assert len(vendors.booked("booking")) == 1

    def test_that_was_lost_on_the_way_is_sent_again(self, vendors: Vendors) -> None:
        """Not there, then there once."""
        time = free(vendors)[0]
        add_fault(vendors.world, "drop_before", target="square.create_booking")
        assert isinstance(vendors.square.book(time, key="k1"), Unknown)
        assert vendors.square.find(time, key="k1") == NotThere()
        assert isinstance(vendors.square.book(time, key="k1"), Done)
        assert len(vendors.booked("booking")) == 1

    def test_is_not_taken_for_another_ones(self, vendors: Vendors) -> None:
        """The household may have a booking at that time that this execution did not make."""
        time = free(vendors)[0]
        vendors.square.book(time, key="k1")
        assert vendors.square.find(time, key="k2") == NotThere()


class TestCancel:
    def test_gives_the_time_back_and_twice_is_once(self, vendors: Vendors) -> None:
        """Cancelled already is done."""
        time = free(vendors)[0]
        booked = vendors.square.book(time, key="k1")
        assert isinstance(booked, Done)
        for key in ("c1", "c1", "c2"):
            assert isinstance(vendors.square.cancel(booked.reference, key=key), Done)
        assert time in free(vendors)
        assert len(vendors.booked("cancellation")) == 1

    def test_is_refused_once_it_has_begun(self, vendors: Vendors) -> None:
        """In Square's words."""
        time = free(vendors)[0]
        booked = vendors.square.book(time, key="k1")
        assert isinstance(booked, Done)
        vendors.clock.advance(time.starts - vendors.clock.now())
        assert isinstance(vendors.square.cancel(booked.reference, key="c1"), Rejected)

    def test_of_what_is_not_there_sends_nothing(self, vendors: Vendors) -> None:
        """It cannot be read, so nothing is cancelled."""
        assert isinstance(vendors.square.cancel("bk/../x", key="c1"), Retryable)
        assert vendors.booked("cancellation") == []


class TestBookings:
    def test_stand_until_they_are_cancelled(self, vendors: Vendors) -> None:
        """Listed either way."""
        time = free(vendors)[0]
        booked = vendors.square.book(time, key="k1")
        assert isinstance(booked, Done)
        around = {"since": time.starts - timedelta(hours=1), "until": time.starts + timedelta(hours=1)}
        assert [one.stands for one in vendors.square.bookings(**around)] == [True]
        vendors.square.cancel(booked.reference, key="c1")
        assert [one.stands for one in vendors.square.bookings(**around)] == [False]
