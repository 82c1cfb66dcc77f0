"""Logs written by somebody who can compute every hash: the chain holds, whatever they tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from halo_engine.model.event import GENESIS, Event
from halo_engine.model.ids import Prefix
from halo_engine.model.policy import EXPECTED
from halo_engine.model.rules import ConfirmRules
from tests.halo_engine.model.samples import NOON, UNTIL, an_id, event

HASH = "ab" * 32
DRAFT, EXECUTION = an_id(Prefix.DRAFT), an_id(Prefix.EXECUTION)
ALEX, SAM = an_id(Prefix.USER), an_id(Prefix.USER, 2)
ALLOWED, AFFORDED, TWO, NOT_ALONE, *NEWER = ({"policy": policy, "allowed": True, "reason": ""} for policy in EXPECTED)


def created(**payload: Any) -> Event:
    fields = {"draft_hash": HASH, "expires_at": f"{UNTIL:%Y-%m-%dT%H:%M:%S}Z"} | payload
    return event(event_type="draft.created", payload=fields)


def revised(**payload: Any) -> Event:
    return created(**payload).model_copy(update={"event_type": "draft.revised"})


def ruled(rules: ConfirmRules, *, by: str = ALEX) -> Event:
    """An owner changed who may confirm what."""
    payload = {"rules": rules.model_dump(mode="json")}
    return event(event_type="household.rules_changed", entity_type="household", user_id=by, payload=payload)


def founded(**roles: str) -> Event:
    """A household with Alex and Sam in it."""
    payload = {"members": [ALEX, SAM], "roles": [roles["alex"], roles["sam"]]} if roles else {"members": [ALEX, SAM]}
    return event(event_type="household.created", entity_type="household", payload=payload)


def made(member: str, role: str, *, by: str) -> Event:
    """Somebody gave a member another role."""
    return event(event_type="household.role_changed", entity_type="user", entity_id=member, user_id=by, payload={"role": role})


def approved(*, user_id: str = SAM, at: datetime = NOON, **payload: Any) -> Event:
    fields = {"draft_hash": HASH, "maximum_cents": 3691, "currency": "USD"} | payload
    return event(event_type="draft.approved", user_id=user_id, created_at=at, payload=fields)


def confirmed_of_old(**payload: Any) -> Event:
    """As Halo wrote it before households had rules."""
    old = confirmed(**({"verdicts": [ALLOWED, AFFORDED]} | payload))
    added = {"people_needed", "approved_by", "asked_by"} - set(payload)
    return old.model_copy(update={"payload": {key: value for key, value in old.payload.items() if key not in added}})


def cancelled() -> Event:
    return event(event_type="draft.cancelled", payload={"draft_hash": HASH})


def confirmed(*, at: datetime = NOON, user_id: str | None = ALEX, entity_id: str = DRAFT, **payload: Any) -> Event:
    fields = {
        "draft_hash": HASH,
        "execution_id": EXECUTION,
        "maximum_cents": 3691,
        "currency": "USD",
        "verdicts": [ALLOWED, AFFORDED, TWO, NOT_ALONE, *NEWER],
        "people_needed": 1,
        "approved_by": [user_id],
        "asked_by": [ALEX],
    } | payload
    return event(event_type="draft.confirmed", entity_id=entity_id, user_id=user_id, created_at=at, payload=fields)


def went(to: str, **payload: Any) -> Event:
    """The execution moved."""
    fields = {"draft_hash": HASH, "charged_cents": None, "currency": None} | payload
    return event(event_type=f"execution.{to}", entity_type="execution", entity_id=EXECUTION, user_id=None, payload=fields)


def attempted() -> Event:
    return event(event_type="execution.attempt_finished", entity_type="execution", entity_id=EXECUTION, payload={"attempt_number": 1})


def receipt() -> Event:
    return event(
        event_type="receipt.stored", entity_type="receipt_artifact", entity_id=an_id(Prefix.RECEIPT), payload={"execution_id": EXECUTION}
    )


def done(**payload: Any) -> Event:
    return went("done", **({"charged_cents": 3691, "currency": "USD"} | payload))


def chained(events: Sequence[Event]) -> tuple[Event, ...]:
    """Numbered, linked and sealed anew, a second apart where their times allow."""
    log: list[Event] = []
    for seq, one in enumerate(events, 1):
        fields = {"id": an_id(Prefix.EVENT, seq), "seq": seq, "prev_hash": log[-1].hash if log else GENESIS}
        log.append(one.model_copy(update=fields).sealed())
    return tuple(log)


def honest() -> tuple[Event, ...]:
    """A draft, a revision, a yes, and what came of it."""
    second = "cd" * 32
    return chained(
        [
            created(),
            revised(draft_hash=second),
            confirmed(draft_hash=second, at=UNTIL - timedelta(seconds=1)),
            went("submitting", draft_hash=second),
            attempted(),
            done(draft_hash=second),
            receipt(),
            attempted(),
        ]
    )
