"""The two small windows in which a person records what they found. Each gives back a settlement and does nothing itself."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from halo_cli.chat import drawing
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.keys import Keys
from halo_cli.settlements import settlement_of
from halo_engine.model.errors import InvalidInput
from halo_engine.model.settlement import Settlement
from halo_engine.model.text import without_commands


class ItHappened(Dialog[Settlement]):
    """With the vendor's own number, and what it took. `reference` is what the vendor's record showed, if anything."""

    def __init__(self, title: str, *, payee: str, currency: str, reference: str) -> None:
        super().__init__()
        self._title, self._payee, self._currency, self._reference = title, payee, currency, reference

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(drawing.plain(f"It happened: {self._title}"), classes="dialog-title", markup=False)
            with Vertical(classes="dialog-body"):
                yield Static(drawing.plain(f"As the record at {self._payee} shows it. This is written to the log once."), markup=False)
                with Horizontal(classes="field"):
                    yield Static("Its number there", classes="label", markup=False)
                    yield Input(self._reference, id="reference", compact=True, max_length=120)
                with Horizontal(classes="field"):
                    yield Static("Charged, if anything", classes="label", markup=False)
                    yield Input(id="charged", compact=True, max_length=20, placeholder="such as 49.95")
            yield Static("", classes="dialog-error", markup=False)
        yield Keys(show_command_palette=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        reference, charged = (self.query_one(f"#{name}", Input).value for name in ("reference", "charged"))
        try:
            self.dismiss(settlement_of(happened=True, reference=reference, charged=charged, currency=self._currency))
        except InvalidInput as error:
            self.query_one(".dialog-error", Static).update(drawing.plain(f"! {without_commands(f'{error.message} {error.hint}')}"))


class ItDidNotHappen(Dialog[Settlement]):
    """Typed, because what is asked for again after it is done again. `doubt` is what speaks against it."""

    EXPECTED = "did not happen"

    def __init__(self, title: str, *, doubt: str) -> None:
        super().__init__()
        self._title, self._doubt = title, doubt

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -severe"):
            yield Static(drawing.plain(f"It did not happen: {self._title}"), classes="dialog-title", markup=False)
            with Vertical(classes="dialog-body"):
                if self._doubt:
                    yield Static(drawing.caution("▲", self._doubt), classes="warning", markup=False)
                yield Static(
                    drawing.plain("After this it can be asked for again, and would then be done again. This is written to the log once."),
                    markup=False,
                )
                yield Static(drawing.plain(f"Type “{self.EXPECTED}” if you looked there yourself:"), classes="question", markup=False)
            yield Input(id="typed")
            yield Static("", classes="dialog-error", markup=False)
        yield Keys(show_command_palette=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if " ".join(event.value.casefold().split()) == self.EXPECTED:
            self.dismiss(settlement_of(happened=False, reference=None, charged=None, currency="USD"))
        else:
            self.query_one(".dialog-error", Static).update("That is not it. Nothing was recorded.")
