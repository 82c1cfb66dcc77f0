"""Resy when it, or something between, answers what nobody has observed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.resy import BookingTerms, Resy, Slot, Venue
from tests.halo_engine.vendors.kit import NOW, RUBBISH, Script, Step, client, ok, raw
from tests.halo_engine.vendors.worlds import resy_over

SESSION = {"id": 1001, "token": "jwt.example"}
NEW_YORK = ZoneInfo("America/New_York")
SLOT = Slot(
    token="rgs://resy/84000/4169000/2/2026-12-04/2026-12-04/19:00:00/2/Dining Room",
    venue_id="84000",
    starts=datetime(2026, 12, 4, 19, 0, tzinfo=NEW_YORK),
    ends=datetime(2026, 12, 4, 20, 30, tzinfo=NEW_YORK),
    table="Dining Room",
)
TERMS = BookingTerms(
    policies=("Cancel at least 24 hours ahead or pay $25.00 per person.",),
    charge_now=Money(cents=0),
    cancellation_fee=Money(cents=2500),
    cancel_until=datetime(2026, 12, 4, tzinfo=UTC),
    payment_method="Visa •••• 0000",
    payment_method_id=31340000,
)
DETAILS: dict[str, Any] = {
    "book_token": {"value": "book-token-example", "date_expires": "2026-11-22T12:05:00Z"},
    "cancellation": {
        "display": {"policy": ["Cancel at least 24 hours ahead or pay $25.00 per person."]},
        "fee": {"amount": 25.0, "tax": None, "date_cut_off": "2026-12-04T00:00:00Z", "display": {"amount": "$25.00"}},
        "refund": {"date_cut_off": "2026-12-04T00:00:00Z"},
    },
    "payment": {"config": {"type": "free"}, "amounts": {"reservation_charge": 0, "total": 0}},
    "user": {"payment_methods": [{"id": 31340000, "card_type": "visa", "last_4": "0000"}]},
}
BOOKED = {"reservation_id": 867000001, "resy_token": "rr://example", "venue_opt_in": 0}
HELD: dict[str, Any] = {
    "reservation_id": 867000001,
    "resy_token": "rr://example-2",
    "venue": {"id": 84000},
    "day": "2026-12-04",
    "time_slot": "19:00:00",
    "num_seats": 2,
    "cancellation": {"allowed": True},
}
OWN_CLASH = {"specs": {"day": "2026-12-04", "time_slot": "19:00:00"}, "venue": {"id": 84000, "name": "Example Table"}}


def listed(*reservations: dict[str, Any], total: int | None = None) -> httpx.Response:
    count = len(reservations) if total is None else total
    return ok({"reservations": reservations, "venues": {"84000": {"id": 84000, "name": "Example Table"}}, "metadata": {"total": count}})


def says_no(status: int, message: str) -> httpx.Response:
    return ok({"code": 1, "data": {}, "message": message, "status": status, "title": None}, status)


def resy(*steps: Step) -> tuple[Resy, Script]:
    script = Script(ok(SESSION), *steps)
    clock = FakeClock(NOW)
    return resy_over(client(script, clock), clock), script


def booked(*steps: Step) -> Outcome:
    """The outcome of a booking whose hold went well."""
    return resy(ok(DETAILS, 201), *steps)[0].book(SLOT, party_size=2, expected=TERMS)


def held(*steps: Step) -> Outcome:
    """The outcome of a booking whose hold meets `steps`."""
    return resy(*steps)[0].book(SLOT, party_size=2, expected=TERMS)


class TestBook:
    def test_sends_a_form_that_replaces_nothing(self) -> None:
        """The token, the confirmed card, and replace=0."""
        adapter, script = resy(ok(DETAILS, 201), ok(BOOKED, 201))
        done = adapter.book(SLOT, party_size=2, expected=TERMS)
        assert isinstance(done, Done)
        assert done.reference == "867000001"
        form = parse_qs(script.sent[2].content.decode())
        assert form["replace"] == ["0"]
        assert form["book_token"] == ["book-token-example"]
        assert json.loads(form["struct_payment_method"][0]) == {"id": 31340000}
        assert json.loads(script.sent[1].content)["commit"] == 1

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """A 201 that cannot be read may be a table."""
        assert isinstance(booked(raw(body, 201)), Unknown)

    @pytest.mark.parametrize("status", [202, 204, 302, 418, 422, 429, 500, 502, 503])
    def test_does_not_know_after_any_other_status(self, status: int) -> None:
        """Also when the body looks like success, and after a 429, which may come late."""
        assert isinstance(booked(ok(BOOKED, status)), Unknown)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(400, Reason.OTHER), (402, Reason.PAYMENT), (403, Reason.RESTRICTED), (409, Reason.RESTRICTED)],
    )
    def test_is_refused_in_resys_own_words(self, status: int, reason: Reason) -> None:
        """A definite no, with its kind."""
        answer = booked(says_no(status, "No \x1b[31mway"))
        assert answer == Rejected(reason=reason, message="Resy refused it: No way")

    @pytest.mark.parametrize("status", [400, 402, 403, 409])
    def test_does_not_believe_a_no_that_is_not_resys(self, status: int) -> None:
        """A page from something between settles nothing."""
        assert isinstance(booked(raw("<html>", status)), Unknown)

    @pytest.mark.parametrize("status", [401, 419])
    def test_wants_a_new_log_in_when_told_so(self, status: int) -> None:
        """Refused before anything was done."""
        answer = booked(raw("", status))
        assert isinstance(answer, Retryable)
        assert answer.auth

    def test_does_not_know_after_a_500_that_names_authentication(self) -> None:
        """For a read that would mean a new log-in; for a booking it means nothing certain."""
        assert isinstance(booked(says_no(500, "auth failure")), Unknown)

    @pytest.mark.parametrize("error", [httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")])
    def test_does_not_know_after_a_lost_answer(self, error: Exception) -> None:
        """It may have been booked."""
        assert isinstance(booked(error), Unknown)

    def test_can_be_repeated_when_it_never_left(self) -> None:
        """No connection, no booking."""
        assert isinstance(booked(httpx.ConnectError("x")), Retryable)

    def test_is_done_when_the_table_in_the_way_is_this_one(self) -> None:
        """412 with our own specs, and the list shows it."""
        done = booked(ok(OWN_CLASH, 412), listed(HELD))
        assert isinstance(done, Done)
        assert done.reference == "867000001"

    def test_does_not_know_when_the_list_does_not_show_it_yet(self) -> None:
        """412 with our own specs says that it is there."""
        assert isinstance(booked(ok(OWN_CLASH, 412), listed(), listed()), Unknown)

    def test_is_a_conflict_for_another_number_of_people(self) -> None:
        """The same table for three is not the table for two."""
        other = HELD | {"num_seats": 3}
        answer = booked(ok(OWN_CLASH, 412), listed(other), listed(other))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.CONFLICT

    def test_is_a_conflict_with_another_restaurant(self) -> None:
        """412 with other specs names what is in the way."""
        clash = {**OWN_CLASH, "venue": {"id": 7, "name": "Other \u202eTable"}}
        answer = booked(ok(clash, 412), listed())
        expected = "There is a reservation at Other Table on 2026-12-04 19:00 already."
        assert answer == Rejected(reason=Reason.CONFLICT, message=expected)

    @pytest.mark.parametrize(
        ("step", "kind"),
        [
            (says_no(412, "This slot is no longer available."), Rejected),
            (says_no(412, "Something else."), Unknown),
            (raw("<html>", 412), Unknown),
            (raw("<html>", 404), Unknown),
        ],
    )
    def test_reads_a_412_without_specs_by_its_words(self, step: Step, kind: type[Outcome]) -> None:
        """Only "no longer available" is a table gone."""
        assert isinstance(booked(step, listed()), kind)


class TestHold:
    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_books_nothing_after_rubbish(self, body: str | bytes) -> None:
        """Terms that cannot be read are not the confirmed ones."""
        assert isinstance(held(raw(body, 201)), Retryable)

    @pytest.mark.parametrize("step", [raw("", 500), raw("", 429), httpx.ReadTimeout("x"), httpx.ConnectError("x"), raw("<html>", 403)])
    def test_books_nothing_after_a_failure(self, step: Step) -> None:
        """A hold that may exist lapses by itself."""
        assert isinstance(held(step), Retryable)

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d.pop("book_token"),
            lambda d: d["book_token"].update(date_expires="2026-11-22T12:00:00Z"),
        ],
    )
    def test_books_nothing_without_a_hold_that_lasts(self, change: Callable[[dict[str, Any]], object]) -> None:
        """No token, or one that has lapsed."""
        details = copy.deepcopy(DETAILS)
        change(details)
        assert isinstance(held(ok(details, 201)), Retryable)

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d["payment"]["amounts"].update(total=1),
            lambda d: d["cancellation"]["fee"].update(amount=20),
            lambda d: d["cancellation"].update(fee=None),
            lambda d: d["cancellation"]["refund"].update(date_cut_off="2026-12-01T00:00:00Z"),
            lambda d: d["cancellation"]["display"].update(policy=[]),
            lambda d: d["user"].update(payment_methods=[]),
        ],
    )
    def test_books_nothing_on_other_terms(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Better or worse, they are not what was confirmed; the script has no answer for a booking."""
        details = copy.deepcopy(DETAILS)
        change(details)
        assert isinstance(held(ok(details, 201)), Rejected)


