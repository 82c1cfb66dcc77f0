"""The card: what a person is shown, as one value. Renderers draw it and add nothing; these builders are the only place its words come from.

A card that can be confirmed carries the hash of its terms, and every card has a hash of all that it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.draft import Change, Draft, DraftStatus, Fact, Terms, iso_utc
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.receipt import Receipt
from halo_engine.model.value import Value


class CardKind(StrEnum):
    """What a card says."""

    DRAFT = "draft"
    TERMS_CHANGED = "terms_changed"
    #: An earlier revision of a draft: other terms stand in its place.
    SUPERSEDED = "superseded"
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
    #: The time of a draft is over: the same request again, at today's prices.
    ASK_AGAIN = "Ask again"


class CardLine(Value):
    """A part of the amount: a thing or a charge. `quantity` is None for a charge; `detail` says what one of several costs."""

    quantity: int | None = None
    text: str
    detail: str = ""
    amount: str


class Card(Value):
    """One card. Lines and rows are shown in order; `warnings`, `policies` and `approval` may never be left out or folded away."""

    kind: CardKind
    #: `Draft: <Intent>`; what stands after the colon is the subject.
    title: str
    summary: str
    verb: str | None = None
    lines: tuple[CardLine, ...] = ()
    rows: tuple[Fact, ...] = ()
    cost: str | None = None
    #: What a yes would allow to be charged at the most, and whether it could be undone. For cards that can be confirmed.
    maximum: Money | None = None
    irreversible: bool = False
    warnings: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    #: Who may say yes to it, and who has already, in sentences.
    approval: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    options: tuple[Option, ...] = ()
    buttons: tuple[Button, ...] = ()
    #: Small print under the card: until when it stands, what was left out.
    note: str | None = None
    #: Whose words a question is about, by id: nobody else's next words are taken for the answer.
    asked_by: str | None = None
    request_id: str | None = None
    draft_id: str | None = None
    draft_hash: str | None = None
    revision: int | None = None
    expires_at: AwareDatetime | None = None
    execution_id: str | None = None
    receipt_id: str | None = None

    @property
    def subject(self) -> str:
        """What it is about, without what it says of it."""
        return self.title.partition(": ")[2] or self.title

    @property
    def session(self) -> str | None:
        """What ties the cards of one request together: a later one takes the place of the earlier."""
        return self.request_id

    @property
    def difference(self) -> str:
        """What changed, in one sentence without a full stop; empty where nothing did."""
        return "; ".join(change.words for change in self.changes if change.words)

    @property
    def needs_amount(self) -> bool:
        """Whether a yes to it has to name its amount, or its verb: it spends something, or cannot be undone."""
        return self.irreversible or (self.maximum is not None and self.maximum.cents > 0)

    @property
    def disclosures(self) -> tuple[str, ...]:
        """What may not be collapsed, whatever the room."""
        return (*self.warnings, *self.policies, *self.approval)

    @property
    def alt_text(self) -> str:
        """The card in sentences, for whoever does not see it."""
        said = [self.title, self.summary, self.difference]
        said += [f"{line.quantity} × {line.text}, {line.amount}" if line.quantity else f"{line.text}, {line.amount}" for line in self.lines]
        said += [f"{row.label}: {row.text}" for row in self.rows]
        said += [f"Cost: {self.cost}" if self.cost else "", *self.disclosures]
        said += [f"{position}: {option.label}" for position, option in enumerate(self.options, 1)]
        said.append(f"Choices: {', '.join(self.buttons)}" if self.buttons else "")
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in said if part)

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON (RFC 8785) of everything it shows."""
        shown = self.model_dump(mode="json", exclude={"asked_by"}) | {"expires_at": iso_utc(self.expires_at) if self.expires_at else None}
        return sha256_hex(canonical_json(_encodable({"purpose": "halo/card/v1", **shown})))


