"""Lists and details as tables and lines. Pure: values in, what `output.py` can print out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from halo_cli.output import Heading, Lines, Shown, Table
from halo_cli.settlements import settled_line
from halo_engine.model.card import execution_card
from halo_engine.model.device import Device, DeviceKind, Enrolment
from halo_engine.model.execution import Attempt
from halo_engine.model.household import Member, Usual
from halo_engine.model.text import inert

if TYPE_CHECKING:
    from halo_engine.model.event import Event
    from halo_engine.queries import Activity, ExecutionDetail
    from halo_sim.ledger import Entry


def at_home(at: datetime, zone: str) -> str:
    """A moment on the household's clock: `Fri 6 Mar 10:31`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def day_at_home(at: datetime, zone: str) -> str:
    """A moment that may be in another year: `Fri 6 Mar 2026 10:31`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"


def activity(entries: Iterable[Activity], zone: str) -> Table:
    rows = tuple(_activity(entry, zone) for entry in entries)
    return Table(columns=("When", "What", "Status", "Amount", "Who", "Id"), rows=rows, ids=True, empty="Nothing yet. Ask with: halo ask")


def _activity(entry: Activity, zone: str) -> tuple[str, ...]:
    amount = entry.amount.display if entry.amount else ""
    return (at_home(entry.at, zone), entry.title.removeprefix("Draft: "), _spoken(entry.status), amount, entry.member or "", entry.id)


def _spoken(status: str) -> str:
    return status.replace("_", " ")


def devices(found: Iterable[Device], members: Iterable[Member], zone: str, *, now: datetime, waiting: Iterable[Enrolment] = ()) -> Table:
    """Those that may call, or could, and the codes that are `waiting` for theirs."""
    names = {member.id: member.display_name for member in members}
    said = [(one, _may_call(one, now)) for one in found] + [(one, "with its code, once") for one in waiting]
    rows = tuple((one.name, names[one.user_id], may, day_at_home(one.expires_at, zone), one.id) for one, may in said)
    return Table(
        columns=("Name", "Speaks for", "May call", "Until", "Id"), rows=rows, ids=True, empty="None. Add one with: halo devices add NAME"
    )


def _may_call(device: Device, now: datetime) -> str:
    if device.revoked_at is not None:
        return "no, revoked"
    if not device.speaks_at(now):
        return "no, expired"
    return "yes" if device.kind is DeviceKind.PERSON else "yes, a program"


def execution(detail: ExecutionDetail, zone: str) -> tuple[Shown, ...]:
    """The card, who confirmed it, every attempt, and every event with its hash."""
    confirmed = detail.confirmation
    who = f"Confirmed by {' and '.join(detail.approved_by)}, {at_home(confirmed.confirmed_at, zone)}, terms {confirmed.draft_hash}"
    settled = settled_line((event.event_type, event.payload) for event in detail.events)
    return (
        execution_card(detail.execution, detail.draft, detail.receipt),
        Lines((who, f"Asked for with {detail.draft.request_id}", *([settled] if settled else []))),
        Heading("Attempts"),
        _attempts(detail.attempts, zone),
        Heading("Said to the vendor"),
        _exchanges(detail),
        Heading("Events"),
        _events(detail.events, zone),
    )


def _attempts(attempts: Iterable[Attempt], zone: str) -> Table:
    rows = tuple(
        (
            str(one.attempt_number),
            one.step,
            at_home(one.started_at, zone),
            _spoken(one.status),
            _spoken(one.classification.value) if one.classification else "",
            f"{one.retry_delay_ms // 1000} s" if one.retry_delay_ms is not None else "",
            one.error_message or "",
        )
        for one in attempts
    )
    return Table(columns=("#", "Step", "Started", "Status", "Class", "Then wait", "Said"), rows=rows, empty="None yet.")


def _exchanges(detail: ExecutionDetail) -> Table:
    """Each call in a line; what was said is in `--json`."""
    number = {attempt.id: str(attempt.attempt_number) for attempt in detail.attempts}
    rows = tuple(
        (number.get(one.attempt_id, ""), one.method, inert(urlsplit(one.url).path), str(one.status or "no answer"), f"{one.took_ms} ms")
        for one in detail.exchanges
    )
    return Table(columns=("#", "Call", "Path", "Answer", "Took"), rows=rows, empty="Nothing is kept.")


def _events(events: Iterable[Event], zone: str) -> Table:
    rows = tuple((str(one.seq), at_home(one.created_at, zone), one.event_type, one.hash[:12]) for one in events)
    return Table(columns=("#", "When", "Event", "Hash"), rows=rows, empty="None yet.")


def usuals(found: Iterable[Usual]) -> Table:
    rows = tuple((usual.name, ", ".join(f"{item.quantity} × {item.name}" for item in usual.items)) for usual in found)
    return Table(columns=("Usual", "Items"), rows=rows, empty="None yet. Save one with: halo usual add NAME ITEMS")


def ledger(entries: Iterable[Entry], zone: str) -> Table:
    rows = tuple((at_home(one.at, zone), one.vendor, one.kind, one.reference, one.charged.display) for one in entries)
    return Table(columns=("When", "Vendor", "Effect", "Reference", "Charged"), rows=rows, empty="The vendors have done nothing.")
