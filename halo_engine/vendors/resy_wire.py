"""The shapes of Resy's web API: answers as private models, and what they come to. Called by `resy` only.

Source: vendor notes §2.1; the API is unofficial, so models ask for as little as they can. Slot times have no zone and mean the venue's own
clock, cut-offs are UTC, amounts are dollars as JSON numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.vendors.resy_values import BookingTerms, Reservation, Slot, Venue
from halo_engine.vendors.wire import HeaderToken, Ident, NotNegative, Opaque, Text, Wire, to_money


def _dollars(value: Any) -> Any:
    return to_money(value, "USD")


Dollars = Annotated[Money, BeforeValidator(_dollars), NotNegative]


def _bare_id(value: Any) -> Any:
    """Venue ids come as `{"resy": 1}` and as plain numbers."""
    return value.get("resy") if isinstance(value, dict) else value


VenueId = Annotated[Ident, BeforeValidator(_bare_id)]


class PaymentMethod(Wire):
    id: int = Field(strict=True, ge=1)
    card_type: Text = ""
    type: Text = ""
    last_4: Text = ""
    is_default: bool = False

    @property
    def masked(self) -> str:
        """`Visa •••• 0000`"""
        return f"{(self.card_type or self.type or 'card').capitalize()} •••• {self.last_4}".strip()


class Session(Wire):
    token: HeaderToken


class Refusal(Wire):
    """Resy's error body. An answer without it did not come from Resy's own programs."""

    message: Text


class Specs(Wire):
    day: date
    time_slot: time


class ClashVenue(Wire):
    id: VenueId
    name: Text = "another restaurant"


class Clash(Wire):
    """The body of a 412: the reservation that stands in the way."""

    specs: Specs
    venue: ClashVenue

    def is_at(self, venue_id: str, day: date, at: time) -> bool:
        """Whether that is the table which was asked for."""
        return (self.venue.id, self.specs.day, self.specs.time_slot) == (venue_id, day, at)


# Venues.


class _Hit(Wire):
    id: VenueId
    name: Text
    neighborhood: Text | None = None
    locality: Text | None = None
    region: Text | None = None
    cuisine: tuple[Text, ...] = ()
    max_party_size: int = Field(default=20, ge=1, le=1000)
    is_tock_inventory: bool = False
    feature_recaptcha: bool = False


class _Hits(Wire):
    hits: tuple[Any, ...]


class VenueSearch(Wire):
    """Hits are read one by one: a strange one is left out, the others still count."""

    search: _Hits

    def venues(self) -> tuple[Venue, ...]:
        """The readable hits, in the vendor's order."""
        return tuple(venue for raw in self.search.hits for venue in _venue_of(raw))


def _venue_of(raw: Any) -> tuple[Venue, ...]:
    try:
        hit = _Hit.model_validate(raw)
    except ValidationError:
        return ()
    venue = Venue(
        venue_id=hit.id,
        name=hit.name,
        neighborhood=hit.neighborhood or "",
        locality=hit.locality or "",
        region=hit.region or "",
        cuisine=hit.cuisine[:10],
        time_zone=None,
        max_party_size=hit.max_party_size,
        automation_blocked=hit.feature_recaptcha or hit.is_tock_inventory,
    )
    return (venue,)


class _Locale(Wire):
    time_zone: str


class _Location(Wire):
    neighborhood: Text | None = None
    locality: Text | None = None
    region: Text | None = None
    name: Text | None = None


class VenueDetail(Wire):
    id: VenueId
    name: Text
    locale: _Locale
    location: _Location = _Location()
    neighborhood: Text | None = None
    locality: Text | None = None
    region: Text | None = None
    cuisine: tuple[Text, ...] = ()
    max_party_size: int = Field(default=20, ge=1, le=1000)
    is_tock_inventory: bool = False
    feature_recaptcha: bool = False

    def venue(self) -> Venue:
        """With its time zone."""
        place = self.location
        return Venue(
            venue_id=self.id,
            name=self.name,
            neighborhood=self.neighborhood or place.neighborhood or "",
            locality=self.locality or place.locality or place.name or "",
            region=self.region or place.region or "",
            cuisine=self.cuisine[:10],
            time_zone=self.locale.time_zone,
            max_party_size=self.max_party_size,
            automation_blocked=self.feature_recaptcha or self.is_tock_inventory,
        )


def zone_of(name: str) -> ZoneInfo:
    """The zone called `name`. Raises `VendorFailed`: an hour must not be guessed."""
    try:
        return ZoneInfo(name)
    # A path or a folder name raises ValueError or OSError, an unknown name KeyError.
    except (KeyError, ValueError, OSError) as error:
        raise VendorFailed("Resy names a time zone that is not known here.") from error


# Slots.


class _SlotConfig(Wire):
    token: Opaque
    type: Text = ""


class _SlotDate(Wire):
    start: datetime
    end: datetime


class _Size(Wire):
    min: int = 1
    max: int = 1000


class _Slot(Wire):
    config: _SlotConfig
    date: _SlotDate
    size: _Size = _Size()


class _FoundVenue(Wire):
    id: VenueId


class _FoundAt(Wire):
    venue: _FoundVenue
    slots: tuple[Any, ...]


class _Results(Wire):
    venues: tuple[_FoundAt, ...]


