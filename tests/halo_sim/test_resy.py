"""Resy: find, details, book, list, cancel, and its ways of saying no."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.data import venues
from halo_sim.ledger import read_ledger
from halo_sim.world import World
from tests.halo_sim.callers import Resy, exact

ISHQ = 84001
FREE_BAR = 84004
DEPOSIT = 84005
SOLD_OUT = 84019
NOPA = 84020
#: A Friday within everybody's lead time.
DAY = "2026-12-04"


class TestVenues:
    def test_are_found_by_name(self, resy: Resy) -> None:
        """The hit has the documented members, with the id nested."""
        body = {"query": "Ishq & Ember", "per_page": 5, "page": 1, "types": ["venue"], "slot_filter": {"day": DAY, "party_size": 2}}
        hit = exact(resy.post("/3/venuesearch/search", json=body))["search"]["hits"][0]
        assert (hit["id"], hit["name"], hit["locality"]) == ({"resy": ISHQ}, "Ishq & Ember", "New York")
        assert set(hit) >= {"objectID", "neighborhood", "region", "cuisine", "price_range_id", "rating", "url_slug", "location", "_geoloc"}
        assert hit["feature_recaptcha"] is False

    @pytest.mark.parametrize(
        ("query", "first"), [("nopa", "Nopa"), ("ishq", "Ishq & Ember"), ("thai", "Thai Basil House"), ("corner pies", "Corner Pie")]
    )
    def test_are_found_by_less_than_the_name(self, resy: Resy, query: str, first: str) -> None:
        """A kitchen, a part of the name or a slip of the finger will do."""
        hits = resy.post("/3/venuesearch/search", json={"query": query}).json()["search"]["hits"]
        assert hits[0]["name"] == first

    def test_are_found_near_a_place_only(self, resy: Resy) -> None:
        """Nopa is in San Francisco, and not near New York."""
        near = {"latitude": Decimal("40.7"), "longitude": Decimal("-73.98"), "radius": 16100}
        body = {"query": "nopa", "geo": {name: str(number) for name, number in near.items()}}
        assert resy.post("/3/venuesearch/search", json=body).status_code == 400
        body = {"query": "nopa", "geo": {"latitude": 41, "longitude": -74, "radius": 50_000}}
        names = [hit["name"] for hit in resy.post("/3/venuesearch/search", json=body).json()["search"]["hits"]]
        assert "Nopa" not in names

    def test_tell_their_time_zone(self, resy: Resy) -> None:
        """Slot times make no sense without it."""
        assert resy.get("/3/venue", id=NOPA).json()["locale"]["time_zone"] == "America/Los_Angeles"
        assert resy.get("/3/venue", url_slug="nopa").json()["id"] == {"resy": NOPA}

    def test_are_twenty_with_the_awkward_ones(self) -> None:
        """Fees, deposits, a human check, one always full, one far away."""
        everyone = [venue for venue in venues().values() if venue.neighborhood != "Simulator"]
        assert len(everyone) == 20
        assert sum(venue.deposit_cents_per_person > 0 for venue in everyone) == 2
        assert sum(venue.feature_recaptcha for venue in everyone) == 1
        assert sum(venue.sold_out for venue in everyone) == 1

    def test_show_which_days_have_a_table(self, resy: Resy) -> None:
        """Closed, sold out and available are three things."""
        said = resy.get("/4/venue/calendar", venue_id=ISHQ, num_seats=2, start_date="2026-12-04", end_date="2026-12-07").json()
        assert [day["inventory"]["reservation"] for day in said["scheduled"]] == ["available", "available", "available", "closed"]
        full = resy.get("/4/venue/calendar", venue_id=SOLD_OUT, num_seats=2, start_date=DAY, end_date=DAY).json()
        assert full["scheduled"][0]["inventory"]["reservation"] == "sold-out"
        assert resy.get("/2/config", venue_id=ISHQ).json() == {"lead_time_in_days": 30}


class TestFind:
    def test_gives_slots_in_the_venues_own_time(self, resy: Resy) -> None:
        """Start and end have no zone, the cut-off is UTC a day before 17:30 in New York."""
        slot = resy.slots(ISHQ, DAY)[0]
        start = slot["date"]["start"]
        token = f"rgs://resy/{ISHQ}/{slot['template']['id']}/2/{DAY}/{DAY}/{start[11:]}/2/{slot['config']['type']}"
        assert slot["config"]["token"] == token
        assert slot["payment"]["is_paid"] is True
        assert slot["payment"]["cancellation_fee"] == Decimal("25.00")
        assert slot["payment"]["deposit_fee"] is None
        assert slot["payment"]["time_cancel_cut_off"].startswith("2026-12-03T")

    def test_is_the_same_every_time(self, resy: Resy) -> None:
        """Availability is a function of the venue and the date."""
        assert resy.slots(ISHQ, DAY) == resy.slots(ISHQ, DAY)
        assert resy.slots(ISHQ, DAY) != resy.slots(ISHQ, "2026-12-05")

    @pytest.mark.parametrize(
        ("venue_id", "day", "party_size"),
        [(SOLD_OUT, DAY, 2), (ISHQ, "2026-12-07", 2), (ISHQ, "2027-02-01", 2), (ISHQ, "2026-11-21", 2), (ISHQ, DAY, 20)],
        ids=["always full", "closed on Mondays", "beyond the lead time", "in the past", "too many people"],
    )
    def test_gives_no_slots_rather_than_an_error(self, resy: Resy, venue_id: int, day: str, party_size: int) -> None:
        """Nothing to be had is an empty list."""
        assert resy.slots(venue_id, day, party_size) == []

    def test_leaves_out_what_has_begun(self, resy: Resy, clock: FakeClock) -> None:
        """Today's slots go one by one."""
        before = len(resy.slots(FREE_BAR, "2026-11-22"))
        clock.advance(timedelta(hours=9))
        assert 0 < len(resy.slots(FREE_BAR, "2026-11-22")) < before

    def test_has_tables_on_most_days(self, resy: Resy) -> None:
        """A household that asks for dinner next week usually finds one."""
        days = [date(2026, 11, 24) + timedelta(days=step) for step in range(10)]
        assert all(resy.slots(FREE_BAR, str(day), 4) for day in days)


