"""Webhooks and their messages, for programs and for people. Never a secret: whoever prints one does it at one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from halo_cli import views
from halo_cli.output import Table
from halo_engine.model.draft import iso_utc
from halo_engine.model.webhook import TO_SEND, Delivery, Endpoint


def endpoint(value: Endpoint) -> dict[str, Any]:
    return {
        "id": value.id,
        "url": value.url,
        "event_types": list(value.event_types),
        "created_at": iso_utc(value.created_at),
        "disabled_at": iso_utc(value.disabled_at) if value.disabled_at else None,
        "disabled_because": value.disabled_because,
    }


def delivery(value: Delivery) -> dict[str, Any]:
    return {
        "id": value.id,
        "endpoint_id": value.endpoint_id,
        "event_type": value.event_type,
        "state": value.state.value,
        "attempts": value.attempts,
        "created_at": iso_utc(value.created_at),
        "due_at": iso_utc(value.due_at) if value.state in TO_SEND else None,
        "finished_at": iso_utc(value.finished_at) if value.finished_at else None,
        "last_status": value.last_status,
        "last_error": value.last_error,
    }


def endpoints_table(found: Iterable[Endpoint]) -> Table:
    rows = tuple((one.url, ", ".join(one.event_types) or "all", one.disabled_because or "yes", one.id) for one in found)
    return Table(columns=("Where", "Events", "Told", "Id"), rows=rows, ids=True, empty="None. Add one with: halo webhooks add URL")


def deliveries_table(found: Iterable[Delivery], zone: str) -> Table:
    rows = tuple(
        (views.at_home(one.created_at, zone), one.event_type, _stands(one, zone), str(one.attempts), _answered(one), one.id)
        for one in found
    )
    return Table(columns=("When", "What", "Stands", "Tries", "Answered", "Id"), rows=rows, ids=True, empty="No messages yet.")


def line(value: Delivery) -> str:
    """How a try went, in one line."""
    return "  ".join(part for part in (value.id, value.state.value.replace("_", " "), _answered(value)) if part)


def _stands(one: Delivery, zone: str) -> str:
    state = one.state.value.replace("_", " ")
    return f"{state}, next {views.at_home(one.due_at, zone)}" if one.state in TO_SEND and one.attempts else state


def _answered(one: Delivery) -> str:
    return str(one.last_status) if one.last_status is not None else one.last_error or ""
