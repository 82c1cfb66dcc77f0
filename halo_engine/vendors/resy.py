"""Resy: finding a table, its terms, booking it, and cancelling.

`verbs/book.py` calls it. Reads raise `VendorFailed`; `book` and `cancel` give exactly one `Outcome`.

The surprising part: Resy knows no idempotency key, and a second attempt is answered 412, which is not "the slot is gone" but "you have a
reservation in the way". If that is the very table which was asked for, the first attempt got through. Source: vendor notes §2.1.
"""

from __future__ import annotations

from datetime import date, time
from typing import assert_never

from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Artifact, Done, Found, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.model.strict_json import Json, dumps
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, Reply, SignInError, VendorHttp, failed
from halo_engine.vendors.resy_session import NAME, ResySession, is_auth_refusal
from halo_engine.vendors.resy_values import BookingTerms, Reservation, ResyCredentials, Slot, Venue
from halo_engine.vendors.resy_wire import (
    Booked,
    Clash,
    Details,
    Entry,
    Refusal,
    ReservationPage,
    SlotSearch,
    VenueDetail,
    VenueSearch,
    zone_of,
)
from halo_engine.vendors.wire import UnreadableError, read_as

__all__ = ["BookingTerms", "Reservation", "Resy", "ResyCredentials", "Slot", "Venue", "zone_of"]

_PAGE_SIZE = 50
#: More reservations than a household makes, and an end for a list that never ends.
_MAX_PAGES = 20

#: What Resy's refusals of a write mean. All of them leave everything as it was.
_REFUSALS = {
    400: Reason.OTHER,
    402: Reason.PAYMENT,
    403: Reason.RESTRICTED,
    404: Reason.NOT_FOUND,
    409: Reason.RESTRICTED,
    412: Reason.POLICY,
    415: Reason.OTHER,
}


