"""What BOOK is asked, and what a desk is: whoever takes the booking. `book.py` picks the desk and leaves the rest to it.

Restaurants are one desk (`book_table.py`), every other service another (`book_appointment.py`); neither knows of the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

from pydantic import Field

from halo_engine.model.card import Option
from halo_engine.model.draft import Terms
from halo_engine.model.intent import Params
from halo_engine.model.outcome import Found, Outcome
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal
from halo_engine.verbs.fields import ClockTime, IsoDate, Words
from halo_engine.verbs.purchase import as_payload

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
            "party_size": self.is_a_table and self._can_be_seated and self.party_size is None,
            "date": self.date is None,
            "time": self.time is None,
        }
        return tuple(field for field in self.fields if lacks[field])

    @property
    def names_a_place(self) -> bool:
        """Whether there is something to search for: "a table" alone could be anywhere, "a table in Soho" or "a haircut" could not."""
        return bool(self.venue or self.location or (self.service and self.service != RESTAURANT))

    @property
    def _can_be_seated(self) -> bool:
        """Whether it is known to be a table: an unnamed service at no place may still turn out to be an appointment."""
        return self.service == RESTAURANT or self.names_a_place

    @property
    def is_a_table(self) -> bool:
        """Whether a restaurant is meant."""
        return self.service in (None, RESTAURANT)


class Desk(ABC):
    """Takes bookings of one kind. The methods are the verb's own, and mean the same; `vendor` stands in every instruction and in the terms."""

    vendor: ClassVar[str]
    #: Whether the vendor recognises a repeat under the same key.
    recognises_repeats: ClassVar[bool]

    @abstractmethod
    def resolve(self, params: BookParams, context: Context) -> Instruction | Question | Refusal: ...

    @abstractmethod
    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal: ...

    @abstractmethod
    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome: ...

    @abstractmethod
    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found: ...

    @abstractmethod
    def alternative(self, terms: Terms, params: BookParams, context: Context) -> Proposal | Question | Refusal: ...


# Times on a place's own clock, which is what people mean and what cards show.


class Starts(Protocol):
    """Something free, in the place's zone."""

    @property
    def starts(self) -> datetime: ...


T = TypeVar("T", bound=Starts)


def clock(at: datetime) -> str:
    """`19:30`"""
    return f"{at:%H:%M}"


def which_of_two(at: datetime) -> str:
    """What tells a time that comes twice, because the clocks go back in between, from its twin; nothing for any other time."""
    if at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset():
        return ""
    return ", after the clocks went back" if at.fold else ", before the clocks go back"


def spoken_day(at: datetime) -> str:
    """`Thu 3 Dec 19:30`"""
    return f"{at:%a} {at.day} {at:%b} {at:%H:%M}"


def asked_for(free: Iterable[T], params: BookParams) -> T | None:
    """What is free at the time asked for, or first in the window."""
    found = list(free)
    in_window = [one for one in found if params.time_until and params.time and params.time <= clock(one.starts) <= params.time_until]
    exact = [one for one in found if clock(one.starts) == params.time]
    return min([*exact, *in_window], key=lambda one: one.starts, default=None)


def nearest(free: Iterable[T], at: str) -> list[T]:
    """The closest to `at` first."""
    wanted = _minutes(at)
    return sorted(free, key=lambda one: (abs(_minutes(clock(one.starts)) - wanted), one.starts))


def _minutes(at: str) -> int:
    hours, minutes = at.split(":")
    return int(hours) * 60 + int(minutes)


def other_times(free: Sequence[Starts], params: BookParams, *, name: str, lacks: str) -> Question | Refusal:
    """The nearest times as a question; the plain no where nothing is free that day."""
    if not free:
        return Refusal(reason=f"{name} has no {lacks} on {params.date}.")
    times = dict.fromkeys(clock(one.starts) for one in nearest(free, params.time or "12:00"))
    options = tuple(
        Option(label=at, reason=f"{name}, {params.date}", params=as_payload(params.model_copy(update={"time": at, "time_until": None})))
        for at in list(times)[:3]
    )
    return Question(field="time", question=f"{name} has nothing at {params.time}. Another time?", options=options)


def plain(name: str) -> str:
    """A name as it is compared: searches are fuzzy, and the first hit may be another place."""
    return name.casefold().removeprefix("the ").strip()
