"""Resy against the simulator, whose ledger says what really happened."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, Found, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.resy import BookingTerms, Slot, Venue
from halo_sim.faults import add_fault
from tests.halo_engine.vendors.worlds import Vendors

FRIDAY = date(2026, 12, 4)
ISHQ, CLAVEL, VELVET, NOPA = "84001", "84005", "84016", "84020"


def slot_at(vendors: Vendors, venue_id: str = ISHQ, *, number: int = 0) -> Slot:
    return vendors.resy.slots(vendors.resy.venue(venue_id), day=FRIDAY, party_size=2)[number]


def terms_of(vendors: Vendors, slot: Slot) -> BookingTerms:
    terms = vendors.resy.terms(slot, party_size=2)
    assert isinstance(terms, BookingTerms)
    return terms


def book(vendors: Vendors, slot: Slot, expected: BookingTerms) -> Outcome:
    return vendors.resy.book(slot, party_size=2, expected=expected)


def find(vendors: Vendors, slot: Slot) -> Found:
    return vendors.resy.find(venue_id=slot.venue_id, day=slot.starts.date(), at=slot.starts.time(), party_size=2)


class TestVenues:
    def test_are_found_by_name(self, vendors: Vendors) -> None:
        """The nearest name comes first, with the place that tells it apart."""
        venue = vendors.resy.venues("ishq ember", day=FRIDAY)[0]
        assert (venue.venue_id, venue.locality, venue.region) == (ISHQ, "New York", "NY")

    def test_say_where_a_program_cannot_book(self, vendors: Vendors) -> None:
        """A captcha is known before anybody tries."""
        found: tuple[Venue, ...] = vendors.resy.venues("Velvet Hour")
        assert [venue.automation_blocked for venue in found if venue.venue_id == VELVET] == [True]

    def test_log_in_once(self, vendors: Vendors) -> None:
        """Two questions, one session."""
        vendors.resy.venues("ishq")
        vendors.resy.venue(ISHQ)
        assert vendors.wire.paths.count("POST /resy/3/auth/password") == 1

    def test_survive_an_expired_session(self, vendors: Vendors) -> None:
        """A read logs in again once and goes on."""
        vendors.resy.venue(ISHQ)
        vendors.clock.advance(timedelta(days=46))
        assert vendors.resy.venue(ISHQ).name == "Ishq & Ember"

    def test_fail_readably(self, vendors: Vendors) -> None:
        """An unknown venue is an error in words."""
        with pytest.raises(VendorFailed, match="Resy gave an answer that cannot be used"):
            vendors.resy.venue("1")


class TestSlots:
    @pytest.mark.parametrize(("venue_id", "zone"), [(ISHQ, "America/New_York"), (NOPA, "America/Los_Angeles")])
    def test_are_in_the_venues_own_time(self, vendors: Vendors, venue_id: str, zone: str) -> None:
        """Aware, and never the server's hour."""
        slot = slot_at(vendors, venue_id)
        assert slot.starts.tzinfo == ZoneInfo(zone)
        assert slot.starts.date() == FRIDAY
        assert slot.ends > slot.starts

    def test_need_no_second_look_at_the_venue(self, vendors: Vendors) -> None:
        """A venue that came with its zone is not asked for it again; one from the search is."""
        found = vendors.resy.venues("ishq ember")[0]
        with_zone = vendors.resy.venue(found.venue_id)
        before = vendors.wire.paths.count("GET /resy/3/venue")
        assert vendors.resy.slots(found, day=FRIDAY, party_size=2) == vendors.resy.slots(with_zone, day=FRIDAY, party_size=2)
        assert vendors.wire.paths.count("GET /resy/3/venue") == before + 1

    def test_may_be_none(self, vendors: Vendors) -> None:
        """Sold out is an empty answer."""
        assert vendors.resy.slots(vendors.resy.venue("84019"), day=FRIDAY, party_size=2) == ()


