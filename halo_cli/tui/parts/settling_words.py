"""What a person is told of an execution whose outcome nobody knows: what is known, and what to do at the vendor's. Sentences, each inert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cards.words import shown
from halo_cli.settlements import what_was_found
from halo_engine.model.event import Event
from halo_engine.model.execution import Attempt, ExecutionStatus
from halo_engine.model.household import Member
from halo_engine.queries import ExecutionDetail

_STEPS = {
    "commit": "sent it",
    "look_up": "asked whether it happened",
    "requote": "asked for the terms again",
    "take_over": "somebody else took it over",
    "give_up": "gave up",
}


def known(detail: ExecutionDetail, zone: ZoneInfo) -> tuple[str, ...]:
    """What the books say, oldest first."""
    return tuple(shown(sentence, max_chars=1000) for sentence in _known(detail, zone))


def _known(detail: ExecutionDetail, zone: ZoneInfo) -> Iterator[str]:
    execution, terms = detail.execution, detail.draft.terms
    names, at = " and ".join(detail.approved_by), when(detail.confirmation.confirmed_at, zone)
    yield f"{names} confirmed it on {at}, for {terms.maximum.display} at the most."
    if execution.submitted_at:
        yield f"It was sent to {terms.payee} on {when(execution.submitted_at, zone)}, under the key {execution.vendor_key}."
    else:
        yield f"It was never sent to {terms.payee}."
    if detail.attempts:
        yield _last(detail.attempts, zone)
    if execution.error_message and execution.error_message not in (each.error_message for each in detail.attempts[-1:]):
        yield f"Why it stands here: {execution.error_message}"
    if execution.vendor_reference:
        yield f"The vendor's reference: {execution.vendor_reference}"
    if execution.handoff_url:
        yield f"Finish it at: {execution.handoff_url}"


def _last(attempts: tuple[Attempt, ...], zone: ZoneInfo) -> str:
    last = attempts[-1]
    error = f": {last.error_message}" if last.error_message else ""
    times = "once" if len(attempts) == 1 else f"{len(attempts)} times"
    return f"Halo tried {times}. Last, on {when(last.started_at, zone)}, it {_STEPS.get(last.step, last.step)}{error or '.'}"


def steps(detail: ExecutionDetail, zone: ZoneInfo) -> tuple[str, ...]:
    """What a person does at the vendor's, in order."""
    return tuple(shown(sentence, max_chars=1000) for sentence in _steps(detail, zone))


def _steps(detail: ExecutionDetail, zone: ZoneInfo) -> Iterator[str]:
    execution, terms = detail.execution, detail.draft.terms
    match execution.status:
        case ExecutionStatus.UNKNOWN:
            yield "Nothing yet: a worker asks the vendor again (halo worker, where none runs). Look again shows what its record says now."
        case ExecutionStatus.HANDED_OFF:
            yield f"Finish it at {terms.payee} yourself; Halo does not follow what becomes of it."
        case _:
            around = when(execution.submitted_at or execution.started_at, zone)
            yield f"Sign in at {terms.payee} with the household's account, and open its orders, bookings or subscriptions."
            yield f"Look for “{terms.title}”, made around {around}, for {terms.total.display}."
            yield "It is there: copy the vendor's own number of it, and press It happened."
            yield "It is not there, also a while later, and nothing was charged: press It did not. Then it can be asked for again."


def settled(event: Event, members: tuple[Member, ...], zone: ZoneInfo) -> str:
    """What somebody found, and when."""
    who = next((member.display_name for member in members if member.id == event.user_id), "Somebody")
    found = what_was_found(event.payload)
    return shown(f"{who} looked at the vendor's on {when(event.created_at, zone)} and found: {found}.", max_chars=400)


def when(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %H:%M}"
