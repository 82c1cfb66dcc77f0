"""What people asked for, in their words, and the question that waits for an answer where one does."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import col

from halo_engine.model.errors import NotFound
from halo_engine.model.ids import can_be_looked_up
from halo_engine.model.intent import Intent
from halo_engine.model.value import Value
from halo_engine.store import tables
from halo_engine.store.values import to_json


class Request(Value):
    """One message to Halo. `clarification` is the open question with its field and options, None when nothing is being asked."""

    id: str
    household_id: str
    user_id: str
    channel: str
    text: str
    intent: Intent
    clarification: dict[str, Any] | None = None
    #: Who else asked for it, by id: a question's answer completes what another member had asked. Kept with what comes of it.
    also_asked: tuple[str, ...] = ()
    created_at: datetime

    @property
    def asked_by(self) -> tuple[str, ...]:
        """Everybody who asked for it."""
        return tuple(dict.fromkeys((*(self.clarification or {}).get("asked_by", ()), *self.also_asked, self.user_id)))


class Requests:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: Request) -> None:
        same = request.model_dump(include={"id", "household_id", "user_id", "channel", "created_at"})
        words = {"raw_command_text": request.text, "normalized_intent_json": _intent_json(request.intent)}
        self._connection.execute(insert(tables.ExecutionRequest), {**same, **words})

    def understand(self, request_id: str, intent: Intent, clarification: dict[str, Any] | None) -> None:
        """Record what is understood now, and what is asked about it."""
        asked = None if clarification is None else to_json(clarification)
        understood = {"normalized_intent_json": _intent_json(intent), "clarification_json": asked}
        self._connection.execute(_UNDERSTAND, {**understood, "of": request_id})

    def forget(self, request: Request) -> None:
        """Keep that something was asked, and nothing of what."""
        bare = Intent(verb=request.intent.verb, confidence=request.intent.confidence)
        self._connection.execute(_FORGET, {"normalized_intent_json": _intent_json(bare), "of": request.id})

    def get(self, household_id: str, request_id: str) -> Request:
        """Raises `NotFound` for an id that is not this household's."""
        row = self._connection.execute(_REQUEST, {"of": request_id}).first() if can_be_looked_up(request_id) else None
        if row is None or row.household_id != household_id:
            raise NotFound("There is no such request in this household.")
        return Request(
            id=row.id,
            household_id=row.household_id,
            user_id=row.user_id,
            channel=row.channel,
            text=row.raw_command_text,
            intent=Intent.model_validate_json(row.normalized_intent_json),
            clarification=json.loads(row.clarification_json) if row.clarification_json else None,
            created_at=row.created_at,
        )


_REQUEST = select(*tables.columns_of(tables.ExecutionRequest)).where(col(tables.ExecutionRequest.id) == bindparam("of"))
_UNDERSTAND = update(tables.ExecutionRequest).where(col(tables.ExecutionRequest.id) == bindparam("of"))

_FORGET = (
    update(tables.ExecutionRequest)
    .where(col(tables.ExecutionRequest.id) == bindparam("of"))
    .values(raw_command_text="", clarification_json=None)
)


def _intent_json(intent: Intent) -> str:
    return to_json(intent.model_dump(mode="json"))
