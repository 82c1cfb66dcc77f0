"""What each vendor is asked in a whole visit, and what comes of it: the same over the simulator, its server, a recording, or a real vendor.

`VISITS` is the table: a vendor, the name of the recording, and the visit. Each returns plain values to be compared between worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from halo_engine.model.household import Address
from halo_engine.model.outcome import Done
from halo_engine.vendors.directory import Vendors
from halo_engine.vendors.merchant import Merchant, OrderLine, Quote
from halo_engine.vendors.resy import BookingTerms, Resy, Slot
from halo_engine.vendors.square import Appointment, Service
from tests.contract.worlds import NOW

Visit = Callable[[Vendors], list[Any]]

KEY = "halo-contract-1"
HOME = Address(
    full_name="A. Householder",
    phone_number="+14155550100",
    address_line1="1 Example St",
    city="San Francisco",
    state_or_region="CA",
    postal_code="94107",
    country_code="US",
)


def quoted(merchant: Merchant) -> tuple[Sequence[OrderLine], Quote]:
    """Two packs of batteries, and what they come to."""
    offer = merchant.search("AA batteries", postal_code=HOME.postal_code)[0]
    lines = [OrderLine(asin=offer.asin, offer_id=offer.offer_id, quantity=2, unit_price=offer.unit_price)]
    quote = merchant.quote(lines, ship_to=HOME, quote_id="halo-contract-quote")
    assert isinstance(quote, Quote)
    return lines, quote


def order(vendors: Vendors) -> list[Any]:
    """ORDER at Amazon Business: search, quote, place, look up, and see it in the history."""
    lines, quote = quoted(vendors.amazon)
    placed = vendors.amazon.place(lines, ship_to=HOME, external_id=KEY, expected=quote)
    return [quote, placed, vendors.amazon.find(KEY), vendors.amazon.find("halo-nobody"), vendors.amazon.history(since=_a_year_ago())]


def buy(vendors: Vendors) -> list[Any]:
    """ORDER at Zinc: search, look at the product, hand the order in, look it up."""
    lines, quote = quoted(vendors.zinc)
    asins = [line.asin for line in lines]
    placed = vendors.zinc.place(lines, ship_to=HOME, external_id=KEY, expected=quote)
    return [vendors.zinc.offers(asins), quote, placed, vendors.zinc.find(KEY), vendors.zinc.find("halo-nobody")]


def table(resy: Resy) -> tuple[Slot, BookingTerms]:
    """The first table for two at Nopa, ten days on."""
    venue = resy.venues("Nopa")[0]
    slot = resy.slots(venue, day=_day(), party_size=2)[0]
    terms = resy.terms(slot, party_size=2)
    assert isinstance(terms, BookingTerms)
    return slot, terms


def dine(vendors: Vendors) -> list[Any]:
    """BOOK at Resy: search, slots, terms, book, list, give back."""
    slot, terms = table(vendors.resy)
    booked = vendors.resy.book(slot, party_size=2, expected=terms)
    assert isinstance(booked, Done)
    listed = vendors.resy.reservations()
    return [terms, booked, listed, vendors.resy.cancel(booked.reference), vendors.resy.reservations()]


def leave(vendors: Vendors) -> list[Any]:
    """CANCEL in every dialect: the registry, the subscription, ending it, and the proof."""
    said: list[Any] = []
    for provider_id in ("streamly", "forkful", "cineloft", "trailmark"):
        held = vendors.subscriptions.get(provider_id)
        assert held is not None
        said += [held, vendors.subscriptions.cancel(held, when="period_end", key=f"{KEY}-{provider_id}")]
        said.append(vendors.subscriptions.find(held, when="period_end"))
    return said


def haircut(vendors: Vendors) -> Service:
    """At Shear Joy."""
    return next(one for one in vendors.square.services("haircut") if one.place.name == "Shear Joy")


def appointment(vendors: Vendors) -> Appointment:
    """Its first free time ten days on."""
    service = haircut(vendors)
    return vendors.square.times(service.place, service.variation_id, day=_day())[0]


def groom(vendors: Vendors) -> list[Any]:
    """BOOK at Square: services, times, the rules, book, look up, give back."""
    service, wanted = haircut(vendors), appointment(vendors)
    booked = vendors.square.book(wanted, key=KEY)
    assert isinstance(booked, Done)
    found = vendors.square.find(wanted, key=KEY)
    return [service, wanted, vendors.square.rules(service.place), booked, found, vendors.square.cancel(booked.reference, key=f"{KEY}-back")]


#: Vendor → the name of its recording, and the visit that makes it.
VISITS: Mapping[str, tuple[str, Visit]] = {
    "amazon": ("order", order),
    "zinc": ("order", buy),
    "resy": ("book", dine),
    "square": ("book", groom),
    "subscriptions": ("cancel", leave),
}


def look(vendors: Vendors, vendor: str) -> Any:
    """What may be asked of a real vendor without leaving a trace: only reads."""
    reads: Mapping[str, Callable[[], Any]] = {
        "amazon": lambda: quoted(vendors.amazon),
        "zinc": lambda: quoted(vendors.zinc),
        "resy": lambda: vendors.resy.venues("Nopa"),
        "square": lambda: vendors.square.places(),
        "subscriptions": lambda: vendors.subscriptions.providers(),
    }
    return reads[vendor]()


def _day() -> date:
    return (NOW + timedelta(days=10)).date()


def _a_year_ago() -> datetime:
    return (NOW - timedelta(days=365)).astimezone(UTC)
