"""The shapes of Square's API: answers as private models, and what they come to. Called by `square` only.

Members, statuses and codes are the official SDK's (PyPI `squareup` 46). Times are RFC 3339 in UTC, money is in the currency's minor unit,
durations of services are in milliseconds and of appointments in minutes. Source: vendor notes §2.5.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError

from halo_engine.model.money import SYMBOLS, Money
from halo_engine.vendors.square_values import Appointment, Booking, HouseRules, Place, Service
from halo_engine.vendors.wire import Ident, Text, UnreadableError, Wire

_MINUTE_MS = 60_000


class _Error(Wire):
    category: str
    code: str
    detail: Text = ""


class Errors(Wire):
    """Square's own way of saying no. An answer without it did not come from Square's own programs."""

    errors: tuple[_Error, ...] = Field(min_length=1)

    @property
    def codes(self) -> frozenset[str]:
        """All of them: one answer may name several."""
        return frozenset(error.code for error in self.errors)

    @property
    def message(self) -> str:
        """In Square's words."""
        return self.errors[0].detail or self.errors[0].code


class _Money(Wire):
    amount: int = Field(ge=0, strict=True)
    currency: str

    def money(self) -> Money:
        """Raises `UnreadableError` where the minor unit may not be a hundredth."""
        if self.currency not in SYMBOLS:
            raise UnreadableError("a currency whose minor unit is not known")
        return Money(cents=self.amount, currency=self.currency)


# Places.


class _Address(Wire):
    address_line_1: Text = ""
    locality: Text = ""


class _Location(Wire):
    id: Ident
    name: Text
    address: _Address = _Address()
    timezone: str
    status: str = "ACTIVE"


class Locations(Wire):
    """Read one by one: a strange one is left out, the others still count."""

    locations: tuple[Any, ...]

    def places(self) -> dict[str, Place]:
        """The open ones by their id."""
        return {place.location_id: place for raw in self.locations for place in _place_of(raw)}


def _place_of(raw: Any) -> tuple[Place, ...]:
    try:
        one = _Location.model_validate(raw)
    except ValidationError:
        return ()
    place = Place(
        location_id=one.id,
        name=one.name,
        street=one.address.address_line_1,
        locality=one.address.locality,
        time_zone=one.timezone,
    )
    return (place,) if one.status == "ACTIVE" else ()


# Services.


class _VariationData(Wire):
    name: Text
    price_money: _Money | None = None
    service_duration: int = Field(ge=_MINUTE_MS, strict=True)
    available_for_booking: bool = False


class _Variation(Wire):
    id: Ident
    version: int = Field(ge=0, strict=True)
    item_variation_data: _VariationData


class _ItemData(Wire):
    name: Text
    variations: tuple[_Variation, ...]


class _Item(Wire):
    item_data: _ItemData
    present_at_location_ids: tuple[Ident, ...] = ()


class Catalogue(Wire):
    """Items read one by one, as places are. No items at all is an empty object."""

    items: tuple[Any, ...] = ()

    def services(self, places: dict[str, Place]) -> tuple[Service, ...]:
        """Every readable service at every place that has it, in the vendor's order."""
        return tuple(service for raw in self.items for service in _services_of(raw, places))


def _services_of(raw: Any, places: dict[str, Place]) -> tuple[Service, ...]:
    try:
        item = _Item.model_validate(raw)
        return tuple(
            _service(item.item_data.name, variation, places[location_id])
            for location_id in item.present_at_location_ids
            if location_id in places
            for variation in item.item_data.variations
            if variation.item_variation_data.available_for_booking
        )
    except (ValidationError, UnreadableError):
        return ()


def _service(item_name: str, variation: _Variation, place: Place) -> Service:
    data = variation.item_variation_data
    # A single variation is called "Regular" by default, which names nothing.
    named = item_name if data.name in ("", "Regular") else f"{item_name}, {data.name}"
    return Service(
        place=place,
        variation_id=variation.id,
        version=variation.version,
        name=named,
        duration_minutes=data.service_duration // _MINUTE_MS,
        price=None if data.price_money is None else data.price_money.money(),
    )


# Rules.


class _Settings(Wire):
    cancellation_window_seconds: int | None = Field(default=None, ge=0, strict=True)
    cancellation_fee_money: _Money | None = None
    cancellation_policy_text: Text = ""


class _Profile(Wire):
    booking_policy: str
    business_appointment_settings: _Settings = _Settings()


class Rules(Wire):
    business_booking_profile: _Profile

    def rules(self) -> HouseRules:
        """Whatever is not plainly acceptance at once has to be waited for. Raises `UnreadableError`."""
        settings = self.business_booking_profile.business_appointment_settings
        fee = settings.cancellation_fee_money
        return HouseRules(
            accepts_at_once=self.business_booking_profile.booking_policy == "ACCEPT_ALL",
            free_to_cancel_s=settings.cancellation_window_seconds,
            fee=fee.money() if fee is not None and fee.amount else None,
            words=settings.cancellation_policy_text,
        )


class _Member(Wire):
    team_member_id: Ident
    display_name: Text


class TeamMember(Wire):
    team_member_booking_profile: _Member


# Times and bookings.


class _Segment(Wire):
    duration_minutes: int = Field(ge=1, le=24 * 60, strict=True)
    service_variation_id: Ident
    team_member_id: Ident
    service_variation_version: int = Field(ge=0, strict=True)


class _Availability(Wire):
    start_at: AwareDatetime
    location_id: Ident
    appointment_segments: tuple[_Segment, ...]

    def appointment(self) -> Appointment:
        """Raises `UnreadableError` for a time that is cut into several services."""
        if len(self.appointment_segments) != 1:
            raise UnreadableError("not one appointment")
        (segment,) = self.appointment_segments
        return Appointment(
            location_id=self.location_id,
            variation_id=segment.service_variation_id,
            version=segment.service_variation_version,
            team_member_id=segment.team_member_id,
            duration_minutes=segment.duration_minutes,
            starts=self.start_at.astimezone(UTC),
        )


class Availabilities(Wire):
    availabilities: tuple[_Availability, ...] = ()


class _Booking(_Availability):
    id: Ident
    version: int = Field(ge=0, strict=True)
    status: str
    customer_note: Text = ""

    def booking(self) -> Booking:
        """As a value. Raises `UnreadableError`."""
        return Booking(
            booking_id=self.id, version=self.version, status=self.status, appointment=self.appointment(), note=self.customer_note
        )


class OneBooking(Wire):
    booking: _Booking


class Bookings(Wire):
    """A booking that cannot be read makes the page unreadable: it may be the one that is looked for."""

    bookings: tuple[_Booking, ...] = ()
    cursor: str = ""
