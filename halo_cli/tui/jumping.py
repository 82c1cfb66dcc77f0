"""Jump mode: a letter over everything that can be reached, and that letter goes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from halo_cli.chat.card_view import CardButton
from halo_cli.tui.screen import Dashboard
from halo_cli.tui.top import Tab

#: Home row first. Letters that lead nowhere leave.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class Target(NamedTuple):
    letter: str
    widget: Widget
    at: Offset


def targets(dashboard: Dashboard) -> tuple[Target, ...]:
    """What can be reached now, from the top left to the bottom right. Never Confirm: to it leads only its own card."""
    found = sorted(_reachable(dashboard), key=lambda widget: (widget.region.y, widget.region.x))
    return tuple(Target(letter, widget, widget.region.offset) for letter, widget in zip(LETTERS, found, strict=False))


def _reachable(dashboard: Dashboard) -> Iterator[Widget]:
    shown = dashboard.size.region
    for widget in dashboard.walk_children(Widget):
        is_confirm = isinstance(widget, CardButton) and widget.is_confirm
        if (widget.focusable or isinstance(widget, Tab)) and not is_confirm and widget.is_on_screen and shown.overlaps(widget.region):
            yield widget


class Jump(ModalScreen[Widget]):
    """The letters, over the page as it stands. It gives back what was chosen."""

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = tuple(targets)

    def compose(self) -> ComposeResult:
        for target in self._targets:
            label = Static(Content(f" {target.letter} "), classes="jump-letter", markup=False)
            label.styles.offset = target.at
            yield label
        yield Static("Jump: press a letter; Esc leaves", id="jump-words", markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        chosen = next((target.widget for target in self._targets if target.letter == event.character), None)
        self.dismiss(chosen)
