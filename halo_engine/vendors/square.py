"""Square Bookings: finding a service, its free times, the place's rules, booking it, and cancelling.

`verbs/book_appointment.py` calls it. Reads raise `VendorFailed`; `book` and `cancel` give exactly one `Outcome`.

Square recognises a repeat by its `idempotency_key`, so a lost booking may be sent again as it was; a key that comes back with another body is
`IDEMPOTENCY_KEY_REUSED`, which says nothing about what became of the first. The surprising part: `PENDING` is a booking that the place may still
decline. The key also goes into the booking's note, so that a look-up finds this very booking and not one like it.

Documented: `GET /v2/locations`, `POST /v2/catalog/search-catalog-items`, `POST /v2/bookings/availability/search`, `GET|POST /v2/bookings`,
`GET /v2/bookings/{id}`, `POST /v2/bookings/{id}/cancel`, `GET /v2/bookings/business-booking-profile` and
`GET /v2/bookings/team-member-booking-profiles/{id}`. Not so at the real Square: a token belongs to one seller, whose one profile holds for all of
its locations. The simulator is every seller in the neighbourhood at once, so `location_id` is sent with the profile's read; whether a real seller
ignores it is not known. Source: vendor notes §2.5.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeVar, assert_never
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Artifact, Done, Found, NotThere, Outcome, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.model.strict_json import Json
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, Reply, VendorHttp, failed, usable
from halo_engine.vendors.square_values import Appointment, Booking, HouseRules, Place, Service
from halo_engine.vendors.square_wire import Availabilities, Bookings, Catalogue, Errors, Locations, OneBooking, Rules, TeamMember
from halo_engine.vendors.wire import UnreadableError, Wire, read_as, read_for

__all__ = ["Appointment", "Booking", "HouseRules", "Place", "Service", "Square"]

NAME = "Square"
#: The version of the API that these shapes are from.
VERSION = "2026-09-16"

_PAGE_SIZE = 50
#: More bookings than a household makes in a month, and an end for a list that never ends.
_MAX_PAGES = 20
#: Availability is searched for at least this long a time.
_SHORTEST_SEARCH = timedelta(hours=24)

_REFUSALS = {400: Reason.OTHER, 402: Reason.PAYMENT, 403: Reason.RESTRICTED, 404: Reason.NOT_FOUND, 422: Reason.OTHER}

M = TypeVar("M", bound=Wire)


class Square:
    """One customer's bookings. `base_url` is the API's root, without `/v2`."""

    def __init__(self, http: VendorHttp, *, base_url: str, access_token: SecretStr, customer_id: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._access_token = access_token
        self._customer_id = customer_id

    # Reading.

    def places(self) -> dict[str, Place]:
        """Every open place by its id. Raises `VendorFailed`."""
        return self._read(self._call("GET", "/v2/locations"), Locations).places()

    def services(self, words: str) -> tuple[Service, ...]:
        """What can be booked under those words, at every place that has it. Raises `VendorFailed`."""
        wanted: dict[str, Json] = {"text_filter": words, "product_types": ["APPOINTMENTS_SERVICE"], "limit": 100}
        found = self._read(self._call("POST", "/v2/catalog/search-catalog-items", json=wanted), Catalogue)
        return found.services(self.places()) if found.items else ()

    def times(self, place: Place, variation_id: str, *, day: date) -> tuple[Appointment, ...]:
        """The free times on that day of the place's calendar, earliest first. Raises `VendorFailed`."""
        zone = zone_of(place)
        start, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
        between: Json = {"start_at": iso_utc(start), "end_at": iso_utc(max(end, start + _SHORTEST_SEARCH))}
        segments: Json = [{"service_variation_id": variation_id}]
        wanted: Json = {"start_at_range": between, "location_id": place.location_id, "segment_filters": segments}
        body: Json = {"query": {"filter": wanted}}
        call = self._call("POST", "/v2/bookings/availability/search", json=body)
        answer = self._ask(call)
        try:
            found = [one.appointment() for one in read_as(answer, Availabilities).availabilities]
        except UnreadableError as error:
            raise failed(NAME, answer) from error
        free = {one for one in found if (one.location_id, one.variation_id) == (place.location_id, variation_id)}
        return tuple(sorted((one for one in free if start <= one.starts < end), key=lambda one: (one.starts, one.team_member_id)))

    def rules(self, place: Place) -> HouseRules:
        """What booking there binds to. Raises `VendorFailed`."""
        answer = self._ask(self._call("GET", "/v2/bookings/business-booking-profile", query={"location_id": place.location_id}))
        try:
            return read_as(answer, Rules).rules()
        except UnreadableError as error:
            raise failed(NAME, answer) from error

    def who(self, team_member_id: str) -> str:
        """The name of whoever does it, as the place gives it. Raises `VendorFailed`."""
        call = self._call("GET", f"/v2/bookings/team-member-booking-profiles/{quote(team_member_id, safe='')}")
        return self._read(call, TeamMember).team_member_booking_profile.display_name

    def bookings(self, *, since: datetime, until: datetime) -> tuple[Booking, ...]:
        """The customer's bookings that begin in that time, of every status. Raises `VendorFailed`."""
        found: list[Booking] = []
        query = {"customer_id": self._customer_id, "start_at_min": iso_utc(since), "start_at_max": iso_utc(until), "limit": f"{_PAGE_SIZE}"}
        for _ in range(_MAX_PAGES):
            answer = self._ask(self._call("GET", "/v2/bookings", query=query))
            try:
                page = read_as(answer, Bookings)
                found += [one.booking() for one in page.bookings]
            except UnreadableError as error:
                raise failed(NAME, answer) from error
            if not page.cursor:
                return tuple(found)
            query["cursor"] = page.cursor
        raise VendorFailed(f"{NAME} lists more bookings than can be read.")

    def find(self, appointment: Appointment, *, key: str) -> Found:
        """What became of the booking that was asked for under `key`. `NotThere` may only mean "not yet"."""
        around = timedelta(minutes=1)
        try:
            listed = self.bookings(since=appointment.starts - around, until=appointment.starts + around)
        except VendorFailed as error:
            return Unknown(message=error.message)
        mine = next((one for one in listed if one.note == _note(key)), None)
        return NotThere() if mine is None else _state(mine)

    # Booking.

    def book(self, appointment: Appointment, *, key: str) -> Outcome:
        """Book exactly that. The same `key` again gives the same booking."""
        segment: Json = {
            "duration_minutes": appointment.duration_minutes,
            "service_variation_id": appointment.variation_id,
            "team_member_id": appointment.team_member_id,
            "service_variation_version": appointment.version,
        }
        booking: Json = {
            "start_at": iso_utc(appointment.starts),
            "location_id": appointment.location_id,
            "customer_id": self._customer_id,
            "customer_note": _note(key),
            "appointment_segments": [segment],
        }
        reply = self._http.commit(self._call("POST", "/v2/bookings", json={"idempotency_key": key, "booking": booking}))
        return self._booked(reply, appointment, key)

    def _booked(self, reply: Reply, appointment: Appointment, key: str) -> Outcome:
        match reply:
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the booking: {why}.")
            case Answer(status=200 | 201):
                return _confirmed(reply, appointment, key)
            case Answer():
                refused = _refused(reply)
                return self._taken(refused, appointment, key) if _is_conflict(refused) else refused
        assert_never(reply)

    def _taken(self, conflict: Outcome, appointment: Appointment, key: str) -> Outcome:
        """Somebody has the time: perhaps this very booking, from an attempt whose answer was lost. The list tells."""
        found = self.find(appointment, key=key)
        if isinstance(found, Done | Pending | Unknown):
            return found
        message = conflict.message if isinstance(conflict, Rejected) else ""
        return Rejected(reason=Reason.SLOT_GONE, message=message)

    # Cancelling.

    def cancel(self, booking_id: str, *, key: str) -> Outcome:
        """Give the time back. Cancelled already is done."""
        path = f"/v2/bookings/{quote(booking_id, safe='')}"
        try:
            before = self._read(self._call("GET", path), OneBooking).booking.booking()
        except (VendorFailed, UnreadableError) as error:
            return Retryable(message=f"The booking could not be read: {error}")
        if before.status.startswith("CANCELLED_BY_"):
            return _given_back(before)
        body: Json = {"idempotency_key": key, "booking_version": before.version}
        reply = self._http.commit(self._call("POST", f"{path}/cancel", json=body))
        match reply:
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the cancellation: {why}.")
            case Answer(status=200):
                return _cancelled(reply, booking_id)
            case Answer():
                return _refused(reply)
        assert_never(reply)

    # Asking.

    def _call(self, method: Literal["GET", "POST"], path: str, *, query: dict[str, str] | None = None, json: Json = None) -> Call:
        headers = {"Authorization": f"Bearer {self._access_token.get_secret_value()}", "Square-Version": VERSION}
        return Call(method=method, url=f"{self._base_url}{path}", headers=headers, query=query or {}, json=json)

    def _ask(self, call: Call) -> Answer:
        """A 200 to a call that changes nothing. Raises `VendorFailed`."""
        return usable(NAME, self._http.read(call))

    def _read(self, call: Call, model: type[M]) -> M:
        return read_for(NAME, self._ask(call), model)


