"""Resy's web API as its clients see it: login, venues, slots; and how it says no.

The writing side is `resy_bookings.py`. Two of its habits are kept on purpose: a request without a User-Agent is answered 500, and an
expired session 419.
"""

from __future__ import annotations

import base64
import math
import re
from datetime import date, timedelta
from decimal import Decimal
from difflib import SequenceMatcher

from halo_engine.model.money import Money
from halo_sim import resy_bookings
from halo_sim.data import BUYER_EMAIL, Venue, venues
from halo_sim.resy_bookings import PAYMENT_METHOD_ID, instant, read_day
from halo_sim.resy_slots import Slot, fee_per_person, free_slots, is_open, last_day
from halo_sim.router import Route, Vendor
from halo_sim.wire import (
    FORM_TYPE,
    Json,
    JsonObject,
    Refusal,
    Request,
    Response,
    is_object,
    json_response,
    number_of,
    query_number,
    read_form,
    read_object,
    write_json,
)
from halo_sim.world import Transaction, from_text, to_text

API_KEY = "halo-sim"
PASSWORD = "halo-sim"  # noqa: S105 - the simulator's own, and written in its documentation

SESSION_LIFE = timedelta(days=45)
_EARTH_RADIUS_M = 6_371_000
#: Beyond this, a number is neither a coordinate nor a distance on Earth.
_FAR_M = 50_000_000
#: How much a name may differ from what was asked for and still be offered.
_CLOSE_ENOUGH = 0.6


# Who may call.


def login(tx: Transaction, request: Request) -> Response:
    """POST 3/auth/password: a session of 45 days."""
    if request.content_type != FORM_TYPE:
        raise Refusal(400, "bad_request", "Invalid request: email is missing.")
    form = read_form(request)
    if (form.get("email", "").lower(), form.get("password")) != (BUYER_EMAIL, PASSWORD):
        raise Refusal(419, "unauthorized", "The email or the password is wrong.")
    expires_at = tx.now + SESSION_LIFE
    token = _session_token(tx, int(expires_at.timestamp()))
    tx.run("INSERT INTO tokens VALUES (?, 'resy', ?)", token, to_text(expires_at))
    return json_response(200, {**_profile(), "payment_method_id": PAYMENT_METHOD_ID, "token": token, "guest_id": 2002})


def _session_token(tx: Transaction, expires: int) -> str:
    """Three parts like a JWT; clients may read `exp` from the middle one."""
    parts = (write_json({"alg": "none", "typ": "JWT"}), write_json({"exp": expires, "uid": 1001}), bytes.fromhex(tx.new_secret()))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _profile() -> JsonObject:
    return {
        "id": 1001,
        "first_name": "Alex",
        "last_name": "Householder",
        "em_address": BUYER_EMAIL,
        "mobile_number": "+12125550100",
        "payment_methods": [{"id": PAYMENT_METHOD_ID, "card_type": "visa", "last_4": "0000", "is_default": True}],
    }


def _check_caller(tx: Transaction, request: Request) -> None:
    if not request.headers.get("user-agent"):
        raise Refusal(500, "server_error", "Internal Server Error")
    if request.headers.get("authorization") != f'ResyAPI api_key="{API_KEY}"':
        raise Refusal(401, "unauthorized", "Unauthorized")
    if request.segments[1:] == ("3", "auth", "password"):
        return
    found = tx.row("SELECT expires_at FROM tokens WHERE vendor = 'resy' AND token = ?", request.headers.get("x-resy-auth-token", ""))
    if found is None or from_text(found["expires_at"]) <= tx.now:
        raise Refusal(419, "session_expired", "Authentication timeout: please log in again.")


def user(_tx: Transaction, _request: Request) -> Response:
    """GET 2/user."""
    return json_response(200, _profile())


# Venues.