class TestSession:
    @pytest.mark.parametrize("refusal", [raw("", 401), raw("", 419), says_no(500, "Authentication error")])
    def test_is_renewed_once_for_a_read(self, refusal: httpx.Response) -> None:
        """All three ways in which Resy says so."""
        adapter, script = resy(refusal, ok(SESSION), listed())
        assert adapter.reservations() == ()
        assert script.paths.count("POST /resy/3/auth/password") == 2

    def test_is_not_renewed_for_ever(self) -> None:
        """Refused again is refused."""
        adapter, script = resy(raw("", 419), ok(SESSION), raw("", 419))
        with pytest.raises(VendorFailed, match="did not accept the stored sign-in"):
            adapter.reservations()
        assert len(script.sent) == 4

    @pytest.mark.parametrize(("step", "auth"), [(raw("", 419), True), (raw("", 500), False), (ok({}), False)])
    def test_failing_means_that_nothing_was_booked(self, step: Step, auth: bool) -> None:
        """Without a session not even the hold is sent."""
        script = Script(step)
        clock = FakeClock(NOW)
        answer = resy_over(client(script, clock), clock).book(SLOT, party_size=2, expected=TERMS)
        assert isinstance(answer, Retryable)
        assert answer.auth is auth
        assert len(script.sent) == 1

    def test_tells_a_person_when_the_password_is_wrong(self) -> None:
        """In words, without the password."""
        clock = FakeClock(NOW)
        with pytest.raises(VendorFailed, match="did not accept the stored email and password"):
            resy_over(client(Script(raw("", 419)), clock), clock).reservations()


