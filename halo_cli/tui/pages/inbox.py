"""Drafts and questions that need somebody: on the left what waits, on the right the card and the very object that a yes would confirm.

What is pressed goes the chat's road (`halo_engine.thread`): a card that does not stand any more is answered with the one that does, and a yes is to
the hash of the card that was on the screen when it was pressed, never to what came after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from halo_cli.chat.asking import Trouble, trouble_of
from halo_cli.chat.card_view import LIVE, CardView
from halo_cli.chat.dialogs import Consent, asks_for_consent
from halo_cli.chat.form import ModifyForm
from halo_cli.tui.asking import Came
from halo_cli.tui.page import Page
from halo_cli.tui.parts.choosing import Choice, Choices
from halo_cli.tui.parts.desk_card import DeskCard
from halo_cli.tui.parts.looking import Shown, look_at
from halo_cli.tui.parts.terms_view import TermsView
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.draft import Draft
from halo_engine.model.form import FormField
from halo_engine.model.household import Member
from halo_engine.queries import Inbox

if TYPE_CHECKING:
    from halo_engine.thread import Thread, Turn

CHANNEL = "tui"
_TICK_S, _LOOK_AGAIN_S, _ASK_AGAIN_S = 0.125, 4.0, 5.0
_LIMIT = 200
_NOTHING = (
    "Nothing waits for you.\n\n"
    'Ask for something: halo ask "order AA batteries", or in the thread, with halo chat. What it comes to stands here, to be confirmed.\n\n'
    "3 is everything that was asked and done, 6 the log that proves it. ? tells more of any page."
)
_TOO_SOON = "That card has only just appeared. Read it, then press again."
_ONE_MOMENT = "One moment: Halo is still at it."


class InboxPage(Page):
    """What waits for a decision."""

    title, short, key = "Inbox", "Inbox", "1"
    help = (
        "What waits for a decision: drafts, questions, and drafts whose time was over. Beside the card stands every term that a yes would "
        "confirm. Whoever acts (F2) says the yes."
    )

    def on_mount(self) -> None:
        self._inbox = Inbox(drafts=(), questions=(), expired=())
        self._shown: Shown | None = None
        #: Whose yes the card on the screen asks for, as they were when it was put there.
        self._shown_to: Member | None = None
        #: What was wanted last: an answer about anything else comes too late.
        self._wanted = ""
        self._filter = ""
        self._is_busy = False
        self._watched: set[str] = set()
        self.set_interval(_TICK_S, self._tick)
        self.set_interval(_LOOK_AGAIN_S, self._look_again)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="beside"):
            yield Choices()
            with VerticalScroll(classes="detail", can_focus=False):
                yield Static("Looking…", classes="empty", markup=False)

    @property
    def choices(self) -> Choices:
        return self.query_one(Choices)

    @property
    def view(self) -> CardView | None:
        """The card on the screen."""
        return next(iter(self.query(CardView)), None)

    @property
    def unfinished(self) -> tuple[str, ...]:
        return tuple(sorted(self._watched))

    # Showing

    def on_shown(self) -> None:
        self.ask(self._read, self._show_list, group="list", exclusive=True)
        if self._wanted:
            self._look(self._wanted)

    def open(self, identifier: str) -> None:
        self._look(identifier)

    def set_filter(self, text: str) -> None:
        self._filter = text
        self._show_list(self._inbox)

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (self._shown.card.title,) if self._shown else ()

    def go_back(self) -> bool:
        focused = self.screen.focused
        if focused is None or focused is self.choices:
            return False
        self.choices.focus()
        return True

    def _read(self) -> Inbox:
        with self.desk.queries() as queries:
            return queries.inbox(limit=_LIMIT)

    def _show_list(self, inbox: Inbox) -> None:
        self._inbox = inbox
        rows = tuple(_rows(inbox, self._filter, self._time))
        self.choices.show(rows, picked=self._wanted)
        if not self._wanted and self.choices.picked:
            self._look(self.choices.picked)
        elif not self._wanted:
            self._show_nothing("Nothing with these words in it waits." if self._filter else _NOTHING)

    def _time(self, draft: Draft) -> str:
        local, now = draft.expires_at.astimezone(self.zone), self.desk.clock.now().astimezone(self.zone)
        return f"{local:%H:%M}" if local.date() == now.date() else f"{local.day} {local:%b %H:%M}"

    def _show_nothing(self, words: str) -> None:
        for empty in self.query(".detail .empty").results(Static):
            empty.update(words)

    def on_choices_picked(self, event: Choices.Picked) -> None:
        event.stop()
        self._look(event.identifier)

    def on_choices_entered(self, event: Choices.Entered) -> None:
        event.stop()
        if self.view:
            self.screen.set_focus(self.view.first_stop)

    def _look(self, identifier: str) -> None:
        self._wanted = identifier
        self.ask(partial(self._look_at, identifier), partial(self._looked, identifier), group="detail", exclusive=True)

    def _look_at(self, identifier: str) -> Shown:
        with self.desk.queries() as queries:
            return look_at(queries, identifier)

    async def _looked(self, identifier: str, shown: Shown) -> None:
        if identifier == self._wanted:
            await self._show(shown)

    async def _show(self, shown: Shown) -> None:
        """Put it on the screen, unless the very same stands there for the same member: a new card takes nothing for half a second."""
        self._wanted = shown.key
        self.choices.pick(shown.key)
        if self._shown and self._shown.card.hash == shown.card.hash and self.view and self._shown_to == self.member:
            return
        had_focus = self.view is not None and self.screen.focused in self.view.walk_children(with_self=True)
        self._shown, self._shown_to = shown, self.member
        detail = self.query_one(".detail", VerticalScroll)
        await detail.remove_children()
        await detail.mount(*self._parts(shown))
        detail.scroll_home(animate=False)
        if had_focus and self.view:
            # What had it has gone; the next press must not land elsewhere.
            self.screen.set_focus(self.view.first_stop)
        self.post_message(self.Crumbs())
        if shown.card.kind in LIVE and shown.card.execution_id:
            self._watch(shown.card.execution_id)

    def _parts(self, shown: Shown) -> list[Widget]:
        card = DeskCard(shown.card, monotonic=self.monotonic)
        about: list[Widget] = [card]
        if shown.card.kind is CardKind.CLARIFICATION:
            about += [Input(classes="answer", compact=True, placeholder="or answer in words", max_length=4000)]
        if shown.draft is None:
            return [Vertical(*about, classes="card-side")]
        waits = Button.CONFIRM in shown.card.buttons
        heading = f"What a yes of {self.member.display_name} would confirm" if waits else "The terms, field by field"
        terms = TermsView(shown.draft.terms, before=shown.before, zone=self.zone, heading=heading)
        return [Vertical(*about, classes="card-side"), terms]

    # Time

    def _tick(self) -> None:
        for view in self.query(CardView):
            view.tick()

    def _look_again(self) -> None:
        """What was done elsewhere, and what only time has changed."""
        if self.has_class("-front") and not self._is_busy and self.app.screen is self.screen:
            self.on_shown()

    # Turns

    def on_card_view_pressed(self, event: CardView.Pressed) -> None:
        event.stop()
        view, button = event.view, event.button
        if not self._can_be_meant(view):
            return
        member = self.member.id
        if button is Button.MODIFY:
            self._open_form(view)
        elif button is Button.CONFIRM and asks_for_consent(view.card):
            self.app.push_screen(Consent(view.card, acting=self.member.display_name), partial(self._consented, view, member))
        else:
            self._take_turn(lambda thread: thread.press(button, member=member, on=view.card), about=view)

    def _can_be_meant(self, view: CardView) -> bool:
        """Whether the card still stands there and nothing lies over it, and nothing is going on: a second press may come after the first.

        Nor before it says whose yes it would be, when somebody else acts since.
        """
        if self._is_busy or self._shown_to != self.member:
            self.say(_ONE_MOMENT)
            return False
        return view.is_attached and self.app.screen is self.screen

    def _consented(self, view: CardView, member: str, agreed: bool | None) -> None:
        if agreed:
            self._take_turn(lambda thread: thread.press(Button.CONFIRM, member=member, on=view.card), about=view)

    def on_card_view_chosen(self, event: CardView.Chosen) -> None:
        event.stop()
        if self._can_be_meant(event.view):
            card, number, member = event.view.card, event.number, self.member.id
            self._take_turn(lambda thread: thread.choose(number, member=member, of=card), about=event.view)

    def on_card_view_too_soon(self, event: CardView.TooSoon) -> None:
        event.stop()
        self.say(_TOO_SOON)

    def on_card_view_moved(self, event: CardView.Moved) -> None:
        event.stop()
        self.choices.focus()

    def on_card_view_receipt_wanted(self, event: CardView.ReceiptWanted) -> None:
        event.stop()
        if execution_id := event.view.card.execution_id:
            self.post_message(self.Open(execution_id))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        view, text, member = self.view, event.value.strip(), self.member.id
        if view and text and self._can_be_meant(view):
            if not view.guard.is_armed:
                self.say(_TOO_SOON)
                return
            card = view.card
            self._take_turn(lambda thread: thread.reply(text, member=member, to=card), about=view)

    def _take_turn(self, act: Callable[[Thread], Turn], *, about: CardView, form: ModifyForm | None = None) -> None:
        self._is_busy = True
        about.set_busy(True)
        came = partial(self._came, about, form)
        self.ask(partial(self._turn, act), came, otherwise=partial(self._did_not_come, about, form), group="turn")

    def _turn(self, act: Callable[[Thread], Turn]) -> tuple[Turn, Shown | None]:
        """In a worker: what came of it, and all of what stands now."""
        from halo_engine.thread import Thread

        turn = act(Thread(self.desk.door(), channel=CHANNEL))
        card = turn.card
        if card is None:
            return turn, None
        return turn, self._look_at(card.draft_id) if card.draft_id and not card.execution_id else Shown(
            card=card, draft=self._draft_of(card)
        )

    def _draft_of(self, card: Card) -> Draft | None:
        with self.desk.queries() as queries:
            return queries.draft(card.draft_id) if card.draft_id else None

    async def _came(self, about: CardView, form: ModifyForm | None, came: tuple[Turn, Shown | None]) -> None:
        turn, shown = came
        self._is_busy = False
        about.set_busy(False)
        if form and form.is_current and turn.error:
            form.show_error(turn.note)
            return
        if form and form.is_current:
            form.dismiss(None)
        if shown:
            await self._show(shown)
        elif turn.ends:
            self._wanted, self._shown = "", None
        self.post_message(self.Notice(turn.note, trouble=bool(turn.error)))
        self.post_message(self.Changed())
        self.ask(self._read, self._show_list, group="list", exclusive=True)

    def _did_not_come(self, about: CardView, form: ModifyForm | None, trouble: Trouble) -> None:
        self._is_busy = False
        about.set_busy(False)
        if form and form.is_current:
            form.show_error(trouble.words)
        else:
            self.say_trouble(trouble)

    # Modify

    def _open_form(self, view: CardView) -> None:
        self.ask(lambda: self.desk.door().form(view.card.draft_id or ""), partial(self._show_form, view))

    def _show_form(self, view: CardView, fields: tuple[FormField, ...]) -> None:
        if self._can_be_meant(view):
            self.app.push_screen(ModifyForm(view, fields, to=self))

    def on_modify_form_filled(self, event: ModifyForm.Filled) -> None:
        event.stop()
        card, member = event.form.view.card, self.member.id
        self._take_turn(lambda thread: thread.fill(event.values, member=member, on=card), about=event.form.view, form=event.form)

    def on_modify_form_said(self, event: ModifyForm.Said) -> None:
        event.stop()
        card, member = event.form.view.card, self.member.id
        self._take_turn(lambda thread: thread.reply(event.text, member=member, to=card), about=event.form.view, form=event.form)

    # What was confirmed, until it ends

    def _watch(self, execution_id: str) -> None:
        if execution_id not in self._watched:
            self._watched.add(execution_id)
            self.run_worker(partial(self._carry_on, execution_id), thread=True, exit_on_error=False, group="executions")

    def _carry_on(self, execution_id: str) -> None:
        """In a worker: ask again and again where it stands, until it has ended or the dashboard is left."""
        worker = get_current_worker()
        try:
            door = self.desk.door()
            while not worker.is_cancelled:
                card = door.carry_on(execution_id, wait_s=1)
                if card.kind not in LIVE:
                    break
            revised = card.draft_id if card.kind is CardKind.TERMS_CHANGED else None
            shown = self._look_at(revised) if revised else Shown(card=card, draft=self._draft_of(card))
            self.post_message(Came(partial(self._ended, execution_id, shown)))
        except Exception as error:  # noqa: BLE001 - whatever it is: what was confirmed goes on, and the dashboard stays
            self.post_message(Came(partial(self._not_carried_on, execution_id, trouble_of(error))))

    async def _ended(self, execution_id: str, shown: Shown) -> None:
        self._watched.discard(execution_id)
        if self._shown and self._shown.card.execution_id == execution_id:
            await self._show(shown)
        else:
            self.say(shown.card.title)
        self.post_message(self.Changed())
        self.ask(self._read, self._show_list, group="list", exclusive=True)

    def _not_carried_on(self, execution_id: str, trouble: Trouble) -> None:
        self._watched.discard(execution_id)
        self.say_trouble(trouble)
        self.set_timer(_ASK_AGAIN_S, partial(self._watch, execution_id))


def _rows(inbox: Inbox, words: str, time_of: Callable[[Draft], str]) -> Iterator[Choice]:
    """What waits, under headings; only what has `words` in it."""
    drafts = [_draft_row(draft, f"until {time_of(draft)}", "●") for draft in inbox.drafts]
    questions = [
        Choice(id=question.request_id, sign="?", text=question.card.summary, below=f"{question.member}: “{question.text}”")
        for question in inbox.questions
    ]
    expired = [_draft_row(draft, f"expired {time_of(draft)}", "○") for draft in inbox.expired]
    for heading, rows in (("To decide", drafts), ("Questions", questions), ("Expired", expired)):
        found = [row for row in rows if words.casefold() in f"{row.text} {row.below}".casefold()]
        if found:
            yield Choice(text=f"{heading} ({len(found)})")
            yield from found


def _draft_row(draft: Draft, until: str, sign: str) -> Choice:
    changed = "≠ " if draft.changes else ""
    return Choice(
        id=draft.id, sign=sign, text=draft.terms.title, below=f"{changed}{draft.terms.maximum.display} · {until} · {draft.terms.payee}"
    )