class SlotSearch(Wire):
    results: _Results

    def slots(self, venue_id: str, zone: ZoneInfo, party_size: int) -> tuple[Slot, ...]:
        """The venue's readable slots for that many people, earliest first."""
        raw = [slot for found in self.results.venues if found.venue.id == venue_id for slot in found.slots]
        slots = [slot for item in raw for slot in _slot_of(item, venue_id, zone, party_size)]
        return tuple(sorted(slots, key=lambda slot: slot.starts))


def _slot_of(raw: Any, venue_id: str, zone: ZoneInfo, party_size: int) -> tuple[Slot, ...]:
    try:
        slot = _Slot.model_validate(raw)
    except ValidationError:
        return ()
    starts, ends = _instants(slot.date.start, zone), _instants(slot.date.end, zone)
    if len(starts) != 1 or len(ends) != 1 or not slot.size.min <= party_size <= slot.size.max:
        return ()
    return (Slot(token=slot.config.token, venue_id=venue_id, starts=starts[0], ends=ends[0], table=slot.config.type),)


def _instants(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """What `local` may mean on the venue's clock: two instants in an hour that it shows twice or leaves out, otherwise one."""
    if local.tzinfo is not None:
        return ()
    readings = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return tuple({at.astimezone(UTC): at for at in readings}.values())


# Terms.


class _Display(Wire):
    policy: tuple[Text, ...] = ()


class _Fee(Wire):
    amount: Dollars
    date_cut_off: AwareDatetime | None = None


class _Refund(Wire):
    date_cut_off: AwareDatetime | None = None


class _Cancellation(Wire):
    display: _Display
    fee: _Fee | None = None
    refund: _Refund | None = None


class _Amounts(Wire):
    total: Dollars


class _Payment(Wire):
    amounts: _Amounts


class _User(Wire):
    payment_methods: tuple[PaymentMethod, ...] = ()


class BookToken(Wire):
    """A hold on a table, for about five minutes."""

    value: Opaque
    date_expires: AwareDatetime | None = None

    def has_lapsed(self, now: datetime) -> bool:
        """Whether it is of no more use."""
        return self.date_expires is not None and self.date_expires <= now


class Details(Wire):
    """The terms of a slot; with `book_token` also a hold on it."""

    cancellation: _Cancellation
    payment: _Payment
    user: _User | None = None
    book_token: BookToken | None = None

    def terms(self) -> BookingTerms:
        """What the card must say."""
        fee, refund = self.cancellation.fee, self.cancellation.refund
        cut_offs = [part.date_cut_off.astimezone(UTC) for part in (fee, refund) if part is not None and part.date_cut_off is not None]
        method = self._method()
        return BookingTerms(
            policies=self.cancellation.display.policy,
            charge_now=self.payment.amounts.total,
            cancellation_fee=None if fee is None or fee.amount.cents == 0 else fee.amount,
            cancel_until=min(cut_offs, default=None),
            payment_method=None if method is None else method.masked,
            payment_method_id=None if method is None else method.id,
        )

    def _method(self) -> PaymentMethod | None:
        methods = self.user.payment_methods if self.user is not None else ()
        return next((method for method in methods if method.is_default), methods[0] if methods else None)


# Reservations.


class Booked(Wire):
    reservation_id: Ident


class _ReservationVenue(Wire):
    id: VenueId
    name: Text = ""


class _CancellationRight(Wire):
    allowed: bool = False


class _Invoice(Wire):
    total: Dollars


class _Paid(Wire):
    invoice: _Invoice | None = None


class _Listed(Wire):
    reservation_id: Ident
    resy_token: Opaque
    #: Both ways of naming the venue occur.
    venue: _ReservationVenue | None = None
    venue_id: VenueId | None = None
    day: date
    time_slot: time
    num_seats: int = Field(ge=1, le=1000)
    cancellation: _CancellationRight = _CancellationRight()
    payment: _Paid = _Paid()

    def at_venue(self) -> str:
        return self.venue.id if self.venue is not None else self.venue_id or ""


class _Metadata(Wire):
    total: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Entry:
    """A reservation with the token that cancels it this hour, and what was paid for it."""

    reservation: Reservation
    token: str = field(repr=False)
    paid: Money | None


class ReservationPage(Wire):
    """A reservation that cannot be read makes the page unreadable: it may be the one that is looked for."""

    reservations: tuple[_Listed, ...]
    venues: dict[str, _ReservationVenue] = Field(default_factory=dict)
    metadata: _Metadata

    def entries(self) -> tuple[Entry, ...]:
        """In the vendor's order."""
        return tuple(self._entry(listed) for listed in self.reservations)

    def _entry(self, listed: _Listed) -> Entry:
        named = self.venues.get(listed.at_venue())
        reservation = Reservation(
            reservation_id=listed.reservation_id,
            venue_id=listed.at_venue(),
            venue_name=named.name if named is not None else "",
            starts_local=f"{listed.day} {listed.time_slot:%H:%M}",
            day=listed.day,
            time=listed.time_slot,
            party_size=listed.num_seats,
            cancellable=listed.cancellation.allowed,
        )
        invoice = listed.payment.invoice
        paid = invoice.total if invoice is not None and invoice.total.cents else None
        return Entry(reservation=reservation, token=listed.resy_token, paid=paid)
