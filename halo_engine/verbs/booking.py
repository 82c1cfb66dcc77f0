"""What BOOK is asked, and what a desk is: whoever takes the booking. `book.py` picks the desk and leaves the rest to it.

Restaurants are one desk (`book_table.py`), every other service another (`book_appointment.py`); neither knows of the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field, model_serializer
from pydantic.json_schema import SkipJsonSchema

from halo_engine.model.draft import Terms
from halo_engine.model.intent import Params
from halo_engine.model.option import Option
from halo_engine.model.outcome import Found, Outcome
from halo_engine.parsing.values.times import occurrences
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
    #: Which of two, where the clocks go back and `time` comes twice. Set by the answer to that question, never by words.
    of_two: SkipJsonSchema[Literal["first", "second"] | None] = None

    @model_serializer(mode="wrap")
    def _omit_absent_of_two(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        # The published form has eight keys; the ninth is there only when it says something.
        data = handler(self)
        if self.of_two is None:
            data.pop("of_two", None)
        return data

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
    found = [one for one in free if params.of_two is None or _half(one) in (None, params.of_two)]
    in_window = [one for one in found if params.time_until and params.time and params.time <= clock(one.starts) <= params.time_until]
    exact = [one for one in found if clock(one.starts) == params.time]
    # By the instant: two times of one zone are compared by the clock, and the second half past one would be the first.
    return min([*exact, *in_window], key=lambda one: one.starts.timestamp(), default=None)


def _half(one: Starts) -> str | None:
    """Which of two it is; None for a time that comes once."""
    if not which_of_two(one.starts):
        return None
    return "second" if one.starts.fold else "first"


def first_or_second(free: Iterable[Starts], params: BookParams, *, name: str) -> Question | None:
    """Which of two, where the time asked for comes twice. Also where only one of them is free: it may not be the one that is meant."""
    if params.of_two or params.time_until:
        return None
    twins = {one.starts.fold: one.starts for one in free if clock(one.starts) == params.time and _half(one)}
    if not twins:
        return None
    options = tuple(
        Option(
            label=f"{clock(at)}{which_of_two(at)}",
            reason=f"{name}, {params.date}",
            params=as_payload(params.model_copy(update={"of_two": "second" if fold else "first"})),
            starts=at,
        )
        for fold, at in sorted(twins.items())
    )
    return Question(field="time", question=f"The clocks go back that night, and {params.time} comes twice. Which one?", options=options)


def nearest(free: Iterable[T], at: str) -> list[T]:
    """The closest to `at` first."""
    wanted = _minutes(at)
    return sorted(free, key=lambda one: (abs(_minutes(clock(one.starts)) - wanted), one.starts))


def _minutes(at: str) -> int:
    hours, minutes = at.split(":")
    return int(hours) * 60 + int(minutes)


def other_times(free: Sequence[Starts], params: BookParams, *, name: str, lacks: str) -> Question | Refusal:
    """The nearest times as a question, the clocks' change named where it is the cause; the plain no where nothing is free that day."""
    if not free:
        return Refusal(reason=f"{name} has no {lacks} on {params.date}.")
    times: dict[str, datetime] = {}
    for one in nearest(free, params.time or "12:00"):
        times.setdefault(clock(one.starts), one.starts)
    options = tuple(
        Option(label=at, reason=f"{_away(at, params.time)}; {name}, {params.date}", params=as_payload(_at(params, at)), starts=starts)
        for at, starts in list(times.items())[:3]
    )
    return Question(field="time", question=f"{_why_not(params, name, free[0].starts.tzinfo)} Another time?", options=options)


def _away(at: str, wanted: str | None) -> str:
    """`30 minutes later`: the nearest stand first."""
    minutes = _minutes(at) - _minutes(wanted or "12:00")
    hours, rest = divmod(abs(minutes), 60)
    spoken = [f"{hours} hour{'s' if hours > 1 else ''}"] * bool(hours) + [f"{rest} minutes"] * bool(rest)
    return f"{' '.join(spoken)} {'later' if minutes > 0 else 'earlier'}"


def _at(params: BookParams, at: str) -> BookParams:
    return params.model_copy(update={"time": at, "time_until": None, "of_two": None})


def _why_not(params: BookParams, name: str, zone: tzinfo | None) -> str:
    times = occurrences(date.fromisoformat(params.date), params.time, zone) if params.date and params.time and zone else 1
    if times == 0:
        return f"The clocks go forward that night, and there is no {params.time}."
    if times > 1:
        return f"The clocks go back that night, and {name} has nothing certain at {params.time}, which comes twice."
    return f"{name} has nothing at {params.time}."


def plain(name: str) -> str:
    """A name as it is compared: searches are fuzzy, and the first hit may be another place."""
    return name.casefold().removeprefix("the ").strip()
