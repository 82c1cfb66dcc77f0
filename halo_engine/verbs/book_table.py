"""A table at a restaurant, through Resy.

A slot's token changes hands quickly, so the instruction names the slot by venue, day, time and table, and it is found again for every quote.
Fees are stated by Resy for each guest; the card says what they come to for the party. A reservation of the household's own at an overlapping
time is a warning, and so a term: Resy would refuse the second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import ClassVar

from halo_engine.model.draft import Charge, Fact, Terms
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.outcome import Found, Outcome, Rejected
from halo_engine.vendors.resy import BookingTerms, Reservation, Slot, Venue, zone_of
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal
from halo_engine.verbs.booking import RESTAURANT, BookParams, Desk, asked_for, clock, nearest, other_times, plain, spoken_day
from halo_engine.verbs.purchase import as_payload


class Tables(Desk):
    vendor: ClassVar[str] = "resy"
    recognises_repeats: ClassVar[bool] = False

    def resolve(self, params: BookParams, context: Context) -> Instruction | Question | Refusal:
        if params.party_size is None or params.date is None or params.time is None:
            raise ValueError("resolve is called with every required field")
        day = date.fromisoformat(params.date)
        venue = _venue(params, day, context)
        if not isinstance(venue, Venue):
            return venue
        slots = context.vendors.resy.slots(venue, day=day, party_size=params.party_size)
        slot = asked_for(slots, params)
        if slot is None:
            return other_times(slots, params, name=venue.name, lacks=f"table for {params.party_size}")
        return _instruction(venue, slot, params.party_size)

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        venue = context.vendors.resy.venue(instruction["venue_id"])
        slots = context.vendors.resy.slots(venue, day=date.fromisoformat(instruction["day"]), party_size=instruction["party_size"])
        slot = next((slot for slot in slots if (clock(slot.starts), slot.table) == (instruction["time"], instruction["table"])), None)
        if slot is None:
            return Refusal(reason=f"{venue.name} has no table at {instruction['time']} any more.")
        terms = context.vendors.resy.terms(slot, party_size=instruction["party_size"])
        if isinstance(terms, Rejected):
            return Refusal(reason=terms.message)
        return _proposal(instruction, venue, slot, terms, _in_the_way(slot, context), context.now)

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
        left = [slot for slot in slots if (clock(slot.starts), slot.table) != (asked["time"], asked["table"])]
        if not left:
            return Refusal(reason=f"{venue.name} has no other table that day.")
        return self.quote(_instruction(venue, nearest(left, asked["time"])[0], asked["party_size"]), context)


def _venue(params: BookParams, day: date, context: Context) -> Venue | Question | Refusal:
    wanted = params.venue or params.location or RESTAURANT
    found = context.vendors.resy.venues(wanted, day=day, party_size=params.party_size or 2)
    named = [venue for venue in found if params.venue and plain(venue.name) == plain(params.venue)]
    here = [v for v in named if not params.location or params.location.casefold() in f"{v.neighborhood} {v.locality}".casefold()]
    if len(here) == 1:
        venue = here[0]
        if venue.automation_blocked:
            return Refusal(reason=f"{venue.name} takes bookings from people only: use its page at Resy.")
        return venue
    if not found:
        return Refusal(reason=f"Resy knows no restaurant called {wanted}.")
    return _which(params, here or named or list(found))


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


def _instruction(venue: Venue, slot: Slot, party_size: int) -> Instruction:
    return {
        "vendor": Tables.vendor,
        "venue_id": venue.venue_id,
        "day": slot.starts.date().isoformat(),
        "time": clock(slot.starts),
        "table": slot.table,
        "party_size": party_size,
    }


def _in_the_way(slot: Slot, context: Context) -> tuple[str, ...]:
    """The household's own reservations that overlap with `slot`, in words. How long one lasts is not told: as long as this one would."""
    close = [held for held in context.vendors.resy.reservations() if abs((held.day - slot.starts.date()).days) <= 1]
    lasts = slot.ends - slot.starts
    return tuple(
        f"The household has a reservation at {held.venue_name} on {spoken_day(starts)} for {held.party_size} already."
        for held in close
        for starts in (_starts(held, context),)
        if starts < slot.ends and slot.starts < starts + lasts
    )


def _starts(held: Reservation, context: Context) -> datetime:
    """The instant a reservation begins, on its own venue's clock."""
    return datetime.combine(held.day, held.time, zone_of(context.vendors.resy.venue(held.venue_id).time_zone or ""))


def _proposal(
    instruction: Instruction, venue: Venue, slot: Slot, terms: BookingTerms, in_the_way: tuple[str, ...], now: datetime
) -> Proposal:
    people = instruction["party_size"]
    when = f"{slot.starts:%A} {slot.starts.day} {slot.starts:%B %Y} at {clock(slot.starts)}"
    return Proposal(
        verb="BOOK",
        title=f"Book {venue.name}",
        summary=f"Table for {people} at {venue.name}, {when}",
        vendor=Tables.vendor,
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
        policies=_policies(terms, slot, now),
        warnings=(*in_the_way, *_warnings(terms, people)),
        irreversible=bool(terms.charge_now.cents),
        instruction=dict(instruction),
        evidence=(slot, terms),
    )


def _policies(terms: BookingTerms, slot: Slot, now: datetime) -> tuple[str, ...]:
    if terms.cancel_until is None:
        return terms.policies
    # In the venue's zone, as every time on this card.
    local = terms.cancel_until.astimezone(slot.starts.tzinfo)
    if terms.cancel_until <= now:
        return (*terms.policies, f"The time to cancel free of charge ended {spoken_day(local)}.")
    return (*terms.policies, f"Free to cancel until {spoken_day(local)}.")


def _warnings(terms: BookingTerms, people: int) -> tuple[str, ...]:
    fee = terms.cancellation_fee
    if fee is None:
        return _deposit(terms.charge_now, people)
    costs = f"{fee.display} per person, {(fee * people).display} for {people}"
    return (*_deposit(terms.charge_now, people), f"Cancelling late costs {costs}.", f"Not showing up costs {costs}.")


def _deposit(deposit: Money, people: int) -> tuple[str, ...]:
    if not deposit.cents:
        return ()
    each, rest = divmod(deposit.cents, people)
    per_person = "" if rest else f" ({Money(cents=each, currency=deposit.currency).display} per person)"
    return (f"A deposit of {deposit.display}{per_person} is charged now.",)
