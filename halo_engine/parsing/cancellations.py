"""Which subscription to end, and when."""

from __future__ import annotations

import re
from typing import Any

from halo_engine.parsing.page import Page
from halo_engine.parsing.reorders import known_name

_PERIOD_END = re.compile(
    r"\b(?:at\s+|by\s+)?(?:the\s+)?end\s+of\s+(?:the|this|my|our|its)\s+(?:current\s+)?(?:(?:billing|paid)\s+)?(?:month|period|cycle|term|year|trial)\b|\bat\s+period\s+end\b|"
    r"\bwhen\s+it\s+(?:renews|ends|expires|runs\s+out)\b|\b(?:at|on)\s+(?:the\s+)?(?:next\s+)?renewal(?:\s+date)?\b|\bat\s+the\s+end\b"
)
_NOW = re.compile(
    r"\b(?:right\s+(?:away|now)|immediately|straight\s+away|at\s+once|effective\s+(?:immediately|today)|as\s+of\s+(?:now|today)|today|asap|now)\b"
)
_WASTE = re.compile(
    r"\b(?:subscriptions?|memberships?|plan|free\s+trial|trial|please|pls|thanks|thank\s+you|for\s+(?:me|us|good)|account|auto-?renewal)\b|\b(?:my|our|the|all|of|a|any|to|with|for|from|me|this|that)\b(?=\s|\0|$)"
)
_NAME = re.compile(r"[^\s\0,;.!?](?:[^\0,;.!?\n]|\.(?=\w)){0,80}")
_AND = re.compile(r"\s*(?:,|;|\band\b)\s*")


def take_when(page: Page) -> str | None:
    """When to end it, if the words say; taken off the page."""
    for value, pattern in (("period_end", _PERIOD_END), ("now", _NOW)):
        if match := pattern.search(page.low):
            page.take("date", match.start(), match.end())
            return value
    return None


def read_subscription(page: Page, known: tuple[str, ...]) -> tuple[str | None, tuple[int, int] | None]:
    """The subscription named on `page`, whose verb words and `when` are taken, and the span of a second one that is left for later."""
    if name := known_name(page, known, "subscription"):
        return name, _span(page, page.low)
    low = _WASTE.sub(lambda match: "\0" * len(match[0]), page.low)
    match = _NAME.search(low)
    if not match:
        return None, None
    joint = _AND.search(low, match.start())
    end = min(match.end(), joint.start()) if joint and joint.start() > match.start() else match.end()
    page.note("subscription", match.start(), end)
    left = (joint.end(), len(page.low)) if joint and joint.start() >= end and _span(page, "\0" * joint.end() + low[joint.end() :]) else None
    return page.words(match.start(), end) or None, left


def params(subscription: str | None, when: str | None) -> dict[str, Any]:
    """As the verb has them."""
    return {"subscription": subscription, "when": when}


def _span(page: Page, low: str) -> tuple[int, int] | None:
    """Where the words that are left begin and end."""
    low = _WASTE.sub(lambda match: "\0" * len(match[0]), low)
    words = [match.span() for match in re.finditer(r"[^\W_]{2,}", low) if match[0] not in ("and", "also", "then")]
    return (words[0][0], words[-1][1]) if words else None
