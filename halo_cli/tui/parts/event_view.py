"""One event in full: what it says, what it followed from, and whether its hashes hold. A scrolling text; `build` makes it from a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cards.words import shown
from halo_cli.tui.parts.log_lines import moment_in_full, sign_of
from halo_engine.model.event import is_commitment
from halo_engine.model.trails import EventDetail, Opened

_LABEL = 14
_MAX_LINES = 400
_MAX_CHARS = 2_000


class EventView(VerticalScroll):
    """Shows one `EventDetail`. It scrolls with the arrow keys when it has the focus."""

    DEFAULT_CSS = """
    EventView { height: 1fr; width: 100%; padding: 0 2; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    EventView { scrollbar-color: $hairline; scrollbar-background: $background; }
    .-tall EventView { padding: 1 2; }
    EventView > Static { width: 100%; height: auto; }
    """

    def __init__(self) -> None:
        super().__init__(id="event")
        self._text = Static("", markup=False)
        self.detail: EventDetail | None = None

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, detail: EventDetail, *, zone: ZoneInfo, names: Mapping[str, str]) -> None:
        self.detail = detail
        self._text.update(Content("\n").join(build(detail, zone=zone, names=names)))
        self.scroll_home(animate=False)


def build(detail: EventDetail, *, zone: ZoneInfo, names: Mapping[str, str]) -> Iterator[Content]:
    """The lines of the view."""
    event = detail.event
    sign, _ = sign_of(event.event_type if event else "")
    title = shown(event.event_type) if event else "An event that cannot be read"
    yield Content.assemble((f"{sign} {title}", "bold"), (f"   #{detail.seq:,}", "$quiet"))
    yield Content("")
    if event:
        yield _fact("When", moment_in_full(event.created_at, zone))
        yield _fact("Who", names.get(event.user_id or "", "") or ("Halo itself" if event.user_id is None else event.user_id))
        yield _fact("About", f"{event.entity_type}  {event.entity_id}")
        yield _fact("Id", event.id)
    if detail.correlation_id:
        yield _fact("Trip", f"{detail.correlation_id}   (t shows the whole trip)")
    if detail.caused_by:
        yield _fact("Followed from", f"#{detail.caused_by.seq:,} {detail.caused_by.event_type}")
    yield Content("")
    yield from _hashes(detail)
    yield Content("")
    yield Content.styled("What it says", "bold")
    yield from _payload(detail)


def _hashes(detail: EventDetail) -> Iterator[Content]:
    yield Content.styled("Proof", "bold")
    leaf = "its content gives this hash" if detail.hash_holds else "its content does not give this hash: it was altered"
    yield _checked("Leaf hash", detail.hash_holds, leaf)
    yield _hash(detail.stored_hash)
    if not detail.hash_holds and detail.recomputed:
        yield _fact("It gives", "another one:")
        yield _hash(detail.recomputed)
    previous = "the beginning" if detail.seq == 1 else f"event #{detail.seq - 1:,}"
    hangs = f"hangs on {previous}" if detail.link_holds else f"does not hang together with {previous}, or the next one not with it"
    yield _checked("Previous hash", detail.link_holds, hangs)
    yield _hash(detail.prev_hash)
    after = "nothing yet: it is the newest" if detail.pointed_to_by_next is None else f"event #{detail.seq + 1:,} points back here"
    if detail.pointed_to_by_next in (None, detail.stored_hash):
        yield _fact("Followed by", after)


def _payload(detail: EventDetail) -> Iterator[Content]:
    """Pretty, field by field; a commitment with what it stands for."""
    if detail.event is None:
        yield Content.styled(shown(detail.payload_text, max_chars=_MAX_CHARS), "$quiet")
        return
    opened = {one.field: one for one in detail.opened}
    for name, value in detail.event.payload.items():
        if name in opened and is_commitment(value):
            yield from _commitment(name, value["committed"], opened[name])
        else:
            yield from _field(name, value)


def _field(name: str, value: Any) -> Iterator[Content]:
    label = f"  {shown(name, max_chars=40)}"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        yield Content.assemble((f"{label}: ", "$quiet"), shown(", ".join(map(str, value)), max_chars=_MAX_CHARS) or "none")
        return
    if not isinstance(value, dict | list) or not value:
        yield Content.assemble((f"{label}: ", "$quiet"), _scalar(value))
        return
    yield Content.styled(f"{label}:", "$quiet")
    lines = json.dumps(value, ensure_ascii=False, indent=2).splitlines()
    for line in lines[:_MAX_LINES]:
        indent = len(line) - len(line.lstrip())
        yield Content(f"    {' ' * indent}{shown(line, max_chars=_MAX_CHARS)}")
    if len(lines) > _MAX_LINES:
        yield Content.styled(f"    … {len(lines) - _MAX_LINES:,} more lines", "$quiet")


def _commitment(name: str, committed: object, opened: Opened) -> Iterator[Content]:
    if opened.erased:
        yield Content.assemble((f"  {shown(name)}: ", "$quiet"), ("erased: only the commitment is left", "italic"))
    elif not opened.fits:
        yield Content.assemble(
            (f"  {shown(name)}: ", "$quiet"), ("✗ what is kept beside the log does not fit its commitment", "bold $error")
        )
    else:
        yield from _field(name, opened.value)
        yield Content.styled("    ✓ opened, and fits its commitment; it can be erased", "$quiet")
    yield Content.styled(f"    commitment {shown(str(committed), max_chars=80)}", "$quiet")


def _scalar(value: Any) -> str:
    if value is None:
        return "–"
    return shown(value, max_chars=_MAX_CHARS) if isinstance(value, str) else shown(json.dumps(value), max_chars=_MAX_CHARS)


def _fact(label: str, text: str) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", "$quiet"), shown(text, max_chars=_MAX_CHARS))


def _hash(text: str) -> Content:
    """On a line of its own, so that it can be copied in one piece."""
    return Content(f"  {shown(text, max_chars=80)}")


def _checked(label: str, holds: bool, text: str) -> Content:
    ink = "" if holds else "bold $error"
    return Content.assemble((f"{label:<{_LABEL}}", "$quiet"), ("✓ " if holds else "✗ ", ink), (text, ink))
