"""An appointment for anything but a table, through Square: a haircut, a massage, the vet.

Nothing is charged when it is booked; the price is paid there and stands on the card, and what a late cancellation costs is a warning. The instruction
holds the free time by Square's own identifiers, so that a repeat under the same key is the same request to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

from halo_engine.model.draft import Fact, Terms, iso_utc
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.outcome import Found, Outcome
from halo_engine.vendors.square import Appointment, HouseRules, Service, zone_of
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal
from halo_engine.verbs.booking import (
    BookParams,
    Desk,
    asked_for,
    clock,
    first_or_second,
    nearest,
    other_times,
    plain,
    spoken_day,
    which_of_two,
)
from halo_engine.verbs.purchase import as_payload


@dataclass(frozen=True)
class _Free:
    """A free time on the place's own clock."""

    starts: datetime
    appointment: Appointment


@dataclass(frozen=True)
class _Seen:
    """What a quote has found out about one free time; `local` is when it begins, on the place's own clock."""

    service: Service
    local: datetime
    rules: HouseRules
    who: str
    #: The household's own appointments that overlap, in words.
    in_the_way: tuple[str, ...]


class Appointments(Desk):
    vendor: ClassVar[str] = "square"
    recognises_repeats: ClassVar[bool] = True

    def resolve(self, params: BookParams, context: Context) -> Instruction | Question | Refusal:
        if params.service is None or params.date is None:
            raise ValueError("resolve is called with every required field")
        service = _service(params, context.vendors.square.services(params.service))
        if not isinstance(service, Service):
            return service
        free = _free(service, date.fromisoformat(params.date), context)
        if twice := first_or_second(free, params, name=service.place.name):
            return twice
        chosen = asked_for(free, params)
        if chosen is None:
            return other_times(free, params, name=service.place.name, lacks=f"time for {service.name.lower()}")
        return _instruction(service, chosen.appointment, params.service)

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        asked = _appointment(instruction)
        service = _asked_service(instruction, context)
        if service is None:
            return Refusal(reason="The place does not offer that any more.")
        local = asked.starts.astimezone(zone_of(service.place))
        free = [one.appointment for one in _free(service, local.date(), context)]
        if asked not in free:
            return Refusal(reason=f"{service.place.name} has nothing at {clock(local)} any more.")
        square = context.vendors.square
        seen = _Seen(service, local, square.rules(service.place), square.who(asked.team_member_id), _in_the_way(asked, local, context))
        return _proposal(instruction, seen)

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        return context.vendors.square.book(_appointment(terms.instruction), key=key)

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        return context.vendors.square.find(_appointment(terms.instruction), key=key)

    def alternative(self, terms: Terms, params: BookParams, context: Context) -> Proposal | Question | Refusal:
        """The nearest time of the same day, as a draft to confirm anew."""
        asked, service = _appointment(terms.instruction), _asked_service(terms.instruction, context)
        if service is None:
            return Refusal(reason="The place does not offer that any more.")
        local = asked.starts.astimezone(zone_of(service.place))
        left = [one for one in _free(service, local.date(), context) if one.appointment != asked]
        if not left:
            return Refusal(reason=f"{service.place.name} has nothing else that day.")
        return self.quote(_instruction(service, nearest(left, clock(local))[0].appointment, terms.instruction["words"]), context)


def _service(params: BookParams, found: Sequence[Service]) -> Service | Question | Refusal:
    """The service that is meant: the named one at the named place, or a question which."""
    there = [one for one in found if _is_at(one, params)]
    named = [one for one in there if plain(one.name) == plain(params.service or "")]
    if not there:
        where = f" at {params.venue}" if params.venue else f" in {params.location}" if params.location else ""
        return Refusal(reason=f"Nobody who takes bookings here offers “{params.service}”{where}.")
    if len(there) == 1 or (len(named) == 1 and params.venue):
        return (named or there)[0]
    return _which(params, there)


def _is_at(service: Service, params: BookParams) -> bool:
    place = service.place
    at_venue = not params.venue or plain(params.venue) in plain(place.name)
    return at_venue and (not params.location or params.location.casefold() in f"{place.street} {place.locality}".casefold())


