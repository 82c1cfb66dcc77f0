"""What a language model is told with each message, and what of that may be kept.

The rules stand alone in the system message. The situation and the words are data in messages of their own, so that no word of a person or a
vendor is ever mixed into the rules.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from halo_engine.parsing.parser import ParseContext

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

_NAMES = 50


@dataclass(frozen=True)
class Prompt:
    """`messages` as they are sent, and `redacted`: the same in one line, for the log, without a word that anybody in the household said."""

    messages: list[ChatCompletionMessageParam]
    redacted: str


def prompt(system: str, text: str, context: ParseContext) -> Prompt:
    """The prompt for `text`."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": system},
        {"role": "user", "content": _situation(context)},
        {"role": "user", "content": text},
    ]
    return Prompt(messages=messages, redacted=_redacted(system, text, context))


def rules_sha256(system: str, schema: dict[str, Any]) -> str:
    """The fingerprint of what Halo itself tells every model: the rules, and the form of the answer."""
    return hashlib.sha256(json.dumps([system, schema], sort_keys=True).encode()).hexdigest()


def _situation(context: ParseContext) -> str:
    """When, where and about what the message was written, as data."""
    current = context.current
    situation: dict[str, Any] = {"now": _now(context), "zone": context.zone}
    situation["current"] = {"verb": current.verb, "params": current.params} if current else None
    situation |= {"just_asked_for": context.requested, "subscriptions": context.subscriptions[:_NAMES], "bundles": context.bundles[:_NAMES]}
    return "Situation: " + json.dumps(situation) + "\nThe next message is the household member's."


def _redacted(system: str, text: str, context: ParseContext) -> str:
    asked = ", ".join(context.requested) or "nothing"
    return (
        f"system: rules of {len(system)} characters; user: now {_now(context)}, zone {context.zone}, "
        f"current {context.current.verb if context.current else 'none'}, just asked for {asked}, "
        f"subscriptions {min(len(context.subscriptions), _NAMES)}, bundles {min(len(context.bundles), _NAMES)}; "
        f"user: {len(text)} characters of the request"
    )


def _now(context: ParseContext) -> str:
    return f"{context.now.astimezone(ZoneInfo(context.zone)):%A %Y-%m-%d %H:%M}"