class TestFind:
    def find(self, *steps: Step) -> object:
        return resy(*steps)[0].find(venue_id="84000", day=date(2026, 12, 4), at=time(19, 0), party_size=2)

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """A list that cannot be read is not an empty one."""
        assert isinstance(self.find(raw(body)), Unknown)

    @pytest.mark.parametrize("change", [{"day": "soon"}, {"num_seats": None}, {"resy_token": ""}, {"venue": {"id": None}}])
    def test_does_not_know_when_one_reservation_is_strange(self, change: dict[str, Any]) -> None:
        """It may be the one that is looked for."""
        assert isinstance(self.find(listed(HELD | change)), Unknown)

    def test_reads_every_page(self) -> None:
        """The one that is looked for may be the last."""
        others = [HELD | {"reservation_id": number, "day": "2026-12-05"} for number in range(50)]
        assert isinstance(self.find(listed(*others, total=51), listed(HELD, total=51)), Done)

    def test_does_not_know_when_the_list_never_ends(self) -> None:
        """Not found in a thousand is not "not there"."""
        other = HELD | {"day": "2026-12-05"}
        assert isinstance(self.find(*[listed(*[other] * 50, total=10**6) for _ in range(25)]), Unknown)

    def test_takes_both_ways_of_naming_the_venue(self) -> None:
        """Clients have seen both."""
        plain = {name: value for name, value in HELD.items() if name != "venue"} | {"venue_id": 84000}
        assert isinstance(self.find(listed(plain)), Done)
        assert self.find(listed(plain | {"venue_id": 84001})) == NotThere()


