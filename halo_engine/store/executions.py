"""Confirmations, the executions they start, and every attempt. An execution is written only by compare-and-set."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from halo_engine.model.confirmation import Confirmation
from halo_engine.model.errors import FencedOff, NotFound
from halo_engine.model.execution import Attempt, Execution, ExecutionStatus
from halo_engine.store import tables
from halo_engine.store.values import attempt_value, confirmation_value, execution_payload_json, execution_value


class Executions:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, confirmation: Confirmation, execution: Execution) -> None:
        """The yes and what it starts, together."""
        self._session.add(tables.Confirmation(**confirmation.model_dump()))
        self._session.add(tables.Execution(id=execution.id, **_columns(execution)))
        self._session.flush()

    def confirmation(self, draft_id: str) -> Confirmation | None:
        row = self._session.exec(select(tables.Confirmation).where(tables.Confirmation.draft_id == draft_id)).first()
        return confirmation_value(row.model_dump()) if row else None

    def get(self, execution_id: str, *, household_id: str | None = None) -> Execution:
        """The execution, locked until the transaction ends. Raises `NotFound`, also for another household's."""
        wanted = select(tables.Execution).where(tables.Execution.id == execution_id)
        if household_id is not None:
            wanted = wanted.where(tables.Execution.household_id == household_id)
        row = self._session.exec(wanted.with_for_update()).first()
        if row is None:
            raise NotFound("There is no such execution in this household.")
        return execution_value(row.model_dump())

    def of_draft(self, draft_id: str) -> Execution | None:
        row = self._session.exec(select(tables.Execution).where(tables.Execution.draft_id == draft_id)).first()
        return execution_value(row.model_dump()) if row else None

    def last_done(self, household_id: str) -> tuple[Execution, ...]:
        """The newest finished execution of each verb."""
        done = (tables.Execution.household_id == household_id, tables.Execution.status == ExecutionStatus.DONE.value)
        verbs = self._session.exec(select(tables.Execution.verb).where(*done).distinct()).all()
        newest = [
            select(tables.Execution).where(*done, tables.Execution.verb == verb).order_by(col(tables.Execution.finished_at).desc())
            for verb in sorted(verbs)
        ]
        rows = [self._session.exec(statement.limit(1)).one() for statement in newest]
        return tuple(execution_value(row.model_dump()) for row in rows)

    def replace(self, before: Execution, after: Execution) -> None:
        """Write `after` if `before` still stands. Raises `FencedOff` when somebody else has moved it: a fenced-off writer writes nothing."""
        stands = (
            col(tables.Execution.id) == before.id,
            col(tables.Execution.status) == before.status.value,
            col(tables.Execution.version) == before.version,
        )
        changed = self._session.connection().execute(update(tables.Execution).where(*stands).values(**_columns(after)))
        if changed.rowcount != 1:
            raise FencedOff
        self._session.expire_all()

    def put_attempt(self, attempt: Attempt) -> None:
        """Write an attempt: when it begins, where the begin must be on record, and again when it ends.

        After `replace` in the same transaction, so that a worker which was overtaken writes none.
        """
        self._session.merge(tables.ExecutionAttempt(**attempt.model_dump()))
        self._session.flush()

    def attempts(self, execution_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        of_execution = select(tables.ExecutionAttempt).where(tables.ExecutionAttempt.execution_id == execution_id)
        rows = self._session.exec(of_execution.order_by(col(tables.ExecutionAttempt.attempt_number)))
        return tuple(attempt_value(row.model_dump()) for row in rows)


def _columns(execution: Execution) -> dict[str, Any]:
    own = set(tables.Execution.model_fields) - {"id", "final_cost_cents", "currency", "execution_payload_json"}
    cost = execution.final_cost
    return execution.model_dump(mode="python", include=own) | {
        "status": execution.status.value,
        "final_cost_cents": cost.cents if cost else None,
        "currency": cost.currency if cost else "USD",
        "execution_payload_json": execution_payload_json(execution),
    }
