"""Values as the JSON objects that `--json` prints and the server answers: money as integer cents, times as `YYYY-MM-DDTHH:MM:SSZ`.

Field names are a promise to scripts and clients.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from halo_engine.model.card import Card
from halo_engine.model.device import Device, Enrolment
from halo_engine.model.draft import Draft, iso_utc
from halo_engine.model.execution import Attempt, Execution
from halo_engine.model.household import Household, Member, Role, Usual
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.model.rules import ConfirmRules

if TYPE_CHECKING:
    from halo_engine.audit import Verification
    from halo_engine.model.confirmation import Confirmation
    from halo_engine.model.event import Event
    from halo_engine.queries import Activity, ExecutionDetail


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


def exchanges(value: ExecutionDetail) -> dict[str, Any]:
    """Each call to the vendor and its answer, redacted. Beside `detail` and not in it: it may be long, and a phone has no use for it."""
    return {"exchanges": [one.model_dump(mode="json") | {"at": iso_utc(one.at)} for one in value.exchanges]}


def confirmation(value: Confirmation) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"confirmed_at": iso_utc(value.confirmed_at)}


def event(value: Event) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def detail(value: ExecutionDetail) -> dict[str, Any]:
    """An execution with everything that led to it and came of it."""
    return {
        "execution": execution(value.execution),
        "draft": value.draft.contract(),
        "confirmation": confirmation(value.confirmation) | {"confirmed_by": value.confirmed_by, "approved_by": list(value.approved_by)},
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


def rules(value: ConfirmRules) -> dict[str, Any]:
    """By role and verb, up to which amount it may be confirmed: null is as far as the spending limit goes, a verb that is missing is not at all."""
    allowed: dict[str, dict[str, int | None]] = {role.value: {} for role in Role}
    for each in value.allowances:
        allowed[each.role.value][each.verb] = _cents(each.up_to)
    return {
        "may_confirm_up_to_cents": allowed,
        "two_people_above_cents": _cents(value.two_people_above),
        "asker_alone_up_to_cents": _cents(value.asker_alone_up_to),
        "signed_above_cents": _cents(value.signed_above),
    }


def _cents(amount: Money | None) -> int | None:
    return amount.cents if amount else None


def usual(value: Usual) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def household(value: Household) -> dict[str, Any]:
    return value.model_dump(mode="json") | {"created_at": iso_utc(value.created_at)}


def member(value: Member) -> dict[str, Any]:
    return {"id": value.id, "display_name": value.display_name, "role": value.role.value, "created_at": iso_utc(value.created_at)}


def device(value: Device) -> dict[str, Any]:
    """Without its token, which nobody has but the device itself."""
    return {
        "id": value.id,
        "name": value.name,
        "kind": value.kind.value,
        "member_id": value.user_id,
        "created_at": iso_utc(value.created_at),
        "expires_at": iso_utc(value.expires_at),
        "revoked_at": _time(value.revoked_at),
        "signing_key_thumbprint": value.signing_thumbprint,
        "proof_key_thumbprint": value.proof_thumbprint,
    }


def enrolment(value: Enrolment) -> dict[str, Any]:
    """Without its code, which was shown once."""
    return {
        "id": value.id,
        "name": value.name,
        "kind": value.kind.value,
        "member_id": value.user_id,
        "expires_at": iso_utc(value.expires_at),
        "revoked_at": _time(value.revoked_at),
    }


def verification(value: Verification) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _time(at: datetime | None) -> str | None:
    return iso_utc(at) if at else None
