"""What Halo says to and hears from Resy, as values. Re-exported by `resy`; kept apart so that the wire can make them."""

from __future__ import annotations

import datetime as dt

from pydantic import AwareDatetime, SecretStr

from halo_engine.model.money import Money
from halo_engine.model.value import Value


class ResyCredentials(Value):
    """The key of the web application and the household's account."""

    api_key: SecretStr
    email: str
    password: SecretStr


class Venue(Value):
    """A restaurant. Names repeat, so the place and the id belong on the card."""

    venue_id: str
    name: str
    neighborhood: str
    locality: str
    region: str
    cuisine: tuple[str, ...]
    #: IANA name, None where the answer did not say.
    time_zone: str | None
    max_party_size: int
    #: True where a program cannot book: a captcha, or a table that another system sells.
    automation_blocked: bool


class Slot(Value):
    """A free table. `token` is good until the table changes hands: find again before every booking, never keep one."""

    token: str
    venue_id: str
    #: Aware, in the venue's zone.
    starts: AwareDatetime
    ends: AwareDatetime
    table: str


class BookingTerms(Value):
    """What booking a slot binds the household to."""

    policies: tuple[str, ...]
    charge_now: Money
    #: For each guest, for cancelling late and for not coming.
    cancellation_fee: Money | None
    #: UTC; after it the fee applies, or nothing is paid back.
    cancel_until: AwareDatetime | None
    payment_method: str | None
    payment_method_id: int | None


class Reservation(Value):
    """A table the household has, in the venue's own time."""

    reservation_id: str
    venue_id: str
    venue_name: str
    #: `2026-12-04 19:00`
    starts_local: str
    day: dt.date
    time: dt.time
    party_size: int
    cancellable: bool
