"""Square's side: what can be booked where and when, and what a booking leaves in the books."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.data import shops
from halo_sim.faults import add_fault
from halo_sim.ledger import read_ledger
from halo_sim.square_times import _instants
from halo_sim.world import World
from tests.halo_sim.callers import Square

#: Friday, 27 November 2026, in New York.
FRIDAY = ("2026-11-27T05:00:00Z", "2026-11-28T05:00:00Z")
CUT = ("LSHEARJOY", "VSJCUT")


@pytest.fixture
def square(http: httpx.Client) -> Square:
    """With the right token."""
    return Square(http)


def times(square: Square, where: tuple[str, str] = CUT, when: tuple[str, str] = FRIDAY) -> list[Any]:
    return list(square.times(*where, *when).json()["availabilities"])


def code(said: httpx.Response) -> tuple[int, str]:
    return said.status_code, said.json()["errors"][0]["code"]


class TestPlaces:
    def test_are_at_least_eight_with_their_zones(self, square: Square) -> None:
        """Haircut, barber, massage, vet, dentist, manicure and more."""
        places = square.get("/locations").json()["locations"]
        assert len(places) >= 8
        assert {place["timezone"] for place in places} == {"America/New_York", "America/Los_Angeles"}
        assert all(ZoneInfo(place["timezone"]) for place in places)

    @pytest.mark.parametrize("words", ["haircut", "hair cut", "barber", "massage", "vet", "dental cleaning", "manicure", "oil change"])
    def test_are_found_by_what_people_call_the_service(self, square: Square, words: str) -> None:
        """With a price, a duration and a version."""
        for item in square.services(words):
            data = item["item_data"]["variations"][0]["item_variation_data"]
            assert data["price_money"]["amount"] > 0
            assert data["service_duration"] % 60_000 == 0
        assert square.services(words)

    def test_offer_nothing_under_other_words(self, square: Square) -> None:
        """Nothing found is an answer."""
        assert square.services("tattoo") == []

    def test_state_their_rules(self, square: Square) -> None:
        """The window, the fee, and whether somebody looks first."""
        joy = square.get("/bookings/business-booking-profile", location_id="LSHEARJOY").json()["business_booking_profile"]
        assert joy["booking_policy"] == "ACCEPT_ALL"
        assert joy["business_appointment_settings"]["cancellation_fee_money"] == {"amount": 2000, "currency": "USD"}
        vet = square.get("/bookings/business-booking-profile", location_id="LPAWPRINT").json()["business_booking_profile"]
        assert vet["booking_policy"] == "REQUIRES_ACCEPTANCE"


class TestTimes:
    def test_follow_the_hours_of_the_place(self, square: Square) -> None:
        """Ten to six in its own zone, the last one over by closing."""
        zone = ZoneInfo("America/New_York")
        starts = [datetime.fromisoformat(one["start_at"]).astimezone(zone) for one in times(square)]
        assert starts == sorted(starts)
        assert all(10 * 60 <= at.hour * 60 + at.minute <= 18 * 60 - 45 for at in starts)

    def test_are_the_same_each_time(self, square: Square) -> None:
        """A rule, not chance."""
        assert times(square) == times(square)

    def test_are_none_on_a_closed_day(self, square: Square) -> None:
        """Shear Joy rests on Mondays."""
        assert times(square, when=("2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z")) == []

    def test_lie_ahead(self, square: Square, clock: FakeClock) -> None:
        """What has begun cannot be booked any more."""
        clock.advance(timedelta(days=5, hours=4))
        assert all(datetime.fromisoformat(one["start_at"]) > clock.now() for one in times(square))

    @pytest.mark.parametrize(
        "when",
        [
            ("2026-11-27T05:00:00Z", "2026-11-28T04:59:59Z"),
            ("2026-11-27T05:00:00Z", "2027-01-01T05:00:00Z"),
            ("2026-11-28T05:00:00Z", "2026-11-27T05:00:00Z"),
        ],
    )
    def test_are_searched_over_a_day_to_a_month(self, square: Square, when: tuple[str, str]) -> None:
        """As Square has it."""
        assert code(square.times(*CUT, *when)) == (400, "INVALID_TIME_RANGE")

    @pytest.mark.parametrize("when", [("soon", "later"), ("2026-11-27T05:00:00", "2026-11-28T05:00:00")])
    def test_are_written_with_a_zone(self, square: Square, when: tuple[str, str]) -> None:
        """RFC 3339, or 400."""
        assert code(square.times(*CUT, *when)) == (400, "INVALID_TIME")


class TestTheDayTheClocksChange:
    @pytest.mark.parametrize(("day", "at", "hours"), [((2026, 3, 8), 2, []), ((2026, 11, 1), 1, [5, 6]), ((2026, 7, 1), 1, [5])])
    def test_has_no_time_that_is_left_out_and_both_that_come_twice(self, day: tuple[int, int, int], at: int, hours: list[int]) -> None:
        """As a shop in New York would offer them."""
        found = _instants(date(*day), clock_time(at, 30), ZoneInfo("America/New_York"))
        assert found == [datetime(*day, hour, 30, tzinfo=UTC) for hour in hours]


class TestABooking:
    def test_takes_the_time_and_stands_in_the_books(self, square: Square, world: World) -> None:
        """Accepted at once, charged nothing."""
        time = times(square)[0]
        booking = square.book(time, customer_note="hello").json()["booking"]
        assert (booking["status"], booking["version"], booking["customer_note"]) == ("ACCEPTED", 0, "hello")
        assert time not in times(square)
        (entry,) = read_ledger(world.path)
        assert (entry.vendor, entry.kind, entry.client_reference, entry.charged.cents) == ("square", "booking", "k1", 0)
        assert (entry.reference, entry.detail["start_at"]) == (booking["id"], time["start_at"])

    def test_is_one_for_each_key(self, square: Square, world: World) -> None:
        """The same answer again; another body under the key is refused."""
        first, other = times(square)[:2]
        assert square.book(first).content == square.book(first).content
        assert code(square.book(other)) == (400, "IDEMPOTENCY_KEY_REUSED")
        assert len(read_ledger(world.path)) == 1

    def test_of_a_time_that_is_taken_is_a_conflict(self, square: Square, world: World) -> None:
        """409, under whatever key."""
        time = times(square)[0]
        square.book(time)
        assert code(square.book(time, key="k2")) == (409, "CONFLICT")
        add_fault(world, "slot_gone", target="LSHEARJOY")
        assert code(square.book(times(square)[0], key="k3")) == (409, "CONFLICT")
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize("change", [{"service_variation_version": 1}, {"duration_minutes": 10}, {"service_variation_id": "VNONE"}])
    def test_of_another_service_than_the_one_on_offer_is_refused(self, square: Square, change: dict[str, Any], world: World) -> None:
        """The version is what was read, or the price may not be."""
        time = times(square)[0]
        segments = [{**time["appointment_segments"][0], **change}]
        assert square.book({**time, "appointment_segments": segments}).status_code in (400, 404)
        assert read_ledger(world.path) == ()

    def test_of_a_time_nobody_offers_is_a_conflict(self, square: Square) -> None:
        """In the middle of the night."""
        assert code(square.book({**times(square)[0], "start_at": "2026-11-27T08:00:00Z"})) == (409, "CONFLICT")

    def test_waits_where_somebody_looks_first(self, square: Square, clock: FakeClock) -> None:
        """Pending for five minutes, then accepted."""
        time = times(square, ("LPAWPRINT", "VPPCHK"))[0]
        booking = square.book(time).json()["booking"]
        assert booking["status"] == "PENDING"
        clock.advance(timedelta(minutes=5))
        assert square.get(f"/bookings/{booking['id']}").json()["booking"]["status"] == "ACCEPTED"

    def test_is_listed_for_its_customer(self, square: Square) -> None:
        """Page by page, in the time that was asked for."""
        for number, time in enumerate({one["start_at"]: one for one in times(square)}.values()):
            square.book(time, key=f"k{number}")
        query = {"customer_id": "C1", "start_at_min": FRIDAY[0], "start_at_max": FRIDAY[1], "limit": "2"}
        first = square.get("/bookings", **query).json()
        second = square.get("/bookings", **query, cursor=first["cursor"]).json()
        assert [len(first["bookings"]), second["bookings"][0] in first["bookings"]] == [2, False]
        assert square.get("/bookings", customer_id="C2").json()["bookings"] == []

    def test_needs_the_token(self, square: Square) -> None:
        """401 in Square's shape."""
        square.headers = {"authorization": "Bearer x"}
        assert code(square.get("/locations")) == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize(
        ("fault", "status", "word"), [("unavailable", 503, "SERVICE_UNAVAILABLE"), ("rate_limited", 429, "RATE_LIMITED")]
    )
    def test_fails_in_squares_words(self, square: Square, world: World, fault: str, status: int, word: str) -> None:
        """Also where the router says it."""
        time = times(square)[0]
        add_fault(world, fault, target="square.create_booking")
        assert code(square.book(time)) == (status, word)
        assert read_ledger(world.path) == ()