def _which(params: BookParams, services: Sequence[Service]) -> Question:
    options = tuple(
        Option(
            label=f"{one.name} at {one.place.name}",
            reason=f"{_price(one)}, {one.duration_minutes} minutes, {one.place.street}, {one.place.locality}",
            params=as_payload(params.model_copy(update={"service": one.name, "venue": one.place.name, "location": None})),
        )
        for one in services[:3]
    )
    return Question(field="place", question="Which one?", options=options)


def _free(service: Service, day: date, context: Context) -> list[_Free]:
    zone = zone_of(service.place)
    times = context.vendors.square.times(service.place, service.variation_id, day=day)
    return [_Free(starts=one.starts.astimezone(zone), appointment=one) for one in times]


def _instruction(service: Service, appointment: Appointment, words: str) -> Instruction:
    return {
        "vendor": Appointments.vendor,
        #: What it was searched for by: the catalogue is asked in words.
        "words": words,
        "location_id": appointment.location_id,
        "variation_id": appointment.variation_id,
        "version": appointment.version,
        "team_member_id": appointment.team_member_id,
        "duration_minutes": appointment.duration_minutes,
        "start_at": iso_utc(appointment.starts),
    }


def _appointment(instruction: Instruction) -> Appointment:
    return Appointment(
        location_id=instruction["location_id"],
        variation_id=instruction["variation_id"],
        version=instruction["version"],
        team_member_id=instruction["team_member_id"],
        duration_minutes=instruction["duration_minutes"],
        starts=datetime.fromisoformat(instruction["start_at"]).astimezone(UTC),
    )


def _asked_service(instruction: Instruction, context: Context) -> Service | None:
    wanted = (instruction["location_id"], instruction["variation_id"])
    found = context.vendors.square.services(instruction["words"])
    return next((one for one in found if (one.place.location_id, one.variation_id) == wanted), None)


def _in_the_way(asked: Appointment, local: datetime, context: Context) -> tuple[str, ...]:
    """The household's own appointments that overlap, in words."""
    a_day = timedelta(days=1)
    held = context.vendors.square.bookings(since=asked.starts - a_day, until=asked.starts + a_day)
    starts = [one.appointment.starts for one in held if one.stands and _overlap(one.appointment, asked)]
    return tuple(f"The household has an appointment on {spoken_day(at.astimezone(local.tzinfo))} already." for at in starts)


def _overlap(one: Appointment, other: Appointment) -> bool:
    lasts = [timedelta(minutes=each.duration_minutes) for each in (one, other)]
    return one.starts < other.starts + lasts[1] and other.starts < one.starts + lasts[0]


def _proposal(instruction: Instruction, seen: _Seen) -> Proposal:
    service, place, local = seen.service, seen.service.place, seen.local
    when = f"{local:%A} {local.day} {local:%B %Y} at {clock(local)}{which_of_two(local)}"
    return Proposal(
        verb="BOOK",
        title=f"Book {service.name} at {place.name}",
        summary=f"{service.name} at {place.name}, {when}",
        vendor=Appointments.vendor,
        payee=f"{place.name} (Square)",
        total=Money(cents=0, currency=service.price.currency if service.price else "USD"),
        fulfilment=(
            Fact(label="when", text=f"{when} ({place.time_zone})"),
            Fact(label="with", text=seen.who),
            Fact(label="lasts", text=f"{service.duration_minutes} minutes"),
            Fact(label="where", text=", ".join(part for part in (place.name, place.street, place.locality) if part)),
            Fact(label="price", text=f"{_price(service)}, paid there"),
        ),
        policies=_policies(seen.rules, local),
        warnings=(*seen.in_the_way, *_warnings(seen.rules)),
        irreversible=False,
        instruction=dict(instruction),
    )


def _price(service: Service) -> str:
    return service.price.display if service.price else "no fixed price"


def _policies(rules: HouseRules, local: datetime) -> tuple[str, ...]:
    words = (rules.words,) if rules.words else ()
    if rules.free_to_cancel_s is None:
        return words
    until = (local.astimezone(UTC) - timedelta(seconds=rules.free_to_cancel_s)).astimezone(local.tzinfo)
    return (*words, f"Free to cancel until {spoken_day(until)}.")


def _warnings(rules: HouseRules) -> tuple[str, ...]:
    waits = () if rules.accepts_at_once else ("The place has to accept it first: until then it is not booked.",)
    fee = rules.fee
    late = (f"Cancelling late costs {fee.display}.", f"Not showing up costs {fee.display}.") if fee else ()
    return (*waits, *late)
