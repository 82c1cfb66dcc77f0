"""Carrying out one confirmation: its states, the one table of moves between them, and its attempts."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field

from halo_engine.model.errors import IllegalMove
from halo_engine.model.money import Money
from halo_engine.model.value import Value


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    #: Confirmed, and to be sent: for the first time, or again under the same key after the vendor steadily had no record of it.
    CONFIRMED = "confirmed"
    #: The intention is written; a request may be on its way.
    SUBMITTING = "submitting"
    #: The answer was lost: it may have happened. Looked up before anything else is tried.
    UNKNOWN = "unknown"
    #: The vendor took it and is not finished.
    ACCEPTED = "accepted"
    DONE = "done"
    #: Some lines were done and some were not.
    PARTIAL = "partial"
    FAILED = "failed"
    #: The terms moved before anything was sent; a revised draft was written.
    TERMS_CHANGED = "terms_changed"
    #: A person has to finish it at the vendor's.
    HANDED_OFF = "handed_off"
    #: Nobody can tell by asking what happened: a person has to look.
    NEEDS_ATTENTION = "needs_attention"


_S = ExecutionStatus

#: Every move there is. A status without moves is the end.
TRANSITIONS: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _S.CONFIRMED: frozenset({_S.SUBMITTING, _S.FAILED, _S.TERMS_CHANGED, _S.NEEDS_ATTENTION}),
    _S.SUBMITTING: frozenset(
        {_S.CONFIRMED, _S.UNKNOWN, _S.ACCEPTED, _S.DONE, _S.PARTIAL, _S.FAILED, _S.TERMS_CHANGED, _S.HANDED_OFF, _S.NEEDS_ATTENTION}
    ),
    _S.UNKNOWN: frozenset({_S.CONFIRMED, _S.ACCEPTED, _S.DONE, _S.PARTIAL, _S.FAILED, _S.TERMS_CHANGED, _S.NEEDS_ATTENTION}),
    # A vendor that buys later finds the price risen later.
    _S.ACCEPTED: frozenset({_S.DONE, _S.PARTIAL, _S.FAILED, _S.TERMS_CHANGED, _S.NEEDS_ATTENTION}),
    _S.DONE: frozenset(),
    _S.PARTIAL: frozenset(),
    _S.FAILED: frozenset(),
    _S.TERMS_CHANGED: frozenset(),
    _S.HANDED_OFF: frozenset(),
    _S.NEEDS_ATTENTION: frozenset(),
}

FINAL = frozenset(status for status, moves in TRANSITIONS.items() if not moves)


class Execution(Value):
    """One confirmed draft being carried out. `version` counts its moves and fences every write."""

    id: str
    household_id: str
    draft_id: str
    draft_hash: str
    verb: str
    vendor: str
    status: ExecutionStatus
    version: int = Field(ge=0)
    #: The key the vendor sees: derived from the execution, the same in every attempt.
    vendor_key: str
    started_at: AwareDatetime
    submitted_at: AwareDatetime | None = None
    #: When there is something to do again.
    due_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    vendor_reference: str | None = None
    final_cost: Money | None = None
    error_message: str | None = None
    revised_draft_id: str | None = None
    handoff_url: str | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def move(self, to: ExecutionStatus, **fields: Any) -> Execution:
        """This execution in status `to`, one version on. Raises `IllegalMove` for one that is not in `TRANSITIONS`."""
        if to not in TRANSITIONS[self.status]:
            # Not a Conflict: a conflict is looked at again at once, and this would be the same for ever.
            raise IllegalMove(f"An execution cannot go from {self.status} to {to}. That is a bug in Halo; nothing was done.")
        return self.model_copy(update={"status": to, "version": self.version + 1, **fields})


class Classification(StrEnum):
    """What an attempt's failure was, and so what follows."""

    #: Retry after 5 s, 30 s, 2 min, then fail.
    TRANSIENT = "transient"
    #: Refresh the credential once, then retry.
    AUTH = "auth"
    #: Stop, and write a revised draft.
    PRICE_OR_INVENTORY_CHANGE = "price_or_inventory_change"
    #: Look it up first.
    AMBIGUOUS = "ambiguous"
    #: Fail with the reason.
    PERMANENT = "permanent"


class Attempt(Value):
    """One try at the vendor, or one look-up of an unknown outcome. `retry_delay_ms` is the wait decided after it."""

    id: str
    execution_id: str
    attempt_number: int = Field(ge=1)
    step: str
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    status: str
    classification: Classification | None = None
    error_message: str | None = None
    retry_delay_ms: int | None = None
