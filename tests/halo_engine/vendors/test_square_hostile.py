"""Square when it answers what no documentation promises."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Done, NotThere, Outcome, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.square import Appointment, Place, Square
from tests.halo_engine.vendors.kit import RUBBISH, Script, Step, client, ok, raw
from tests.halo_engine.vendors.worlds import square_over

WANTED = Appointment(
    location_id="L1",
    variation_id="SV1",
    version=1,
    team_member_id="T1",
    duration_minutes=60,
    starts=datetime(2026, 12, 5, tzinfo=UTC),
)
PLACE = Place(location_id="L1", name="Joy", street="1 Example St", locality="New York", time_zone="America/New_York")
SEGMENT = {"duration_minutes": 60, "service_variation_id": "SV1", "team_member_id": "T1", "service_variation_version": 1}
TIME: dict[str, Any] = {"start_at": "2026-12-05T00:00:00Z", "location_id": "L1", "appointment_segments": [SEGMENT]}
BOOKING: dict[str, Any] = {**TIME, "id": "bk1", "version": 0, "status": "ACCEPTED", "customer_note": "Booked by Halo (key-1)"}
ITEM: dict[str, Any] = {
    "id": "I1",
    "present_at_location_ids": ["L1", "L9"],
    "item_data": {
        "name": "Haircut",
        "variations": [
            {
                "id": "SV1",
                "version": 1,
                "item_variation_data": {
                    "name": "Regular",
                    "price_money": {"amount": 6500, "currency": "USD"},
                    "service_duration": 3_600_000,
                    "available_for_booking": True,
                },
            }
        ],
    },
}
LOCATION: dict[str, Any] = {"id": "L1", "name": "Joy", "timezone": "America/New_York", "status": "ACTIVE"}


def square(*steps: Step) -> tuple[Square, Script]:
    script = Script(*steps)
    return square_over(client(script)), script


def booked(*steps: Step) -> Outcome:
    return square(*steps)[0].book(WANTED, key="key-1")


def answered(**change: Any) -> httpx.Response:
    return ok({"booking": BOOKING | change, "errors": []})


def says_no(status: int, *codes: str) -> httpx.Response:
    return ok({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": code, "detail": "No."} for code in codes]}, status)


def listing(*bookings: dict[str, Any]) -> httpx.Response:
    return ok({"bookings": list(bookings)})


class TestBook:
    def test_sends_the_same_bytes_each_time(self) -> None:
        """The key, the terms, and nothing that changes by itself."""
        adapter, script = square(answered(), answered())
        assert isinstance(adapter.book(WANTED, key="key-1"), Done)
        adapter.book(WANTED, key="key-1")
        first, second = script.sent
        assert first.content == second.content
        assert b'"idempotency_key":"key-1"' in first.content
        assert (first.headers["authorization"], first.headers["square-version"]) == ("Bearer sq-halo-sim", "2026-09-16")

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """A 200 that cannot be read may be a booking."""
        assert isinstance(booked(raw(body)), Unknown)

    @pytest.mark.parametrize(
        "change",
        [
            {"start_at": "2026-12-05T01:00:00Z"},
            {"start_at": "2026-12-05T00:00:00"},
            {"location_id": "L2"},
            {"customer_note": "Booked by Halo (key-2)"},
            {"customer_note": ""},
            {"status": "SOMETHING_NEW"},
            {"status": None},
            {"version": "0"},
            {"id": ""},
            {"appointment_segments": []},
            {"appointment_segments": [SEGMENT, SEGMENT]},
            {"appointment_segments": [SEGMENT | {"team_member_id": "T2"}]},
            {"appointment_segments": [SEGMENT | {"duration_minutes": 90}]},
        ],
    )
    def test_does_not_know_after_another_booking(self, change: dict[str, Any]) -> None:
        """Another time, place, person or key: never done."""
        assert isinstance(booked(answered(**change)), Unknown)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("ACCEPTED", Done),
            ("PENDING", Pending),
            ("DECLINED", Rejected),
            ("CANCELLED_BY_SELLER", Rejected),
            ("CANCELLED_BY_CUSTOMER", Rejected),
        ],
    )
    def test_is_done_only_when_accepted(self, status: str, kind: type[Outcome]) -> None:
        """Pending is not done, and declined is a no."""
        assert isinstance(booked(answered(status=status)), kind)

    @pytest.mark.parametrize("status", [202, 204, 302, 409, 418, 500, 502, 503])
    def test_does_not_know_after_another_status(self, status: int) -> None:
        """Whatever the body says."""
        assert isinstance(booked(ok({"booking": BOOKING}, status)), Unknown)
        assert isinstance(booked(raw("<html>", status)), Unknown)

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (400, "BAD_REQUEST", Rejected),
            (402, "CARD_DECLINED", Rejected),
            (403, "INSUFFICIENT_SCOPES", Rejected),
            (404, "NOT_FOUND", Rejected),
            (401, "ACCESS_TOKEN_EXPIRED", Retryable),
            (401, "UNAUTHORIZED", Retryable),
            (429, "RATE_LIMITED", Retryable),
            (400, "IDEMPOTENCY_KEY_REUSED", Unknown),
            (409, "SOMETHING_NEW", Unknown),
            (500, "INTERNAL_SERVER_ERROR", Unknown),
            (503, "CONFLICT", Unknown),
        ],
    )
    def test_is_refused_in_squares_own_words(self, status: int, code: str, kind: type[Outcome]) -> None:
        """And an expired token did nothing."""
        assert isinstance(booked(says_no(status, code)), kind)

    def test_reads_all_the_errors(self) -> None:
        """A used key among others is still a used key."""
        assert isinstance(booked(says_no(400, "BAD_REQUEST", "IDEMPOTENCY_KEY_REUSED")), Unknown)

    @pytest.mark.parametrize(
        ("look", "kind"),
        [
            (listing(BOOKING), Done),
            (listing(BOOKING | {"status": "PENDING"}), Pending),
            (listing(), Rejected),
            (listing(BOOKING | {"customer_note": "mine, by telephone"}), Rejected),
            (listing(BOOKING | {"status": "CANCELLED_BY_CUSTOMER"}), Rejected),
            (raw("<html>"), Unknown),
        ],
    )
    def test_looks_who_has_the_time_before_it_is_gone(self, look: Step, kind: type[Outcome]) -> None:
        """It may be this very booking."""
        answer = booked(says_no(409, "CONFLICT"), look)
        assert isinstance(answer, kind)
        assert not isinstance(answer, Rejected) or answer.reason is Reason.SLOT_GONE

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(httpx.ConnectError("x"), Retryable), (httpx.ReadTimeout("x"), Unknown), (httpx.RemoteProtocolError("x"), Unknown)],
    )
    def test_tells_not_sent_from_maybe_sent(self, error: Exception, kind: type[Outcome]) -> None:
        """Only what never left may be sent again without a look."""
        assert isinstance(booked(error), kind)


class TestFind:
    @pytest.mark.parametrize(
        ("steps", "kind"),
        [
            ((listing(BOOKING),), Done),
            ((listing(BOOKING | {"status": "NO_SHOW"}),), Done),
            ((listing(BOOKING | {"status": "SOMETHING_NEW"}),), Unknown),
            ((listing(BOOKING | {"id": "bk0", "customer_note": "x"}),), NotThere),
            ((listing({"id": "bk0"}),), Unknown),
            ((ok({}),), NotThere),
            ((ok({"bookings": [], "cursor": "2"}), listing(BOOKING)), Done),
        ],
    )
    def test_reads_the_whole_list_or_does_not_know(self, steps: tuple[Step, ...], kind: type[object]) -> None:
        """Half of it could hide the booking that is looked for."""
        assert isinstance(square(*steps)[0].find(WANTED, key="key-1"), kind)

    def test_gives_up_on_a_list_without_end(self) -> None:
        """A cursor that always leads on."""
        assert isinstance(square(*[ok({"bookings": [], "cursor": "2"})] * 20)[0].find(WANTED, key="key-1"), Unknown)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    item = copy.deepcopy(ITEM)
    change(item)
    return item


class TestServices:
    @pytest.mark.parametrize(
        "change",
        [
            lambda item: item["item_data"]["variations"][0].update(version="new"),
            lambda item: item["item_data"]["variations"][0]["item_variation_data"].update(service_duration=0),
            lambda item: item["item_data"]["variations"][0]["item_variation_data"].update(available_for_booking=False),
            lambda item: item["item_data"]["variations"][0]["item_variation_data"]["price_money"].update(currency="JPY"),
            lambda item: item["item_data"]["variations"][0]["item_variation_data"]["price_money"].update(amount=65.0),
            lambda item: item.update(present_at_location_ids=["L9"]),
            lambda item: item.pop("item_data"),
        ],
    )
    def test_that_cannot_be_read_are_left_out(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The others still count."""
        adapter, _ = square(ok({"items": [changed(change), ITEM, None]}), ok({"locations": [LOCATION, 7]}))
        assert [one.variation_id for one in adapter.services("haircut")] == ["SV1"]

    def test_of_a_closed_place_are_left_out(self) -> None:
        """A location that is not active takes nobody."""
        adapter, _ = square(ok({"items": [ITEM]}), ok({"locations": [LOCATION | {"status": "INACTIVE"}]}))
        assert adapter.services("haircut") == ()

    @pytest.mark.parametrize("body", [body for name, body in RUBBISH.items() if name != "an empty object"])
    def test_fail_after_rubbish(self, body: str | bytes) -> None:
        """An unreadable catalogue is not an empty one."""
        with pytest.raises(VendorFailed):
            square(raw(body))[0].services("haircut")