class TestDetails:
    def test_are_a_quote_without_commit(self, resy: Resy) -> None:
        """Terms and amounts, no token, nothing held."""
        slot = resy.slots(ISHQ, DAY)[0]
        said = resy.details(slot, day=DAY)
        assert said.status_code == 200
        body = exact(said)
        assert "book_token" not in body
        assert body["cancellation"]["fee"]["amount"] == Decimal("25.00")
        assert body["cancellation"]["display"]["policy"] == ["Cancel at least 24 hours ahead or pay $25.00 per person."]
        assert body["payment"]["amounts"]["total"] == 0

    def test_hold_with_commit(self, resy: Resy) -> None:
        """201 and a token of five minutes."""
        said = resy.details(resy.slots(ISHQ, DAY)[0], day=DAY, commit=1)
        assert said.status_code == 201
        assert said.json()["book_token"]["date_expires"] == "2026-11-22T16:34:00Z"

    def test_state_a_deposit_for_the_party(self, resy: Resy) -> None:
        """Seventy-five dollars for each of two."""
        body = exact(resy.details(resy.slots(DEPOSIT, DAY)[0], day=DAY))
        assert body["payment"]["config"] == {"type": "deposit"}
        assert body["payment"]["amounts"]["total"] == Decimal("150.00")

    def test_want_json(self, resy: Resy) -> None:
        """A form is 415, a bare query 400."""
        assert resy.post("/3/details", data={"config_id": "x"}).status_code == 415
        headers = {**resy.headers, "content-type": "application/json"}
        assert resy.http.post("/resy/3/details?config_id=x&day=2026-12-04&party_size=2", headers=headers).status_code == 400

    def test_are_404_for_a_slot_that_is_taken(self, resy: Resy) -> None:
        """Slot gone is 404, not 412."""
        slot = resy.slots(ISHQ, DAY)[0]
        resy.book(resy.hold(slot, day=DAY))
        said = resy.details(slot, day=DAY)
        assert said.status_code == 404
        assert set(said.json()) == {"code", "data", "message", "status", "title"}


