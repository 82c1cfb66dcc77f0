"""Square Bookings as its callers see it: places, the catalogue of services, their rules, free times; and how it says no.

The writing side is `square_bookings.py`. At the real Square a token belongs to one seller; here one token sees every seller of the neighbourhood, so
that a household has a choice, and the booking profile is asked for with a `location_id`. That, and which status goes with which code, is this
simulator's own; paths, members, statuses and codes are the official SDK's (PyPI `squareup` 46). Source: vendor notes §2.5.
"""

from __future__ import annotations

import re
from datetime import timedelta

from halo_engine.model.money import Money
from halo_sim import square_bookings
from halo_sim.data import ServiceItem, Shop, Variation, shops
from halo_sim.router import Route, Vendor
from halo_sim.square_bookings import instant, read_instant
from halo_sim.square_refusals import refuse
from halo_sim.square_times import FreeTime, fee_of, free_times, price_of, variation_at
from halo_sim.wire import Json, JsonObject, Refusal, Request, Response, json_response, object_of, objects_of, read_object, text_of
from halo_sim.world import Transaction

ACCESS_TOKEN = "sq-halo-sim"  # noqa: S105 - the simulator's own, and written in its documentation
_SHORTEST, _LONGEST = timedelta(hours=24), timedelta(days=32)


def locations(_tx: Transaction, _request: Request) -> Response:
    """GET v2/locations."""
    return json_response(200, {"locations": [_location(shop) for shop in shops().values()]})


def _location(shop: Shop) -> JsonObject:
    return {
        "id": shop.location_id,
        "name": shop.name,
        "business_name": shop.name,
        "description": shop.category,
        "address": {"address_line_1": shop.street, "locality": shop.locality, "country": "US"},
        "timezone": shop.time_zone,
        "status": "ACTIVE",
        "country": "US",
        "currency": "USD",
    }


def search_items(tx: Transaction, request: Request) -> Response:
    """POST v2/catalog/search-catalog-items: services whose name, place or words have all the words of the text filter."""
    body = read_object(request)
    wanted = set(_words(text_of(body, "text_filter", limit=255)))
    found = [
        _item(tx, shop, service) for shop in shops().values() for service in shop.services if wanted <= set(_words(_about(shop, service)))
    ]
    # Nothing found is an answer without items.
    return json_response(200, {"items": found, "matched_variation_ids": []} if found else {})


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("’", "").replace("hair cut", "haircut"))


def _about(shop: Shop, service: ServiceItem) -> str:
    return " ".join((shop.name, service.name, *service.keywords, *(variation.name for variation in service.variations)))


def _item(tx: Transaction, shop: Shop, service: ServiceItem) -> JsonObject:
    variations = [_variation(tx, service, variation) for variation in service.variations]
    data: JsonObject = {"name": service.name, "product_type": "APPOINTMENTS_SERVICE", "variations": variations}
    return {"type": "ITEM", "id": service.item_id, "present_at_location_ids": [shop.location_id], "item_data": data}


def _variation(tx: Transaction, service: ServiceItem, variation: Variation) -> JsonObject:
    data: JsonObject = {
        "item_id": service.item_id,
        "name": variation.name,
        "pricing_type": "FIXED_PRICING",
        "price_money": _money(price_of(tx, variation)),
        "service_duration": variation.duration_minutes * 60_000,
        "available_for_booking": True,
    }
    return {"type": "ITEM_VARIATION", "id": variation.variation_id, "version": variation.version, "item_variation_data": data}


def _money(amount: Money) -> JsonObject:
    return {"amount": amount.cents, "currency": amount.currency}


def profile(tx: Transaction, request: Request) -> Response:
    """GET v2/bookings/business-booking-profile?location_id=."""
    shop = shops().get(request.query.get("location_id", ""))
    if shop is None:
        raise Refusal(404, "NOT_FOUND", "The location was not found.", details="location_id")
    fee = fee_of(tx, shop)
    settings: dict[str, Json] = {
        "cancellation_window_seconds": shop.cancellation_window_hours * 3600,
        "cancellation_policy": "CUSTOM_POLICY",
        "cancellation_policy_text": shop.policy,
    }
    if fee.cents:
        settings["cancellation_fee_money"] = _money(fee)
    policy = "ACCEPT_ALL" if shop.accepts_at_once else "REQUIRES_ACCEPTANCE"
    described: dict[str, Json] = {
        "seller_id": f"M{shop.location_id}",
        "booking_enabled": True,
        "booking_policy": policy,
        "allow_user_cancel": True,
    }
    return json_response(200, {"business_booking_profile": {**described, "business_appointment_settings": settings}})


def team_member(_tx: Transaction, request: Request) -> Response:
    """GET v2/bookings/team-member-booking-profiles/{team_member_id}."""
    team = {worker.team_member_id: worker for shop in shops().values() for worker in shop.team}
    worker = team.get(request.params["team_member_id"])
    if worker is None:
        raise Refusal(404, "NOT_FOUND", "The team member was not found.", details="team_member_id")
    described: JsonObject = {"team_member_id": worker.team_member_id, "display_name": worker.name, "is_bookable": True}
    return json_response(200, {"team_member_booking_profile": described, "errors": []})


def availability(tx: Transaction, request: Request) -> Response:
    """POST v2/bookings/availability/search: of one service at one place, over 24 hours to 32 days."""
    asked = object_of(object_of(read_object(request), "query"), "filter")
    between = object_of(asked, "start_at_range")
    start, end = read_instant(text_of(between, "start_at")), read_instant(text_of(between, "end_at"))
    if not _SHORTEST <= end - start <= _LONGEST:
        raise Refusal(400, "INVALID_TIME_RANGE", "The range must be from 24 hours to 32 days.", details="start_at_range")
    (segment,) = objects_of(asked, "segment_filters", low=1, high=1)
    found = variation_at(text_of(asked, "location_id"), text_of(segment, "service_variation_id"))
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The service was not found.", details="service_variation_id")
    times = free_times(tx, *found, start, end)
    return json_response(200, {"availabilities": [_availability(one) for one in times], "errors": []})


def _availability(time: FreeTime) -> JsonObject:
    segment: JsonObject = {
        "duration_minutes": time.variation.duration_minutes,
        "service_variation_id": time.variation.variation_id,
        "team_member_id": time.worker.team_member_id,
        "service_variation_version": time.variation.version,
    }
    return {"start_at": instant(time.starts_at), "location_id": time.shop.location_id, "appointment_segments": [segment]}


def _check_caller(_tx: Transaction, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {ACCESS_TOKEN}":
        raise Refusal(401, "UNAUTHORIZED", "This request could not be authorized.")


VENDOR = Vendor(
    name="square",
    routes=(
        Route("GET", "/v2/locations", "locations", locations),
        Route("POST", "/v2/catalog/search-catalog-items", "search_items", search_items),
        Route("GET", "/v2/bookings/business-booking-profile", "profile", profile),
        Route("GET", "/v2/bookings/team-member-booking-profiles/{team_member_id}", "team_member", team_member),
        Route("POST", "/v2/bookings/availability/search", "availability", availability),
        Route("POST", "/v2/bookings", "create_booking", square_bookings.create, commits=True),
        Route("GET", "/v2/bookings", "list_bookings", square_bookings.list_all),
        Route("GET", "/v2/bookings/{booking_id}", "retrieve_booking", square_bookings.retrieve),
        Route("POST", "/v2/bookings/{booking_id}/cancel", "cancel_booking", square_bookings.cancel, commits=True),
    ),
    check_caller=_check_caller,
    refuse=refuse,
)
