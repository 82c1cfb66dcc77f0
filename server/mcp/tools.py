"""The tools, each a name, a form to fill and something the engine does. `TOOLS` is the whole list, and confirming is not in it.

Whoever adds one: what a program says here is never a person's yes. `tests/server/mcp/test_no_yes.py` calls every tool with everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cards import words
from halo_engine.audit import Audit
from halo_engine.model.card import Button, Card
from halo_engine.model.draft import Draft, DraftStatus, iso_utc
from halo_engine.model.errors import Conflict
from halo_engine.model.execution import Execution
from halo_engine.model.receipt import Receipt
from halo_engine.queries import ExecutionDetail
from server.home import Home
from server.mcp import documents as form

#: Where words of this face were said, in the log.
CHANNEL = "mcp"

_WHERE = "A member confirms in Halo itself: on the card in the app or in the thread, or with `halo confirm` in a terminal. "
HOW = f"{_WHERE}Opening the page confirms nothing, and nothing that is sent over this connection can. Look again with `status`."
#: Where nobody said under which address the page could be opened.
HOW_WITHOUT_A_PAGE = f"{_WHERE}Nothing that is sent over this connection can. Look again with `status`."

Takes = TypeVar("Takes", bound=form.Arguments)


@dataclass(frozen=True)
class Desk:
    """Whose home it is, and the member in whose name a program acts."""

    home: Home
    member_id: str


@dataclass(frozen=True)
class Tool(Generic[Takes]):
    """One tool. `only_looks` and `drops` become the hints that a client may show; `again_is_same` says that twice is as good as once."""

    name: str
    title: str
    description: str
    takes: type[Takes]
    gives: type[form.Result]
    act: Callable[[Desk, Takes], form.Result]
    only_looks: bool = True
    drops: bool = False
    again_is_same: bool = True


def _parse(desk: Desk, given: form.Say) -> form.Understood:
    meant = desk.home.door.parse(given.text)
    return form.Understood(
        verb=meant.verb,
        confidence=meant.confidence,
        missing_fields=meant.missing_fields,
        params=meant.params,
        remainder=meant.remainder,
    )


def _draft(desk: Desk, given: form.AskFor) -> form.CardShown:
    return card_shown(desk.home.door.draft(given.text, member=desk.member_id, channel=CHANNEL, answers=given.answers))


def _modify(desk: Desk, given: form.Change) -> form.CardShown:
    return card_shown(desk.home.door.modify(given.draft_id, given.text, member=desk.member_id))


def _cancel(desk: Desk, given: form.OfDraft) -> form.CardShown:
    return card_shown(desk.home.door.cancel(given.draft_id, member=desk.member_id))


def _card(desk: Desk, given: form.OfAny) -> form.CardShown:
    return card_shown(desk.home.door.card(given.id))


def _status(desk: Desk, given: form.OfAny) -> form.Stands:
    return stands(desk, given.id)


def _executions(desk: Desk, given: form.Newest) -> form.Executions:
    with desk.home.queries() as queries:
        return form.Executions(executions=tuple(map(_execution, queries.executions(limit=given.limit))))


def _receipt(desk: Desk, given: form.OfExecution) -> form.ReceiptShown:
    with desk.home.queries() as queries:
        return _receipt_shown(queries.receipt(given.execution_id))


#: The log is read whole: one at a time in this process, however many ask.
_verifying = threading.Lock()


def _verify(desk: Desk, _given: form.NoArguments) -> form.Verified:
    if not _verifying.acquire(blocking=False):
        raise Conflict("The log is being checked already.", hint="Ask again in a moment.")
    try:
        with Audit.open(desk.home.settings, clock=desk.home.clock, household_id=desk.home.engine.household_id) as audit:
            ok = audit.verify().ok
    finally:
        _verifying.release()
    # No more than that: what is wrong with a log names things that are not this member's to know.
    says = (
        "Every link of the log holds, and the books are what it says."
        if ok
        else "The log does not hold. A person should run: halo audit verify"
    )
    return form.Verified(ok=ok, says=says)


def _request(desk: Desk, given: form.OfDraft) -> form.ToConfirm:
    return to_confirm(desk, given.draft_id)


def to_confirm(desk: Desk, draft_id: str) -> form.ToConfirm:
    """Where a person reads what there is to confirm, and how they confirm it. No page where nothing waits, or where this has no address."""
    now = stands(desk, draft_id)
    if not now.waits_for_confirmation:
        return form.ToConfirm(**now.model_dump(), how="Nothing waits for a confirmation here.")
    url = desk.home.engine.link(desk.home.door.card(draft_id))
    return form.ToConfirm(**now.model_dump(), url=url, how=HOW if url else HOW_WITHOUT_A_PAGE)


def stands(desk: Desk, of: str) -> form.Stands:
    """What stands for a draft, an execution or a request now, and whose yes started it where one did."""
    card = desk.home.door.card(of)
    with desk.home.queries() as queries:
        detail = queries.execution(card.execution_id) if card.execution_id else None
        draft = queries.draft(card.draft_id) if card.draft_id and detail is None else None
    return form.Stands(
        id=of,
        kind=card.kind.value,
        says=_said(card, draft, detail),
        waits_for_confirmation=_waits(card),
        draft_id=card.draft_id,
        execution_id=card.execution_id,
        execution_status=detail.execution.status.value if detail else None,
        confirmed_by=words.shown(detail.confirmed_by) if detail else None,
        confirmed_at=iso_utc(detail.confirmation.confirmed_at) if detail else None,
        receipt_id=card.receipt_id,
    )


def _said(card: Card, draft: Draft | None, detail: ExecutionDetail | None) -> str:
    if detail is not None:
        return words.shown(f"{detail.confirmed_by} confirmed it. {card.summary}")
    match draft.status if draft else None:
        case DraftStatus.OPEN:
            return "It waits for a person to confirm it in Halo."
        case DraftStatus.CANCELLED:
            return "It was cancelled. Nothing was done."
        case DraftStatus.EXPIRED:
            return "Its time was over before anybody confirmed it. Nothing was done."
        case _:
            return "There is nothing to confirm in it."


def _waits(card: Card) -> bool:
    return Button.CONFIRM in card.buttons


def card_shown(card: Card) -> form.CardShown:
    """A card with every text of it on one line and visible, as any renderer shows it."""
    shown = words.harmless(card)
    return form.CardShown(
        kind=shown.kind.value,
        title=shown.title,
        summary=shown.summary,
        waits_for_confirmation=_waits(shown),
        verb=shown.verb,
        cost=shown.cost,
        lines=tuple(
            form.Line(text=line.text, amount=line.amount, quantity=line.quantity, detail=line.detail or None) for line in shown.lines
        ),
        facts=tuple(form.Fact(label=row.label, text=row.text) for row in shown.rows),
        warnings=shown.warnings,
        policies=shown.policies,
        who_may_confirm=shown.approval,
        changes=tuple(map(words.change_line, words.told(shown.changes))),
        options=tuple(option.label for option in shown.options),
        note=shown.note,
        request_id=shown.request_id,
        draft_id=shown.draft_id,
        revision=shown.revision,
        expires_at=iso_utc(card.expires_at) if card.expires_at else None,
        execution_id=shown.execution_id,
        receipt_id=shown.receipt_id,
    )


def _execution(one: Execution) -> form.Execution:
    return form.Execution(
        id=one.id,
        status=one.status.value,
        verb=one.verb,
        vendor=one.vendor,
        draft_id=one.draft_id,
        started_at=iso_utc(one.started_at),
        finished_at=iso_utc(one.finished_at) if one.finished_at else None,
        final_cost=one.final_cost.display if one.final_cost else None,
        error=words.shown(one.error_message) if one.error_message else None,
    )


def _receipt_shown(receipt: Receipt) -> form.ReceiptShown:
    # Its last line is its own name, which stands beside it.
    return form.ReceiptShown(
        id=receipt.id,
        execution_id=receipt.execution_id,
        type=receipt.type,
        content_text="\n".join(words.receipt_lines(receipt)[:-1]),
        created_at=iso_utc(receipt.created_at),
        external_reference_id=words.shown(receipt.external_reference_id) if receipt.external_reference_id else None,
    )


TOOLS: dict[str, Tool[Any]] = {
    tool.name: tool
    for tool in (
        Tool(
            name="parse",
            title="Understand words",
            description="What words would ask for. Nothing is kept and nothing happens.",
            takes=form.Say,
            gives=form.Understood,
            act=_parse,
        ),
        Tool(
            name="draft",
            title="Draft a request",
            description="Draft what words ask for: an order, a reorder, a booking, a cancellation. Gives a card: a draft, a question, or why not. "
            "Nothing is bought, booked or cancelled before a person confirms the draft in Halo.",
            takes=form.AskFor,
            gives=form.CardShown,
            act=_draft,
            only_looks=False,
            again_is_same=False,
        ),
        Tool(
            name="modify",
            title="Change a draft",
            description="Change an open draft as words say. Whoever confirmed the terms before has not confirmed the new ones.",
            takes=form.Change,
            gives=form.CardShown,
            act=_modify,
            only_looks=False,
            again_is_same=False,
        ),
        Tool(
            name="cancel_draft",
            title="Drop a draft",
            description="End an open draft. Nothing was bought, so nothing is undone; what was confirmed already is not touched.",
            takes=form.OfDraft,
            gives=form.CardShown,
            act=_cancel,
            only_looks=False,
            drops=True,
        ),
        Tool(
            name="request_confirmation",
            title="Ask a person to confirm",
            description="Show a person where a draft can be read, so that a member of the household confirms it in Halo. This tool cannot confirm, "
            "and neither can any answer to what it asks: afterwards the draft is as open as before until a person acts. See `status`.",
            takes=form.OfDraft,
            gives=form.ToConfirm,
            act=_request,
        ),
        Tool(
            name="status",
            title="Where something stands",
            description="Whether a draft waits, who confirmed it, and how its execution goes.",
            takes=form.OfAny,
            gives=form.Stands,
            act=_status,
        ),
        Tool(
            name="card",
            title="Look at a card",
            description="The card of a draft, an execution or a request as it stands now.",
            takes=form.OfAny,
            gives=form.CardShown,
            act=_card,
        ),
        Tool(
            name="executions",
            title="List what was confirmed",
            description="What was confirmed in this household and how it went, the newest first.",
            takes=form.Newest,
            gives=form.Executions,
            act=_executions,
        ),
        Tool(
            name="receipt",
            title="Look at a receipt",
            description="What proves that an execution was done; there is none where nothing was.",
            takes=form.OfExecution,
            gives=form.ReceiptShown,
            act=_receipt,
        ),
        Tool(
            name="verify",
            title="Check the log",
            description="Whether the log of everything that happened here holds.",
            takes=form.NoArguments,
            gives=form.Verified,
            act=_verify,
        ),
    )
}