class TestBook:
    def test_makes_a_reservation(self, resy: Resy, world: World) -> None:
        """It is in the list and in the books, and its slot is gone."""
        slot = resy.slots(ISHQ, DAY)[0]
        said = resy.book(resy.hold(slot, day=DAY))
        assert said.status_code == 201
        assert set(said.json()) == {"reservation_id", "resy_token", "venue_opt_in"}
        listed = resy.reservations()[0]
        assert (listed["reservation_id"], listed["day"], listed["num_seats"]) == (said.json()["reservation_id"], DAY, 2)
        assert f"{listed['day']} {listed['time_slot']}" == slot["date"]["start"]
        assert slot["config"]["token"] not in [other["config"]["token"] for other in resy.slots(ISHQ, DAY)]
        entry = read_ledger(world.path)[0]
        assert (entry.vendor, entry.kind, entry.charged.cents) == ("resy", "booking", 0)

    def test_charges_a_deposit(self, resy: Resy, world: World) -> None:
        """For each guest."""
        resy.book(resy.hold(resy.slots(DEPOSIT, DAY)[0], day=DAY))
        assert read_ledger(world.path)[0].charged.cents == 15_000

    def test_tells_412_with_its_own_specs_when_repeated(self, resy: Resy, world: World) -> None:
        """There is no idempotency key: a repeat meets its own reservation."""
        slot = resy.slots(ISHQ, DAY)[0]
        token = resy.hold(slot, day=DAY)
        resy.book(token)
        said = resy.book(token)
        assert said.status_code == 412
        assert f"{said.json()['specs']['day']} {said.json()['specs']['time_slot']}" == slot["date"]["start"]
        assert said.json()["venue"] == {"id": ISHQ, "name": "Ishq & Ember"}
        assert len(read_ledger(world.path)) == 1

    def test_tells_412_with_other_specs_when_another_table_waits(self, resy: Resy) -> None:
        """Nobody dines at two places at once; an hour that does not overlap is fine."""
        resy.book(resy.hold(_at(resy, ISHQ, "19"), day=DAY))
        said = resy.book(resy.hold(_at(resy, FREE_BAR, "19"), day=DAY))
        assert (said.status_code, said.json()["venue"]["id"]) == (412, ISHQ)
        assert resy.book(resy.hold(_at(resy, FREE_BAR, "22"), day=DAY)).status_code == 201

    def test_replaces_only_when_told_to(self, resy: Resy, world: World) -> None:
        """With replace the other reservation is cancelled, and the books show both."""
        resy.book(resy.hold(_at(resy, ISHQ, "19"), day=DAY))
        resy.book(resy.hold(_at(resy, FREE_BAR, "19"), day=DAY), replace="1")
        assert [entry.kind for entry in read_ledger(world.path)] == ["booking", "cancellation", "booking"]

    def test_forgets_a_hold_after_five_minutes(self, resy: Resy, clock: FakeClock, world: World) -> None:
        """The token is gone, which is 404."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        clock.advance(timedelta(minutes=5))
        assert resy.book(token).status_code == 404
        assert read_ledger(world.path) == ()

    def test_takes_a_token_once(self, resy: Resy) -> None:
        """Also after its reservation was cancelled."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        resy.post("/3/cancel", data={"resy_token": resy.book(token).json()["resy_token"]})
        assert resy.book(token).status_code == 404

    def test_wants_a_form_and_a_known_token(self, resy: Resy) -> None:
        """JSON is an invalid book token."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        said = resy.post("/3/book", json={"book_token": token})
        assert (said.status_code, said.json()["message"]) == (400, "Invalid book token.")
        assert resy.book("made-up").status_code == 400

    @pytest.mark.parametrize("method", ["", "{}", '{"id":1}', "[", "[" * 20_000], ids=["none", "no id", "wrong id", "not JSON", "too deep"])
    def test_wants_a_card_where_a_card_is_held(self, resy: Resy, method: str) -> None:
        """402 without one."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        assert resy.book(token, struct_payment_method=method).status_code == 402


def _at(resy: Resy, venue_id: int, hour: str) -> Any:
    return next(slot for slot in resy.slots(venue_id, DAY) if slot["date"]["start"][11:13] == hour)


