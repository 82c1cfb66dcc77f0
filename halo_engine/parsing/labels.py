"""What the offline model tells: the verb, the kinds of words, and the kinds of replies. The order is the order of its outputs."""

from __future__ import annotations

from halo_engine.model.intent import UNSUPPORTED

VERBS = (UNSUPPORTED, "ORDER", "REORDER", "CANCEL", "BOOK")

#: Entities as the Intent publishes them.
ENTITY_TYPES = (
    "item",
    "quantity",
    "attribute",
    "price",
    "bundle",
    "subscription",
    "venue",
    "service",
    "people",
    "date",
    "time",
    "location",
    "first_name",
    "last_name",
)

#: What the model marks besides, to fill params with: see docs/reading-words.md.
SPAN_TYPES = (*ENTITY_TYPES, "merchant", "deadline", "usual", "left_out", "replaced", "more", "when_end", "when_now", "rest")

#: What words say to a card that waits.
REPLIES = ("none", "confirm", "modify", "cancel", "unsure")