def zone_of(place: Place) -> ZoneInfo:
    """The place's zone. Raises `VendorFailed`: an hour must not be guessed."""
    try:
        return ZoneInfo(place.time_zone)
    # A path or a folder name raises ValueError or OSError, an unknown name KeyError.
    except (KeyError, ValueError, OSError) as error:
        raise VendorFailed(f"{NAME} names a time zone that is not known here.") from error


def _note(key: str) -> str:
    return f"Booked by Halo ({key})"


def _confirmed(answer: Answer, appointment: Appointment, key: str) -> Outcome:
    try:
        booking = read_as(answer, OneBooking).booking.booking()
    except UnreadableError:
        return Unknown(message=f"{NAME} answered the booking, but the answer cannot be read.")
    if (booking.appointment, booking.note) != (appointment, _note(key)):
        return Unknown(message=f"{NAME} answered with another booking than the one that was asked for.")
    found = _state(booking)
    return Unknown(message=f"{NAME} has no record of what it just confirmed.") if isinstance(found, NotThere) else found


def _state(booking: Booking) -> Found:
    """Only what is accepted is done; what nobody here understands is not known."""
    match booking.status:
        case "ACCEPTED" | "NO_SHOW":
            return _done(booking)
        case "PENDING":
            return Pending(reference=booking.booking_id)
        case "DECLINED":
            return Rejected(reason=Reason.OTHER, message="The place declined the booking.")
        case "CANCELLED_BY_CUSTOMER" | "CANCELLED_BY_SELLER":
            return Rejected(reason=Reason.OTHER, message="The booking was made and is cancelled again.")
    return Unknown(message=f"{NAME} gives the booking a status that is not known here.")