class TestTerms:
    def test_say_what_it_binds_to(self, vendors: Vendors) -> None:
        """Fee, until when, and with which card; nothing is charged and nothing is held."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        assert terms.cancellation_fee == Money(cents=2500)
        assert terms.charge_now == Money(cents=0)
        assert terms.cancel_until == (slot.starts - timedelta(hours=24)).astimezone(UTC)
        assert (terms.payment_method, terms.payment_method_id) == ("Visa •••• 0000", 31340000)
        assert terms.policies == ("Cancel at least 24 hours ahead or pay $25.00 per person.",)

    def test_show_a_deposit(self, vendors: Vendors) -> None:
        """Two people at seventy-five dollars."""
        assert terms_of(vendors, slot_at(vendors, CLAVEL)).charge_now == Money(cents=15000)

    def test_are_refused_for_a_table_that_is_gone(self, vendors: Vendors) -> None:
        """Gone is an answer, not an error."""
        slot = slot_at(vendors)
        stale = slot.model_copy(update={"token": slot.token.replace("2026-12-04", "2026-12-05")})
        answer = vendors.resy.terms(stale, party_size=2)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.SLOT_GONE


class TestBook:
    def test_books_what_was_agreed(self, vendors: Vendors) -> None:
        """Done, and the vendor's books and list agree."""
        slot = slot_at(vendors)
        done = book(vendors, slot, terms_of(vendors, slot))
        assert isinstance(done, Done)
        assert done.total is None
        assert vendors.booked("booking") == [(done.reference, 0)]
        (held,) = vendors.resy.reservations()
        assert (held.reservation_id, held.venue_name, held.party_size) == (done.reference, "Ishq & Ember", 2)
        assert held.starts_local == f"{slot.starts:%Y-%m-%d %H:%M}"

    def test_says_what_was_charged(self, vendors: Vendors) -> None:
        """A deposit is money, and the look-up knows it too."""
        slot = slot_at(vendors, CLAVEL)
        done = book(vendors, slot, terms_of(vendors, slot))
        assert isinstance(done, Done)
        assert vendors.booked("booking") == [(done.reference, 15000)]
        found = find(vendors, slot)
        assert isinstance(found, Done)
        assert found.total == done.total == Money(cents=15000)

    def test_stops_when_the_fee_has_risen(self, vendors: Vendors) -> None:
        """Other terms than the confirmed ones book nothing."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "fee_changed", amount=1000)
        answer = book(vendors, slot, terms)
        assert answer == Rejected(reason=Reason.PRICE, message="The cancellation fee is now $35.00; it was $25.00.")
        assert vendors.booked("booking") == []

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"charge_now": Money(cents=1)}, Reason.PRICE),
            ({"cancellation_fee": None}, Reason.PRICE),
            ({"policies": ("Cancel when you like.",)}, Reason.POLICY),
            ({"cancel_until": None}, Reason.POLICY),
            ({"payment_method_id": 7}, Reason.PAYMENT),
        ],
    )
    def test_stops_at_any_difference(self, vendors: Vendors, change: dict[str, object], reason: Reason) -> None:
        """Every term that was on the card."""
        slot = slot_at(vendors)
        answer = book(vendors, slot, terms_of(vendors, slot).model_copy(update=change))
        assert isinstance(answer, Rejected)
        assert answer.reason is reason
        assert "POST /resy/3/book" not in vendors.wire.paths

    @pytest.mark.parametrize("operation", ["resy.details", "resy.book"])
    def test_is_refused_when_somebody_was_faster(self, vendors: Vendors, operation: str) -> None:
        """Between card and hold, or between hold and booking."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "slot_gone", target=operation)
        answer = book(vendors, slot, terms)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.SLOT_GONE
        assert vendors.booked("booking") == []

    def test_never_replaces_another_reservation(self, vendors: Vendors) -> None:
        """A conflict is shown; the other table stays."""
        other = slot_at(vendors, ISHQ)
        first = vendors.resy.book(other, party_size=2, expected=terms_of(vendors, other))
        assert isinstance(first, Done)
        wanted = next(
            slot
            for slot in vendors.resy.slots(vendors.resy.venue("84004"), day=FRIDAY, party_size=2)
            if abs(slot.starts - other.starts) < timedelta(minutes=30)
        )
        answer = book(vendors, wanted, terms_of(vendors, wanted))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.CONFLICT
        assert "Ishq & Ember" in answer.message
        assert [held.reservation_id for held in vendors.resy.reservations()] == [first.reference]

    def test_can_be_repeated_after_an_expired_session(self, vendors: Vendors) -> None:
        """Refused before anything was held or booked."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "token_expired", target="resy")
        first = book(vendors, slot, terms)
        assert isinstance(first, Retryable)
        assert first.auth
        assert isinstance(book(vendors, slot, terms), Done)
        assert len(vendors.booked("booking")) == 1

    def test_can_be_repeated_when_the_hold_failed(self, vendors: Vendors) -> None:
        """A hold books nothing, so losing it is never ambiguous."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "unavailable", target="resy.details")
        assert isinstance(book(vendors, slot, terms), Retryable)
        assert isinstance(book(vendors, slot, terms), Done)

    @pytest.mark.parametrize("fault", ["unavailable", "rate_limited", "drop_before"])
    def test_does_not_know_after_a_failure_of_the_booking(self, vendors: Vendors, fault: str) -> None:
        """Looked up it is not there, and a second attempt makes one reservation."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, fault, target="resy.book")
        assert isinstance(book(vendors, slot, terms), Unknown)
        assert find(vendors, slot) == NotThere()
        assert isinstance(book(vendors, slot, terms), Done)
        assert len(vendors.booked("booking")) == 1

    def test_is_found_when_its_answer_was_lost(self, vendors: Vendors) -> None:
        """Unknown, looked up, done."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "lose_answer", target="resy.book")
        assert isinstance(book(vendors, slot, terms), Unknown)
        found = find(vendors, slot)
        assert isinstance(found, Done)
        assert vendors.booked("booking") == [(found.reference, 0)]

    def test_takes_its_own_earlier_attempt_for_success(self, vendors: Vendors) -> None:
        """Whoever repeats without a look meets the table that was booked the first time, and books no second one."""
        slot = slot_at(vendors)
        terms = terms_of(vendors, slot)
        add_fault(vendors.world, "lose_answer", target="resy.book")
        book(vendors, slot, terms)
        again = book(vendors, slot, terms)
        assert isinstance(again, Done)
        assert vendors.booked("booking") == [(again.reference, 0)]


