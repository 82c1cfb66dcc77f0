"""Terms, drafts, executions and events to start from; a test names only the fields it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from halo_engine.model.draft import Charge, Draft, DraftStatus, Fact, Line, Terms
from halo_engine.model.event import GENESIS, SCHEMA_VERSION, Event
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Member, Role
from halo_engine.model.ids import Prefix, make_id
from halo_engine.model.money import Money

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
UNTIL = NOON + timedelta(minutes=30)


def an_id(prefix: Prefix, number: int = 1) -> str:
    """The same identifier for the same number."""
    return make_id(prefix, unix_ms=1_772_557_200_000, entropy=number)


def usd(cents: int) -> Money:
    return Money(cents=cents)


def terms(**given: Any) -> Terms:
    """Two lines, shipping and tax: $36.91 in all."""
    fields: dict[str, Any] = {
        "household_id": an_id(Prefix.HOUSEHOLD),
        "draft_id": an_id(Prefix.DRAFT),
        "revision": 1,
        "verb": "ORDER",
        "title": "Order paper towels and dish soap",
        "summary": "Order 3 things from Amazon.",
        "vendor": "amazon",
        "payee": "Amazon",
        "lines": (
            Line(title="Paper towels", quantity=1, unit_price=usd(2298), reference="B079VP6DH5"),
            Line(title="Dish soap", quantity=2, unit_price=usd(549), reference="B00PIGHDE2"),
        ),
        "charges": (Charge(label="shipping", amount=usd(0)), Charge(label="tax", amount=usd(295))),
        "total": usd(3691),
        "maximum": usd(3691),
        "payment_method": "Visa •••• 4242",
        "fulfilment": (Fact(label="delivery", text="Sunday"), Fact(label="to", text="410 Terry Ave N")),
        "policies": ("Returns are free within 30 days.",),
        "warnings": ("The larger pack is cheaper.",),
        "irreversible": False,
        "instruction": {"lines": [{"asin": "B079VP6DH5", "quantity": 1}], "ship_to": "home"},
        "expires_at": UNTIL,
        "nonce": "00" * 16,
    }
    return Terms.model_validate(fields | given)


def draft(of: Terms | None = None, **given: Any) -> Draft:
    """An open draft over `of`."""
    of = of or terms()
    fields: dict[str, Any] = {
        "id": of.draft_id,
        "household_id": of.household_id,
        "request_id": an_id(Prefix.REQUEST),
        "created_at": NOON,
        "status": DraftStatus.OPEN,
        "terms": of,
        "payload": {"params": {"items": []}},
    }
    return Draft.model_validate(fields | given)


def execution(of: Draft | None = None, **given: Any) -> Execution:
    """A confirmed execution of `of`."""
    of = of or draft()
    fields: dict[str, Any] = {
        "id": an_id(Prefix.EXECUTION),
        "household_id": of.household_id,
        "draft_id": of.id,
        "draft_hash": of.draft_hash,
        "verb": of.verb,
        "vendor": of.vendor,
        "status": ExecutionStatus.CONFIRMED,
        "version": 0,
        "vendor_key": "halo-1",
        "started_at": NOON,
    }
    return Execution.model_validate(fields | given)


def member(role: Role = Role.ADULT, name: str = "Sam") -> Member:
    return Member(id=an_id(Prefix.USER), household_id=an_id(Prefix.HOUSEHOLD), display_name=name, role=role, created_at=NOON)


def event(**given: Any) -> Event:
    """A sealed event."""
    fields: dict[str, Any] = {
        "id": an_id(Prefix.EVENT),
        "household_id": an_id(Prefix.HOUSEHOLD),
        "seq": 1,
        "user_id": an_id(Prefix.USER),
        "entity_type": "draft",
        "entity_id": an_id(Prefix.DRAFT),
        "event_type": "draft.cancelled",
        "payload": {"draft_hash": "ab" * 32},
        "created_at": NOON,
        "prev_hash": GENESIS,
        "hash": "",
        "schema_version": SCHEMA_VERSION,
    }
    return Event.model_validate(fields | given).sealed()