def _done(booking: Booking) -> Done:
    artifacts = (
        Artifact(label="Booking", text=booking.booking_id),
        Artifact(label="Time", text=iso_utc(booking.appointment.starts)),
    )
    return Done(reference=booking.booking_id, artifacts=artifacts)


def _cancelled(answer: Answer, booking_id: str) -> Outcome:
    try:
        after = read_as(answer, OneBooking).booking.booking()
    except UnreadableError:
        return Unknown(message=f"{NAME} answered the cancellation, but the answer cannot be read.")
    if after.booking_id != booking_id or not after.status.startswith("CANCELLED_BY_"):
        return Unknown(message=f"{NAME} accepted the cancellation, and still lists the booking.")
    return _given_back(after)


def _given_back(booking: Booking) -> Done:
    artifact = Artifact(label="Cancelled", text=iso_utc(booking.appointment.starts))
    return Done(reference=booking.booking_id, artifacts=(artifact,))


def _is_conflict(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.reason is Reason.CONFLICT


def _refused(answer: Answer) -> Outcome:
    """A definite no in Square's own words; anything else settles nothing."""
    if answer.status == 429:
        return Retryable(message=f"{NAME} asks for fewer requests.", retry_after_s=answer.retry_after_s)
    try:
        said = read_as(answer, Errors)
    except UnreadableError:
        return Unknown(message=f"{NAME} gave an answer that cannot be read (status {answer.status}).")
    if answer.status == 401:
        return Retryable(message=f"{NAME} did not accept the stored access token.", auth=True)
    if "IDEMPOTENCY_KEY_REUSED" in said.codes or answer.status >= 500:
        return Unknown(message=f"{NAME} did not settle it (status {answer.status}).")
    if "CONFLICT" in said.codes:
        return Rejected(reason=Reason.CONFLICT, message=f"The time is taken: {said.message}")
    reason = _REFUSALS.get(answer.status)
    if reason is None:
        return Unknown(message=f"{NAME} did not settle it (status {answer.status}).")
    return Rejected(reason=reason, message=f"{NAME} refused it: {said.message}")
