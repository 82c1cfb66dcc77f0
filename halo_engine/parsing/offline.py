"""The parser that needs no network and no key: a small trained model marks words and scores verbs, plain code makes params of them.

The model ships with Halo (`model/MODEL_CARD.md` says what it learnt from and how good it is). It only ever marks words that are there: every
value comes from them, and where they are not certain the field stays missing and the household is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.parsing import bookings, cancellations, orders, reorders
from halo_engine.parsing.goods import read_basket
from halo_engine.parsing.marked_text import MarkedText, mark
from halo_engine.parsing.parser import ParseContext, finish, unchanged
from halo_engine.parsing.tagger import Tagger, shipped

Params = dict[str, Any]

#: Tags, braces and calls: no household speaks so, but texts that were pasted or made to be obeyed do.
_IS_CODE = re.compile(r"</?[a-z][\w-]*>|[{}]|\w\([^)]*=|\btool call\b")
_NOT_TO = re.compile(r"\W*(?:no\W+|please\W+|actually\W+|and\W+)*(?:don'?t|do\s+not|never)\b")


class OfflineParser:
    """Reads with the model that `load` gives, once it is needed. The same words always mean the same."""

    name = "offline"

    def __init__(self, specs: tuple[VerbSpec, ...], *, load: Callable[[], Tagger] = shipped) -> None:
        self._specs, self._load = specs, load

    @cached_property
    def _tagger(self) -> Tagger:
        return self._load()

    def parse(self, text: str, context: ParseContext) -> Intent:
        """The intent of `text`. Raises nothing, whatever the text."""
        current = context.current
        marked = mark(self._tagger, text, about=current.verb if current else None, requested=context.requested)
        now = context.now.astimezone(ZoneInfo(context.zone))
        return self._changed(marked, current, context, now) if current else self._read(marked, context, now)

    def _read(self, marked: MarkedText, context: ParseContext, now: datetime) -> Intent:
        """The intent of words that command by themselves, or answer what was asked."""
        verb, params = _asked(marked, context, now)
        left = _left(verb, marked, now)
        read = Intent(verb=verb, confidence=marked.scores.verbs[marked.verb], entities=marked.entities, params=params, remainder=left)
        return finish(read, self._specs)

    def _changed(self, marked: MarkedText, current: Intent, context: ParseContext, now: datetime) -> Intent:
        """The whole of `current` as the words change it; as it was, with little confidence, where they do not."""
        params = None if _changes_nothing(marked, current, now) else _changed_params(marked, current, context, now)
        if params is None:
            return unchanged(current)
        confidence = marked.scores.verbs[current.verb]
        left = _left(current.verb, marked, now)
        read = Intent(verb=current.verb, confidence=confidence, entities=marked.entities, params=params, remainder=left)
        modified = finish(read, self._specs)
        return modified if modified.verb == current.verb else unchanged(current)


def _asked(marked: MarkedText, context: ParseContext, now: datetime) -> tuple[str, Params]:
    """The verb and what it is to do; UNSUPPORTED where it is not for Halo after all."""
    params: Params | None = None
    verb, basket = marked.verb, read_basket(marked, now.date())
    bundle = reorders.only_bundle(marked, context.bundles) if verb in ("ORDER", "REORDER") else None
    if bundle:
        return "REORDER", reorders.read_bundle(bundle)
    # To drop a limit in another currency silently would lift it.
    if basket.is_in_other_money or _IS_CODE.search(marked.low):
        return UNSUPPORTED, {}
    match verb:
        case "ORDER":
            params = orders.read(basket, marked)
        case "REORDER":
            params = reorders.read(marked, context.bundles, now.date())
        case "CANCEL":
            params = cancellations.read(marked, context.subscriptions)
        case "BOOK":
            params = bookings.read(marked, now, context.members)
    return (verb, params) if params is not None else (UNSUPPORTED, {})


def _changes_nothing(marked: MarkedText, current: Intent, now: datetime) -> bool:
    """Whether the words are of something else, say not to, or cannot be kept to."""
    said_not_to = bool(_NOT_TO.match(marked.low)) and not marked.of("left_out")
    in_other_money = read_basket(marked, now.date()).is_in_other_money
    return marked.verb != current.verb or marked.visible.cut or said_not_to or in_other_money


def _changed_params(marked: MarkedText, current: Intent, context: ParseContext, now: datetime) -> Params | None:
    match current.verb:
        case "ORDER":
            return orders.change(marked, current.params, context.requested, now.date())
        case "REORDER":
            return reorders.change(marked, current.params, context.bundles, now.date())
        case "CANCEL":
            return cancellations.change(marked, current.params, context.subscriptions)
        case "BOOK":
            return bookings.change(marked, current.params, now, context.members)
        case _:
            return None


#: Of what a request can hold, the kinds that each verb has no place for.
_NO_PLACE_FOR = {"REORDER": ("price", "deadline", "date", "merchant", "location"), "CANCEL": ("price",), "BOOK": ("price",)}


def _left(verb: str, marked: MarkedText, now: datetime) -> str | None:
    """What was said beside the request and is not done: the card says so."""
    if verb == UNSUPPORTED:
        return None
    basket = read_basket(marked, now.date())
    unplaced = basket.left if verb == "ORDER" else [span.words for span in marked.of(*_NO_PLACE_FOR.get(verb, ()))]
    uncounted = [f"{count} times" for count in basket.counts if verb == "REORDER"]
    said = [words for words in (*unplaced, *uncounted, marked.rest) if words]
    return ", ".join(said)[:2_000] or None
