"""CANCEL: which subscription to end, and when."""

from __future__ import annotations

from collections.abc import Sequence

from halo_engine.parsing.goods import Fields
from halo_engine.parsing.marked_text import MarkedText
from halo_engine.parsing.names import known_name


def read(marked: MarkedText, subscriptions: Sequence[str]) -> Fields | None:
    """The params of a cancellation; None for one on another day than now or when it ends: that would be acting later, without asking then."""
    if marked.of("date", "deadline") and not marked.of("when_end", "when_now"):
        return None
    return {"subscription": _subscription(marked, subscriptions), "when": _when(marked)}


def change(marked: MarkedText, params: Fields, subscriptions: Sequence[str]) -> Fields | None:
    """`params` with another subscription or moment; None where neither was said."""
    said = {"subscription": _subscription(marked, subscriptions), "when": _when(marked)}
    changed = params | {key: value for key, value in said.items() if value}
    return changed if changed != params else None


def _subscription(marked: MarkedText, subscriptions: Sequence[str]) -> str | None:
    span = marked.one("subscription")
    return (known_name(span.words, subscriptions) or span.words[:200]) if span else None


def _when(marked: MarkedText) -> str | None:
    # The later word counts: "cancel it now, no, at the end of the month".
    spans = marked.of("when_end", "when_now")
    return {"when_end": "period_end", "when_now": "now"}[spans[-1].type] if spans else None