class TestTimes:
    def test_of_another_place_or_service_are_left_out(self) -> None:
        """Only what was asked for, on the day that was asked for, each once."""
        others = [TIME | {"location_id": "L2"}, TIME | {"start_at": "2026-12-05T12:00:00Z"}]
        others.append(TIME | {"appointment_segments": [SEGMENT | {"service_variation_id": "SV2"}]})
        adapter, _ = square(ok({"availabilities": [*others, TIME, TIME]}))
        assert adapter.times(PLACE, "SV1", day=date(2026, 12, 4)) == (WANTED,)

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd"])
    def test_in_a_zone_nobody_knows_are_not_guessed(self, zone: str) -> None:
        """An hour that is wrong is worse than none."""
        with pytest.raises(VendorFailed):
            square()[0].times(PLACE.model_copy(update={"time_zone": zone}), "SV1", day=date(2026, 12, 4))


class TestCancel:
    @pytest.mark.parametrize(
        ("steps", "kind"),
        [
            ((answered(), answered(status="CANCELLED_BY_CUSTOMER")), Done),
            ((answered(status="CANCELLED_BY_SELLER"),), Done),
            ((answered(), answered()), Unknown),
            ((answered(), answered(id="bk2", status="CANCELLED_BY_CUSTOMER")), Unknown),
            ((answered(), raw("<html>")), Unknown),
            ((answered(), says_no(409, "CONFLICT")), Rejected),
            ((answered(), httpx.ReadTimeout("x")), Unknown),
            ((raw("<html>"),), Retryable),
        ],
    )
    def test_is_done_only_when_the_booking_says_so(self, steps: tuple[Step, ...], kind: type[Outcome]) -> None:
        """Any other answer settles nothing."""
        assert isinstance(square(*steps)[0].cancel("bk1", key="c1"), kind)
