"""One card in the thread: what it shows, and the buttons a person may press. It decides nothing; it posts what was pressed with the very card shown.

The focus enters a card at its first button that is not Confirm (`first_stop`; `screen.py` holds it), and for half a second after it appeared a
card posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button as PressButton
from textual.widgets import Static

from cards import words
from cards.looks import LOOKS
from halo_cli.chat import bindings, drawing
from halo_cli.chat.guard import Guard, Monotonic
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.reply import Tapback
from halo_engine.model.text import inert

#: On the screen Confirm stands last, so that no walk begins at it.
_ORDER = (Button.MODIFY, Button.CANCEL, Button.ASK_AGAIN, Button.RETRY, Button.CONFIRM)
#: Characters of the title that fit under a card, with a tapback beside them.
_TITLE_BELOW = 34
#: An execution that goes on.
LIVE = frozenset({CardKind.EXECUTING, CardKind.CHECKING})


class CardButton(PressButton):
    """A button of a card."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.of("button")

    def __init__(self, means: Button, card: Card) -> None:
        super().__init__(Content(words.press_label(means, card)), compact=True, classes=f"card-button -{means.name.lower()}")
        self.means = means
        # What comes of it shows at once; a flash would only outlast it.
        self.active_effect_duration = 0

    @property
    def is_confirm(self) -> bool:
        return self.means is Button.CONFIRM

    def action_press(self) -> None:
        """Confirm that was scrolled out of sight first comes back: nobody confirms what they do not see."""
        if self.is_confirm and not self.screen.can_view_entire(self):
            self.scroll_visible(animate=False)
        else:
            super().action_press()

    def action_previous(self) -> None:
        self._beside(-1)

    def action_next(self) -> None:
        self._beside(1)

    def _beside(self, step: int) -> None:
        row = [button for button in self.parent.query(CardButton) if not button.disabled] if isinstance(self.parent, Widget) else []
        at = row.index(self) + step if self in row else -1
        if 0 <= at < len(row):
            row[at].focus()


