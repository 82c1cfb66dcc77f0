"""The one screen of the chat. It lays things out and keeps the rule of the focus; what anything means is decided elsewhere."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from halo_cli.chat.card_view import CardView, OptionRow, entrance
from halo_cli.chat.compose_bar import ComposeBar, Line
from halo_cli.chat.guard import Monotonic
from halo_cli.chat.header import ThreadHeader
from halo_cli.chat.keys import Keys
from halo_cli.chat.thread_view import ThreadView


class ThreadScreen(Screen[None]):
    """Header, thread, compose bar, keys."""

    AUTO_FOCUS = "#line"

    def __init__(self, *, status: str, monotonic: Monotonic) -> None:
        super().__init__(id="thread-screen")
        self.header = ThreadHeader(status=status)
        self.thread = ThreadView(monotonic=monotonic)
        self.compose_bar = ComposeBar()
        self._entered: CardView | None = None

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.thread
        yield self.compose_bar
        yield Keys()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """As Textual does it, but for Confirm: it takes the focus only from within its own card.

        Every way leads through here: keys, the mouse, and a focus that falls on because its widget has gone.
        """
        super().set_focus(widget if from_app_focus else entrance(widget, focused=self.focused), scroll_visible, from_app_focus)

    def on_descendant_focus(self) -> None:
        """A card that was entered is shown as a whole; who moves about in it may look where they like."""
        entered = self.focused_card
        if entered and entered is not self._entered:
            self.call_after_refresh(self.thread.show_all_of, entered)
        self._entered = entered

    def on_key(self, event: events.Key) -> None:
        """What prints is words, wherever the focus is: it goes to the line, and the focus with it."""
        if not event.is_printable or event.character is None or self._takes_option(event.character):
            return
        event.stop()
        self.compose_bar.write(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """So are words that come at once."""
        event.stop()
        self.compose_bar.write(" ".join(event.text.splitlines()))

    def _takes_option(self, character: str) -> bool:
        card = self.focused_card
        numbers = [str(number) for number in range(1, len(card.card.options) + 1)] if card else []
        return isinstance(self.focused, OptionRow) and character in numbers

    def on_line_to_newest(self) -> None:
        self.thread.enter_newest()

    def on_thread_view_left(self) -> None:
        self.compose_bar.line.focus()

    @property
    def focused_card(self) -> CardView | None:
        """The card that has the focus, in itself or in one of its buttons."""
        nodes = self.focused.ancestors_with_self if self.focused else []
        return next((node for node in nodes if isinstance(node, CardView)), None)

    @property
    def is_writing(self) -> bool:
        return isinstance(self.focused, Line)
