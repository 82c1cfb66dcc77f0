"""Where words are written: the quick intents, whose card they answer, who writes, and the line itself."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from halo_cli.chat import bindings, drawing
from halo_cli.chat.card_view import CardView

#: Each puts its beginning into the line; the rest is said.
QUICK_INTENTS: tuple[tuple[str, str], ...] = (
    ("Order", "order "),
    ("Reorder", "reorder the usual "),
    ("Cancel", "cancel "),
    ("Book", "book "),
)


class Line(Input):
    """What is being written."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.of("writing")

    class ToNewest(Message):
        """Up, out of the line and into the thread."""

    def action_to_newest(self) -> None:
        self.post_message(self.ToNewest())

    def action_stop_replying(self) -> None:
        for bar in self.ancestors:
            if isinstance(bar, ComposeBar):
                bar.reply_to(None)


class ComposeBar(Vertical):
    """The foot of the thread."""

    class Sent(Message):
        """Words, and the card that they answer where one was pointed at."""

        def __init__(self, text: str, to: CardView | None) -> None:
            super().__init__()
            self.text, self.to = text, to

    def __init__(self) -> None:
        super().__init__(id="compose")
        self._to: CardView | None = None
        self._sender = Static("", id="sender", markup=False)
        self._answers = Static("", id="answers", markup=False)
        self.line = Line(placeholder="iMessage", id="line", max_length=4000, select_on_focus=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="quick"):
            for name, _ in QUICK_INTENTS:
                yield Button(Content(name), compact=True, classes="quick", id=f"quick-{name.lower()}")
        yield self._answers
        with Horizontal(id="writing"):
            yield self._sender
            yield self.line

    def show_sender(self, name: str) -> None:
        self._sender.update(drawing.plain(name, max_chars=16))

    def reply_to(self, view: CardView | None) -> None:
        """The next words answer `view`, or nothing in particular."""
        self._to = view
        self._answers.set_class(view is not None, "-shown")
        self._answers.update(drawing.plain(f"Replying to: {view.card.title}") if view else "")

    def put(self, words: str) -> None:
        """`words` into the line, the cursor behind them."""
        self.line.value = words
        self.line.cursor_position = len(words)
        self.line.focus()

    def write(self, words: str) -> None:
        """As if they were typed where the cursor stands."""
        # At once, not when the line has the focus: the next key may be here already.
        self.screen.set_focus(self.line)
        self.line.insert_text_at_cursor(words)

    def put_back(self, words: str) -> None:
        """Words that could not be sent, unless something else was begun meanwhile."""
        if not self.line.value:
            self.put(words)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.put(dict(QUICK_INTENTS)[str(event.button.label)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if words := event.value.strip():
            self.post_message(self.Sent(words, self._to))

    def clear(self) -> None:
        """They are on their way."""
        self.line.value = ""
        self.reply_to(None)
