"""The card: what a person is shown, as one value. Renderers draw it and add nothing; these builders are the only place its words come from.

A card that can be confirmed carries the hash of what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from halo_engine.model.draft import Change, Draft, DraftStatus, Fact
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.receipt import Receipt
from halo_engine.model.value import Value


class CardKind(StrEnum):
    """What a card says."""

    DRAFT = "draft"
    TERMS_CHANGED = "terms_changed"
    CLARIFICATION = "clarification"
    NOT_SUPPORTED = "not_supported"
    #: It is something Halo does, but it cannot be had: sold out, unknown, over the budget.
    UNAVAILABLE = "unavailable"
    EXECUTING = "executing"
    CHECKING = "checking"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    HANDED_OFF = "handed_off"
    NEEDS_ATTENTION = "needs_attention"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Button(StrEnum):
    """What can be pressed. Each is an explicit act of a person."""

    CONFIRM = "Confirm"
    MODIFY = "Modify"
    CANCEL = "Cancel"
    RETRY = "Retry"


class Option(Value):
    """One answer to a clarification: what it says, why it stands where it stands, and the parameters it sets."""

    label: str
    reason: str = ""
    params: dict[str, Any] = Field(default_factory=dict)


_NUMBERED = re.compile(
    # "no. 2" is the second; "no one" and "no two" are none.
    r"(?:(?:option|number|no\.?|nr\.?|#)?\s*([1-9])|(?:(?:option|number)\s+)?(one|two|three))[.)]?"
    r"|(?:the\s+)?(?:(first|second|third|last)|([1-3])(?:st|nd|rd))(?:\s+one)?"
)
_NTH = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3, "last": 0}
_CHEAPEST = re.compile(r"(?:the\s+)?cheap(?:est|er)(?:\s+one)?")
_AGREES = frozenset(("yes", "yeah", "yep", "y", "ok", "okay", "sure", "that one", "that"))
_DECLINES = frozenset(("no", "nope", "none", "none of them", "neither", "not", "nothing", "never", "never mind", "cancel", "stop", "wrong"))
#: Fewer letters begin too many words: "no" is not Northcell.
_BEGINNING_CHARS = 4
_FILLERS = frozenset(
    ("the", "a", "an", "one", "please", "pls", "i", "mean", "meant", "it's", "its", "take", "that", "would", "like", "at", "and")
)
_ANSWER_CHARS = 200


def option_meant(options: Sequence[Option], said: str) -> Option | None:
    """The option that an answer names for certain: by its number, its words, their beginning, or some that only it has. None for anything else."""
    words = " ".join(said.casefold().split()).strip(" .!,")
    if not words or len(words) > _ANSWER_CHARS or words in _DECLINES:
        return None
    exact = next((option for option in options if option.label.casefold() == words), None)
    return exact or _numbered(options, words) or _alone(options, words)


def _numbered(options: Sequence[Option], words: str) -> Option | None:
    match = _NUMBERED.fullmatch(words)
    if not match:
        return None
    digit, word, nth, ordinal = match.groups()
    at = int(digit or ordinal) if digit or ordinal else _NTH[word or nth]
    # The last one has number 0: it stands before the first, going round.
    return options[at - 1] if at <= len(options) and options else None


def _alone(options: Sequence[Option], words: str) -> Option | None:
    """The only option that fits; none where several do."""
    if len(options) == 1 and words in _AGREES:
        return options[0]
    if _CHEAPEST.fullmatch(words):
        fits = [option for option in options if "the cheapest" in option.reason]
    else:
        said = frozenset(_LABEL_WORD.findall(words)) - _FILLERS
        begins = [
            option
            for option in options
            if len(words) >= _BEGINNING_CHARS and not words.isdigit() and option.label.casefold().startswith(words)
        ]
        # A number alone may be meant as how many.
        has = [
            option for option in options if said and not words.isdigit() and said <= frozenset(_LABEL_WORD.findall(option.label.casefold()))
        ]
        fits = begins or has
    return fits[0] if len(fits) == 1 else None


_LABEL_WORD = re.compile(r"[^\W_]+(?:[':.][^\W_]+)*")


class Card(Value):
    """One card. `rows` are shown in order; `warnings` and `policies` may never be left out or folded away."""

    kind: CardKind
    title: str
    summary: str
    rows: tuple[Fact, ...] = ()
    cost: str | None = None
    warnings: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    options: tuple[Option, ...] = ()
    buttons: tuple[Button, ...] = ()
    #: Small print under the card: until when it stands, what was left out.
    note: str | None = None
    request_id: str | None = None
    draft_id: str | None = None
    draft_hash: str | None = None
    execution_id: str | None = None
    receipt_id: str | None = None


def draft_card(draft: Draft) -> Card:
    """Draft, or Terms changed when it stands in the place of terms that no longer hold; Cancelled and Expired without buttons."""
    kind, title = _draft_heading(draft)
    open_ = draft.status is DraftStatus.OPEN
    return Card(
        kind=kind,
        title=title,
        summary=draft.summary,
        rows=_draft_rows(draft),
        cost=_cost(draft),
        warnings=draft.terms.warnings,
        policies=draft.terms.policies,
        changes=draft.changes,
        buttons=(Button.CONFIRM, Button.MODIFY, Button.CANCEL) if open_ else (),
        note=_draft_note(draft),
        request_id=draft.request_id,
        draft_id=draft.id,
        draft_hash=draft.draft_hash if open_ else None,
    )


def _draft_heading(draft: Draft) -> tuple[CardKind, str]:
    subject = draft.terms.title
    match draft.status:
        case DraftStatus.CANCELLED:
            return CardKind.CANCELLED, f"Cancelled: {subject}"
        case DraftStatus.EXPIRED:
            return CardKind.EXPIRED, f"Expired: {subject}"
        case DraftStatus.CONFIRMED:
            return CardKind.EXECUTING, f"Confirmed: {subject}"
        case DraftStatus.OPEN if draft.revises:
            return CardKind.TERMS_CHANGED, f"Terms changed: {subject}"
        case _:
            return CardKind.DRAFT, draft.title


def _draft_rows(draft: Draft) -> tuple[Fact, ...]:
    terms = draft.terms
    rows = [
        Fact(label=f"{line.quantity} ×", text=f"{line.title} — {line.unit_price.display}{' each' if line.quantity > 1 else ''}")
        for line in terms.lines
        if line.unit_price.cents or len(terms.lines) > 1
    ]
    rows += [Fact(label=charge.label.capitalize(), text=charge.amount.display) for charge in terms.charges]
    rows += [Fact(label=fact.label.capitalize(), text=fact.text) for fact in terms.fulfilment]
    rows.append(Fact(label="Vendor", text=terms.payee))
    if terms.payment_method:
        rows.append(Fact(label="Payment", text=terms.payment_method))
    return tuple(rows)


def _cost(draft: Draft) -> str:
    total, maximum = draft.terms.total, draft.terms.maximum
    return total.display if total == maximum else f"{total.display} – {maximum.display}"


def _draft_note(draft: Draft) -> str | None:
    left = f"Not in this draft: “{draft.remainder}”. Ask for it separately." if draft.remainder else ""
    until = f"{draft.expires_at.day} {draft.expires_at:%b %H:%M} UTC"
    stands = f"Revision {draft.revision} stands until {until}." if draft.status is DraftStatus.OPEN else ""
    return f"{left} {stands}".strip() or None


def clarification_card(*, request_id: str, question: str, options: Sequence[Option], title: str, remainder: str | None = None) -> Card:
    """A single short question, with the choices where there are some."""
    return Card(
        kind=CardKind.CLARIFICATION,
        title=title,
        summary=question,
        options=tuple(options),
        note=f"Left for later: “{remainder}”." if remainder else None,
        request_id=request_id,
    )


def not_supported_card(*, request_id: str, reason: str) -> Card:
    """A polite no."""
    return Card(kind=CardKind.NOT_SUPPORTED, title="Not supported", summary=reason, request_id=request_id)


def unavailable_card(*, request_id: str, reason: str) -> Card:
    """Why this cannot be had."""
    return Card(kind=CardKind.UNAVAILABLE, title="Not possible", summary=reason, request_id=request_id)


_EXECUTION_CARDS: dict[ExecutionStatus, tuple[CardKind, str, str]] = {
    ExecutionStatus.CONFIRMED: (CardKind.EXECUTING, "Executing", "Confirmed; the vendor is being asked."),
    ExecutionStatus.SUBMITTING: (CardKind.EXECUTING, "Executing", "Sent to the vendor; waiting for the answer."),
    ExecutionStatus.ACCEPTED: (CardKind.EXECUTING, "Executing", "The vendor accepted it and is working on it."),
    ExecutionStatus.UNKNOWN: (
        CardKind.CHECKING,
        "Checking",
        "The answer was lost. We are checking with the vendor; nothing is sent twice.",
    ),
    ExecutionStatus.DONE: (CardKind.DONE, "Done", "Done."),
    ExecutionStatus.PARTIAL: (CardKind.PARTIAL, "Partly done", "Some of it was done and some was not. Nothing is topped up by itself."),
    ExecutionStatus.FAILED: (CardKind.FAILED, "Failed", "Nothing was done."),
    ExecutionStatus.TERMS_CHANGED: (CardKind.TERMS_CHANGED, "Terms changed", "The terms moved before anything was sent. Nothing was done."),
    ExecutionStatus.HANDED_OFF: (CardKind.HANDED_OFF, "Over to you", "A person has to finish this at the vendor's."),
    ExecutionStatus.NEEDS_ATTENTION: (
        CardKind.NEEDS_ATTENTION,
        "Needs attention",
        "It may or may not have happened. Look at the vendor's before asking again.",
    ),
}


def execution_card(execution: Execution, draft: Draft, receipt: Receipt | None) -> Card:
    """Executing, Checking, Done, Failed and the rest: where the execution of `draft` stands."""
    kind, heading, summary = _EXECUTION_CARDS[execution.status]
    rows = [Fact(label="Vendor", text=draft.terms.payee)]
    if execution.vendor_reference:
        rows.append(Fact(label="Reference", text=execution.vendor_reference))
    if execution.handoff_url:
        rows.append(Fact(label="Finish at", text=execution.handoff_url))
    if receipt:
        rows.append(Fact(label="Receipt", text=receipt.id))
    return Card(
        kind=kind,
        title=f"{heading}: {draft.title.removeprefix('Draft: ')}",
        summary=f"{summary} {execution.error_message}" if execution.error_message else _done_summary(draft, execution) or summary,
        rows=tuple(rows),
        cost=execution.final_cost.display if execution.final_cost else None,
        buttons=(Button.RETRY,) if execution.status is ExecutionStatus.FAILED else (),
        note=f"A revised draft is ready: {execution.revised_draft_id}" if execution.revised_draft_id else None,
        draft_id=execution.revised_draft_id or draft.id,
        execution_id=execution.id,
        receipt_id=receipt.id if receipt else None,
    )


def _done_summary(draft: Draft, execution: Execution) -> str | None:
    return draft.summary if execution.status is ExecutionStatus.DONE else None
