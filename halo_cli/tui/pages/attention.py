"""Executions whose outcome nobody could tell by asking, and how a person settles them: what is known, what the vendor's record shows now, what to do
there, and what they found.

Nothing is sent from here. `engine.look_again` reads the vendor's record; `engine.settle` writes what was found, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from cards.words import harmless
from halo_cli.chat import drawing
from halo_cli.chat.asking import Trouble
from halo_cli.chat.guard import Guard
from halo_cli.settlements import finding, told
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.page import Page
from halo_cli.tui.parts import settling_words
from halo_cli.tui.parts.choosing import Choice, Choices
from halo_cli.tui.parts.settle_dialogs import ItDidNotHappen, ItHappened
from halo_engine.model.card import Card
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.outcome import Done, Found, Partial, Pending
from halo_engine.model.settlement import Settlement
from halo_engine.model.value import Value
from halo_engine.queries import ExecutionDetail, InNeed

_LIMIT = 200
_LOOK_AGAIN_S = 4.0
Act = Literal["look", "happened", "not", "retry", "everything"]
_ACTS: dict[Act, str] = {
    "look": "Look again",
    "happened": "It happened…",
    "not": "It did not…",
    "retry": "Ask again",
    "everything": "Details",
}
_BUTTON_KEYS: tuple[Key, ...] = (
    Key("enter", "press", "Enter", "press the button that has the focus"),
    Key("left", "previous", "←", "the button before"),
    Key("right", "next", "→", "the button after"),
)


class InDoubt(Value):
    """One execution with everything a person needs to settle it."""

    item: InNeed
    detail: ExecutionDetail
    card: Card


class ActButton(Button, inherit_bindings=False):
    """Something that can be done about it."""

    HELP = "Look again reads the vendor's record and changes nothing. What you record is written to the log, once."
    BINDINGS: ClassVar[list[BindingType]] = bindings(_BUTTON_KEYS)

    def __init__(self, act: Act) -> None:
        super().__init__(Content(_ACTS[act]), compact=True, classes=f"card-button -{act}")
        self.act: Act = act
        self.active_effect_duration = 0

    def action_previous(self) -> None:
        self.screen.focus_previous(ActButton)

    def action_next(self) -> None:
        self.screen.focus_next(ActButton)


class AttentionPage(Page):
    """What a person has to look at."""

    title, short, key = "Attention", "Attn", "2"
    help = (
        "Executions whose outcome nobody knows. Halo never sends them again by itself: look at the vendor's, then record what you found. "
        "What needs attention stays so in the books; what you found stands beside it in the log."
    )

    def on_mount(self) -> None:
        self._queue: tuple[InNeed, ...] = ()
        self._shown: InDoubt | None = None
        self._wanted, self._filter, self._is_busy = "", "", False
        #: What the vendors' records showed when somebody looked, by execution.
        self._found: dict[str, Found | Trouble] = {}
        self._guard = Guard(self.monotonic)
        self.set_interval(_LOOK_AGAIN_S, self._look_at_books_again)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="beside"):
            yield Choices()
            with Vertical(classes="doubt-side"):
                with VerticalScroll(classes="detail", can_focus=False):
                    yield Static("Looking…", classes="empty", markup=False)
                yield Horizontal(classes="acts")

    @property
    def choices(self) -> Choices:
        return self.query_one(Choices)

    # Showing

    def on_shown(self) -> None:
        self.ask(self._read, self._show_queue, group="list", exclusive=True)

    def open(self, identifier: str) -> None:
        self._look(identifier)

    def set_filter(self, text: str) -> None:
        self._filter = text
        self._show_queue(self._queue)

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (self._shown.item.draft.terms.title,) if self._shown else ()

    def go_back(self) -> bool:
        if self.screen.focused in (None, self.choices):
            return False
        self.choices.focus()
        return True

    def _look_at_books_again(self) -> None:
        if self.has_class("-front") and not self._is_busy and self.app.screen is self.screen:
            self.on_shown()

    def _read(self) -> tuple[InNeed, ...]:
        with self.desk.queries() as queries:
            return queries.attention(limit=_LIMIT)

    def _show_queue(self, queue: tuple[InNeed, ...]) -> None:
        self._queue = queue
        self.choices.show(tuple(_rows(queue, self._filter)), picked=self._wanted)
        if picked := self._wanted or self.choices.picked:
            self._look(picked)
        else:
            words = (
                "Nothing with these words in it needs attention." if self._filter else "Nothing needs attention. Every outcome is known."
            )
            for empty in self.query(".detail .empty").results(Static):
                empty.update(words)

    def on_choices_picked(self, event: Choices.Picked) -> None:
        event.stop()
        self._look(event.identifier)

    def on_choices_entered(self, event: Choices.Entered) -> None:
        event.stop()
        for button in self.query(ActButton):
            button.focus()
            return

    def _look(self, execution_id: str) -> None:
        self._wanted = execution_id
        self.ask(partial(self._look_at, execution_id), partial(self._looked, execution_id), group="detail", exclusive=True)

    def _look_at(self, execution_id: str) -> InDoubt:
        with self.desk.queries() as queries:
            detail = queries.execution(execution_id)
            settled = next((event for event in detail.events if event.event_type == "execution.settled"), None)
            item = InNeed(execution=detail.execution, draft=detail.draft, settled=settled)
            return InDoubt(item=item, detail=detail, card=queries.card(execution_id))

    async def _looked(self, execution_id: str, shown: InDoubt) -> None:
        if execution_id == self._wanted:
            await self._show(shown)

    async def _show(self, shown: InDoubt, *, anew: bool = False) -> None:
        if shown == self._shown and not anew:
            return
        before, self._shown = self._shown, shown
        detail = self.query_one(".detail", VerticalScroll)
        at = detail.scroll_y
        with self.app.batch_update():
            await detail.remove_children()
            await detail.mount(Vertical(*self._parts(shown), classes="doubt"))
            if before is None or _what_to_do(before.item) != _what_to_do(shown.item):
                await self._show_acts(_acts(shown.item))
        is_other = before is None or before.item.execution.id != shown.item.execution.id
        detail.scroll_to(y=0 if is_other else at, animate=False)
        self.post_message(self.Crumbs())

    async def _show_acts(self, acts: tuple[Act, ...]) -> None:
        """Other buttons: for half a second they take nothing, because what is pressed now meant the ones before."""
        self._guard = Guard(self.monotonic)
        had_focus = isinstance(self.screen.focused, ActButton)
        row = self.query_one(".acts", Horizontal)
        await row.remove_children()
        await row.mount(*map(ActButton, acts))
        if had_focus:
            # At the one that does nothing.
            self.screen.set_focus(list(row.query(ActButton))[-1])

    def _parts(self, shown: InDoubt) -> Iterator[Widget]:
        detail = shown.detail
        yield Static(drawing.title(harmless(shown.card)), classes="doubt-title", markup=False)
        if shown.item.settled:
            yield Static(drawing.caution("✓", settling_words.settled(shown.item.settled, tuple(self.members), self.zone)), classes="part")
        yield Static("What is known", classes="heading", markup=False)
        for sentence in settling_words.known(detail, self.zone):
            yield Static(drawing.caution("·", sentence), markup=False)
        yield Static("What the vendor's record shows now", classes="heading", markup=False)
        yield from (Static(drawing.caution("·", line), markup=False) for line in self._found_lines(shown.item.execution.id))
        if not shown.item.settled:
            yield Static("What to do", classes="heading", markup=False)
            for number, sentence in enumerate(settling_words.steps(detail, self.zone), 1):
                yield Static(drawing.caution(f"{number}.", sentence), markup=False)

    def _found_lines(self, execution_id: str) -> tuple[str, ...]:
        found = self._found.get(execution_id)
        if found is None:
            return ("Nobody has asked it just now.",)
        return (found.words,) if isinstance(found, Trouble) else finding(found).lines

    # Acting

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        shown = self._shown
        if not isinstance(event.button, ActButton) or shown is None or self._is_busy or self.app.screen is not self.screen:
            return
        if not self._guard.is_armed:
            self.say("That has only just appeared. Read it, then press again.")
            return
        execution = shown.item.execution
        match event.button.act:
            case "look":
                self._look_at_vendor(execution.id)
            case "everything":
                self.post_message(self.Open(execution.id))
            case "retry":
                self._retry(execution.id)
            case "happened":
                self._ask_what_happened(shown)
            case "not":
                dialog = ItDidNotHappen(shown.item.draft.terms.title, doubt=self._doubt(execution.id))
                self.app.push_screen(dialog, partial(self._settle, execution.id, self.member.id))

    def _look_at_vendor(self, execution_id: str) -> None:
        self._is_busy = True
        self.say("Asking the vendor…")
        self.ask(
            lambda: self.desk.engine().look_again(execution_id),
            partial(self._vendor_said, execution_id),
            otherwise=partial(self._vendor_said, execution_id),
            group="vendor",
        )

    async def _vendor_said(self, execution_id: str, found: Found | Trouble) -> None:
        self._is_busy = False
        self._found[execution_id] = found
        self.say("")
        if self._shown and self._shown.item.execution.id == execution_id:
            await self._show(self._shown, anew=True)

    def _doubt(self, execution_id: str) -> str:
        """What speaks against its not having happened."""
        found = self._found.get(execution_id)
        if isinstance(found, Done | Partial | Pending):
            return f"The vendor's record shows it: {found.reference}."
        return "" if found is not None else "The vendor was not asked just now: Look again would do that."

    def _ask_what_happened(self, shown: InDoubt) -> None:
        execution_id, terms = shown.item.execution.id, shown.item.draft.terms
        found = self._found.get(execution_id)
        reference = found.reference if isinstance(found, Done | Partial | Pending) else ""
        dialog = ItHappened(terms.title, payee=terms.payee, currency=terms.total.currency, reference=reference)
        self.app.push_screen(dialog, partial(self._settle, execution_id, self.member.id))

    def _settle(self, execution_id: str, member: str, found: Settlement | None) -> None:
        if found is None or self._is_busy:
            return
        self._is_busy = True
        self.ask(
            lambda: self.desk.engine().settle(execution_id, found, member=member),
            lambda _execution: self._settled(" ".join(told(found).lines)),
            otherwise=self._not_done,
            group="settle",
        )

    def _settled(self, words: str) -> None:
        self._is_busy = False
        self.say(words)
        self.post_message(self.Changed())
        self.on_shown()

    def _not_done(self, trouble: Trouble) -> None:
        self._is_busy = False
        self.say_trouble(trouble)
        self.on_shown()

    def _retry(self, execution_id: str) -> None:
        self._is_busy = True
        member = self.member.id
        self.ask(lambda: self.desk.door().retry(execution_id, member=member), self._retried, otherwise=self._not_done, group="retry")

    def _retried(self, card: Card) -> None:
        self._is_busy = False
        self.post_message(self.Changed())
        if identifier := card.draft_id or card.request_id:
            self.post_message(self.Open(identifier))


def _acts(item: InNeed) -> tuple[Act, ...]:
    if item.settled:
        return ("retry", "look", "everything") if item.settled.payload.get("outcome") == "did_not_happen" else ("look", "everything")
    if item.execution.status is ExecutionStatus.NEEDS_ATTENTION:
        return ("look", "happened", "not", "everything")
    return ("look", "everything")


def _what_to_do(item: InNeed) -> tuple[str, tuple[Act, ...]]:
    """What a press would mean."""
    return item.execution.id, _acts(item)


def _rows(queue: tuple[InNeed, ...], words: str) -> Iterator[Choice]:
    parts = (
        ("Needs attention", "▲", [each for each in queue if each.execution.status is ExecutionStatus.NEEDS_ATTENTION and not each.settled]),
        ("Being checked", "…", [each for each in queue if each.execution.status is ExecutionStatus.UNKNOWN]),
        ("Over to you", "→", [each for each in queue if each.execution.status is ExecutionStatus.HANDED_OFF]),
        ("Settled this week", "✓", [each for each in queue if each.settled]),
    )
    for heading, sign, items in parts:
        rows = [
            Choice(
                id=each.execution.id,
                sign=sign,
                text=each.draft.terms.title,
                below=f"{each.draft.terms.maximum.display} · {each.draft.terms.payee}",
            )
            for each in items
        ]
        found = [row for row in rows if words.casefold() in f"{row.text} {row.below}".casefold()]
        if found:
            yield Choice(text=f"{heading} ({len(found)})")
            yield from found
