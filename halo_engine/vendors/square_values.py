"""What Halo says to and hears from Square Bookings, as values. Re-exported by `square`; kept apart so that the wire can make them."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from halo_engine.model.money import Money
from halo_engine.model.value import Value


class Place(Value):
    """A business at an address: Square's "location"."""

    location_id: str
    name: str
    street: str
    locality: str
    #: IANA name.
    time_zone: str


class Service(Value):
    """Something that can be booked at a place: Square's "item variation"."""

    place: Place
    variation_id: str
    #: Changes with every edit of the service: a booking of another version is refused.
    version: int
    name: str
    duration_minutes: int
    #: Paid there, not when it is booked. None where the place names no fixed price.
    price: Money | None


class Appointment(Value):
    """One free time for a service with one person, by Square's own identifiers: what a booking asks for, to the byte."""

    location_id: str
    variation_id: str
    version: int
    team_member_id: str
    duration_minutes: int = Field(ge=1)
    #: UTC; shown in the place's zone.
    starts: AwareDatetime


class HouseRules(Value):
    """What booking at a place binds the household to."""

    #: False: a booking stands only when the place has accepted it.
    accepts_at_once: bool
    #: Until so long before it begins, cancelling is free; None where it always is.
    free_to_cancel_s: int | None
    #: For cancelling later than that, or for not coming.
    fee: Money | None
    words: str


class Booking(Value):
    """An appointment that was booked, and what has become of it."""

    booking_id: str
    #: Has to be named to cancel it, so that nobody cancels what has changed since.
    version: int
    status: str
    appointment: Appointment
    #: What the booker wrote: Halo's own key, by which it knows its bookings.
    note: str

    @property
    def stands(self) -> bool:
        """Whether it keeps the time: accepted, or still to be."""
        return self.status in ("PENDING", "ACCEPTED")
