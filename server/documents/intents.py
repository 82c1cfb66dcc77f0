"""Words, and what they were understood to mean."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

from server.documents.base import Body, ClockTime, Day, Document, says
from server.documents.words import CancelWhen, EntityType, IntentVerb, OfTwo, Reply, Source


def _in_words(value: Any) -> Any:
    """A time as it is written: the library would also count seconds, since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value, re.ASCII)):
        raise ValueError("a time is YYYY-MM-DDTHH:MM:SSZ")
    return value


class ParseCommand(Body):
    """The words, and what they are read against. Without the rest: this household, now. `requested` names the fields that were asked for."""

    text: str
    now: Annotated[AwareDatetime | None, BeforeValidator(_in_words), says("The time that `tomorrow` is counted from; with its offset.")] = (
        None
    )
    tz: Annotated[str | None, says("An IANA zone, such as America/New_York.")] = None
    requested: Annotated[tuple[str, ...], says("The fields that a question asked for, which these words answer.")] = ()


class HearCommand(Body):
    """Words about the card of the request `about`."""

    text: str
    about: Annotated[str, says("A request's id.")]


class Entity(Document):
    """Words of the person that filled a field. `start` and `end` count Unicode code points of the text as given: neither bytes nor UTF-16 units."""

    type: EntityType
    text: str
    start: Annotated[int, says("Code points before it (in Swift: `unicodeScalars`).")]
    end: Annotated[int, says("Code points to its end.")]


class WantedItem(Document):
    """A thing to order, as the person called it. `max_price_cents` caps one unit of it."""

    name: str
    quantity: int = 1
    attributes: tuple[str, ...] = ()
    max_price_cents: int | None = None


class QuantityChange(Document):
    """How many of a thing instead."""

    name: str
    quantity: int


class IntentParams(Document):
    """The parameters of any verb: of these fields each verb has its own, and of its own those that were said.

    Amounts in it are whole cents in the household's own currency, because words have none: they are limits to keep, not prices.
    """

    items: tuple[WantedItem, ...] | None = None
    budget_cents: Annotated[int | None, says("What all of it may cost at the most.")] = None
    deliver_by: Annotated[Day | None, says("The last day, as YYYY-MM-DD.")] = None
    merchant: Annotated[str | None, says("Where to buy, where that was said.")] = None
    source: Source | None = None
    bundle: Annotated[str | None, says("A Usual, by its name.")] = None
    changes: Annotated[tuple[QuantityChange, ...] | None, says("What is to be different from what was ordered before.")] = None
    subscription: Annotated[str | None, says("What to cancel, as the person called it.")] = None
    when: CancelWhen | None = None
    service: Annotated[str | None, says("What to have done: a haircut.")] = None
    venue: Annotated[str | None, says("The place, by its name.")] = None
    party_size: int | None = None
    date: Annotated[Day | None, says("A day, as YYYY-MM-DD.")] = None
    time: Annotated[ClockTime | None, says("By the place's clock, as HH:MM.")] = None
    time_until: Annotated[ClockTime | None, says("The latest, by the place's clock, as HH:MM.")] = None
    location: Annotated[str | None, says("Where it should be, where no place was named.")] = None
    name: Annotated[str | None, says("In whose name.")] = None
    of_two: OfTwo | None = None


class Intent(Document):
    """What words mean: a verb, its parameters, what is still missing, and which words said so. `remainder` is a second request, left for later."""

    verb: IntentVerb
    confidence: Annotated[float, says("From 0 to 1.")]
    missing_fields: Annotated[tuple[str, ...], says("The parameters that have to be asked for.")]
    entities: tuple[Entity, ...]
    params: IntentParams
    remainder: str | None = None


class Heard(Document):
    """What words say to a card."""

    reply: Reply