class OptionRow(Static, can_focus=True):
    """One answer to a question."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.of("option")

    class Taken(Message):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, number: int, renderable: RenderableType) -> None:
        super().__init__(renderable, classes="option", markup=False)
        self._number = number

    def action_take(self) -> None:
        self.post_message(self.Taken(self._number))

    def action_choose(self, number: int) -> None:
        """One of its neighbours, or itself, by its number."""
        self.post_message(self.Taken(number))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_take()


class CardView(Vertical, can_focus=True):
    """A card as it stands in the thread."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.of("card")

    class Asked(Message):
        """Something was wanted of this card."""

        def __init__(self, view: CardView) -> None:
            super().__init__()
            self.view = view

    class Pressed(Asked):
        def __init__(self, view: CardView, button: Button) -> None:
            super().__init__(view)
            self.button = button

    class Chosen(Asked):
        def __init__(self, view: CardView, number: int) -> None:
            super().__init__(view)
            self.number = number

    class Replying(Asked):
        """It is to be answered in words."""

    class TapbackWanted(Asked):
        pass

    class ReceiptWanted(Asked):
        pass

    class Moved(Asked):
        """The focus is to go elsewhere: `older`, `newer`, `oldest`, `newest`."""

        def __init__(self, view: CardView, where: str) -> None:
            super().__init__(view)
            self.where = where

    class TooSoon(Asked):
        """Something was pressed that can only have been meant for what stood there before."""

    def __init__(self, card: Card, *, monotonic: Monotonic, since: float | None = None) -> None:
        super().__init__(classes=f"card -{LOOKS[card.kind].accent.value} -fresh")
        self.card = card
        self.guard = Guard(monotonic)
        self.tapbacks: dict[str, Tapback] = {}
        self._tapped = ""
        #: From another conversation: its buttons still mean what they say, and words that name no card are not about it.
        self.is_past = False
        self._monotonic = monotonic
        #: Since when its execution is being watched, for the time that has passed.
        self.since = monotonic() if since is None else since

    def compose(self) -> ComposeResult:
        card = words.harmless(self.card)
        yield Static(drawing.title(card), classes="title", markup=False)
        with Vertical(classes="body"):
            yield from _changes(card)
            if card.summary:
                yield Static(Content(card.summary), classes="summary")
            yield from _terms(card)
            yield from _disclosures(card)
            if self.is_live:
                yield Static(self._pulse(), classes="pulse", markup=False)
            for number, option in enumerate(card.options, 1):
                yield OptionRow(number, drawing.option(number, option.label, option.reason))
            if card.note:
                yield Static(Content(card.note), classes="note")
            if card.buttons:
                with Horizontal(classes="buttons"):
                    yield from (CardButton(button, card) for button in _ORDER if button in card.buttons)

    def on_mount(self) -> None:
        # Where there is something to press, the way into the card leads there; else to the card itself.
        self.can_focus = not self.stops
        self._label()

    @property
    def is_live(self) -> bool:
        return self.card.kind in LIVE

    @property
    def waits(self) -> bool:
        """Whether words that name no card may be an answer to it."""
        return not self.is_past and (Button.CONFIRM in self.card.buttons or self.card.kind is CardKind.CLARIFICATION)

    @property
    def stops(self) -> list[Widget]:
        return [stop for stop in self.query(".card-button, .option").results(Widget) if not stop.disabled]

    @property
    def first_stop(self) -> Widget:
        """Where the focus enters. Never at Confirm."""
        return next((stop for stop in self.stops if not (isinstance(stop, CardButton) and stop.is_confirm)), self)

    def tick(self) -> None:
        """Show what time has changed: that it may be pressed now, and how long it takes."""
        if self.guard.is_armed:
            self.remove_class("-fresh")
        if self.is_live:
            for pulse in self.query(".pulse").results(Static):
                pulse.update(self._pulse())

    def _pulse(self) -> str:
        passed = self._monotonic() - self.since
        return f"{drawing.spinner(passed)} {int(passed)} s"

    def show_tapbacks(self, names: dict[str, str]) -> None:
        """In the corner: which, and whose."""
        shown = [f"{drawing.TAPBACKS[tapback]} · {names.get(member, '')}" for member, tapback in self.tapbacks.items()]
        self._tapped = "   ".join(shown)
        self._label()

    def take_tapbacks(self, of: CardView) -> None:
        """Of the card in whose very place this one stands."""
        self.tapbacks = of.tapbacks
        self._tapped = of._tapped
        self._label()

    def _label(self) -> None:
        """The tapbacks in the corner above; below, beside the buttons of a card whose head may be out of sight, what they are about too."""
        self.border_title = drawing.plain(self._tapped) if self._tapped else None
        if self.card.buttons:
            title = inert(self.card.title, max_chars=_TITLE_BELOW)
            self.border_subtitle = drawing.plain(f"{title} · {self._tapped}" if self._tapped else title)

    def set_busy(self, busy: bool) -> None:
        """While the engine works on it, nothing more can be pressed."""
        self.set_class(busy, "-busy")

    def on_button_pressed(self, event: PressButton.Pressed) -> None:
        event.stop()
        if isinstance(event.button, CardButton):
            self._post(self.Pressed(self, event.button.means))

    def on_option_row_taken(self, event: OptionRow.Taken) -> None:
        event.stop()
        if event.number <= len(self.card.options):
            self._post(self.Chosen(self, event.number))

    def action_older(self) -> None:
        self.post_message(self.Moved(self, "older"))

    def action_newer(self) -> None:
        self.post_message(self.Moved(self, "newer"))

    def action_oldest(self) -> None:
        self.post_message(self.Moved(self, "oldest"))

    def action_newest(self) -> None:
        self.post_message(self.Moved(self, "newest"))

    def action_modify(self) -> None:
        if Button.MODIFY in self.card.buttons:
            self._post(self.Pressed(self, Button.MODIFY))

    def action_reply(self) -> None:
        self._post(self.Replying(self))

    def action_tapback(self) -> None:
        self._post(self.TapbackWanted(self))

    def action_receipt(self) -> None:
        if self.card.receipt_id or self.card.execution_id:
            self._post(self.ReceiptWanted(self))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.screen.set_focus(self.first_stop)

    def _post(self, message: Asked) -> None:
        if self.has_class("-busy"):
            return
        self.post_message(message if self.guard.is_armed else self.TooSoon(self))


def entrance(widget: Widget | None, *, focused: Widget | None) -> Widget | None:
    """Where a focus that is to go to `widget` may go: Confirm takes it only from within its own card."""
    if not (isinstance(widget, CardButton) and widget.is_confirm):
        return widget
    card = next(node for node in widget.ancestors if isinstance(node, CardView))
    return widget if focused and focused in card.walk_children() else card.first_stop


def _changes(card: Card) -> Iterator[Widget]:
    """First of all, because it is what somebody who knows the card looks for."""
    if not card.changes:
        return
    rows: list[Widget] = [Static(words.WHAT_CHANGED, classes="heading", markup=False)]
    for change in words.told(card.changes):
        heading = Static(drawing.change_heading(change), classes="change-heading")
        if words.sides(change) is None:
            rows.append(heading)
        elif words.side_by_side(change):
            rows.append(Horizontal(heading, Static(drawing.before_and_after(change), classes="change-amounts"), classes="change"))
        else:
            rows += [heading, Static(drawing.was_and_now(change), classes="was-and-now", markup=False)]
    yield Vertical(*rows, classes="changes")


def _terms(card: Card) -> Iterator[Widget]:
    if card.lines:
        yield Static(drawing.amounts(card.lines), classes="amounts", markup=False)
    if card.cost is not None:
        yield Static(drawing.total(card), classes="total" if card.lines else "total -alone", markup=False)
    if card.rows:
        yield Static(drawing.facts(card.rows), classes="facts", markup=False)


def _disclosures(card: Card) -> Iterator[Widget]:
    """Never folded, never left out."""
    if not card.disclosures:
        return
    warnings = [Static(drawing.caution("▲", text), classes="warning", markup=False) for text in card.warnings]
    policies = [Static(drawing.caution("·", text), classes="policy", markup=False) for text in (*card.policies, *card.approval)]
    yield Vertical(*warnings, *policies, classes="disclosures")
