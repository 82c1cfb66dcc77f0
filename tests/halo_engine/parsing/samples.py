"""The four verbs as parsers see them, and the context most tests read words in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from halo_engine.model.intent import Example, VerbSpec
from halo_engine.parsing.parser import ParseContext
from halo_engine.verbs.book import BookParams
from halo_engine.verbs.cancel import CancelParams
from halo_engine.verbs.order import OrderParams
from halo_engine.verbs.reorder import ReorderParams

SPECS = (
    VerbSpec(
        "ORDER",
        "Buy things.",
        OrderParams,
        (Example("order 2 packs of AA batteries", {"items": [{"name": "AA batteries", "quantity": 2}]}),),
    ),
    VerbSpec("REORDER", "Buy the last order or a saved bundle again.", ReorderParams, (Example("reorder the usual", {"source": "usual"}),)),
    VerbSpec("CANCEL", "End a subscription.", CancelParams, (Example("cancel streamly", {"subscription": "streamly"}),)),
    VerbSpec("BOOK", "Book a table or an appointment.", BookParams, (Example("table at Nopa for 2", {"venue": "Nopa", "party_size": 2}),)),
)

# A Wednesday, ten in the morning in California.
NOW = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
ZONE = "America/Los_Angeles"


def context(**given: Any) -> ParseContext:
    """Wednesday morning in California, with `given` on top."""
    return ParseContext(**({"now": NOW, "zone": ZONE} | given))


def said(params: dict[str, Any]) -> dict[str, Any]:
    """`params` without what is empty."""
    kept = {key: value for key, value in params.items() if value not in (None, [], ())}
    if "items" in kept:
        kept["items"] = [{key: value for key, value in item.items() if value not in (None, [])} for item in kept["items"]]
    return kept