class TestCancelling:
    def booked(self, square: Square) -> Any:
        return square.book(times(square)[0]).json()["booking"]

    def cancel(self, square: Square, booking: Any, *, version: int = 0, key: str = "c1") -> httpx.Response:
        return square.post(f"/bookings/{booking['id']}/cancel", {"idempotency_key": key, "booking_version": version})

    def test_frees_the_time(self, square: Square, world: World) -> None:
        """In good time it costs nothing."""
        time = times(square)[0]
        booking = self.booked(square)
        said = self.cancel(square, booking).json()["booking"]
        assert (said["status"], said["version"]) == ("CANCELLED_BY_CUSTOMER", 1)
        assert time in times(square)
        assert [(entry.kind, entry.charged.cents) for entry in read_ledger(world.path)] == [("booking", 0), ("cancellation", 0)]

    def test_late_costs_the_fee(self, square: Square, clock: FakeClock, world: World) -> None:
        """Twenty dollars, within a day of it."""
        booking = self.booked(square)
        clock.advance(datetime.fromisoformat(booking["start_at"]) - clock.now() - timedelta(hours=1))
        self.cancel(square, booking)
        assert read_ledger(world.path)[-1].charged.cents == 2000
        assert clock.now().tzinfo is UTC

    def test_names_the_version(self, square: Square) -> None:
        """So that nobody cancels what has changed since."""
        assert code(self.cancel(square, self.booked(square), version=7)) == (409, "CONFLICT")

    def test_twice_is_replayed_or_refused(self, square: Square, world: World) -> None:
        """Under its key the first answer; under another a plain no."""
        booking = self.booked(square)
        assert self.cancel(square, booking).content == self.cancel(square, booking).content
        assert self.cancel(square, booking, version=1, key="c2").status_code == 400
        assert len(read_ledger(world.path)) == 2


def test_every_place_has_a_free_time_in_any_fortnight(square: Square) -> None:
    """A rule that leaves nothing free would be no rule."""
    for shop in shops().values():
        for service in shop.services:
            for variation in service.variations:
                assert times(square, (shop.location_id, variation.variation_id), ("2027-01-01T00:00:00Z", "2027-01-15T00:00:00Z"))
