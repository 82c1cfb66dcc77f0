"""The one screen of the dashboard: what stands above, the page in front, the filter, the notice and the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from halo_cli.chat.card_view import entrance
from halo_cli.tui.bindings import FILTERING, bindings
from halo_cli.tui.page import Page
from halo_cli.tui.parts.key_line import KeyLine
from halo_cli.tui.top import Crumbs, NoticeLine, Tabs, TopLine


class FilterLine(Input):
    """`/`: what is typed filters at once; Enter keeps it, Esc shows everything again."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FILTERING)

    class Kept(Message):
        pass

    class Dropped(Message):
        pass

    def __init__(self) -> None:
        super().__init__(id="filter", compact=True, placeholder="words to look for", max_length=200, disabled=True)

    def action_keep(self) -> None:
        self.post_message(self.Kept())

    def action_drop(self) -> None:
        self.post_message(self.Dropped())


class Dashboard(Screen[None]):
    """It lays things out and keeps the rule of the focus; what anything means is decided elsewhere."""

    AUTO_FOCUS = ""

    def __init__(self, pages: Sequence[type[Page]]) -> None:
        super().__init__(id="dashboard")
        self.top, self.tabs, self.crumbs, self.notice = TopLine(), Tabs(pages), Crumbs(), NoticeLine()
        self.filter_line = FilterLine()
        self.body = Container(Static("Opening the books…", id="opening", markup=False), id="body")

    def compose(self) -> ComposeResult:
        yield self.top
        yield self.tabs
        yield self.crumbs
        yield self.body
        yield self.filter_line
        yield self.notice
        yield KeyLine()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """As Textual does it, but for Confirm, as in the chat: every way leads through here, a focus that falls on, too."""
        super().set_focus(widget if from_app_focus else entrance(widget, focused=self.focused), scroll_visible, from_app_focus)

    def show_filter(self, text: str) -> None:
        """The line to type in, with what is filtered by now."""
        self.filter_line.disabled = False
        self.filter_line.add_class("-shown")
        self.filter_line.value = text
        self.filter_line.focus()

    def hide_filter(self) -> None:
        self.filter_line.remove_class("-shown")
        self.filter_line.disabled = True
