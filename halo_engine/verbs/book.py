"""BOOK: a table at a restaurant, through Resy.

A slot's token changes hands quickly, so the instruction names the slot by venue, day, time and table, and it is found again for every quote. What
binds the household beyond the charge (the cancellation policy and fee) is part of the terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import ClassVar

from pydantic import Field

from halo_engine.model.card import Option
from halo_engine.model.draft import Charge, Fact, Terms
from halo_engine.model.intent import Example, Params, VerbSpec
from halo_engine.model.outcome import Found, Outcome, Rejected
from halo_engine.vendors.resy import BookingTerms, Slot, Venue
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal, Verb
from halo_engine.verbs.fields import ClockTime, IsoDate, Words
from halo_engine.verbs.purchase import as_payload

VENDOR = "resy"
RESTAURANT = "restaurant"


class BookParams(Params):
    """A table or an appointment. `service` is `restaurant`, or what was asked for; `time_until` closes a window that `time` opens."""

    fields: ClassVar[tuple[str, ...]] = ("place", "party_size", "date", "time")

    service: Words | None = None
    venue: Words | None = None
    party_size: int | None = Field(default=None, ge=1, le=50)
    date: IsoDate | None = None
    time: ClockTime | None = None
    time_until: ClockTime | None = None
    location: Words | None = None
    name: Words | None = None

    def missing(self) -> tuple[str, ...]:
        lacks = {
            "place": not self.names_a_place,
            "party_size": self.service == RESTAURANT and self.party_size is None,
            "date": self.date is None,
            "time": self.time is None,
        }
        return tuple(field for field in self.fields if lacks[field])

    @property
    def names_a_place(self) -> bool:
        """Whether there is something to search for: "a table" alone could be anywhere, "a table in Soho" or "a haircut" could not."""
        return bool(self.venue or self.location or (self.service and self.service != RESTAURANT))


class Book(Verb[BookParams]):
    spec = VerbSpec(
        name="BOOK",
        describes="Book a table at a restaurant, or an appointment.",
        params=BookParams,
        examples=(
            Example(
                "book a table for two at Nopa tomorrow at 7:30pm",
                {"service": "restaurant", "venue": "Nopa", "party_size": 2, "date": "2026-03-04", "time": "19:30"},
            ),
            Example("haircut on friday at 3pm", {"service": "haircut", "date": "2026-03-06", "time": "15:00"}),
        ),
    )
    questions: ClassVar = {
        "place": "Where should I book?",
        "party_size": "For how many people?",
        "date": "For which day?",
        "time": "At what time?",
    }
    #: Resy knows no keys: what it has no record of may still be on its way, and a person has to look.
    repeats_safely: ClassVar[bool] = False

    def resolve(self, params: BookParams, context: Context) -> Instruction | Question | Refusal:
        if params.service not in (None, RESTAURANT):
            return Refusal(reason=f"Halo books restaurant tables so far; a {params.service} is not possible yet.")
        if params.party_size is None or params.date is None or params.time is None:
            raise ValueError("resolve is called with every required field")
        day = date.fromisoformat(params.date)
        venue = _venue(params, day, context)
        if not isinstance(venue, Venue):
            return venue
        slots = context.vendors.resy.slots(venue, day=day, party_size=params.party_size)
        slot = _slot(slots, params)
        if slot is None:
            return _other_times(slots, params, venue)
        return _instruction(venue, slot, params.party_size)

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        venue = context.vendors.resy.venue(instruction["venue_id"])
        slots = context.vendors.resy.slots(venue, day=date.fromisoformat(instruction["day"]), party_size=instruction["party_size"])
        slot = next((slot for slot in slots if _at(slot) == instruction["time"] and slot.table == instruction["table"]), None)
        if slot is None:
            return Refusal(reason=f"{venue.name} has no table at {instruction['time']} any more.")
        terms = context.vendors.resy.terms(slot, party_size=instruction["party_size"])
        if isinstance(terms, Rejected):
            return Refusal(reason=terms.message)
        return _proposal(instruction, venue, slot, terms)

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        slot, binding = fresh.evidence
        return context.vendors.resy.book(slot, party_size=terms.instruction["party_size"], expected=binding)

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        asked = terms.instruction
        return context.vendors.resy.find(
            venue_id=asked["venue_id"],
            day=date.fromisoformat(asked["day"]),
            at=time.fromisoformat(asked["time"]),
            party_size=asked["party_size"],
        )

    def alternative(self, terms: Terms, params: BookParams, context: Context) -> Proposal | Question | Refusal:
        """The nearest table of the same evening, as a draft to confirm anew."""
        asked = terms.instruction
        venue = context.vendors.resy.venue(asked["venue_id"])
        slots = context.vendors.resy.slots(venue, day=date.fromisoformat(asked["day"]), party_size=asked["party_size"])
        left = [slot for slot in slots if (_at(slot), slot.table) != (asked["time"], asked["table"])]
        if not left:
            return Refusal(reason=f"{venue.name} has no other table that day.")
        return self.quote(_instruction(venue, _nearest(left, asked["time"])[0], asked["party_size"]), context)


def _venue(params: BookParams, day: date, context: Context) -> Venue | Question | Refusal:
    wanted = params.venue or params.location or RESTAURANT
    found = context.vendors.resy.venues(wanted, day=day, party_size=params.party_size or 2)
    named = [venue for venue in found if params.venue and _plain(venue.name) == _plain(params.venue)]
    here = [v for v in named if not params.location or params.location.casefold() in f"{v.neighborhood} {v.locality}".casefold()]
    if len(here) == 1:
        venue = here[0]
        if venue.automation_blocked:
            return Refusal(reason=f"{venue.name} takes bookings from people only: use its page at Resy.")
        return venue
    if not found:
        return Refusal(reason=f"Resy knows no restaurant called {wanted}.")
    return _which(params, here or named or list(found))


def _plain(name: str) -> str:
    """A name as it is compared: search is fuzzy, and the first hit may be another restaurant."""
    return name.casefold().removeprefix("the ").strip()


def _which(params: BookParams, venues: Sequence[Venue]) -> Question:
    options = tuple(
        Option(
            label=venue.name,
            reason=", ".join((*venue.cuisine[:1], venue.neighborhood, venue.locality)),
            params=as_payload(params.model_copy(update={"venue": venue.name, "location": venue.neighborhood})),
        )
        for venue in venues[:3]
    )
    return Question(field="place", question="Which restaurant?", options=options)


def _slot(slots: Sequence[Slot], params: BookParams) -> Slot | None:
    """The table at the time asked for, or the first in the window."""
    in_window = [slot for slot in slots if params.time_until and params.time and params.time <= _at(slot) <= params.time_until]
    exact = [slot for slot in slots if _at(slot) == params.time]
    return min([*exact, *in_window], key=lambda slot: slot.starts, default=None)


def _other_times(slots: Sequence[Slot], params: BookParams, venue: Venue) -> Question | Refusal:
    if not slots:
        return Refusal(reason=f"{venue.name} has no table for {params.party_size} on {params.date}.")
    nearest = dict.fromkeys(_at(slot) for slot in _nearest(slots, params.time or "19:00"))
    options = tuple(
        Option(
            label=at, reason=f"{venue.name}, {params.date}", params=as_payload(params.model_copy(update={"time": at, "time_until": None}))
        )
        for at in list(nearest)[:3]
    )
    return Question(field="time", question=f"{venue.name} has no table at {params.time}. Another time?", options=options)


def _nearest(slots: Sequence[Slot], at: str) -> list[Slot]:
    wanted = _minutes(at)
    return sorted(slots, key=lambda slot: (abs(_minutes(_at(slot)) - wanted), slot.starts))


def _minutes(at: str) -> int:
    hours, minutes = at.split(":")
    return int(hours) * 60 + int(minutes)


def _at(slot: Slot) -> str:
    return f"{slot.starts:%H:%M}"


def _instruction(venue: Venue, slot: Slot, party_size: int) -> Instruction:
    return {
        "venue_id": venue.venue_id,
        "day": slot.starts.date().isoformat(),
        "time": _at(slot),
        "table": slot.table,
        "party_size": party_size,
    }


def _proposal(instruction: Instruction, venue: Venue, slot: Slot, terms: BookingTerms) -> Proposal:
    when = f"{slot.starts:%A} {slot.starts.day} {slot.starts:%B %Y} at {_at(slot)}"
    people = instruction["party_size"]
    return Proposal(
        verb=Book.spec.name,
        title=f"Book {venue.name}",
        summary=f"Table for {people} at {venue.name}, {when}",
        vendor=VENDOR,
        payee=f"{venue.name} (Resy)",
        charges=(Charge(label="deposit", amount=terms.charge_now),) if terms.charge_now.cents else (),
        total=terms.charge_now,
        payment_method=terms.payment_method,
        fulfilment=(
            Fact(label="when", text=f"{when} ({venue.time_zone or 'venue time'})"),
            Fact(label="people", text=str(people)),
            Fact(label="where", text=", ".join(part for part in (venue.name, venue.neighborhood, venue.locality) if part)),
            Fact(label="table", text=slot.table),
        ),
        policies=_policies(terms, slot),
        warnings=_warnings(terms),
        irreversible=bool(terms.charge_now.cents),
        instruction=dict(instruction),
        evidence=(slot, terms),
    )


def _policies(terms: BookingTerms, slot: Slot) -> tuple[str, ...]:
    if terms.cancel_until is None:
        return terms.policies
    # In the venue's zone, as every time on this card.
    local = terms.cancel_until.astimezone(slot.starts.tzinfo)
    return (*terms.policies, f"Free to cancel until {local:%a} {local.day} {local:%b} {local:%H:%M}.")


def _warnings(terms: BookingTerms) -> tuple[str, ...]:
    fee = terms.cancellation_fee
    late = (f"Cancelling late or not showing up costs {fee.display}.",) if fee and fee.cents else ()
    paid = (f"{terms.charge_now.display} is charged now.",) if terms.charge_now.cents else ()
    return (*paid, *late)
