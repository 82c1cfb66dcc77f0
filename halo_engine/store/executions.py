"""Confirmations, the executions they start, and every attempt. An execution is written only by compare-and-set."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update
from sqlmodel import col

from halo_engine.model.confirmation import Confirmation
from halo_engine.model.errors import FencedOff, NotFound
from halo_engine.model.execution import FINAL, Attempt, Execution, ExecutionStatus
from halo_engine.model.ids import can_be_looked_up
from halo_engine.store import tables
from halo_engine.store.values import attempt_value, confirmation_value, execution_payload_json, execution_value


class Executions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, confirmation: Confirmation, execution: Execution) -> None:
        """The yes and what it starts, together."""
        connection = self._connection
        connection.execute(_ADD_CONFIRMATION, confirmation.model_dump())
        connection.execute(_ADD_EXECUTION, {"id": execution.id, **_columns(execution)})

    def confirmation(self, draft_id: str) -> Confirmation | None:
        row = self._connection.execute(_CONFIRMATION, {"of": draft_id}).mappings().first()
        return confirmation_value(row) if row else None

    def get(self, execution_id: str, *, household_id: str | None = None) -> Execution:
        """The execution, locked until the transaction ends. Raises `NotFound`, also for another household's."""
        return self._read(_LOCKED, execution_id, household_id)

    def look(self, execution_id: str, *, household_id: str | None = None) -> Execution:
        """As `get`, without the lock."""
        return self._read(_EXECUTION, execution_id, household_id)

    def _read(self, statement: Select[Any], execution_id: str, household_id: str | None) -> Execution:
        found = self._connection.execute(statement, {"of": execution_id}) if can_be_looked_up(execution_id) else None
        row = found.mappings().first() if found else None
        if row is None or household_id not in (None, row["household_id"]):
            raise NotFound("There is no such execution in this household.")
        return execution_value(row)

    def of_draft(self, draft_id: str) -> Execution | None:
        row = self._connection.execute(_OF_DRAFT, {"of": draft_id}).mappings().first()
        return execution_value(row) if row else None

    def unfinished(self) -> tuple[Execution, ...]:
        """Those that have not ended, of every household."""
        return tuple(execution_value(row) for row in self._connection.execute(_UNFINISHED).mappings())

    def last_done(self, household_id: str) -> tuple[Execution, ...]:
        """The newest finished execution of each verb."""
        connection = self._connection
        verbs = connection.execute(_VERBS_DONE, {"of": household_id}).scalars()
        rows = [connection.execute(_LAST_DONE, {"of": household_id, "verb": verb}).mappings().one() for verb in sorted(verbs)]
        return tuple(execution_value(row) for row in rows)

    def replace(self, before: Execution, after: Execution) -> None:
        """Write `after` if `before` still stands. Raises `FencedOff` when somebody else has moved it: a fenced-off writer writes nothing."""
        stands = {"of": before.id, "from_status": before.status.value, "from_version": before.version}
        if self._connection.execute(_REPLACE, {**_columns(after), **stands}).rowcount != 1:
            raise FencedOff

    def put_attempt(self, attempt: Attempt) -> None:
        """Write an attempt: when it begins, where the begin must be on record, and again when it ends.

        After `replace` in the same transaction, so that a worker which was overtaken writes none.
        """
        fields = attempt.model_dump()
        connection = self._connection
        ends = attempt.finished_at is not None and connection.execute(_END_ATTEMPT, {**fields, "of": attempt.id}).rowcount == 1
        if not ends:
            connection.execute(_BEGIN_ATTEMPT, fields)

    def attempts(self, execution_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        rows = self._connection.execute(_ATTEMPTS, {"of": execution_id}).mappings()
        return tuple(attempt_value(row) for row in rows)


# Core and prepared once: every move of an execution goes through these.
_CONFIRMATION = select(*tables.columns_of(tables.Confirmation)).where(col(tables.Confirmation.draft_id) == bindparam("of"))
_ADD_CONFIRMATION = insert(tables.Confirmation)
_ADD_EXECUTION = insert(tables.Execution)
_OF_DRAFT = select(*tables.columns_of(tables.Execution)).where(col(tables.Execution.draft_id) == bindparam("of"))
_DONE = (col(tables.Execution.household_id) == bindparam("of"), col(tables.Execution.status) == ExecutionStatus.DONE.value)
_VERBS_DONE = select(col(tables.Execution.verb)).where(*_DONE).distinct()
_LAST_DONE = (
    select(*tables.columns_of(tables.Execution))
    .where(*_DONE, col(tables.Execution.verb) == bindparam("verb"))
    .order_by(col(tables.Execution.finished_at).desc())
    .limit(1)
)
_REPLACE = update(tables.Execution).where(
    col(tables.Execution.id) == bindparam("of"),
    col(tables.Execution.status) == bindparam("from_status"),
    col(tables.Execution.version) == bindparam("from_version"),
)
_EXECUTION = select(*tables.columns_of(tables.Execution)).where(col(tables.Execution.id) == bindparam("of"))
_UNFINISHED = select(*tables.columns_of(tables.Execution)).where(
    col(tables.Execution.status).in_([status.value for status in ExecutionStatus if status not in FINAL])
)
_LOCKED = _EXECUTION.with_for_update()
_ATTEMPTS = (
    select(*tables.columns_of(tables.ExecutionAttempt))
    .where(col(tables.ExecutionAttempt.execution_id) == bindparam("of"))
    .order_by(col(tables.ExecutionAttempt.attempt_number))
)
_BEGIN_ATTEMPT = insert(tables.ExecutionAttempt)
_END_ATTEMPT = update(tables.ExecutionAttempt).where(col(tables.ExecutionAttempt.id) == bindparam("of"))


def _columns(execution: Execution) -> dict[str, Any]:
    # A row that is written anew keeps its key: writing it would lock whoever refers to it.
    own = set(tables.Execution.model_fields) - {"id"}
    cost = execution.final_cost
    return execution.model_dump(include=own) | {
        "status": execution.status.value,
        "final_cost_cents": cost.cents if cost else None,
        "currency": cost.currency if cost else "USD",
        "execution_payload_json": execution_payload_json(execution),
    }
