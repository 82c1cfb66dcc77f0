"""The small windows of the set-up and the simulator: a form, a question before something changes, a token to be read once.

Each only gives a value back, and does nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from halo_cli.chat import drawing
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.keys import Keys
from halo_cli.tui.bindings import Key, bindings
from halo_engine.model.text import inert

TOKEN_KEYS: tuple[Key, ...] = (Key("c", "copy", "C", "copy the token", "Copy"),)


class Field(NamedTuple):
    """One line of a form. With `choices` it is picked, each by its label and its value."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


class Form(Dialog[dict[str, str]]):
    """What was filled in, by the names of the fields; nothing where it was left."""

    def __init__(self, title: str, fields: Sequence[Field], *, does: str, note: str = "", error: str = "") -> None:
        super().__init__()
        self._title, self._fields, self._does, self._note, self._error = title, tuple(fields), does, note, error

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -form"):
            yield Static(drawing.plain(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                for place, field in enumerate(self._fields):
                    with Horizontal(classes="field"):
                        yield Static(drawing.plain(field.label), classes="label")
                        yield _control(field, place)
                if self._note:
                    yield Static(drawing.plain(self._note, max_chars=1000), classes="question")
            yield Static(drawing.plain(f"! {self._error}" if self._error else ""), classes="dialog-error")
            with Horizontal(classes="buttons"):
                yield Button(Content(self._does), compact=True, id="do", classes="card-button -retry")
                yield Button(Content("Leave it"), compact=True, id="leave", classes="card-button")
        yield Keys(show_command_palette=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(self.values)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self.values if event.button.id == "do" else None)

    @property
    def values(self) -> dict[str, str]:
        return {field.name: self._value(place) for place, field in enumerate(self._fields)}

    def _value(self, place: int) -> str:
        control = self.query_one(f"#field-{place}")
        if isinstance(control, Input):
            return control.value.strip()
        return str(control.value) if isinstance(control, Select) else ""


def _control(field: Field, place: int) -> Input | Select[str]:
    name = f"field-{place}"
    if field.choices:
        options = [(Content(inert(label, max_chars=60)), value) for label, value in field.choices]
        return Select(options, value=field.value or field.choices[0][1], allow_blank=False, id=name, compact=True)
    return Input(field.value, id=name, compact=True, placeholder=field.hint, max_length=4000)


class Sure(Dialog[bool]):
    """What will change, in words, before it does. The focus is on leaving it as it is."""

    def __init__(self, title: str, changes: Sequence[str], *, does: str) -> None:
        super().__init__()
        self._title, self._changes, self._does = title, tuple(changes), does

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -severe"):
            yield Static(drawing.plain(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                for change in self._changes:
                    yield Static(drawing.plain(change, max_chars=1000))
            with Horizontal(classes="buttons"):
                yield Button(Content("Leave it as it is"), compact=True, id="leave", classes="card-button")
                yield Button(Content(self._does), compact=True, id="do", classes="card-button -retry")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#leave"))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "do")


class TokenShown(Dialog[None]):
    """A device's token, this once: when the window closes, nobody here has it any more."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TOKEN_KEYS)

    def __init__(self, name: str, token: str, *, until: str) -> None:
        super().__init__()
        self._name, self._token, self._until = name, token, until

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -token"):
            yield Static(drawing.plain(f"The token of “{self._name}”"), classes="dialog-title")
            with Vertical(classes="dialog-body"):
                yield Static(drawing.plain(self._token), id="token")
                words = f"It is shown this once, and kept by nobody here. The device may call until {self._until}."
                yield Static(drawing.plain(words), classes="question")
            with Horizontal(classes="buttons"):
                yield Button(Content("Copy"), compact=True, id="copy", classes="card-button")
                yield Button(Content("I have it"), compact=True, id="close", classes="card-button -retry")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        # A token that is broken over two lines cannot be copied by hand.
        self.query_one(".dialog").styles.width = 76

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss(None)

    def action_copy(self) -> None:
        """Through the terminal, where it can."""
        self.app.copy_to_clipboard(self._token)
