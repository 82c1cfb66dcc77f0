"""The top of the thread: whose it is, who is in it and may do what, who writes, where the vendors are, and what time it is at home."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from halo_cli.chat import drawing
from halo_engine.model.household import Member
from halo_engine.model.text import inert


class ThreadHeader(Vertical):
    """Two lines: the name between the status and the clock, and the members under it."""

    def __init__(self, *, status: str) -> None:
        super().__init__(id="header")
        self._status = Static(drawing.plain(status), id="status")
        # In few columns the first word has to do.
        self._short_status = Static(drawing.plain(status.partition(" ")[0], max_chars=20), id="short-status")
        self._household = Static("", id="household", markup=False)
        self._members = Static("", id="members", markup=False)
        self._clock = Static("", id="clock", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._status
            yield self._short_status
            yield self._household
            yield self._clock
        yield self._members

    def show_household(self, name: str) -> None:
        self._household.update(drawing.plain(name))

    def show_members(self, members: Sequence[Member], *, sender_id: str) -> None:
        """Who writes is marked by a sign, not by colour alone."""
        parts: list[Content | str] = []
        for member in members:
            words = f"{inert(member.display_name, max_chars=20)} ({member.role.value})"
            writes = member.id == sender_id
            parts += [" · "] if parts else []
            parts.append(Content.styled(f"✎ {words}" if writes else words, "bold $primary" if writes else "$quiet"))
        self._members.update(Content.assemble(*parts))

    def show_time(self, face: str) -> None:
        self._clock.update(face)
