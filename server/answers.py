"""Answers: JSON that no text in it can break, and that nobody on the way keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from halo_engine import shapes
from halo_engine.model.card import Card
from server.home import Home

#: What is answered is this household's alone, and may be another a second later.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(value: Mapping[str, Any], status: int = 200) -> Response:
    """`value` as JSON in UTF-8. Half a character, which only a vendor's text could hold, is replaced: it has no form in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode(errors="replace"), status, PRIVATE, "application/json")


def with_draft(card: Card, home: Home) -> dict[str, Any]:
    """A card, and the contract of the draft that it shows where it shows one."""
    if card.draft_id is None:
        return shapes.answer(card, None)
    with home.queries() as queries:
        return shapes.answer(card, queries.draft(card.draft_id))