def search(_tx: Transaction, request: Request) -> Response:
    """POST 3/venuesearch/search: venues whose name, kitchen or place is like the query, nearest in meaning first."""
    body = read_object(request)
    query = body.get("query", "")
    if not isinstance(query, str):
        raise Refusal(400, "bad_request", "Invalid request: query must be a text.")
    per_page = number_of({"per_page": 5, **body}, "per_page", low=1, high=50)
    page = number_of({"page": 1, **body}, "page", low=1, high=1000)
    geo = body.get("geo")
    near = [venue for venue in venues().values() if not is_object(geo) or _within(venue, geo)]
    hits = [venue for venue in near if not query or _likeness(venue, query[:200])]
    hits.sort(key=lambda venue: (-_likeness(venue, query[:200]), -venue.reviews, venue.venue_id))
    shown = [_hit(venue) for venue in hits[(page - 1) * per_page : page * per_page]]
    meta = {"page": page, "per_page": per_page, "total": len(hits)}
    return json_response(200, {"meta": meta, "search": {"nbHits": len(hits), "hits": shown}, "suggestions": []})


def _likeness(venue: Venue, query: str) -> int:
    wanted, name = _letters(query), _letters(venue.name)
    if not wanted:
        return 0
    if wanted == name:
        return 1000
    words = set(wanted.split())
    about = set(_letters(" ".join((*venue.cuisine, venue.neighborhood, venue.locality))).split())
    close = SequenceMatcher(None, wanted, name).ratio()
    fuzzy = round(100 * close) if close >= _CLOSE_ENOUGH else 0
    return 100 * len(words & set(name.split())) + 10 * len(words & about) + fuzzy


def _letters(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("’", "")))


def _within(venue: Venue, geo: JsonObject) -> bool:
    """Whether the venue lies in the circle asked for; a geo that is not a circle is refused."""
    latitude, longitude, radius_m = (_coordinate(geo, name) for name in ("latitude", "longitude", "radius"))
    here, there = math.radians(latitude), math.radians(float(Decimal(venue.latitude)))
    across = math.radians(float(Decimal(venue.longitude)) - longitude)
    chord = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(across / 2) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord))) <= radius_m


def _coordinate(geo: JsonObject, name: str) -> float:
    number = geo.get(name)
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not -_FAR_M <= number <= _FAR_M:
        raise Refusal(400, "bad_request", f"Invalid request: geo.{name}.")
    return float(number)


def _hit(venue: Venue) -> JsonObject:
    return {
        **_described(venue),
        "objectID": str(venue.venue_id),
        "location": _location(venue),
        "_geoloc": {"lat": Decimal(venue.latitude), "lng": Decimal(venue.longitude)},
        "max_party_size": venue.max_party,
        "availability": {"slots": [], "templates": {}},
        "is_tock_inventory": False,
        "feature_recaptcha": venue.feature_recaptcha,
        "requires_reservation_transfers": False,
    }


def _described(venue: Venue) -> JsonObject:
    return {
        "id": {"resy": venue.venue_id},
        "name": venue.name,
        "neighborhood": venue.neighborhood,
        "locality": venue.locality,
        "region": venue.region,
        "cuisine": venue.cuisine,
        "price_range_id": venue.price_range,
        "rating": {"average": Decimal(venue.rating), "count": venue.reviews},
        "url_slug": venue.url_slug,
    }


def _location(venue: Venue) -> JsonObject:
    code = "sf" if venue.locality == "San Francisco" else "ny"
    slug = f"{venue.locality.lower().replace(' ', '-')}-{venue.region.lower()}"
    return {
        "id": 1 if code == "ny" else 3,
        "code": code,
        "url_slug": slug,
        "name": venue.locality,
        "address_1": venue.address,
        "latitude": Decimal(venue.latitude),
        "longitude": Decimal(venue.longitude),
        "time_zone": venue.time_zone,
    }


def venue_page(_tx: Transaction, request: Request) -> Response:
    """GET 3/venue?id= or ?url_slug=."""
    slug = request.query.get("url_slug")
    venue = next((v for v in venues().values() if v.url_slug == slug), None) if slug else _asked_venue(request, "id")
    if venue is None:
        raise Refusal(404, "not_found", "The venue could not be found.")
    locale = {"currency": "USD", "time_zone": venue.time_zone}
    return json_response(200, {**_described(venue), "location": _location(venue), "locale": locale})


def _asked_venue(request: Request, name: str) -> Venue:
    venue = venues().get(query_number(request, name, default=0, low=0, high=10**9))
    if venue is None:
        raise Refusal(404, "not_found", "The venue could not be found.")
    return venue


def config(_tx: Transaction, request: Request) -> Response:
    """GET 2/config?venue_id=."""
    return json_response(200, {"lead_time_in_days": _asked_venue(request, "venue_id").lead_time_days})


