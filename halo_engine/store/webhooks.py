"""Webhooks: where a household is told, and every message on its way there.

`Outbox` writes the messages in the transaction of the event that they tell of, so that none is lost and none is invented. `Webhooks` claims them by
compare-and-set: of any number of workers, one sends a message at a time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, insert, select, update
from sqlmodel import col

from halo_engine.clock import Clock
from halo_engine.model.errors import NotFound
from halo_engine.model.event import Event
from halo_engine.model.ids import Prefix, can_be_looked_up
from halo_engine.model.webhook import ANNOUNCED, TO_SEND, Delivery, DeliveryState, Endpoint, amount, message
from halo_engine.store import tables
from halo_engine.store.values import Row, to_json

_E, _D = tables.WebhookEndpoint, tables.WebhookDelivery


class Outbox:
    """What a transaction has to tell others. It costs one indexed look where there is nobody to tell, and nothing where there is nothing to tell."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def put(self, events: Sequence[Event]) -> None:
        """Write a message for every endpoint that wants one of `events`. The last of a transaction: what the rows say then is what is told."""
        told = [event for event in events if event.event_type in ANNOUNCED]
        endpoints = {of: self._listening(of) for of in {event.household_id for event in told}}
        rows = [
            self._row(endpoint, event)
            for event in told
            for endpoint in endpoints[event.household_id]
            if endpoint.wants(ANNOUNCED[event.event_type])
        ]
        if rows:
            self._connection.execute(insert(_D), rows)

    def _listening(self, household_id: str) -> list[Endpoint]:
        return [endpoint_value(row) for row in self._connection.execute(_LISTENING, {"of": household_id}).mappings()]

    def _row(self, endpoint: Endpoint, event: Event) -> dict[str, Any]:
        event_type = ANNOUNCED[event.event_type]
        body = message(event_type, event.created_at, self._data(event))
        return pending(endpoint, event.id, event_type, body, message_id=self._clock.new_id(Prefix.WEBHOOK_MESSAGE), at=event.created_at)

    def _data(self, event: Event) -> dict[str, Any]:
        """Identifiers, a status, and money: no names, no words, no addresses."""
        told = event.payload
        execution_id = told.get("execution_id", event.entity_id)
        execution = self._connection.execute(_EXECUTION, {"of": execution_id}).one()
        # The type tells the status of an execution that moved; the row may have moved on in the same transaction.
        status = event.event_type.partition(".")[2] if event.entity_type == "execution" else execution.status
        cents = told.get("charged_cents", told.get("maximum_cents", execution.final_cost_cents))
        money = "maximum" if "maximum_cents" in told else "charged"
        return {
            "household_id": event.household_id,
            "execution_id": execution_id,
            "draft_id": execution.draft_id,
            "receipt_id": event.entity_id if event.entity_type == "receipt_artifact" else None,
            "revised_draft_id": told.get("revised_draft_id"),
            "status": status,
            "verb": execution.verb,
            "vendor": execution.vendor,
            money: amount(cents, told.get("currency") or execution.currency),
        }


