"""What was confirmed, how it went, and what proves it."""

from __future__ import annotations

from typing import Annotated, Self

from halo_engine.model import card as cards
from halo_engine.queries import ExecutionDetail as Detail
from server.documents.base import Document, Instant, Money, says
from server.documents.cards import Card
from server.documents.drafts import Draft
from server.documents.words import AttemptStatus, AttemptStep, Classification, ExecutionStatus, ReceiptType, Verb


class Execution(Document):
    """One confirmed draft being carried out. `due_at` is when there is something to do again; `handoff_url` is where a person has to finish it."""

    id: str
    status: ExecutionStatus
    verb: Verb
    vendor: str
    draft_id: str
    draft_hash: str
    vendor_reference: Annotated[str | None, says("The vendor's own number for it.")] = None
    final_cost: Annotated[Money | None, says("What was charged.")] = None
    started_at: Annotated[Instant, says("When the yes counted.")]
    submitted_at: Annotated[Instant | None, says("When the vendor was first asked to do it.")] = None
    due_at: Instant | None = None
    finished_at: Instant | None = None
    error_message: str | None = None
    revised_draft_id: Annotated[str | None, says("What may be confirmed instead, where the terms could not be had.")] = None
    handoff_url: str | None = None


class ExecutionList(Document):
    """Executions, the newest first."""

    executions: tuple[Execution, ...]
    next_cursor: str | None = None


class Confirmation(Document):
    """Whose yes started it, and everybody whose yes counted, by name; and how long after the terms were shown."""

    id: str
    draft_id: str
    draft_hash: str
    user_id: str
    confirmed_at: Instant
    confirmation_latency_ms: Annotated[int, says("From when the terms were shown to the yes.")]
    confirmed_by: Annotated[str, says("Whose yes started it, by name.")]
    approved_by: Annotated[tuple[str, ...], says("Everybody whose yes counted, by name.")]


class Attempt(Document):
    """One try at the vendor, or one look-up of an unknown outcome. `retry_delay_ms` is the wait decided after it."""

    id: str
    execution_id: str
    attempt_number: Annotated[int, says("From 1.")]
    step: AttemptStep
    started_at: Instant
    finished_at: Instant | None = None
    status: AttemptStatus
    classification: Classification | None = None
    error_message: str | None = None
    retry_delay_ms: int | None = None


class LogEntry(Document):
    """One entry of the household's log: what happened to what, when, and by whom. Without a `user_id`, Halo itself."""

    id: str
    seq: Annotated[int, says("Its place in the log.")]
    event_type: Annotated[str, says("To what and what: `draft.confirmed`, `execution.done`.")]
    entity_type: str
    entity_id: str
    user_id: Annotated[str | None, says("The member whose doing it was.")] = None
    created_at: Instant
    hash: Annotated[str, says("Over this entry and the hash of the one before it, in hexadecimal.")]


class Receipt(Document):
    """What proves an effect. `content_text` is complete by itself; `external_reference_id` is the vendor's own number."""

    id: str
    execution_id: str
    type: ReceiptType
    content_text: str
    external_reference_id: str | None = None
    created_at: Instant


class ExecutionDetail(Document):
    """An execution with everything that led to it and came of it."""

    execution: Execution
    draft: Draft
    confirmation: Confirmation
    attempts: tuple[Attempt, ...]
    events: tuple[LogEntry, ...]
    receipt: Receipt | None = None

    @classmethod
    def of(cls, value: Detail) -> Self:
        yes = value.confirmation
        return cls(
            execution=Execution.of(value.execution),
            draft=Draft.of(value.draft),
            confirmation=Confirmation(**dict(yes), confirmed_by=value.confirmed_by, approved_by=value.approved_by),
            attempts=tuple(map(Attempt.of, value.attempts)),
            events=tuple(map(LogEntry.of, value.events)),
            receipt=Receipt.of(value.receipt) if value.receipt else None,
        )


class StartedExecution(Document):
    """What a yes started: the execution, and its card as it stands at this moment."""

    execution_id: str
    card: Card

    @classmethod
    def of_card(cls, shown: cards.Card, link: str | None) -> Self:
        return cls(execution_id=shown.execution_id or "", card=Card.of_card(shown, link))