# Slots.


def find(tx: Transaction, request: Request) -> Response:
    """GET 4/find?day=&party_size=&venue_id=: the free slots; no availability is an empty list, not an error."""
    venue, day = _asked_venue(request, "venue_id"), read_day(request.query.get("day", ""))
    party_size = query_number(request, "party_size", default=0, low=1, high=100)
    slots = [_slot(tx, slot) for slot in free_slots(tx, venue, day, party_size)]
    named: JsonObject = {"venue": {"id": {"resy": venue.venue_id}, "name": venue.name, "location": {"time_zone": venue.time_zone}}}
    return json_response(200, {"results": {"venues": [{**named, "slots": slots}]}})


def _slot(tx: Transaction, slot: Slot) -> JsonObject:
    number = slot.template * 10_000 + slot.at.hour * 100 + slot.at.minute
    return {
        "config": {"id": number, "type": slot.table, "token": slot.token},
        "date": {"start": slot.local_start, "end": slot.local_end},
        "size": {"min": slot.party_min, "max": slot.party_max},
        "quantity": 1,
        "template": {"id": slot.template},
        "shift": {"id": slot.template // 10},
        "payment": _payment(tx, slot),
    }


def _payment(tx: Transaction, slot: Slot) -> JsonObject:
    fee, deposit = fee_per_person(tx, slot.venue), Money(cents=slot.venue.deposit_cents_per_person)
    seconds, cut_off = slot.venue.cut_off_hours * 3600, instant(slot.cut_off)
    return {
        "is_paid": bool(fee.cents or deposit.cents),
        "cancellation_fee": _dollars(fee),
        "deposit_fee": _dollars(deposit),
        "secs_cancel_cut_off": seconds,
        "time_cancel_cut_off": cut_off,
        "secs_change_cut_off": seconds,
        "time_change_cut_off": cut_off,
    }


def _dollars(amount: Money) -> Json:
    return amount.to_decimal() if amount.cents else None


def calendar(tx: Transaction, request: Request) -> Response:
    """GET 4/venue/calendar?venue_id=&num_seats=&start_date=&end_date=: which days have a table."""
    venue = _asked_venue(request, "venue_id")
    seats = query_number(request, "num_seats", default=2, low=1, high=100)
    start, end = read_day(request.query.get("start_date", "")), read_day(request.query.get("end_date", ""))
    last = last_day(tx, venue)
    days = [start + timedelta(days=step) for step in range(min(62, (min(end, last) - start).days + 1))]
    scheduled: list[Json] = [{"date": str(day), "inventory": _inventory(tx, venue, day, seats)} for day in days]
    return json_response(200, {"last_calendar_day": str(last), "scheduled": scheduled})


def _inventory(tx: Transaction, venue: Venue, day: date, seats: int) -> JsonObject:
    state = "available" if free_slots(tx, venue, day, seats) else "sold-out"
    state = state if is_open(venue, day) else "closed"
    return {"reservation": state, "event": "not available", "walk-in": "available"}


# How it says no.

_CODES = {"not_found": 1025, "slot_gone": 1026}


def _refuse(refusal: Refusal) -> Response:
    code = _CODES.get(refusal.code, refusal.status)
    body: JsonObject = {"code": code, "data": {}, "message": refusal.message, "status": refusal.status, "title": None}
    headers = () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)
    return json_response(refusal.status, body, headers=headers)


VENDOR = Vendor(
    name="resy",
    routes=(
        Route("POST", "/3/auth/password", "login", login),
        Route("GET", "/2/user", "user", user),
        Route("POST", "/3/venuesearch/search", "search", search),
        Route("GET", "/3/venue", "venue", venue_page),
        Route("GET", "/2/config", "config", config),
        Route("GET", "/4/venue/calendar", "calendar", calendar),
        Route("GET", "/4/find", "find", find),
        Route("POST", "/3/details", "details", resy_bookings.details),
        Route("POST", "/3/book", "book", resy_bookings.book, commits=True),
        Route("POST", "/3/cancel", "cancel", resy_bookings.cancel, commits=True),
        Route("GET", "/3/user/reservations", "reservations", resy_bookings.reservations),
    ),
    check_caller=_check_caller,
    refuse=_refuse,
)