class Webhooks:
    """Endpoints and deliveries. What belongs to no endpoint of the household is `NotFound`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # endpoints

    def add(self, endpoint: Endpoint) -> None:
        """Tell it of what happens from here on."""
        fields = endpoint.model_dump(exclude={"event_types"})
        self._connection.execute(insert(_E), {**fields, "event_types_json": to_json(list(endpoint.event_types))})

    def all(self, household_id: str) -> tuple[Endpoint, ...]:
        """In the order they were added."""
        return tuple(endpoint_value(row) for row in self._connection.execute(_ALL, {"of": household_id}).mappings())

    def get(self, household_id: str, endpoint_id: str) -> Endpoint:
        """Raises `NotFound`."""
        row = self._one(_BY_ID, endpoint_id)
        if row is None or row["household_id"] != household_id:
            raise NotFound("There is no such webhook in this household.", hint="List them with: halo webhooks list")
        return endpoint_value(row)

    def remove(self, endpoint: Endpoint) -> None:
        """Forget it, and what was to be told to it: its address may be a secret of somebody's."""
        self._connection.execute(delete(_D).where(col(_D.endpoint_id) == endpoint.id))
        self._connection.execute(delete(_E).where(col(_E.id) == endpoint.id))

    def renew_secret(self, endpoint: Endpoint, at: datetime) -> Endpoint:
        """The next version of its secret."""
        fields = {"secret_version": endpoint.secret_version + 1, "secret_changed_at": at}
        self._connection.execute(update(_E).where(col(_E.id) == endpoint.id).values(fields))
        return endpoint.model_copy(update=fields)

    def disable(self, endpoint_id: str, because: str, at: datetime) -> bool:
        """Tell it nothing more, and drop what waits. False where somebody else did."""
        still = update(_E).where(col(_E.id) == endpoint_id, col(_E.disabled_at).is_(None))
        if self._connection.execute(still.values(disabled_at=at, disabled_because=because)).rowcount != 1:
            return False
        waiting = update(_D).where(col(_D.endpoint_id) == endpoint_id, col(_D.state).in_(TO_SEND))
        self._connection.execute(waiting.values(state=DeliveryState.DROPPED, finished_at=at))
        return True

    def enable(self, endpoint: Endpoint) -> Endpoint:
        """Tell it again of what happens from here on."""
        fields = {"disabled_at": None, "disabled_because": None}
        self._connection.execute(update(_E).where(col(_E.id) == endpoint.id).values(fields))
        return endpoint.model_copy(update=fields)

    # messages

    def put(self, endpoint: Endpoint, event_type: str, body: dict[str, Any], *, message_id: str, at: datetime) -> Delivery:
        """A message that is of no event, such as a test."""
        row = pending(endpoint, message_id, event_type, body, message_id=message_id, at=at)
        self._connection.execute(insert(_D), row)
        return Delivery.model_validate(row)

    def deliveries(self, household_id: str, endpoint_id: str | None, *, limit: int, before: str | None = None) -> tuple[Delivery, ...]:
        """The newest first, from after the message `before`."""
        which = [col(_D.household_id) == household_id]
        which += [col(_D.endpoint_id) == endpoint_id] if endpoint_id else []
        which += [col(_D.id) < before] if before else []
        found = select(*tables.columns_of(_D)).where(*which).order_by(col(_D.id).desc()).limit(limit)
        return tuple(Delivery.model_validate(dict(row)) for row in self._connection.execute(found).mappings())

    def delivery(self, household_id: str, message_id: str) -> Delivery:
        """Raises `NotFound`."""
        row = self._one(_MESSAGE, message_id)
        if row is None or row["household_id"] != household_id:
            raise NotFound("There is no such message in this household.", hint="List them with: halo webhooks deliveries")
        return Delivery.model_validate(dict(row))

    def due(self, now: datetime, *, besides: Collection[str]) -> Delivery | None:
        """What is due first, to an endpoint that is none of `besides`."""
        which = and_(col(_D.state).in_(TO_SEND), col(_D.due_at) <= now, col(_D.endpoint_id).not_in(list(besides)))
        first = select(*tables.columns_of(_D)).where(which).order_by(col(_D.due_at), col(_D.id)).limit(1)
        row = self._connection.execute(first).mappings().first()
        return Delivery.model_validate(dict(row)) if row else None

    def replace(self, before: Delivery, after: Delivery) -> bool:
        """The compare-and-set: False where it is no longer as it was `before`, because somebody else has it."""
        fields = after.model_dump(include={"state", "attempts", "due_at", "last_status", "last_error", "finished_at"})
        which = and_(
            col(_D.id) == before.id, col(_D.state) == before.state, col(_D.attempts) == before.attempts, col(_D.due_at) == before.due_at
        )
        return self._connection.execute(update(_D).where(which).values(fields)).rowcount == 1

    def has_taken_since(self, endpoint_id: str, at: datetime) -> bool:
        """Whether the endpoint took any message since then."""
        taken = and_(col(_D.endpoint_id) == endpoint_id, col(_D.state) == DeliveryState.DELIVERED, col(_D.finished_at) >= at)
        return bool(self._connection.execute(select(exists().where(taken))).scalar())

    def forget_before(self, at: datetime) -> int:
        """Delete what had ended by then; how many there were."""
        ended = delete(_D).where(col(_D.state).not_in(TO_SEND), col(_D.finished_at) < at)
        return int(self._connection.execute(ended).rowcount)

    def count_ended_before(self, at: datetime) -> int:
        """How many `forget_before` would delete."""
        ended = select(func.count()).select_from(_D).where(col(_D.state).not_in(TO_SEND), col(_D.finished_at) < at)
        return int(self._connection.execute(ended).scalar_one())

    def _one(self, statement: Any, identifier: str) -> Row | None:
        return self._connection.execute(statement, {"of": identifier}).mappings().first() if can_be_looked_up(identifier) else None


def pending(endpoint: Endpoint, event_id: str, event_type: str, body: dict[str, Any], *, message_id: str, at: datetime) -> dict[str, Any]:
    """A row for one message that is to be sent at once."""
    return {
        "id": message_id,
        "endpoint_id": endpoint.id,
        "household_id": endpoint.household_id,
        "event_id": event_id,
        "event_type": event_type,
        "body_text": to_json(body),
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "due_at": at,
        "created_at": at,
    }


def endpoint_value(row: Row) -> Endpoint:
    """A `webhook_endpoint` row."""
    fields = dict(row)
    return Endpoint.model_validate({"event_types": json.loads(fields.pop("event_types_json"))} | fields)


_ALL = select(*tables.columns_of(_E)).where(col(_E.household_id) == bindparam("of")).order_by(col(_E.created_at), col(_E.id))
_LISTENING = _ALL.where(col(_E.disabled_at).is_(None))
_BY_ID = select(*tables.columns_of(_E)).where(col(_E.id) == bindparam("of"))
_MESSAGE = select(*tables.columns_of(_D)).where(col(_D.id) == bindparam("of"))
_X = tables.Execution
_EXECUTION = select(col(_X.draft_id), col(_X.verb), col(_X.vendor), col(_X.status), col(_X.final_cost_cents), col(_X.currency)).where(
    col(_X.id) == bindparam("of")
)
