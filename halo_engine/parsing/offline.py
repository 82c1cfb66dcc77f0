"""The parser that needs no network: routing and span extraction by a few patterns.

It is modest on purpose. Where it is unsure it says UNSUPPORTED or leaves a field missing, and the household is asked; it never guesses
what to buy. A trained model replaces it behind the same `Parser` protocol."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.parsing import amounts, bookings, cancellations, changes, orders, reorders, routing
from halo_engine.parsing.dates import dates
from halo_engine.parsing.page import Page
from halo_engine.parsing.parser import ParseContext, finish, unchanged

_SURE, _LIKELY, _NOT_A_REQUEST = 0.95, 0.75, 0.9

_BOOKING_FIELDS = {"place", "people", "party_size", "date", "time", "first_name", "last_name"}
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)")

_EMPTY_BOOKING: dict[str, Any] = dict.fromkeys(("service", "venue", "party_size", "date", "time", "time_until", "location", "name"))


class OfflineParser:
    """Reads the first couple of thousand characters of a text by patterns; the same words always mean the same."""

    name = "offline"

    def __init__(self, specs: tuple[VerbSpec, ...]) -> None:
        self._specs = specs

    def parse(self, text: str, context: ParseContext) -> Intent:
        """The intent of `text`. Raises nothing, whatever the text."""
        page = Page(text)
        local = context.now.astimezone(ZoneInfo(context.zone))
        if context.current is not None:
            return self._modified(page, context.current, context, local)
        intent = _requested(page, context, local)
        if intent is None or (intent.verb == UNSUPPORTED and context.requested):
            intent = _answered(Page(text), context, local)
        return finish(intent, self._specs)

    def _modified(self, page: Page, current: Intent, context: ParseContext, local: datetime) -> Intent:
        """The whole of `current` as the words change it; as it was, with little confidence, where they do not."""
        if page.cut or routing.is_refused(page.low) or amounts.names_other_currency(page.low):
            return unchanged(current)
        params = _changed(page, current, context, local)
        if params is None:
            return unchanged(current)
        modified = finish(Intent(verb=current.verb, confidence=_SURE, entities=page.entities, params=params), self._specs)
        return modified if modified.verb == current.verb else unchanged(current)


def _requested(page: Page, context: ParseContext, local: datetime) -> Intent | None:
    """The intent of words that command by themselves; None where they do not."""
    asked = routing.requests(page.low)
    if not asked:
        return None
    first = asked[0]
    if not routing.asks_now(_without_period(page.low), first) or amounts.names_other_currency(page.low):
        return Intent.unsupported(confidence=_NOT_A_REQUEST)
    # A long text is an order only if it begins as one; a command in the middle of a page is part of the page.
    if page.cut and first.start > 0:
        return Intent.unsupported(confidence=_LIKELY)
    left = _left(page, first.end)
    page.keep(first.body, first.end)
    read = _READERS[first.verb](page, first, context, local)
    if read is None:
        return Intent.unsupported(confidence=_LIKELY)
    remainder = " ".join(part for part in (read.remainder, left, page.rest) if part)
    return read.model_copy(update={"remainder": remainder[:2_000] or None})


def _without_period(low: str) -> str:
    # "When it renews" is a moment to cancel at, not a condition to wait for.
    return re.sub(r"\bwhen\s+it\s+(?=renews|ends|expires|runs)", lambda match: " " * len(match[0]), low)


def _left(page: Page, end: int) -> str:
    """The words of a second request, without what joined it to the first."""
    words = page.words(end, len(page.low))
    return re.sub(r"^(?:and|then|also|plus|so|but)\s+", "", words, flags=re.IGNORECASE)


def _intent(page: Page, verb: str, params: dict[str, Any], confidence: float) -> Intent:
    return Intent(verb=verb, confidence=confidence, entities=page.entities, params=params)


def _order(page: Page, request: routing.Request, context: ParseContext, local: datetime) -> Intent | None:
    clause = page.low
    if routing.cannot_be_ordered(clause) or (not request.plain and not routing.is_shopping(clause)):
        return None
    if reorders.known_name(Page(page.words(0, len(clause))), context.bundles, "bundle"):
        return _reorder(page, request, context, local)
    params, left = orders.read_order(page, local.date())
    read = _intent(page, "ORDER", params, _SURE if request.plain else _LIKELY)
    return read.model_copy(update={"remainder": left or None})


def _reorder(page: Page, request: routing.Request, context: ParseContext, local: datetime) -> Intent | None:
    if routing.cannot_be_ordered(page.low):
        return None
    return _intent(page, "REORDER", reorders.read_reorder(page, context.bundles), _SURE)


def _cancel(page: Page, request: routing.Request, context: ParseContext, local: datetime) -> Intent | None:
    when = cancellations.take_when(page)
    known = any(name.lower() in page.low for name in context.subscriptions if name.strip())
    if not known and routing.cannot_be_cancelled(page.low):
        return None
    speaks_of_one = bool(re.search(r"\b(?:subscriptions?|memberships?|trial|plan)\b", page.low))
    # Any other day would mean acting later, without being asked then.
    if dates(page.low, local.date()):
        return None
    name, left = cancellations.read_subscription(page, context.subscriptions)
    # "Cancel" alone means "never mind"; many words that name no subscription mean something else.
    if (name is None and not speaks_of_one) or (name and not known and not speaks_of_one and len(name.split()) > 4):
        return None
    read = _intent(page, "CANCEL", cancellations.params(name, when), _SURE if known or speaks_of_one else _LIKELY)
    return read.model_copy(update={"remainder": page.words(*left)}) if left else read


def _book(page: Page, request: routing.Request, context: ParseContext, local: datetime) -> Intent | None:
    if routing.cannot_be_booked(page.low):
        return None
    params = bookings.read_booking(page, request.body, local.date())
    said = sum(params[field] is not None for field in ("venue", "party_size", "date", "time", "location"))
    # "Dinner at eight" opens like a remark; only with two facts is it a booking.
    if not request.plain and said < 2:
        return None
    params["date"] = _coming(page, params, local)
    return _intent(page, "BOOK", params, _SURE if request.plain else _LIKELY)


def _coming(page: Page, params: dict[str, Any], local: datetime) -> str | None:
    named = any(entity.type == "date" and _WEEKDAY.match(entity.text.lower()) for entity in page.entities)
    day: str | None = params["date"]
    return bookings.moved_past(day, params["time"], today=local.date(), clock=f"{local:%H:%M}", weekday_named=named)


_READERS = {"ORDER": _order, "REORDER": _reorder, "CANCEL": _cancel, "BOOK": _book}


def _answered(page: Page, context: ParseContext, local: datetime) -> Intent:
    """Words that only answer what was asked; UNSUPPORTED where nothing was, or they do not."""
    asked = set(context.requested)
    if page.cut or not asked or routing.is_refused(page.low):
        return Intent.unsupported(confidence=_NOT_A_REQUEST)
    verb = "BOOK" if asked & _BOOKING_FIELDS else "CANCEL" if "subscription" in asked else "ORDER" if "items" in asked else None
    blank = {
        "BOOK": _EMPTY_BOOKING | {"service": bookings.RESTAURANT},
        "ORDER": {"items": []},
        "CANCEL": {"subscription": None, "when": None},
    }
    params = _changed(page, Intent(verb=verb, confidence=1, params=blank[verb]), context, local) if verb else None
    return _intent(page, verb, params, _LIKELY) if verb and params else Intent.unsupported(confidence=_LIKELY)


def _changed(page: Page, current: Intent, context: ParseContext, local: datetime) -> dict[str, Any] | None:
    today, asked = local.date(), context.requested
    match current.verb:
        case "ORDER":
            return changes.change_order(page, current.params, asked, today)
        case "REORDER":
            return changes.change_reorder(page, current.params, asked, context.bundles)
        case "CANCEL":
            return changes.change_cancel(page, current.params, asked, context.subscriptions)
        case "BOOK":
            return changes.change_booking(page, current.params, asked, today)
        case _:
            return None
