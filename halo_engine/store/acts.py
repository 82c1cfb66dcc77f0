"""Acts that were asked for under a key (`Idempotency-Key`): how far each came, and what was answered once it was done.

While an act is being done, every transaction of it writes down, as a part of itself, which events it appended: so whoever finds an act that was not
finished knows exactly what has happened and goes on from there. Who does it holds a turn: another one takes over when it was held for too long, and
from then on the first can write nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlmodel import col

from halo_engine.model.errors import FencedOff
from halo_engine.model.event import Event
from halo_engine.model.value import Value
from halo_engine.store import tables
from halo_engine.store.values import Row, to_json

#: Longer than a draft takes whose vendors are slow; an act goes on holding its turn with everything it writes.
HELD = timedelta(seconds=90)
#: A client that has not heard for a month asks anew. That a draft is confirmed once does not depend on it.
KEPT = timedelta(days=30)


class Act(NamedTuple):
    """An act in this process's hands, in its `turn`."""

    id: str
    turn: int


class Reached(Value):
    """One event that an act has brought about already."""

    event_type: str
    entity_id: str


class Asked(Value):
    """What was asked for, where and by whom: the same again is the same act. `body_sha256` tells whether it is."""

    household_id: str
    user_id: str
    route: str
    key: str
    body_sha256: str


class Kept(Value):
    """An act as the books have it."""

    id: str
    body_sha256: str
    turn: int
    held_until: datetime
    reached: tuple[Reached, ...]
    #: What was answered; None while it is not done.
    status: int | None
    headers: Mapping[str, str]
    answer: str | None


_current: ContextVar[Act | None] = ContextVar("halo_act", default=None)


def current_act() -> Act | None:
    """The act that is being done in this context."""
    return _current.get()


@contextmanager
def doing(act: Act) -> Iterator[None]:
    """Every transaction inside is a part of `act`."""
    token = _current.set(act)
    try:
        yield
    finally:
        _current.reset(token)


class Acts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, asked: Asked) -> Kept | None:
        """The act of that key, locked until the transaction ends."""
        place = {"by": asked.user_id, "where": asked.route, "under": asked.key}
        row = self._connection.execute(_FIND, place).mappings().first()
        return _kept(row) if row else None

    def add(self, act_id: str, asked: Asked, *, now: datetime) -> Act | None:
        """Begin it in its first turn; None where somebody else has just begun it."""
        row = {**asked.model_dump(), "id": act_id, "turn": 1, "held_until": now + HELD, "reached_json": "[]", "created_at": now}
        added = self._connection.execute(_insert(self._connection.dialect.name), row).scalar()
        return Act(act_id, 1) if added else None

    def take_over(self, kept: Kept, *, now: datetime) -> Act:
        """Go on with what nobody holds any more. The caller has found it in this transaction."""
        turn = kept.turn + 1
        self._connection.execute(_UPDATE, {"of": kept.id, "in_turn": kept.turn, "turn": turn, "held_until": now + HELD})
        return Act(kept.id, turn)

    def reach(self, act: Act, events: Sequence[Event], *, now: datetime) -> None:
        """Write down what this transaction has brought about. Raises `FencedOff` where somebody else has taken over."""
        before = self._connection.execute(_REACHED, {"of": act.id}).scalar() or "[]"
        reached = json.loads(before) + [{"event_type": each.event_type, "entity_id": each.entity_id} for each in events]
        self._move(act, {"reached_json": to_json(reached), "held_until": now + HELD})

    def end(self, act: Act, *, status: int, headers: Mapping[str, str], answer: str) -> None:
        """Keep what was answered. Raises `FencedOff`."""
        self._move(act, {"status": status, "headers_json": to_json(dict(headers)), "answer_text": answer})

    def let_go(self, act: Act, *, now: datetime) -> None:
        """It could not be done now, and whoever asks again may go on at once. Raises `FencedOff`."""
        self._move(act, {"held_until": now})

    def _move(self, act: Act, values: Mapping[str, Any]) -> None:
        moved = self._connection.execute(_UPDATE, {"of": act.id, "in_turn": act.turn, "turn": act.turn, **values})
        if moved.rowcount != 1:
            raise FencedOff("This was taken over by somebody who asked for the same.", hint="Ask again with the same key.")

    def forget_old(self, *, now: datetime) -> None:
        """Whatever was kept for long enough."""
        self._connection.execute(_FORGET_OLD, {"before": now - KEPT})

    def forget_about(self, *entity_ids: str) -> None:
        """What was answered about things that are to be forgotten."""
        for entity_id in entity_ids:
            self._connection.execute(_FORGET_ABOUT, {"part": f"%{entity_id}%"})


def _kept(row: Row) -> Kept:
    return Kept(
        id=row["id"],
        body_sha256=row["body_sha256"],
        turn=row["turn"],
        held_until=row["held_until"],
        reached=tuple(map(Reached.model_validate, json.loads(row["reached_json"]))),
        status=row["status"],
        headers=json.loads(row["headers_json"]) if row["headers_json"] else {},
        answer=row["answer_text"],
    )


def _insert(dialect: str) -> Any:
    if dialect == "postgresql":
        # Else of two who begin it at once one would fail with its whole transaction.
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        return postgres_insert(tables.IdempotencyKey).on_conflict_do_nothing().returning(col(tables.IdempotencyKey.id))
    return insert(tables.IdempotencyKey).returning(col(tables.IdempotencyKey.id))


_FIND = (
    select(*tables.columns_of(tables.IdempotencyKey))
    .where(
        col(tables.IdempotencyKey.user_id) == bindparam("by"),
        col(tables.IdempotencyKey.route) == bindparam("where"),
        col(tables.IdempotencyKey.key) == bindparam("under"),
    )
    .with_for_update()
)
_REACHED = select(col(tables.IdempotencyKey.reached_json)).where(col(tables.IdempotencyKey.id) == bindparam("of"))
_UPDATE = update(tables.IdempotencyKey).where(
    col(tables.IdempotencyKey.id) == bindparam("of"), col(tables.IdempotencyKey.turn) == bindparam("in_turn")
)
_FORGET_OLD = delete(tables.IdempotencyKey).where(col(tables.IdempotencyKey.created_at) < bindparam("before"))
_FORGET_ABOUT = delete(tables.IdempotencyKey).where(col(tables.IdempotencyKey.reached_json).like(bindparam("part")))
