"""Rows into values. Both sides use these: repositories give them a SQLModel row's fields, the light read side a plain row.

A draft whose stored terms no longer give its stored hash is refused here, so no altered draft can be shown or confirmed. A row that cannot be
read is `StoreDamaged`, naming it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from halo_engine.model.confirmation import Confirmation
from halo_engine.model.device import Device, Enrolment
from halo_engine.model.draft import Draft
from halo_engine.model.errors import StoreDamaged
from halo_engine.model.event import Event
from halo_engine.model.exchange import Exchange
from halo_engine.model.execution import Attempt, Execution
from halo_engine.model.household import Household, Member, Preference, Usual
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules, rules_kept
from halo_engine.model.strict_json import loads

#: The fields of a row by their column's name; SQLAlchemy types its own by `Any`.
Row = Mapping[Any, Any]


def to_json(value: Any) -> str:
    """One JSON text per value: keys sorted, no white space, no NaN."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def draft_json(draft: Draft) -> str:
    """A draft as it was shown; its status is not part of that."""
    return to_json(draft.model_dump(mode="json", exclude={"status"}))


def draft_value(row: Row) -> Draft:
    """A `draft` row. Raises `StoreDamaged` when its terms and its hash disagree."""
    return _verified_draft(row["draft_payload_json"], status=row["status"], draft_hash=row["draft_hash"], draft_id=row["id"])


def revision_value(row: Row) -> Draft:
    """A `draft_revision` row joined with its draft's `status`."""
    return _verified_draft(row["draft_json"], status=row["status"], draft_hash=row["draft_hash"], draft_id=row["draft_id"])


def draft_shown(text: str) -> Draft:
    """A draft as it was shown, for a line in a list: nothing is decided by it, so its hash is not checked."""
    with _readable("A draft"):
        return Draft.model_validate({**json.loads(text), "status": "open"})


def _verified_draft(text: str, *, status: str, draft_hash: str, draft_id: str) -> Draft:
    with _readable(f"Draft {draft_id}"):
        draft = Draft.model_validate({**json.loads(text), "status": status})
    if draft.draft_hash != draft_hash or draft.id != draft_id:
        raise StoreDamaged(f"Draft {draft_id} was altered in the books: its terms do not give its hash.")
    return draft


def confirmation_value(row: Row) -> Confirmation:
    with _readable(f"Confirmation {row['id']}"):
        return Confirmation.model_validate(_picked(row, Confirmation.model_fields))


def execution_value(row: Row) -> Execution:
    """An `execution` row; what is not a column of its own is in its payload."""
    cents = row["final_cost_cents"]
    with _readable(f"Execution {row['id']}"):
        final = None if cents is None else Money(cents=cents, currency=row["currency"])
        extra = json.loads(row["execution_payload_json"])
        return Execution.model_validate({**_picked(row, Execution.model_fields), **extra, "final_cost": final})


def execution_payload_json(execution: Execution) -> str:
    """The part of an execution that has no columns."""
    return to_json(execution.model_dump(mode="json", include={"vendor_reference", "revised_draft_id", "handoff_url"}))


def attempt_value(row: Row) -> Attempt:
    with _readable(f"Attempt {row['id']}"):
        return Attempt.model_validate(_picked(row, Attempt.model_fields))


def exchange_value(row: Row) -> Exchange:
    with _readable(f"Exchange {row['id']}"):
        return Exchange.model_validate(_picked(row, Exchange.model_fields))


def receipt_value(row: Row) -> Receipt:
    with _readable(f"Receipt {row['id']}"):
        return Receipt.model_validate(_picked(row, Receipt.model_fields))


def event_value(row: Row) -> Event:
    with _readable(f"Event {row['seq']} ({row['id']})"):
        return Event.model_validate({**_picked(row, Event.model_fields), "payload": json.loads(row["event_payload_json"])})


def household_value(row: Row) -> Household:
    with _readable(f"Household {row['id']}"):
        return Household.model_validate(_picked(row, Household.model_fields))


def member_value(row: Row) -> Member:
    with _readable(f"Member {row['id']}"):
        return Member.model_validate(_picked(row, Member.model_fields))


def preference_value(row: Row) -> Preference:
    address = row["shipping_address_json"]
    with _readable(f"The preference of {row['household_id']}"):
        picked = _picked(row, Preference.model_fields)
        return Preference.model_validate({**picked, "shipping_address": json.loads(address) if address else None})


def rules_value(confirm_rules_json: str | None) -> ConfirmRules:
    """The rules a household has set, or the ones it starts with. Rules that cannot be read are an error and never the ones to start with."""
    if confirm_rules_json is None:
        return DEFAULT_RULES
    with _readable("Who may confirm what"):
        # Strict: the ordinary loader would keep the last of two rules of one name.
        return rules_kept(loads(confirm_rules_json.encode()))


def rules_json(rules: ConfirmRules) -> str:
    return to_json(rules.model_dump(mode="json"))


def usual_value(row: Row) -> Usual:
    with _readable(f"Usual {row['id']}"):
        return Usual.model_validate({**_picked(row, Usual.model_fields), "items": json.loads(row["items_json"])})


def device_value(row: Row) -> Device:
    with _readable(f"Device {row['id']}"):
        return Device.model_validate(_picked(row, Device.model_fields))


def enrolment_value(row: Row) -> Enrolment:
    with _readable(f"Enrolment {row['id']}"):
        return Enrolment.model_validate(_picked(row, Enrolment.model_fields))


@contextmanager
def _readable(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        raise StoreDamaged(f"{what} cannot be read from the books.") from error


def _picked(row: Row, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in fields if name in row.keys()}  # noqa: SIM118 - sqlite's Row iterates over values
