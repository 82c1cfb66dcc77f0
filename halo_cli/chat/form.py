"""Modify: the draft as a small form, and a line for what is better said in words. Only what was changed is sent.

It stays open until the engine has taken it, so a refusal loses nothing that was typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from halo_cli.chat import drawing
from halo_cli.chat.card_view import CardView
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.keys import Keys
from halo_engine.model.form import FormField
from halo_engine.model.text import without_commands

_HINTS = {"number": "a number", "amount": "such as 40.00", "date": "YYYY-MM-DD", "time": "HH:MM", "text": "", "choice": ""}
#: What can be typed at all; whether it is right is the engine's to say.
_TYPED = {"number": r"[0-9]{0,9}", "amount": r"[^0-9]?[0-9]{0,6}(\.[0-9]{0,2})?", "date": r"[0-9-]{0,10}", "time": r"[0-9:]{0,5}"}


class ModifyForm(Dialog[None]):
    """One row a field."""

    class Filled(Message):
        """What was changed, by the names of the fields."""

        def __init__(self, form: ModifyForm, values: Mapping[str, str]) -> None:
            super().__init__()
            self.form, self.values = form, values

    class Said(Message):
        """The change in words."""

        def __init__(self, form: ModifyForm, text: str) -> None:
            super().__init__()
            self.form, self.text = form, text

    def __init__(self, view: CardView, fields: Sequence[FormField], *, to: MessagePump | None = None) -> None:
        """What was filled in is posted to `to`, without one to the app."""
        super().__init__()
        self.view, self._to = view, to or self
        self._fields = tuple(fields)
        self._is_busy = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -form"):
            yield Static(drawing.plain(f"What should be different? {self.view.card.subject}"), classes="dialog-title")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                for position, field in enumerate(self._fields):
                    with Horizontal(classes="field"):
                        yield Static(drawing.plain(field.label), classes="label")
                        yield _control(field, position)
            yield Static("", classes="dialog-error", markup=False)
            with Horizontal(classes="field -words"):
                yield Static("or say it in words", classes="label", markup=False)
                yield Input(id="in-words", compact=True, placeholder="make it 3", max_length=4000)
            with Horizontal(classes="buttons"):
                yield Button(Content("Show the new draft"), compact=True, id="send", classes="card-button -modify")
                yield Button(Content("Leave as it was"), compact=True, id="leave", classes="card-button -cancel")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        """What is changed most, how many or when, is where the form begins."""
        for position, field in enumerate(self._fields):
            if field.kind in ("number", "date"):
                self.set_focus(self.query_one(f"#field-{position}"))
                return

    @property
    def changed(self) -> dict[str, str]:
        """What differs from how it was, by the names of the fields."""
        now = {field.name: self._value(position) for position, field in enumerate(self._fields)}
        return {field.name: now[field.name] for field in self._fields if now[field.name] != field.value}

    def _value(self, position: int) -> str:
        control = self.query_one(f"#field-{position}")
        if isinstance(control, Input):
            return control.value.strip()
        value: Any = control.value if isinstance(control, Select) else Select.NULL
        return "" if value is Select.NULL else str(value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._send()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.dismiss(None)
        else:
            self._send()

    def _send(self) -> None:
        words = self.query_one("#in-words", Input).value.strip()
        if self._is_busy:
            return
        if words and self.changed:
            self.show_error("Either the fields or the words: empty one of the two.")
        elif words:
            self._go(self.Said(self, words))
        elif self.changed:
            self._go(self.Filled(self, self.changed))
        else:
            self.show_error("Nothing was changed yet.")

    def _go(self, message: Message) -> None:
        self._is_busy = True
        self.query_one(".dialog-error", Static).update("Halo is reading…")
        self._to.post_message(message)

    def show_error(self, words: str) -> None:
        """Why it is not so, beside everything that was typed."""
        self._is_busy = False
        self.query_one(".dialog-error", Static).update(drawing.plain(f"! {without_commands(words)}"))


def _control(field: FormField, position: int) -> Widget:
    name = f"field-{position}"
    if field.kind == "choice":
        value: Any = field.value if field.value in field.choices else Select.NULL
        return Select([(choice.capitalize(), choice) for choice in field.choices], value=value, id=name, compact=True, prompt="as it is")
    return Input(field.value, id=name, compact=True, restrict=_TYPED.get(field.kind), placeholder=_HINTS[field.kind], max_length=400)