class TestCancel:
    def test_frees_the_slot_and_empties_the_list(self, resy: Resy, world: World) -> None:
        """In time it costs nothing."""
        slot = resy.slots(ISHQ, DAY)[0]
        token = resy.book(resy.hold(slot, day=DAY)).json()["resy_token"]
        said = resy.post("/3/cancel", data={"resy_token": token})
        assert (said.status_code, said.json()) == (200, {"payment": {"transaction": {"refund": 1}}})
        assert resy.reservations() == []
        assert slot in resy.slots(ISHQ, DAY)
        assert [entry.charged.cents for entry in read_ledger(world.path)] == [0, 0]

    def test_charges_the_fee_after_the_cut_off(self, resy: Resy, clock: FakeClock, world: World) -> None:
        """Twenty-five dollars for each of two."""
        resy.book(resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY))
        clock.advance(timedelta(days=11, hours=23))
        listed = resy.reservations()[0]
        assert listed["cancellation"]["fee"]["applies"] is True
        assert resy.post("/3/cancel", data={"resy_token": listed["resy_token"]}).json()["payment"]["transaction"]["refund"] == 0
        assert read_ledger(world.path)[1].charged.cents == 5_000

    def test_refunds_a_deposit_in_time(self, resy: Resy, world: World) -> None:
        """The entry says how much came back."""
        token = resy.book(resy.hold(resy.slots(DEPOSIT, DAY)[0], day=DAY)).json()["resy_token"]
        resy.post("/3/cancel", data={"resy_token": token})
        assert read_ledger(world.path)[1].detail["refunded_cents"] == 15_000

    def test_is_too_late_once_it_began(self, resy: Resy, clock: FakeClock) -> None:
        """Policy forbids it, which is 412."""
        resy.book(resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY))
        clock.advance(timedelta(days=13))
        listed = resy.reservations()[0]
        assert listed["status"]["finished"] == 1
        assert resy.post("/3/cancel", data={"resy_token": listed["resy_token"]}).status_code == 412

    def test_is_404_the_second_time(self, resy: Resy) -> None:
        """What is gone cannot be found."""
        token = resy.book(resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)).json()["resy_token"]
        resy.post("/3/cancel", data={"resy_token": token})
        said = resy.post("/3/cancel", data={"resy_token": token})
        assert (said.status_code, said.json()["code"]) == (404, 1025)

    def test_needs_a_fresh_token(self, resy: Resy, clock: FakeClock) -> None:
        """A stored one stops working; a new list gives a new one."""
        token = resy.book(resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)).json()["resy_token"]
        clock.advance(timedelta(hours=2))
        assert resy.post("/3/cancel", data={"resy_token": token}).status_code == 404
        assert resy.post("/3/cancel", data={"resy_token": resy.reservations()[0]["resy_token"]}).status_code == 200


class TestCallers:
    def test_need_a_user_agent(self, resy: Resy) -> None:
        """Without one Resy answers 500."""
        said = resy.http.get("/resy/2/user", headers={**resy.headers, "user-agent": ""})
        assert said.status_code == 500

    def test_need_the_api_key(self, resy: Resy) -> None:
        """A wrong one is 401."""
        assert resy.http.get("/resy/2/user", headers={**resy.headers, "authorization": "ResyAPI"}).status_code == 401

    def test_need_a_session(self, resy: Resy, clock: FakeClock) -> None:
        """It lasts 45 days and then answers 419, until they log in again."""
        assert resy.get("/2/user").json()["em_address"] == "buyer@example.com"
        clock.advance(timedelta(days=45))
        assert resy.get("/2/user").status_code == 419
        resy.login()
        assert resy.get("/2/user").status_code == 200

    def test_need_the_right_password(self, resy: Resy) -> None:
        """A wrong one is 419 too."""
        said = resy.post("/3/auth/password", data={"email": "buyer@example.com", "password": "guess"})
        assert said.status_code == 419

    def test_get_a_token_that_tells_its_expiry(self, http: httpx.Client, resy: Resy) -> None:
        """Three parts, as a JWT has."""
        assert resy.headers["x-resy-auth-token"].count(".") == 2