class TestFind:
    def test_compares_everything(self, vendors: Vendors) -> None:
        """Another day, time, place or party is another reservation."""
        slot = slot_at(vendors)
        book(vendors, slot, terms_of(vendors, slot))
        day, at = slot.starts.date(), slot.starts.time()
        others = [
            vendors.resy.find(venue_id="84002", day=day, at=at, party_size=2),
            vendors.resy.find(venue_id=ISHQ, day=day + timedelta(days=1), at=at, party_size=2),
            vendors.resy.find(venue_id=ISHQ, day=day, at=at.replace(minute=59), party_size=2),
            vendors.resy.find(venue_id=ISHQ, day=day, at=at, party_size=3),
        ]
        assert others == [NotThere()] * 4

    def test_does_not_know_while_the_list_cannot_be_read(self, vendors: Vendors) -> None:
        """No list is not an empty list."""
        slot = slot_at(vendors)
        add_fault(vendors.world, "unavailable", target="resy", times=3)
        assert isinstance(find(vendors, slot), Unknown)


class TestCancel:
    def booked(self, vendors: Vendors) -> str:
        slot = slot_at(vendors)
        done = book(vendors, slot, terms_of(vendors, slot))
        assert isinstance(done, Done)
        return done.reference

    def test_gives_the_table_back(self, vendors: Vendors) -> None:
        """Done once it is gone from the list."""
        reference = self.booked(vendors)
        done = vendors.resy.cancel(reference)
        assert isinstance(done, Done)
        assert "Ishq & Ember" in done.artifacts[0].text
        assert vendors.resy.reservations() == ()
        assert vendors.booked("cancellation") == [(reference, 0)]

    def test_uses_a_fresh_token(self, vendors: Vendors) -> None:
        """Hours later the token of the booking is long stale."""
        reference = self.booked(vendors)
        vendors.clock.advance(timedelta(hours=5))
        assert isinstance(vendors.resy.cancel(reference), Done)

    def test_knows_when_there_is_nothing_to_cancel(self, vendors: Vendors) -> None:
        """Twice is once."""
        reference = self.booked(vendors)
        vendors.resy.cancel(reference)
        answer = vendors.resy.cancel(reference)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.NOT_FOUND
        assert len(vendors.booked("cancellation")) == 1

    def test_does_not_know_when_its_answer_was_lost(self, vendors: Vendors) -> None:
        """The list tells later."""
        reference = self.booked(vendors)
        add_fault(vendors.world, "lose_answer", target="resy.cancel")
        assert isinstance(vendors.resy.cancel(reference), Unknown)
        assert vendors.resy.reservations() == ()

    def test_is_refused_after_the_dinner(self, vendors: Vendors) -> None:
        """The past cannot be given back."""
        reference = self.booked(vendors)
        vendors.clock.advance(timedelta(days=14))
        answer = vendors.resy.cancel(reference)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.POLICY
