"""The log's write side: appended in the transaction that makes an event true. `store.audit` checks what was written.

Appending locks the household's row first, so that on PostgreSQL too the chain of one household has one writer at a time.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from halo_engine.clock import Clock
from halo_engine.model.event import GENESIS, Event, ExecutionMoved, Payload
from halo_engine.model.ids import Prefix
from halo_engine.store import tables
from halo_engine.store.values import to_json


class EventLog:
    """The append side."""

    def __init__(self, session: Session, clock: Clock, now: datetime) -> None:
        self._session, self._clock, self.now = session, clock, now

    def append(self, payload: Payload, *, household_id: str, entity_id: str, user_id: str | None = None, suffix: str = "") -> Event:
        """Add what happened to `entity_id`. `suffix` completes the type of an event whose name carries a status."""
        last = self._last(household_id)
        event = Event(
            id=self._clock.new_id(Prefix.EVENT),
            household_id=household_id,
            seq=last.seq + 1 if last else 1,
            user_id=user_id,
            entity_type=payload.entity_type,
            entity_id=entity_id,
            event_type=f"{payload.event_type}{suffix}",
            payload=payload.model_dump(mode="json"),
            created_at=self.now,
            prev_hash=last.hash if last else GENESIS,
            hash="",
        ).sealed()
        fields = event.model_dump(exclude={"payload"})
        self._session.add(tables.EventLog(**fields, event_payload_json=to_json(event.payload)))
        self._session.flush()
        return event

    def append_move(self, payload: ExecutionMoved, *, household_id: str, entity_id: str, status: str, user_id: str | None = None) -> Event:
        """Add that an execution went to `status`."""
        return self.append(payload, household_id=household_id, entity_id=entity_id, user_id=user_id, suffix=f".{status}")

    def _last(self, household_id: str) -> tables.EventLog | None:
        self._session.exec(select(tables.Household).where(tables.Household.id == household_id).with_for_update(key_share=True)).one()
        of_household = select(tables.EventLog).where(tables.EventLog.household_id == household_id)
        return self._session.exec(of_household.order_by(col(tables.EventLog.seq).desc()).limit(1)).first()
