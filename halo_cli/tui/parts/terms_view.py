"""The very object that a yes confirms, field by field: every material term in the order in which it stands there, and the hash taken over all of it.

It is read off `Terms.material()`, the object the hash is taken over, so there is no term that is hashed and not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from cards.words import shown
from halo_engine.model.draft import NOTHING, Terms
from halo_engine.model.money import Money
from halo_engine.model.value import Value

#: As a person calls them. Every material term has one; a test compares.
LABELS: Mapping[str, str] = {
    "purpose": "What a yes is to",
    "household_id": "Household",
    "draft_id": "Draft",
    "revision": "Revision",
    "verb": "Kind of request",
    "title": "Headline",
    "summary": "In a sentence",
    "vendor": "Vendor",
    "payee": "Paid to",
    "lines": "Lines",
    "charges": "Charges",
    "total": "Total",
    "maximum": "At the most",
    "payment_method": "Payment",
    "fulfilment": "How and when",
    "policies": "Policies",
    "warnings": "Warnings",
    "irreversible": "Cannot be undone",
    "instruction": "Asked of the vendor",
    "expires_at": "Stands until",
    "nonce": "Drawn once",
}
#: A warning may be long, and is never cut.
_MAX_CHARS = 4000
_CHANGED = "≠"


class Term(Value):
    """One field: its label, what it says in lines, and what it said before where that was something else."""

    label: str
    lines: tuple[str, ...]
    before: tuple[str, ...] | None = None


def terms_told(terms: Terms, *, before: Terms | None, zone: ZoneInfo) -> tuple[Term, ...]:
    """Every material term of `terms`, in order, and how it was in `before`."""
    now, was = terms.material(), before.material() if before else {}
    return tuple(
        Term(
            label=LABELS[name],
            lines=_told(name, value, zone),
            before=_told(name, was[name], zone) if name in was and was[name] != value else None,
        )
        for name, value in now.items()
    )


def _told(name: str, value: Any, zone: ZoneInfo) -> tuple[str, ...]:
    if name == "expires_at":
        local = datetime.fromisoformat(value).astimezone(zone)
        return (f"{value} ({local.day} {local:%b %H:%M} at home)",)
    if name == "lines":
        return tuple(map(_line, value)) or (NOTHING,)
    if name == "charges":
        return tuple(f"{each['label']}: {_money(each['amount'])}" for each in value) or (NOTHING,)
    if name == "fulfilment":
        return tuple(f"{each['label']}: {each['text']}" for each in value) or (NOTHING,)
    return tuple(_plain(value)) or (NOTHING,)


def _line(line: Mapping[str, Any]) -> str:
    reference = f" [{line['reference']}]" if line["reference"] else ""
    return f"{line['quantity']} × {line['title']}, {_money(line['unit_price'])} each{reference}"


def _money(value: Mapping[str, Any]) -> str:
    return Money.model_validate(value).display


def _plain(value: Any, name: str = "") -> Iterator[str]:
    """Any JSON value in lines; what stands deeper is named by its path."""
    prefix = f"{name}: " if name else ""
    if isinstance(value, dict) and value.keys() == {"cents", "currency"}:
        yield f"{prefix}{_money(value)} ({value['cents']} cents {value['currency']})"
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _plain(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for position, each in enumerate(value, 1):
            yield from _plain(each, f"{name}.{position}" if name else "")
    elif isinstance(value, bool):
        yield f"{prefix}{'yes' if value else 'no'}"
    else:
        yield f"{prefix}{NOTHING if value is None else value}"


class TermsView(Vertical, can_focus=True):
    """All of it, under one heading. It has the focus only so that it can be read with the keys."""

    HELP = "Every term of the very object that a yes confirms. ≠ marks what differs from the revision before."

    def __init__(self, terms: Terms, *, before: Terms | None, zone: ZoneInfo, heading: str) -> None:
        super().__init__(classes="terms")
        self.terms = terms
        self._told = terms_told(terms, before=before, zone=zone)
        self._heading = heading

    def compose(self) -> ComposeResult:
        yield Static(shown(self._heading), classes="heading", markup=False)
        yield Static(_table(self._told), markup=False)
        yield Static("SHA-256 of exactly this, which is what a yes confirms", classes="hash-heading", markup=False)
        yield Static(_in_groups(self.terms.hash), classes="hash", markup=False)


def _table(told: tuple[Term, ...]) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=1, no_wrap=True)
    grid.add_column(width=19, overflow="fold", style="dim")
    grid.add_column(ratio=1, overflow="fold")
    for term in told:
        text = Text("\n").join(Text(shown(line, max_chars=_MAX_CHARS)) for line in term.lines)
        if term.before is not None:
            text.stylize("bold")
            text.append(f"\nwas: {shown('; '.join(term.before), max_chars=_MAX_CHARS)}", style="dim not bold")
        grid.add_row(Text(_CHANGED if term.before is not None else "", style="bold"), Text(term.label), text)
    return grid


def _in_groups(digest: str) -> str:
    """A hash as eyes can compare it."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