class TestCancel:
    @pytest.mark.parametrize(
        ("steps", "kind"),
        [
            ((listed(HELD), raw("", 204), listed()), Done),
            ((listed(HELD), raw("<html>"), listed()), Done),
            ((listed(HELD), ok({}), listed(HELD)), Unknown),
            ((listed(HELD), ok({}), raw("<html>")), Unknown),
            ((listed(HELD), raw("", 500)), Unknown),
            ((listed(HELD), raw("", 429)), Unknown),
            ((listed(HELD), httpx.ReadTimeout("x")), Unknown),
            ((listed(HELD), httpx.ConnectError("x")), Retryable),
            ((listed(HELD), raw("", 419)), Retryable),
            ((listed(HELD), says_no(412, "Too late.")), Rejected),
            ((raw("<html>"),), Retryable),
        ],
    )
    def test_is_done_only_when_the_list_says_so(self, steps: tuple[Step, ...], kind: type[Outcome]) -> None:
        """Whatever the answer was, the reservation must be gone."""
        assert isinstance(resy(*steps)[0].cancel("867000001"), kind)


class TestSlots:
    VENUE = Venue(
        venue_id="84000",
        name="Example Table",
        neighborhood="",
        locality="",
        region="",
        cuisine=(),
        time_zone="America/New_York",
        max_party_size=8,
        automation_blocked=False,
    )

    def slots(self, *dates: tuple[str, str], zone: str = "America/New_York") -> tuple[Slot, ...]:
        found = [{"config": {"token": f"t{n}", "type": "Bar"}, "date": {"start": a, "end": b}} for n, (a, b) in enumerate(dates)]
        answer = ok({"results": {"venues": [{"venue": {"id": {"resy": 84000}}, "slots": [*found, None, {"config": 1}]}]}})
        venue = self.VENUE.model_copy(update={"time_zone": zone})
        return resy(answer)[0].slots(venue, day=date(2026, 11, 1), party_size=2)

    @pytest.mark.parametrize("zone", ["America/New_York", "EST5EDT"])
    def test_know_summer_from_winter(self, zone: str) -> None:
        """Also under the old name that Resy uses."""
        (summer, winter) = self.slots(
            ("2026-07-01 19:00:00", "2026-07-01 20:30:00"), ("2026-12-04 19:00:00", "2026-12-04 20:30:00"), zone=zone
        )
        assert (summer.starts.utcoffset(), winter.starts.utcoffset()) == (timedelta(hours=-4), timedelta(hours=-5))

    @pytest.mark.parametrize("start", ["2026-11-01 01:30:00", "2027-03-14 02:30:00", "2026-12-04T19:00:00Z", "soon"])
    def test_leave_out_times_that_are_not_one_instant(self, start: str) -> None:
        """The hour that happens twice, the one that never does, and what is no local time at all."""
        assert self.slots((start, "2027-12-04 20:30:00")) == ()

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "America", "/etc/localtime"])
    def test_fail_in_a_zone_nobody_knows(self, zone: str) -> None:
        """An hour is not guessed."""
        with pytest.raises(VendorFailed, match="time zone"):
            self.slots(("2026-12-04 19:00:00", "2026-12-04 20:30:00"), zone=zone)

    def test_are_only_those_of_the_venue_asked_for(self) -> None:
        """Another restaurant's tables are not offered under this one's name."""
        slot = {"config": {"token": "t"}, "date": {"start": "2026-12-04 19:00:00", "end": "2026-12-04 20:30:00"}}
        answer = ok({"results": {"venues": [{"venue": {"id": {"resy": 1}}, "slots": [slot]}]}})
        assert resy(answer)[0].slots(self.VENUE, day=date(2026, 12, 4), party_size=2) == ()

    def test_may_have_no_venue_at_all(self) -> None:
        """Some answers to "nothing free" leave it out."""
        assert resy(ok({"results": {"venues": []}}))[0].slots(self.VENUE, day=date(2026, 12, 4), party_size=2) == ()

    def test_fail_for_the_page_of_another_venue(self) -> None:
        """The zone must be this venue's."""
        page = {"id": {"resy": 7}, "name": "Other", "locale": {"time_zone": "UTC"}}
        with pytest.raises(VendorFailed):
            resy(ok(page))[0].slots(self.VENUE.model_copy(update={"time_zone": None}), day=date(2026, 12, 4), party_size=2)
