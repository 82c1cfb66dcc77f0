"""Something that is long and rarely read, behind one line: Enter or a click opens it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from halo_cli.tui.bindings import Key, bindings

KEYS: tuple[Key, ...] = (Key("enter,space", "turn", "Enter", "open or close this part", "Open"),)


class FoldLine(Static, can_focus=True):
    """The line of it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    HELP = "A part that opens and closes."

    class Toggled(Message):
        pass

    def action_turn(self) -> None:
        self.post_message(self.Toggled())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_turn()


class Fold(Vertical):
    """`body` is mounted when it is first opened."""

    DEFAULT_CSS = """
    Fold { height: auto; width: 100%; }
    Fold > FoldLine { height: auto; width: 100%; }
    Fold > FoldLine:focus { background: $primary 35%; text-style: bold; }
    Fold > .fold-body { display: none; height: auto; width: 100%; padding: 0 0 1 2; border-left: solid $hairline; }
    Fold.-open > .fold-body { display: block; }
    """

    def __init__(self, line: Content, *body: Widget) -> None:
        super().__init__()
        self._line, self._body = line, body
        self.line = FoldLine("", markup=False)
        self._is_mounted_body = False

    def compose(self) -> ComposeResult:
        yield self.line
        yield Vertical(classes="fold-body")

    def on_mount(self) -> None:
        self._draw()

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    async def on_fold_line_toggled(self, event: FoldLine.Toggled) -> None:
        event.stop()
        self.toggle_class("-open")
        if self.is_open and not self._is_mounted_body:
            self._is_mounted_body = True
            await self.query_one(".fold-body").mount(*self._body)
        self._draw()

    def _draw(self) -> None:
        self.line.update(Content.assemble(("▾ " if self.is_open else "▸ ", "$primary"), self._line))
