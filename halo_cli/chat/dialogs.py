"""The small windows over the thread: the typed yes, the tapbacks, a receipt, the keys. Each gives back a value and does nothing itself."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.visual import VisualType
from textual.widgets import Button, Input, Static

from cards import words
from halo_cli.chat import bindings, drawing
from halo_cli.chat.keys import Keys
from halo_engine.model.card import Card
from halo_engine.model.consent import challenge
from halo_engine.model.reply import Tapback

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Esc closes it with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.of("dialog")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_previous(self) -> None:
        self.focus_previous(Button)

    def action_next(self) -> None:
        self.focus_next(Button)


def asks_for_consent(card: Card) -> bool:
    """Whether a yes to `card` is typed: it spends, cannot be undone, or what it warns of may cost something later."""
    return card.needs_amount or bool(card.warnings)


class Consent(Dialog[bool]):
    """What may cost something or cannot be undone is confirmed by typing what is asked, never by a slip of a finger."""

    def __init__(self, card: Card, *, acting: str = "") -> None:
        """`acting` is the name of whoever says the yes, where the screen below could be of somebody else."""
        super().__init__()
        self._card, self._asked, self._acting = words.harmless(card), challenge(card), acting

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -severe"):
            yield Static(drawing.title(self._card), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                for warning in self._card.warnings:
                    yield Static(drawing.caution("▲", warning), classes="warning", markup=False)
                if self._acting:
                    yield Static(drawing.plain(f"✎ {self._acting} says this yes.", max_chars=80), classes="acting", markup=False)
                yield Static(drawing.plain(self._question), classes="question")
            yield Input(id="typed")
            yield Static("", classes="dialog-error", markup=False)
        yield Keys(show_command_palette=False)

    @property
    def _question(self) -> str:
        if self._card.warnings and not self._asked.symbol:
            # "It costs nothing" beside a fee for later would be half the truth.
            return f"Nothing is charged now. Type {self._asked.expected} to confirm:"
        return self._asked.question.strip()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._asked.accepts(event.value):
            self.dismiss(True)
        else:
            self.query_one(".dialog-error", Static).update("That is not it. Nothing was done.")


class Tapbacks(Dialog[Tapback]):
    """The six reactions in a row; the one that was given stands marked, and giving it again takes it back."""

    def __init__(self, card: Card, *, given: Tapback | None) -> None:
        super().__init__()
        self._card, self._given = words.harmless(card), given

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tapbacks"):
            yield Static(drawing.title(self._card), classes="dialog-title", markup=False)
            with Horizontal(classes="tapbacks"):
                for tapback, name in drawing.TAPBACKS.items():
                    marked = f"✓{name}" if tapback is self._given else name
                    yield Button(Content(marked), compact=True, classes="tapback", id=tapback.value)
        yield Keys(show_command_palette=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(Tapback(event.button.id or ""))


class Reading(Dialog[None]):
    """Something to read: a receipt, or the keys."""

    def __init__(self, title: str, shown: VisualType) -> None:
        super().__init__()
        self._title, self._shown = title, shown

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(drawing.plain(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-body"):
                yield Static(self._shown, classes="lines", markup=False)
        yield Keys(show_command_palette=False)
