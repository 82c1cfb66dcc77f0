"""The log's write side: appended in the transaction that makes an event true. `store.audit` checks what was written.

Appending locks the household's row first, so that on PostgreSQL too the chain of one household has one writer at a time.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col

from halo_engine.clock import Clock
from halo_engine.model.event import GENESIS, Event, ExecutionMoved, Payload
from halo_engine.model.ids import Prefix
from halo_engine.store import tables
from halo_engine.store.values import to_json


class EventLog:
    """The append side."""

    def __init__(self, connection: Connection, clock: Clock, now: datetime) -> None:
        self._connection, self._clock, self.now = connection, clock, now
        #: The ends of the chains that this transaction has locked, by household.
        self._ends: dict[str, tuple[int, str]] = {}
        self._unwritten: list[dict[str, Any]] = []

    def hold(self, household_id: str) -> None:
        """Lock the household's chain until the transaction ends: whatever is read from here on is what the next event will have happened under."""
        if household_id not in self._ends:
            self._ends[household_id] = self._locked_end(household_id)

    def append(self, payload: Payload, *, household_id: str, entity_id: str, user_id: str | None = None, suffix: str = "") -> Event:
        """Add what happened to `entity_id`. `suffix` completes the type of an event whose name carries a status."""
        self.hold(household_id)
        last_seq, last_hash = self._ends[household_id]
        event = Event(
            id=self._clock.new_id(Prefix.EVENT),
            household_id=household_id,
            seq=last_seq + 1,
            user_id=user_id,
            entity_type=payload.entity_type,
            entity_id=entity_id,
            event_type=f"{payload.event_type}{suffix}",
            payload=payload.model_dump(mode="json"),
            created_at=self.now,
            prev_hash=last_hash,
            hash="",
        ).sealed()
        fields = event.model_dump(exclude={"payload"})
        self._unwritten.append({**fields, "event_payload_json": to_json(event.payload)})
        self._ends[household_id] = (event.seq, event.hash)
        return event

    def founding(self, household_id: str) -> dict[str, Any]:
        """What the household's first event tells."""
        text: str = self._connection.execute(_FIRST, {"of": household_id}).scalar_one()
        payload: dict[str, Any] = json.loads(text)
        return payload

    def write(self) -> None:
        """What was appended, in one statement: the last of a transaction, which is nothing without it."""
        if self._unwritten:
            self._connection.execute(_INSERT, self._unwritten)
            self._unwritten = []

    def append_move(self, payload: ExecutionMoved, *, household_id: str, entity_id: str, status: str, user_id: str | None = None) -> Event:
        """Add that an execution went to `status`."""
        return self.append(payload, household_id=household_id, entity_id=entity_id, user_id=user_id, suffix=f".{status}")

    def _locked_end(self, household_id: str) -> tuple[int, str]:
        """The newest event's number and hash, with the chain locked until the transaction ends."""
        connection = self._connection
        if connection.dialect.name == "postgresql":
            # SQLite has one writer anyway.
            connection.execute(_LOCK, {"of": household_id})
        last = connection.execute(_LAST, {"of": household_id}).first()
        return (last.seq, last.hash) if last else (0, GENESIS)


# Core and prepared once: every move of an execution appends two or three events.
_LOCK = select(col(tables.Household.id)).where(col(tables.Household.id) == bindparam("of")).with_for_update(key_share=True)
_LAST = (
    select(col(tables.EventLog.seq), col(tables.EventLog.hash))
    .where(col(tables.EventLog.household_id) == bindparam("of"))
    .order_by(col(tables.EventLog.seq).desc())
    .limit(1)
)
_FIRST = select(col(tables.EventLog.event_payload_json)).where(
    col(tables.EventLog.household_id) == bindparam("of"), col(tables.EventLog.seq) == 1
)
_INSERT = insert(tables.EventLog)
