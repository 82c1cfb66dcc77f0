"""Answers: JSON that no text in it can break, and that nobody on the way keeps for others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from halo_engine.model.card import Card
from server.documents.drafts import CardAnswer
from server.home import Home

#: What is answered is this household's alone, and may be another a second later.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
#: May be kept by whoever asked, and has to be asked about each time.
REVALIDATED = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}

Answerable = BaseModel | Mapping[str, Any]


def answer(value: Answerable, status: int = 200) -> Response:
    """`value` as JSON: what came of an act."""
    return Response(encoded(value), status, PRIVATE, "application/json")


def found(value: Answerable) -> Response:
    """`value` as JSON: what there is now, with the tag that tells whether it is still the same."""
    return tagged(encoded(value), "application/json")


def tagged(content: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """`content` with a strong ETag: the same bytes have the same one."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Response(content, 200, {**REVALIDATED, "ETag": tag, **(headers or {})}, media_type)


def encoded(value: Answerable) -> bytes:
    """`value` as JSON in UTF-8, without what is absent.

    Half a character, which only a vendor's text could hold, is replaced: it has no form in UTF-8.
    """
    if isinstance(value, BaseModel):
        try:
            return value.model_dump_json(exclude_none=True).encode()
        except (PydanticSerializationError, UnicodeEncodeError):
            value = value.model_dump(exclude_none=True)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")


def with_draft(card: Card, home: Home) -> CardAnswer:
    """A card, and the contract of the draft that it shows where it shows one."""
    link = home.link(card)
    if card.draft_id is None:
        return CardAnswer.of_card(card, link, None)
    with home.queries() as queries:
        return CardAnswer.of_card(card, link, queries.draft(card.draft_id))
