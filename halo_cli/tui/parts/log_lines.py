"""How one event looks in a list: its number, when, a sign and its type, what it says in a few words, and who acted. Pure: values in, cells out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cards.words import shown
from halo_cli.tui.parts.paged_table import Cell, Column
from halo_engine.model.money import Money
from halo_engine.model.trails import Line

COLUMNS = (
    Column("#", 9, right=True),
    Column("When", 15),
    Column("Event", 28),
    Column("What it says", 0),
    Column("Who", 10, shown_from=96),
    Column("About", 14, shown_from=116),
)

#: By how a type ends: its sign, and the ink of both. The sign says it without the colour.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("execution.done", "✓", "good"),
    ("execution.failed", "✗", "bad"),
    ("execution.partial", "◐", "care"),
    ("execution.unknown", "…", "care"),
    ("execution.needs_attention", "!", "bad"),
    ("execution.terms_changed", "≠", "care"),
    ("execution.handed_off", "→", "care"),
    ("execution.answer_came_late", "!", "care"),
    ("execution.", "▸", ""),
    ("draft.confirmed", "●", "accent"),
    ("draft.confirmation_refused", "!", "bad"),
    ("draft.answer_not_counted", "!", "care"),
    ("draft.", "○", ""),
    ("receipt.", "≡", ""),
    ("request.refused", "–", "quiet"),
    ("request.clarification_asked", "?", ""),
    ("data.erased", "×", "care"),
    ("books.restored", "↺", "bad"),
)
_MANY = 4
_ID_TAIL = 6


def moment(at: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """` 6 Mar 10:31:05` on the household's clock; of another year the year, and no seconds."""
    local = at.astimezone(zone)
    return f"{local.day:>2} {local:%b %H:%M:%S}" if local.year == now.astimezone(zone).year else f"{local.day:>2} {local:%b %y %H:%M}"


def moment_in_full(at: datetime, zone: ZoneInfo) -> str:
    """`Fri 6 Mar 2026 10:31:05 EST`."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}"


def sign_of(event_type: str) -> tuple[str, str]:
    """The sign of a type, and its ink."""
    return next(((sign, ink) for prefix, sign, ink in _SIGNS if event_type.startswith(prefix)), ("·", "quiet"))


def short_id(identifier: str) -> str:
    """Enough of an identifier to tell two apart by eye."""
    prefix, _, rest = identifier.partition("_")
    return shown(f"{prefix}…{rest[-_ID_TAIL:]}" if rest else identifier, max_chars=14)


def cells(line: Line, *, zone: ZoneInfo, now: datetime, names: Mapping[str, str]) -> Sequence[Cell]:
    """One event as a row of `COLUMNS`."""
    number = Cell(f"{line.seq:,}", "quiet")
    if not line.id:
        return (
            number,
            Cell(""),
            Cell("✗ missing", "bad"),
            Cell("There is no event with this number in the books.", "bad"),
            Cell(""),
            Cell(""),
        )
    sign, ink = sign_of(line.event_type)
    what = Cell("✗ cannot be read", "bad") if line.damaged else Cell(gist(line))
    when = moment(line.at, zone, now=now) if line.at else ""
    who = shown(names.get(line.user_id or "", ""), max_chars=20)
    event = Cell(f"{sign} {shown(line.event_type, max_chars=60)}", ink)
    return (number, Cell(when), event, what, Cell(who), Cell(short_id(line.entity_id), "quiet"))


def gist(line: Line) -> str:
    """What an event says, in a few words."""
    words = _GISTS.get(line.event_type) or _GISTS.get(line.event_type.partition(".")[0] + ".")
    said = words(line.payload) if words else ""
    return shown(said or _fields(line.payload), max_chars=200)


def _fields(payload: Mapping[str, Any]) -> str:
    """The first few plain fields, for a type that has no words of its own."""
    plain = [(name.replace("_", " "), value) for name, value in payload.items() if isinstance(value, str | int) and value != ""]
    return " · ".join(f"{name} {value}" for name, value in plain if not name.endswith(("hash", "sha256")))[:200]


def amount(payload: Mapping[str, Any], name: str) -> str:
    """Money in an event; nothing where there is none that can be read."""
    cents, currency = payload.get(name), payload.get("currency") or "USD"
    try:
        return Money(cents=cents, currency=currency).display if isinstance(cents, int) else ""
    except ValueError:
        return ""


def duration(ms: object) -> str:
    """`340 ms`, `12 s`, `3 min`, `2 h`; nothing for what is no duration."""
    if not isinstance(ms, int) or isinstance(ms, bool):
        return ""
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if ms >= size * (10 if unit == "s" else 1) or (unit == "s" and ms >= size):
            whole, rest = divmod(ms, size)
            return f"{whole}.{rest * 10 // size} {unit}" if whole < _MANY and rest * 10 // size else f"{whole} {unit}"
    return f"{ms} ms"


def _joined(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part)


def _parsed(payload: Mapping[str, Any]) -> str:
    spoke = payload.get("spoke")
    took = duration(spoke.get("latency_ms")) if isinstance(spoke, Mapping) else ""
    missing = payload.get("missing_fields")
    lacks = f"without {', '.join(map(str, missing))}" if isinstance(missing, list) and missing else ""
    return _joined(payload.get("verb"), f"by {payload.get('channel')}", lacks, took and f"read in {took}")


def _created(payload: Mapping[str, Any]) -> str:
    return _joined(payload.get("verb"), payload.get("vendor"), amount(payload, "total_cents"))


def _revised(payload: Mapping[str, Any]) -> str:
    return _joined(f"revision {payload.get('revision')}")


def _confirmed(payload: Mapping[str, Any]) -> str:
    took = duration(payload.get("confirmation_latency_ms"))
    return _joined(f"at most {amount(payload, 'maximum_cents')}", took and f"after {took}")


def _moved(payload: Mapping[str, Any]) -> str:
    came = payload.get("came_from")
    return _joined(came and f"was {came}", amount(payload, "charged_cents"), payload.get("vendor_reference"), payload.get("reason"))


def _attempt(payload: Mapping[str, Any]) -> str:
    wait = duration(payload.get("retry_delay_ms"))
    number = f"{payload.get('step')} {payload.get('attempt_number')}"
    return _joined(
        number, payload.get("status"), payload.get("classification"), duration(payload.get("took_ms")), wait and f"again in {wait}"
    )


def _receipt(payload: Mapping[str, Any]) -> str:
    return _joined(payload.get("type"), payload.get("external_reference_id"))


def _reason(payload: Mapping[str, Any]) -> str:
    return _joined(payload.get("reason"))


_GISTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "request.parsed": _parsed,
    "request.refused": _reason,
    "draft.created": _created,
    "draft.revised": _revised,
    "draft.confirmed": _confirmed,
    "draft.confirmation_refused": _reason,
    "execution.attempt_finished": _attempt,
    "execution.": _moved,
    "receipt.": _receipt,
}
