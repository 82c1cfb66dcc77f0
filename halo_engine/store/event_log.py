"""The log's write side: appended in the transaction that makes an event true. `store.auditing` checks what was written.

Appending locks the household's row first, so that on PostgreSQL too the chain of one household has one writer at a time.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlmodel import col

from halo_engine.clock import Clock
from halo_engine.model.event import GENESIS, SCHEMA_VERSION, BooksRestored, Event, ExecutionMoved, Opening, Payload
from halo_engine.model.ids import Prefix
from halo_engine.store import tables
from halo_engine.store.values import to_json
from halo_engine.store.webhooks import Outbox


class EventLog:
    """The append side."""

    def __init__(self, connection: Connection, clock: Clock, now: datetime) -> None:
        self._connection, self._clock, self.now = connection, clock, now
        #: The ends of the chains that this transaction has locked, by household.
        self._ends: dict[str, tuple[int, str]] = {}
        #: The newest event of each entity that this transaction has asked for, as its id and the trip it belongs to.
        self._newest: dict[str, tuple[str, str]] = {}
        self._unwritten: list[dict[str, Any]] = []
        self._openings: list[dict[str, Any]] = []
        #: What was added in this transaction, for the log of the process once it is committed.
        self.appended: list[Event] = []
        #: How many of them have their messages to others.
        self._told = 0

    def hold(self, household_id: str) -> None:
        """Lock the household's chain until the transaction ends: whatever is read from here on is what the next event will have happened under."""
        if household_id not in self._ends:
            self._ends[household_id] = self._locked_end(household_id)

    def append(
        self,
        payload: Payload,
        *,
        household_id: str,
        entity_id: str,
        user_id: str | None = None,
        suffix: str = "",
        follows: str | None = None,
    ) -> Event:
        """Add what happened to `entity_id`. `suffix` completes the type of an event whose name carries a status.

        `follows` is the entity that the first event of this one came from, such as the request of a draft: so both are of one trip.
        """
        self.hold(household_id)
        last_seq, last_hash = self._ends[household_id]
        event_id = self._clock.new_id(Prefix.EVENT)
        causation_id, correlation_id = self._trip(entity_id, follows)
        if not correlation_id and payload.entity_type == "execution_request":
            correlation_id = entity_id
        event = Event(
            id=event_id,
            household_id=household_id,
            seq=last_seq + 1,
            user_id=user_id,
            entity_type=payload.entity_type,
            entity_id=entity_id,
            event_type=f"{payload.event_type}{suffix}",
            payload=self._committed(payload, event_id),
            created_at=self.now,
            prev_hash=last_hash,
            hash="",
            correlation_id=correlation_id,
            causation_id=causation_id,
            schema_version=SCHEMA_VERSION,
        ).sealed()
        fields = event.model_dump(exclude={"payload"})
        self._unwritten.append({**fields, "event_payload_json": to_json(event.payload)})
        self._ends[household_id] = (event.seq, event.hash)
        self._newest[entity_id] = (event.id, event.correlation_id)
        self.appended.append(event)
        return event

    def _committed(self, payload: Payload, event_id: str) -> dict[str, Any]:
        """The payload as the log keeps it. The openings of its commitments are written beside it."""
        fields = payload.model_dump(mode="json")
        for field in sorted(payload.committed):
            opening = Opening(event_id=event_id, field=field, salt=self._clock.token_hex(16), value=fields[field])
            fields[field] = opening.commitment
            self._openings.append({**opening.model_dump(exclude={"value"}), "value_json": to_json(opening.value)})
        return fields

    def _trip(self, *entities: str | None) -> tuple[str, str]:
        """The newest event of the first of `entities` that is on a trip, and which trip that is; nothing where none is."""
        for entity_id in filter(None, entities):
            if entity_id not in self._newest:
                found = self._connection.execute(_NEWEST, {"of": entity_id}).first()
                self._newest[entity_id] = (found.id, found.correlation_id) if found else ("", "")
            event_id, correlation_id = self._newest[entity_id]
            if correlation_id:
                return event_id, correlation_id
        return "", ""

    def founding(self, household_id: str) -> dict[str, Any]:
        """What the household's first event tells."""
        text: str = self._connection.execute(_FIRST, {"of": household_id}).scalar_one()
        payload: dict[str, Any] = json.loads(text)
        return payload

    def newest_payload(self, entity_id: str, event_type: str) -> dict[str, Any] | None:
        """What the newest event of that type tells of the entity; None where there is none."""
        text = self._connection.execute(_NEWEST_OF_TYPE, {"of": entity_id, "type": event_type}).scalar()
        payload: dict[str, Any] | None = json.loads(text) if text else None
        return payload

    def restored_since(self, entity_id: str, *, household_id: str) -> datetime | None:
        """When the books were put back from a backup that had `entity_id` in it already; None where they never were."""
        at: datetime | None = self._connection.execute(_RESTORED_SINCE, {"of": entity_id, "household": household_id}).scalar()
        return at

    def write(self) -> None:
        """What was appended, in one statement: the last of a transaction, which is nothing without it."""
        if self._unwritten:
            self._connection.execute(_INSERT, self._unwritten)
            self._unwritten = []
        if self._openings:
            self._connection.execute(_OPEN, self._openings)
            self._openings = []
        Outbox(self._connection, self._clock).put(self.appended[self._told :])
        self._told = len(self.appended)

    def append_move(self, payload: ExecutionMoved, *, household_id: str, entity_id: str, status: str, user_id: str | None = None) -> Event:
        """Add that an execution went to `status`."""
        return self.append(
            payload, household_id=household_id, entity_id=entity_id, user_id=user_id, suffix=f".{status}", follows=payload.draft_id
        )

    def erase(self, household_id: str, entity_id: str) -> int:
        """Forget what the commitments in the events of `entity_id` stand for; how many there were."""
        return int(self._connection.execute(_ERASE, {"of": entity_id, "household": household_id}).rowcount)

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
_NEWEST = (
    select(col(tables.EventLog.id), col(tables.EventLog.correlation_id))
    .where(col(tables.EventLog.entity_id) == bindparam("of"))
    .order_by(col(tables.EventLog.seq).desc())
    .limit(1)
)
_NEWEST_OF_TYPE = (
    select(col(tables.EventLog.event_payload_json))
    .where(col(tables.EventLog.entity_id) == bindparam("of"), col(tables.EventLog.event_type) == bindparam("type"))
    .order_by(col(tables.EventLog.seq).desc())
    .limit(1)
)
_BEGAN_WITH = select(func.min(col(tables.EventLog.seq))).where(col(tables.EventLog.entity_id) == bindparam("of")).scalar_subquery()
_RESTORED_SINCE = (
    select(col(tables.EventLog.created_at))
    .where(
        col(tables.EventLog.entity_id) == bindparam("household"),
        col(tables.EventLog.event_type) == BooksRestored.event_type,
        col(tables.EventLog.seq) > _BEGAN_WITH,
    )
    .order_by(col(tables.EventLog.seq).desc())
    .limit(1)
)
_INSERT = insert(tables.EventLog)
_OPEN = insert(tables.EventOpening)
_ERASE = delete(tables.EventOpening).where(
    col(tables.EventOpening.event_id).in_(
        select(col(tables.EventLog.id)).where(
            col(tables.EventLog.entity_id) == bindparam("of"), col(tables.EventLog.household_id) == bindparam("household")
        )
    )
)