class Resy:
    """One account. `base_url` is the API's root."""

    def __init__(self, http: VendorHttp, *, base_url: str, credentials: ResyCredentials, clock: Clock) -> None:
        self._session = ResySession(http, base_url=base_url, credentials=credentials)
        self._clock = clock

    # Reading.

    def venues(self, query: str, *, day: date | None = None, party_size: int = 2, limit: int = 5) -> tuple[Venue, ...]:
        """At most `limit` venues, Resy's best first; the search is fuzzy, so compare names and places. Raises `VendorFailed`."""
        wanted: dict[str, Json] = {"query": query, "per_page": limit, "page": 1, "types": ["venue"]}
        if day is not None:
            wanted["slot_filter"] = {"day": f"{day}", "party_size": party_size}
        answer = self._session.ask(self._session.post("/3/venuesearch/search", json=wanted))
        return self._session.read(answer, VenueSearch).venues()[:limit]

    def venue(self, venue_id: str) -> Venue:
        """One venue with its time zone. Resy's page of it may leave out what the search says about captchas. Raises `VendorFailed`."""
        answer = self._session.ask(self._session.get("/3/venue", {"id": venue_id}))
        venue = self._session.read(answer, VenueDetail).venue()
        if venue.venue_id != venue_id:
            raise failed(NAME, answer)
        return venue

    def slots(self, venue: Venue, *, day: date, party_size: int) -> tuple[Slot, ...]:
        """The venue's free tables, earliest first; times that its clock shows twice or never are left out. Raises `VendorFailed`."""
        zone = zone_of(venue.time_zone or self.venue(venue.venue_id).time_zone or "")
        query = {"lat": "0", "long": "0", "day": f"{day}", "party_size": str(party_size), "venue_id": venue.venue_id}
        answer = self._session.ask(self._session.get("/4/find", query))
        return self._session.read(answer, SlotSearch).slots(venue.venue_id, zone, party_size)

    def terms(self, slot: Slot, *, party_size: int) -> BookingTerms | Rejected:
        """What booking `slot` would bind to; holds nothing. `Rejected` when it is gone. Raises `VendorFailed`."""
        answer = self._session.ask(self._details(slot, party_size, {"commit": 0}), also=frozenset({404}))
        if answer.status == 404:
            return _gone(self._session.read(answer, Refusal))
        return self._session.read(answer, Details).terms()

    def reservations(self) -> tuple[Reservation, ...]:
        """Every reservation that stands, past ones too. Raises `VendorFailed`."""
        return tuple(entry.reservation for entry in self._entries())

    def find(self, *, venue_id: str, day: date, at: time, party_size: int) -> Found:
        """Whether the household has that table. `NotThere` may only mean "not yet"."""
        try:
            entries = self._entries()
        except VendorFailed as error:
            return Unknown(message=error.message)
        wanted = (venue_id, day, at, party_size)
        for entry in entries:
            held = entry.reservation
            if (held.venue_id, held.day, held.time, held.party_size) == wanted:
                return _done(held.reservation_id, held.starts_local, entry)
        return NotThere()

    # Booking.

    def book(self, slot: Slot, *, party_size: int, expected: BookingTerms) -> Outcome:
        """Book `slot` once, if its terms are still exactly `expected`. A reservation in the way is never replaced."""
        held = self._hold(slot, party_size)
        if not isinstance(held, Details):
            return held
        moved = _difference(expected, held.terms())
        if moved is not None:
            return moved
        if held.book_token is None or held.book_token.has_lapsed(self._clock.now()):
            return Retryable(message=f"{NAME} did not hold the table.")
        form = {"book_token": held.book_token.value, "source_id": "resy.com-venue-details", "replace": "0", "venue_marketing_opt_in": "0"}
        if expected.payment_method_id is not None:
            form["struct_payment_method"] = dumps({"id": expected.payment_method_id})
        reply = self._commit(self._session.post("/3/book", form=form))
        return self._booked(reply, slot, party_size, expected)

    def _hold(self, slot: Slot, party_size: int) -> Details | Outcome:
        """The slot's terms with a token that holds it. A hold books nothing and lapses by itself, so no failure of it is ambiguous."""
        reply = self._commit(self._details(slot, party_size, {"commit": 1}))
        match reply:
            case Retryable():
                return reply
            case NotSent(why) | MayHaveBeenSent(why):
                return Retryable(message=f"{NAME} did not hold the table: {why}.")
            case Answer(status=200 | 201):
                try:
                    return read_as(reply, Details)
                except UnreadableError:
                    return Retryable(message=f"{NAME}'s terms for the table cannot be read.")
            case Answer(status=404 | 412):
                return self._in_the_way(reply, slot, party_size)
            case Answer():
                refused = _refused(reply)
                return Retryable(message=refused.message, retry_after_s=reply.retry_after_s) if isinstance(refused, Unknown) else refused
        assert_never(reply)

    def _booked(self, reply: Reply | Retryable, slot: Slot, party_size: int, expected: BookingTerms) -> Outcome:
        match reply:
            case Retryable():
                return reply
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the booking: {why}.")
            case Answer(status=200 | 201):
                return _confirmed(reply, slot, expected)
            case Answer(status=404 | 412):
                return self._in_the_way(reply, slot, party_size)
            case Answer():
                return _refused(reply)
        assert_never(reply)

    def _in_the_way(self, answer: Answer, slot: Slot, party_size: int) -> Outcome:
        """A 404 or 412: gone, another reservation of ours, or this very one from an attempt whose answer was lost. The list tells."""
        day, at = slot.starts.date(), slot.starts.time()
        found = self.find(venue_id=slot.venue_id, day=day, at=at, party_size=party_size)
        if isinstance(found, Done):
            return found
        try:
            clash = read_as(answer, Clash)
        except UnreadableError:
            return _gone_or_unknown(answer)
        if not clash.is_at(slot.venue_id, day, at):
            when = f"{clash.specs.day} {clash.specs.time_slot:%H:%M}"
            return Rejected(reason=Reason.CONFLICT, message=f"There is a reservation at {clash.venue.name} on {when} already.")
        if isinstance(found, NotThere) and self._seats_at(slot) not in (None, party_size):
            return Rejected(reason=Reason.CONFLICT, message="There is a reservation for this time already, for another number of people.")
        return Unknown(message=f"{NAME} says the table is booked already, and does not show it yet.")

    def _seats_at(self, slot: Slot) -> int | None:
        """For how many people the household has a table at that time and place, if it has one."""
        wanted = (slot.venue_id, slot.starts.date(), slot.starts.time())
        try:
            held = self.reservations()
        except VendorFailed:
            return None
        return next((one.party_size for one in held if (one.venue_id, one.day, one.time) == wanted), None)

    # Cancelling.

    def cancel(self, reservation_id: str) -> Outcome:
        """Give the table back. Done only when it is gone from the list: several kinds of success have been seen, and not all were."""
        try:
            entry = next((one for one in self._entries() if one.reservation.reservation_id == reservation_id), None)
        except VendorFailed as error:
            return Retryable(message=error.message)
        if entry is None:
            return Rejected(reason=Reason.NOT_FOUND, message="There is no such reservation, or it is cancelled already.")
        if not entry.reservation.cancellable:
            return Rejected(reason=Reason.POLICY, message="This reservation can no longer be cancelled.")
        reply = self._commit(self._session.post("/3/cancel", form={"resy_token": entry.token}))
        match reply:
            case Retryable():
                return reply
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the cancellation: {why}.")
            case Answer(status=status) if 200 <= status < 300:
                return self._cancelled(entry)
            case Answer():
                return _refused(reply)
        assert_never(reply)

    def _cancelled(self, entry: Entry) -> Outcome:
        held = entry.reservation
        try:
            standing = {one.reservation_id for one in self.reservations()}
        except VendorFailed as error:
            return Unknown(message=f"Whether the table was given back is not known: {error.message}")
        if held.reservation_id in standing:
            return Unknown(message=f"{NAME} accepted the cancellation, and still lists the reservation.")
        artifact = Artifact(label="Cancelled", text=f"{held.venue_name}, {held.starts_local}, {held.party_size} people")
        return Done(reference=held.reservation_id, artifacts=(artifact,))

    # Asking.

    def _details(self, slot: Slot, party_size: int, commit: dict[str, Json]) -> Call:
        body: dict[str, Json] = {"config_id": slot.token, "day": f"{slot.starts.date()}", "party_size": party_size, "struct_items": []}
        return self._session.post("/3/details", json=body | commit)

    def _commit(self, call: Call) -> Reply | Retryable:
        """The reply to a call sent once, or `Retryable` where the session stood in the way."""
        try:
            reply = self._session.commit(call)
        except SignInError as error:
            return Retryable(message=str(error), auth=True)
        except VendorFailed as error:
            return Retryable(message=error.message)
        return Retryable(message=f"{NAME} wants a new log-in.", auth=True) if is_auth_refusal(reply) else reply

    def _entries(self) -> tuple[Entry, ...]:
        """The whole list: half of it could hide the reservation that is looked for."""
        entries: list[Entry] = []
        for _ in range(_MAX_PAGES):
            query = {"limit": str(_PAGE_SIZE), "offset": str(len(entries))}
            page = self._session.read(self._session.ask(self._session.get("/3/user/reservations", query)), ReservationPage)
            entries += page.entries()
            if len(entries) >= page.metadata.total or not page.reservations:
                return tuple(entries)
        raise VendorFailed(f"{NAME} lists more reservations than can be read.")


