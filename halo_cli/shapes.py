"""Values as the JSON objects that `--json` prints: money as integer cents, times as `YYYY-MM-DDTHH:MM:SSZ`.

Field names are a promise to scripts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from halo_engine.model.card import Card
from halo_engine.model.draft import Draft, iso_utc
from halo_engine.model.execution import Attempt, Execution
from halo_engine.model.household import Household, Member, Usual
from halo_engine.model.receipt import Receipt

if TYPE_CHECKING:
    from halo_engine.model.confirmation import Confirmation
    from halo_engine.model.event import Event
    from halo_engine.queries import Activity, ExecutionDetail, Verification


def card(value: Card) -> dict[str, Any]:
    return value.model_dump(mode="json")


def answer(shown: Card, draft: Draft | None) -> dict[str, Any]:
    """What `ask`, `modify`, `cancel` and `retry` answer: the card, and the draft's contract where there is one."""
    return {
        "request_id": shown.request_id,
        "kind": shown.kind.value,
        "draft_id": shown.draft_id,
        "draft_hash": shown.draft_hash,
        "card": card(shown),
        "draft": draft.contract() if draft else None,
    }


def execution(value: Execution) -> dict[str, Any]:
    """Without the key the vendor sees: whoever knows it could look the order up."""
    return {
        "id": value.id,
        "status": value.status.value,
        "verb": value.verb,
        "vendor": value.vendor,
        "draft_id": value.draft_id,
        "draft_hash": value.draft_hash,
        "vendor_reference": value.vendor_reference,
        "final_cost_cents": value.final_cost.cents if value.final_cost else None,
        "currency": value.final_cost.currency if value.final_cost else None,
        "started_at": iso_utc(value.started_at),
        "submitted_at": _time(value.submitted_at),
        "due_at": _time(value.due_at),
        "finished_at": _time(value.finished_at),
        "error_message": value.error_message,
        "revised_draft_id": value.revised_draft_id,
        "handoff_url": value.handoff_url,
    }


def receipt(value: Receipt) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def attempt(value: Attempt) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"started_at": iso_utc(value.started_at), "finished_at": _time(value.finished_at)}


def confirmation(value: Confirmation) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"confirmed_at": iso_utc(value.confirmed_at)}


def event(value: Event) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def detail(value: ExecutionDetail) -> dict[str, Any]:
    """An execution with everything that led to it and came of it."""
    return {
        "execution": execution(value.execution),
        "draft": value.draft.contract(),
        "confirmation": confirmation(value.confirmation) | {"confirmed_by": value.confirmed_by},
        "attempts": [attempt(one) for one in value.attempts],
        "events": [event(one) for one in value.events],
        "receipt": receipt(value.receipt) if value.receipt else None,
    }


def activity(value: Activity) -> dict[str, Any]:
    return {
        "at": iso_utc(value.at),
        "kind": value.kind,
        "id": value.id,
        "title": value.title,
        "status": value.status,
        "amount_cents": value.amount.cents if value.amount else None,
        "currency": value.amount.currency if value.amount else None,
        "member": value.member,
    }


def usual(value: Usual) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def household(value: Household) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def member(value: Member) -> dict[str, Any]:
    return {"id": value.id, "display_name": value.display_name, "role": value.role.value, "created_at": iso_utc(value.created_at)}


def verification(value: Verification) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _time(at: datetime | None) -> str | None:
    return iso_utc(at) if at else None
