"""One execution from the words to the receipt, as one reads a story: what was done, on whose word, step by step, and how far it is proven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cards.words import receipt_lines, shown
from halo_cli.chat.asking import Trouble
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.page import Page
from halo_cli.tui.parts import trip_lines
from halo_cli.tui.parts.fold import Fold
from halo_cli.tui.parts.log_lines import short_id
from halo_cli.tui.parts.terms_view import TermsView
from halo_engine.model.card import Button, Card, execution_card
from halo_engine.model.trails import Trip
from halo_engine.trail import Trail

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around

#: How often one that has not ended is looked at again, and how far back the newest one is looked for.
_LOOK_AGAIN_S, _LOOK_BACK = 2.0, 200
_EMPTY = "Nothing was carried out yet. Confirm a draft in the inbox (1), and what becomes of it is told here."

KEYS: tuple[Key, ...] = (
    Key("y", "copy", "Y", "copy its id", "Copy id"),
    Key("c", "copy_command", "C", "copy the command that shows it"),
    Key("r", "retry", "R", "where it failed: ask for a fresh draft", "Retry"),
    Key("d", "open_draft", "D", "open the draft, or the one in its place"),
    Key("e", "open_receipt", "E", "open its receipt"),
    Key("l", "open_log", "L", "the events of its trip, in the log", "Log"),
)


class ExecutionPage(Page):
    """A scrolling text in sections. It shows the newest execution until another one is opened."""

    title, short, key = "Execution", "Exec", "4"
    help = (
        "One execution: what was confirmed and charged, the words and which of them gave which field, every event with the time between them, every "
        "attempt, what was said to the vendor (Enter opens a call), the receipt, and what is proven. Times are those at home."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    ExecutionPage #trip { height: 1fr; width: 100%; padding: 0 2; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    ExecutionPage #trip { scrollbar-color: $hairline; scrollbar-background: $background; }
    .-tall ExecutionPage #trip { padding: 1 2; }
    ExecutionPage #trip > Static { width: 100%; height: auto; max-width: 140; }
    ExecutionPage #trip > .heading { text-style: bold; color: $primary; margin: 1 0 0 0; height: 1; }
    ExecutionPage #trip > .warning { color: $care; text-style: bold; }
    ExecutionPage #trip .terms { height: auto; }
    """

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(desk, around)
        self.trip: Trip | None = None
        self._wanted = ""
        self._is_looking = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="trip"):
            yield Static("Looking…", classes="empty", markup=False)

    def on_mount(self) -> None:
        self.set_interval(_LOOK_AGAIN_S, self.look_again)

    def on_shown(self) -> None:
        if self._wanted:
            self._look(self._wanted)
        else:
            self.ask(self._newest, self._found_newest)

    def open(self, identifier: str) -> None:
        self._wanted = identifier

    def _newest(self) -> str:
        with self.desk.queries() as queries:
            return next((line.id for line in queries.activity(limit=_LOOK_BACK) if line.kind == "execution"), "")

    async def _found_newest(self, execution_id: str) -> None:
        if execution_id and not self._wanted:
            self._wanted = execution_id
            self._look(execution_id)
        elif not self._wanted:
            await self._show_nothing(_EMPTY)

    def _look(self, execution_id: str) -> None:
        self.ask(partial(self._read, execution_id), self._came, otherwise=self._not_came, group="trip", exclusive=True)

    def _read(self, execution_id: str) -> Trip:
        with Trail.open(self.desk.settings, clock=self.desk.clock) as trail:
            return trail.trip(execution_id)

    def look_again(self) -> None:
        """How one that has not ended goes on."""
        if self.trip and not self.trip.execution.is_final and self.has_class("-front"):
            self._look(self.trip.execution.id)

    async def _came(self, trip: Trip) -> None:
        if trip.execution.id != self._wanted or trip == self.trip:
            return
        is_same = self.trip is not None and self.trip.execution.id == trip.execution.id
        self.trip = trip
        view = self.query_one("#trip", VerticalScroll)
        place = view.scroll_offset.y if is_same else 0
        await view.remove_children()
        await view.mount(*self._sections(trip))
        self.call_after_refresh(view.scroll_to, y=place, animate=False)
        self.post_message(self.Crumbs())

    async def _not_came(self, trouble: Trouble) -> None:
        self.say_trouble(trouble)
        if self.trip is None or self.trip.execution.id != self._wanted:
            self.trip = None
            await self._show_nothing(trouble.words)

    async def _show_nothing(self, words: str) -> None:
        view = self.query_one("#trip", VerticalScroll)
        await view.remove_children()
        await view.mount(Static(shown(words, max_chars=1_000), classes="empty", markup=False))

    # Sections

    def _sections(self, trip: Trip) -> Iterator[Widget]:
        names = {member.id: member.display_name for member in self.members}
        yield _text(trip_lines.heading(trip))
        yield Static(trip_lines.summary(trip, self.zone), markup=False)
        if trip.draft.terms.warnings:
            yield Static(trip_lines.warnings(trip), classes="warning", markup=False)
        terms = TermsView(trip.draft.terms, before=None, zone=self.zone, heading="The draft as it was shown and confirmed")
        yield Fold(Content("Every term of the draft that was confirmed"), terms)
        yield from _section("Words", trip_lines.words_told(trip.words))
        yield from _section("Timeline", trip_lines.timeline(trip.events, zone=self.zone, names=names))
        yield from _section("Attempts", trip_lines.attempts(trip, self.zone))
        yield _heading("What was said to the vendor")
        for one in trip.exchanges:
            yield Fold(trip_lines.exchange_line(one), Static(trip_lines.exchange_body(one, self.zone), markup=False))
        if not trip.exchanges:
            yield _text((Content.styled("No call was kept.", "$quiet"),))
        yield _heading("Receipt")
        if trip.receipt:
            yield Fold(trip_lines.receipt_line(trip), Static(Content("\n".join(receipt_lines(trip.receipt))), markup=False))
        else:
            yield _text((trip_lines.receipt_line(trip),))
        yield from _section("Proof", trip_lines.proof(trip.proof, receipt_id=trip.receipt.id if trip.receipt else None))

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (shown(self.trip.draft.terms.title, max_chars=36), short_id(self.trip.execution.id)) if self.trip else ()

    # Keys

    def action_copy(self) -> None:
        self._copy(self.trip.execution.id if self.trip else "")

    def action_copy_command(self) -> None:
        self._copy(f"halo show {self.trip.execution.id}" if self.trip else "")

    def _copy(self, text: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
            self.say(f"Copied: {text}")

    def action_open_draft(self) -> None:
        if self.trip:
            self.post_message(self.Open(self.trip.execution.revised_draft_id or self.trip.draft.id))

    def action_open_receipt(self) -> None:
        if self.trip and self.trip.receipt:
            self.post_message(self.Open(self.trip.receipt.id))

    def action_open_log(self) -> None:
        if self.trip and self.trip.events:
            self.post_message(self.Open(self.trip.events[-1].id))

    @property
    def may_retry(self) -> bool:
        """As its card says."""
        return self.trip is not None and Button.RETRY in execution_card(self.trip.execution, self.trip.draft, self.trip.receipt).buttons

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return self.may_retry if action == "retry" else True

    def action_retry(self) -> None:
        """A fresh draft from the same words, on the chat's road: nothing is repeated blindly."""
        if self.trip and self.may_retry:
            self.ask(partial(self._retry, self.trip.execution.id, self.member.id), self._retried, group="acting")

    def _retry(self, execution_id: str, member: str) -> Card:
        return self.desk.door().retry(execution_id, member=member)

    def _retried(self, card: Card) -> None:
        self.post_message(self.Changed())
        if card.draft_id:
            self.post_message(self.Open(card.draft_id))
        else:
            self.say(card.summary)


def _text(lines: Iterable[Content]) -> Static:
    return Static(Content("\n").join(lines), markup=False)


def _heading(words: str) -> Static:
    return Static(words, classes="heading", markup=False)


def _section(heading: str, lines: Iterable[Content]) -> Iterator[Widget]:
    yield _heading(heading)
    yield _text(lines)