def _difference(expected: BookingTerms, now: BookingTerms) -> Rejected | None:
    """Why the terms are no longer the ones that were confirmed; better ones are other ones too."""
    if now.charge_now != expected.charge_now:
        message = f"It now costs {now.charge_now.display}; it was {expected.charge_now.display}."
        return Rejected(reason=Reason.PRICE, message=message)
    if now.cancellation_fee != expected.cancellation_fee:
        before, after = (fee.display if fee else "none" for fee in (expected.cancellation_fee, now.cancellation_fee))
        return Rejected(reason=Reason.PRICE, message=f"The cancellation fee is now {after}; it was {before}.")
    if now.policies != expected.policies or now.cancel_until != expected.cancel_until:
        return Rejected(reason=Reason.POLICY, message="The restaurant's terms have changed.")
    if now.payment_method_id != expected.payment_method_id:
        return Rejected(reason=Reason.PAYMENT, message=f"It would now be charged to {now.payment_method or 'no card'}.")
    return None


def _confirmed(answer: Answer, slot: Slot, expected: BookingTerms) -> Done | Unknown:
    try:
        booked = read_as(answer, Booked)
    except UnreadableError:
        return Unknown(message=f"{NAME} answered the booking, but the answer cannot be read.")
    artifacts = (
        Artifact(label="Reservation", text=booked.reservation_id),
        Artifact(label="Time", text=f"{slot.starts:%Y-%m-%d %H:%M}"),
        Artifact(label="Table", text=slot.table),
    )
    return Done(reference=booked.reservation_id, total=expected.charge_now if expected.charge_now.cents else None, artifacts=artifacts)


def _done(reservation_id: str, when: str, entry: Entry) -> Done:
    artifacts = (Artifact(label="Reservation", text=reservation_id), Artifact(label="Time", text=when))
    return Done(reference=reservation_id, total=entry.paid, artifacts=artifacts)


def _refused(answer: Answer) -> Rejected | Unknown:
    """A definite no in Resy's own words; anything else settles nothing, also a 429, which may come after the fact."""
    reason = _REFUSALS.get(answer.status)
    try:
        message = read_as(answer, Refusal).message
    except UnreadableError:
        reason, message = None, ""
    if reason is None:
        return Unknown(message=f"{NAME} did not settle it (status {answer.status}).")
    return Rejected(reason=reason, message=f"Resy refused it: {message or 'no reason was given'}")


def _gone(refusal: Refusal) -> Rejected:
    return Rejected(reason=Reason.SLOT_GONE, message=f"The table is gone: {refusal.message}")


def _gone_or_unknown(answer: Answer) -> Rejected | Unknown:
    """A 404 in Resy's words is a table gone; a 412 without the reservation in the way only if it says so."""
    try:
        refusal = read_as(answer, Refusal)
    except UnreadableError:
        return Unknown(message=f"{NAME} did not settle it (status {answer.status}).")
    if answer.status == 404 or "no longer available" in refusal.message.lower():
        return _gone(refusal)
    return Unknown(message=f"{NAME} says something is in the way, but not what.")