def _encodable(value: Any) -> Any:
    """`value` with half characters replaced: a vendor's text may be anything, and a card of it still has a hash."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list) else value


def draft_card(draft: Draft, *, approval: Sequence[str] = (), zone: tzinfo = UTC) -> Card:
    """Draft, or Terms changed when it stands in the place of terms that no longer hold; Cancelled and Expired without a yes to give.

    `approval` says who may confirm it (`policy.approval_words`), `zone` is the one whose clocks its readers look at.
    """
    kind, title = _draft_heading(draft)
    open_ = draft.status is DraftStatus.OPEN
    return _shown(
        draft,
        kind=kind,
        title=title,
        approval=tuple(approval) if open_ else (),
        buttons=_DRAFT_BUTTONS.get(draft.status, ()),
        note=_draft_note(draft, zone),
        draft_hash=draft.draft_hash if open_ else None,
    )


def says(card: Card, terms: Terms) -> bool:
    """Whether a card that can be confirmed says these terms and no others: for whoever was sent it, and need not believe who drew it."""
    drawn = draft_card(
        Draft(
            id=terms.draft_id,
            household_id=terms.household_id,
            request_id=card.request_id or "",
            created_at=terms.expires_at,
            status=DraftStatus.OPEN,
            terms=terms,
            payload={},
        )
    )
    beside = {"kind", "title", "approval", "changes", "note"}
    same_words = card.model_dump(exclude=beside) == drawn.model_dump(exclude=beside)
    return same_words and card.kind in (CardKind.DRAFT, CardKind.TERMS_CHANGED) and card.subject == drawn.subject


def superseded_card(draft: Draft, *, revision: int) -> Card:
    """An earlier version of a draft, of which `revision` stands now. Nothing can be done with it."""
    note = f"Revision {draft.revision} was replaced by revision {revision}."
    return _shown(draft, kind=CardKind.SUPERSEDED, title=f"Replaced: {draft.terms.title}", note=note)


def _shown(
    draft: Draft,
    *,
    kind: CardKind,
    title: str,
    note: str | None,
    approval: tuple[str, ...] = (),
    buttons: tuple[Button, ...] = (),
    draft_hash: str | None = None,
) -> Card:
    return Card(
        kind=kind,
        title=title,
        summary=draft.summary,
        verb=draft.verb,
        lines=_draft_lines(draft),
        rows=_draft_rows(draft),
        cost=_cost(draft),
        maximum=draft.terms.maximum,
        irreversible=draft.terms.irreversible,
        warnings=draft.terms.warnings,
        policies=draft.terms.policies,
        approval=approval,
        changes=draft.changes,
        buttons=buttons,
        note=note,
        request_id=draft.request_id,
        draft_id=draft.id,
        draft_hash=draft_hash,
        revision=draft.revision,
        expires_at=draft.expires_at,
    )


_DRAFT_BUTTONS: dict[DraftStatus, tuple[Button, ...]] = {
    DraftStatus.OPEN: (Button.CONFIRM, Button.MODIFY, Button.CANCEL),
    DraftStatus.EXPIRED: (Button.ASK_AGAIN,),
}


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


def _draft_lines(draft: Draft) -> tuple[CardLine, ...]:
    terms = draft.terms
    things = [
        CardLine(
            quantity=line.quantity,
            text=line.title,
            detail=f"{line.unit_price.display} each" if line.quantity > 1 else "",
            amount=(line.unit_price * line.quantity).display,
        )
        for line in terms.lines
        if line.unit_price.cents or len(terms.lines) > 1
    ]
    return (*things, *(CardLine(text=charge.label.capitalize(), amount=charge.amount.display) for charge in terms.charges))


def _draft_rows(draft: Draft) -> tuple[Fact, ...]:
    terms = draft.terms
    rows = [Fact(label=fact.label.capitalize(), text=fact.text) for fact in terms.fulfilment]
    rows.append(Fact(label="Vendor", text=terms.payee))
    if terms.payment_method:
        rows.append(Fact(label="Payment", text=terms.payment_method))
    return tuple(rows)


def _cost(draft: Draft) -> str:
    total, maximum = draft.terms.total, draft.terms.maximum
    return total.display if total == maximum else f"{total.display} – {maximum.display}"


def _draft_note(draft: Draft, zone: tzinfo) -> str | None:
    left = f"Not in this draft: “{draft.remainder}”. Ask for it separately." if draft.remainder else ""
    ends = draft.expires_at.astimezone(zone)
    until = f"{ends.day} {ends:%b %H:%M}{' UTC' if zone is UTC else ''}"
    stands = f"Revision {draft.revision} stands until {until}." if draft.status is DraftStatus.OPEN else ""
    return f"{left} {stands}".strip() or None


def clarification_card(
    *, request_id: str, question: str, options: Sequence[Option], verb: str, remainder: str | None = None, asked_by: str | None = None
) -> Card:
    """A single short question, with the choices where there are some."""
    return Card(
        kind=CardKind.CLARIFICATION,
        title=f"One question: {verb.capitalize()}",
        verb=verb,
        summary=question,
        options=tuple(options),
        note=f"Left for later: “{remainder}”." if remainder else None,
        asked_by=asked_by,
        request_id=request_id,
    )


def not_supported_card(*, request_id: str, reason: str) -> Card:
    """A polite no."""
    return Card(kind=CardKind.NOT_SUPPORTED, title="Not supported", summary=reason, request_id=request_id)


def unavailable_card(*, request_id: str, reason: str) -> Card:
    """Why this cannot be had."""
    return Card(kind=CardKind.UNAVAILABLE, title="Not possible", summary=reason, request_id=request_id)


_EXECUTION_CARDS: dict[ExecutionStatus, tuple[CardKind, str, str]] = {
    ExecutionStatus.CONFIRMED: (CardKind.EXECUTING, "Executing", "Confirmed; waiting to be carried out."),
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
        verb=draft.verb,
        rows=tuple(rows),
        cost=execution.final_cost.display if execution.final_cost else None,
        buttons=(Button.RETRY,) if execution.status is ExecutionStatus.FAILED else (),
        note=f"A revised draft is ready: {execution.revised_draft_id}" if execution.revised_draft_id else None,
        request_id=draft.request_id,
        draft_id=execution.revised_draft_id or draft.id,
        execution_id=execution.id,
        receipt_id=receipt.id if receipt else None,
    )


def _done_summary(draft: Draft, execution: Execution) -> str | None:
    return draft.summary if execution.status is ExecutionStatus.DONE else None
