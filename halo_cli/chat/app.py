"""The chat: what people do to the thread becomes a turn of `halo_engine.thread.Thread`, and what comes of it is shown.

`halo_cli/commands/chat.py` runs it with any `Door`. Every question to the door is asked in a thread of its own, and what comes back, be it a bug,
arrives here as a message: the screen never waits and never dies of it. One turn is taken at a time, because words mean the card that was on the
screen when they were sent.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import get_current_worker

from cards.words import harmless, receipt_lines
from halo_cli.chat import bindings, drawing, themes, times
from halo_cli.chat.asking import HEARD, QUIET, Answered, Trouble, trouble_of
from halo_cli.chat.bubbles import Bubble
from halo_cli.chat.card_view import LIVE, CardView
from halo_cli.chat.compose_bar import QUICK_INTENTS, ComposeBar
from halo_cli.chat.dialogs import Consent, Reading, Tapbacks, asks_for_consent
from halo_cli.chat.form import ModifyForm
from halo_cli.chat.guard import Monotonic
from halo_cli.chat.opening import Opening, opening_of
from halo_cli.chat.screen import ThreadScreen
from halo_engine.clock import Clock
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.errors import HaloError
from halo_engine.model.form import FormField
from halo_engine.model.household import Member
from halo_engine.model.receipt import Receipt
from halo_engine.model.reply import Reply, Tapback
from halo_engine.parsing.replies import tapped
from halo_engine.thread import Door, ReceiptDoor, Thread, Turn

T = TypeVar("T")

CHANNEL = "chat"
_TICK_S, _CLOCK_S = 0.125, 5.0
#: How often waiting cards are looked at again, and how many: another shell, or another phone, may have changed them.
_LOOK_AGAIN_S, _LOOKED_AT = 4.0, 3
#: After the door could not be asked how an execution goes on.
_ASK_AGAIN_S = 5.0
_TOO_SOON = "That card has only just appeared. Read it, then press again."
_ONE_MOMENT = "One moment: Halo is still reading."


class ChatApp(App[int]):
    """One household's thread. It ends with an exit code; `failure` says why it could not begin, `crash` what bug ended it."""

    CSS_PATH = "chat.tcss"
    TITLE = "Halo"
    BINDINGS: ClassVar[list[BindingType]] = bindings.of("everywhere")
    # Textual declares these as they are; a mutable class attribute is its own way of being told.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall")]  # noqa: RUF012

    def __init__(self, door: Door, *, clock: Clock, status: str, member: str | None = None, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__()
        self._door, self._thread = door, Thread(door, channel=CHANNEL)
        self._clock, self._monotonic = clock, monotonic
        self._wanted_member = member
        self._me: str | None = None
        self.thread_screen = ThreadScreen(status=status, monotonic=monotonic)
        self._members: tuple[Member, ...] = ()
        self._sender = 0
        self._zone = ZoneInfo("UTC")
        # Until it is known who writes, nothing can be said.
        self._is_busy = True
        self._watched: set[str] = set()
        self._looked_up: set[str] = set()
        self._looked_at, self._is_looking = monotonic(), False
        self.failure: HaloError | None = None
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.theme = themes.DARK.name

    @property
    def crash(self) -> Exception | None:
        return self._exception

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The executions that had not ended when the chat was left."""
        return tuple(sorted(self._watched))

    @property
    def sender(self) -> Member:
        """Who writes now."""
        return self._members[self._sender]

    # Opening

    def get_default_screen(self) -> Screen[Any]:
        return self.thread_screen

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.DARK.variables

    def on_mount(self) -> None:
        self.set_interval(_TICK_S, self.tick)
        self.set_interval(_CLOCK_S, self._look_at_clock)
        self._ask(partial(opening_of, self._door, self._wanted_member), self._opened, otherwise=self._not_opened)

    async def _opened(self, opening: Opening) -> None:
        self._members, self._zone = opening.members, ZoneInfo(opening.household.time_zone)
        self._me = opening.me
        self._sender = opening.sender
        self.thread_screen.header.show_household(opening.household.name)
        self._look_at_clock()
        for one in opening.said:
            await self.thread_screen.thread.said(self._bubble(one.text, one.member_id), one.at, now=self._clock.now(), zone=self._zone)
            if one.card:
                view = await self._shown(one.card)
                view.is_past = times.is_apart(one.at, self._clock.now(), self._zone)
        if not opening.said:
            self.thread_screen.thread.show_hint()
        self._show_sender()
        self._is_busy = False

    async def _not_opened(self, trouble: Trouble) -> None:
        self.failure = self.failure or HaloError(trouble.words)
        self.exit(1)

    # Time

    def tick(self) -> None:
        """What only time changes: the wheel, the dots, cards that may be pressed by now, and what was done elsewhere."""
        self.thread_screen.thread.tick()
        if not self._is_busy and not self._is_looking and self._monotonic() - self._looked_at >= _LOOK_AGAIN_S:
            self._look_again()

    def _look_again(self) -> None:
        """Ask how the newest waiting drafts stand now."""
        self._looked_at = self._monotonic()
        waiting = [view for view in reversed(self.thread_screen.thread.cards) if Button.CONFIRM in view.card.buttons][:_LOOKED_AT]
        if waiting:
            self._is_looking = True
            self._ask(partial(self._stand_now, waiting), self._looked, otherwise=self._not_looked)

    def _stand_now(self, views: Sequence[CardView]) -> list[tuple[CardView, Card]]:
        return [(view, self._stands_now(view.card)) for view in views]

    def _stands_now(self, card: Card) -> Card:
        now = self._door.card(card.draft_id or "")
        # Of a draft that was confirmed, what became of it is the request's card.
        return self._door.card(now.request_id) if now.kind in LIVE and now.request_id else now

    async def _looked(self, found: Sequence[tuple[CardView, Card]]) -> None:
        self._is_looking = False
        for view, card in found:
            # What was done here meanwhile is newer than this answer.
            if view.is_attached and not self._is_busy and card.hash != view.card.hash:
                await self._shown(card)

    async def _not_looked(self, _trouble: Trouble) -> None:
        # Nobody asked for anything: whoever does is told.
        self._is_looking = False

    def _look_at_clock(self) -> None:
        now = self._clock.now()
        self.thread_screen.header.show_time(times.clock_face(now, self._zone))
        for view in self.thread_screen.thread.cards:
            card = view.card
            if Button.CONFIRM in card.buttons and card.expires_at and card.expires_at <= now and card.hash not in self._looked_up:
                self._looked_up.add(card.hash)
                self._ask(partial(self._door.card, card.draft_id or ""), self._show, otherwise=self._say_trouble)

    # Turns

    async def on_compose_bar_sent(self, event: ComposeBar.Sent) -> None:
        """Words. Those that answer a card mean it as it was on the screen just now."""
        waiting = self.thread_screen.thread.waiting_for(self.sender.id)
        about = event.to or next(iter(waiting), None)
        if self._is_busy or (about and not about.guard.is_armed):
            await self._note(_ONE_MOMENT if self._is_busy else _TOO_SOON)
            return
        bubble = self._bubble(event.text, self.sender.id)
        member = self.sender.id
        if event.to:
            act = partial(self._thread.reply, event.text, member=member, to=event.to.card)
        else:
            act = partial(self._thread.say, event.text, member=member, waiting=[view.card for view in waiting])
        self.thread_screen.compose_bar.clear()
        await self.thread_screen.thread.forget_unsent(event.text)
        await self._put(bubble)
        bubble.show_state("Sending…")
        self._take_turn(act, about=about, bubble=bubble)

    async def on_card_view_pressed(self, event: CardView.Pressed) -> None:
        card, button = event.view.card, event.button
        if not self._can_be_meant(event.view):
            return
        if self._is_busy:
            await self._note(_ONE_MOMENT)
        elif button is Button.MODIFY:
            self._ask(partial(self._door.form, card.draft_id or ""), partial(self._modify, event.view), otherwise=self._say_trouble)
        elif button is Button.CONFIRM and asks_for_consent(card):
            self.push_screen(Consent(card), partial(self._consented, event.view, self.sender.id))
        else:
            self._take_turn(partial(self._thread.press, button, member=self.sender.id, on=card), about=event.view)

    def _can_be_meant(self, view: CardView) -> bool:
        """Whether the card still stands there and nothing lies over it: a second press may arrive when the first has had its effect."""
        return view.is_attached and self.screen is self.thread_screen

    def _consented(self, view: CardView, member: str, agreed: bool | None) -> None:
        if agreed:
            self._take_turn(partial(self._thread.press, Button.CONFIRM, member=member, on=view.card), about=view)

    async def on_card_view_chosen(self, event: CardView.Chosen) -> None:
        if self._is_busy:
            await self._note(_ONE_MOMENT)
        elif self._can_be_meant(event.view):
            self._take_turn(partial(self._thread.choose, event.number, member=self.sender.id, of=event.view.card), about=event.view)

    async def on_card_view_too_soon(self) -> None:
        await self._note(_TOO_SOON)

    def on_card_view_replying(self, event: CardView.Replying) -> None:
        self.thread_screen.compose_bar.reply_to(event.view)
        self.thread_screen.compose_bar.line.focus()

    def on_card_view_tapback_wanted(self, event: CardView.TapbackWanted) -> None:
        view, member = event.view, self.sender.id
        if not self._can_be_meant(view):
            return
        self.push_screen(Tapbacks(view.card, given=view.tapbacks.get(member)), partial(self._tapped, view, member))

    async def _tapped(self, view: CardView, member: str, tapback: Tapback | None) -> None:
        if tapback is None:
            return
        if self._is_busy or not view.guard.is_armed:
            await self._note(_ONE_MOMENT if self._is_busy else _TOO_SOON)
        elif self._confirms(view, member, tapback) and view.card.warnings and not view.card.needs_amount:
            # The thread would take it for the whole yes; it is as little as one Enter on Confirm.
            self.push_screen(Consent(view.card), partial(self._tapped_with_consent, view, member, tapback))
        else:
            self._tap(view, member, tapback)

    def _confirms(self, view: CardView, member: str, tapback: Tapback) -> bool:
        removed = view.tapbacks.get(member) is tapback
        return Button.CONFIRM in view.card.buttons and tapped(tapback, removed=removed) is Reply.CONFIRM

    def _tapped_with_consent(self, view: CardView, member: str, tapback: Tapback, agreed: bool | None) -> None:
        if agreed:
            self._tap(view, member, tapback)

    def _tap(self, view: CardView, member: str, tapback: Tapback) -> None:
        removed = view.tapbacks.pop(member, None) is tapback
        if not removed:
            view.tapbacks[member] = tapback
        view.show_tapbacks({one.id: one.display_name for one in self._members})
        self._take_turn(partial(self._thread.tap, tapback, member=member, on=view.card, removed=removed), about=view)

    def on_card_view_receipt_wanted(self, event: CardView.ReceiptWanted) -> None:
        card = event.view.card
        door = self._door
        if card.receipt_id and card.execution_id and isinstance(door, ReceiptDoor):
            self._ask(partial(door.receipt, card.execution_id), self._show_receipt, otherwise=self._say_trouble)
        else:
            self.push_screen(Reading(card.title, drawing.facts(harmless(card).rows)))

    async def _show_receipt(self, receipt: Receipt) -> None:
        self.push_screen(Reading("Receipt", drawing.lines(receipt_lines(receipt))))

    def _take_turn(
        self, act: Callable[[], Turn], *, about: CardView | None, bubble: Bubble | None = None, form: ModifyForm | None = None
    ) -> None:
        self._is_busy = True
        if about:
            about.set_busy(True)
        self.thread_screen.thread.set_typing(True)
        came = partial(self._came, about, bubble, form)
        self._ask(act, came, otherwise=lambda trouble: came(Turn(note=trouble.words, error=trouble.code)))

    async def _came(self, about: CardView | None, bubble: Bubble | None, form: ModifyForm | None, turn: Turn) -> None:
        """What a turn came to."""
        self._is_busy = False
        self.thread_screen.thread.set_typing(False)
        if about:
            about.set_busy(False)
        if form and form.is_current and turn.error:
            form.show_error(turn.note)
            return
        if form and form.is_current:
            form.dismiss(None)
        if bubble:
            await self._tell_whether_sent(bubble, turn)
        view = await self._shown(turn.card) if turn.card else None
        if about and about.card.kind is CardKind.CLARIFICATION and not turn.error and about.is_attached:
            await self.thread_screen.thread.closed(about, became="answered" if view else "left", by=view)
        if turn.note:
            await self.thread_screen.thread.noted(turn.note, trouble=bool(turn.error) and turn.error not in QUIET)

    async def _tell_whether_sent(self, bubble: Bubble, turn: Turn) -> None:
        if not bubble.is_attached:
            await self._put(bubble)
        if turn.error and turn.error not in HEARD:
            bubble.show_state("Not delivered", in_doubt=True)
            self.thread_screen.compose_bar.put_back(bubble.text)
        else:
            bubble.show_state("Delivered")

    # Modify

    async def _modify(self, view: CardView, fields: tuple[FormField, ...]) -> None:
        if self._can_be_meant(view):
            self.push_screen(ModifyForm(view, fields))

    def on_modify_form_filled(self, event: ModifyForm.Filled) -> None:
        act = partial(self._thread.fill, event.values, member=self.sender.id, on=event.form.view.card)
        self._take_turn(act, about=event.form.view, form=event.form)

    def on_modify_form_said(self, event: ModifyForm.Said) -> None:
        act = partial(self._thread.reply, event.text, member=self.sender.id, to=event.form.view.card)
        bubble = self._bubble(event.text, self.sender.id)
        self._take_turn(act, about=event.form.view, form=event.form, bubble=bubble)

    # What was confirmed, until it ends

    async def _show(self, card: Card) -> None:
        await self._shown(card)

    async def _shown(self, card: Card) -> CardView:
        view = await self.thread_screen.thread.show(card)
        if card.kind in LIVE and card.execution_id and card.execution_id not in self._watched:
            self._watched.add(card.execution_id)
            self._carry_on(card.execution_id)
        view.tick()
        return view

    def _carry_on(self, execution_id: str) -> None:
        self.run_worker(partial(self._carried_on, execution_id), thread=True, exit_on_error=False, group="executions")

    def _carried_on(self, execution_id: str) -> None:
        """In a worker: ask again and again where it stands, until it has ended or the chat is left."""
        worker = get_current_worker()
        try:
            while not worker.is_cancelled:
                card = self._stands(execution_id)
                if card.kind not in LIVE:
                    self.post_message(Answered(partial(self._ended, execution_id, card)))
                    return
                self.post_message(Answered(partial(self._show, card)))
        except Exception as error:  # noqa: BLE001 - whatever it is: what was confirmed goes on, and the chat stays
            self.post_message(Answered(partial(self._not_carried_on, execution_id, trouble_of(error))))

    def _stands(self, execution_id: str) -> Card:
        card = self._door.carry_on(execution_id, wait_s=1)
        if card.kind is CardKind.TERMS_CHANGED and card.draft_id:
            # What stands now is a draft, which is a new decision.
            return self._door.card(card.draft_id)
        return card

    async def _ended(self, execution_id: str, card: Card) -> None:
        self._watched.discard(execution_id)
        await self._show(card)

    async def _not_carried_on(self, execution_id: str, trouble: Trouble) -> None:
        await self._say_trouble(trouble)
        self.set_timer(_ASK_AGAIN_S, partial(self._carry_on, execution_id))

    # Asking the door

    def _ask(self, act: Callable[[], T], then: Callable[[T], Awaitable[None]], *, otherwise: Callable[[Trouble], Awaitable[None]]) -> None:
        """Run `act` in a thread; what it gives goes to `then`, and why it gives nothing to `otherwise`."""

        def asked() -> None:
            try:
                answer = act()
            except Exception as error:  # noqa: BLE001 - a bug in a worker must not end the chat
                self._keep_failure(error)
                self.post_message(Answered(partial(otherwise, trouble_of(error))))
            else:
                self.post_message(Answered(partial(then, answer)))

        self.run_worker(asked, thread=True, exit_on_error=False, group="door")

    def _keep_failure(self, error: Exception) -> None:
        if isinstance(error, HaloError) and not self._members:
            self.failure = error

    async def on_answered(self, event: Answered) -> None:
        await event.then()

    async def _say_trouble(self, trouble: Trouble) -> None:
        await self.thread_screen.thread.noted(trouble.words, trouble=True)

    async def _note(self, words: str) -> None:
        await self.thread_screen.thread.noted(words, trouble=False)

    # Who writes

    def _bubble(self, text: str, member_id: str) -> Bubble:
        name = next((member.display_name for member in self._members if member.id == member_id), "")
        return Bubble(text, member_id=member_id, name=name, mine=member_id == self.sender.id)

    async def _put(self, bubble: Bubble) -> None:
        now = self._clock.now()
        await self.thread_screen.thread.said(bubble, now, now=now, zone=self._zone)

    def _show_sender(self) -> None:
        sender = self.sender
        self.thread_screen.header.show_members(self._members, sender_id=sender.id)
        self.thread_screen.compose_bar.show_sender(sender.display_name)
        for bubble in self.thread_screen.query(Bubble):
            bubble.set_class(bubble.member_id == sender.id, "-mine")

    # Keys and commands

    async def action_switch_sender(self) -> None:
        if self._me:
            await self._note(f"This device speaks for {self.sender.display_name} alone.")
        elif self._members:
            self._sender = (self._sender + 1) % len(self._members)
            self._show_sender()

    def action_write(self) -> None:
        self.thread_screen.compose_bar.line.focus()

    def action_page_up(self) -> None:
        self.thread_screen.thread.page(-1)

    def action_page_down(self) -> None:
        self.thread_screen.thread.page(1)

    def action_help(self) -> None:
        screen = self.thread_screen
        places: Sequence[bindings.Where] = ("writing", "everywhere") if screen.is_writing else ("card", "button", "option", "everywhere")
        self.push_screen(Reading("Keys: writing" if screen.is_writing else "Keys: cards", drawing.keys(bindings.told(*places))))

    def action_leave(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        self.exit(130)

    def action_toggle_look(self) -> None:
        self.theme = themes.LIGHT.name if self.theme == themes.DARK.name else themes.DARK.name

    def action_modify_newest(self) -> None:
        if view := self.thread_screen.thread.newest_waiting:
            view.action_modify()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: what the keys do, by name."""
        yield SystemCommand("Switch sender", "Somebody else writes", self.action_switch_sender)
        for name, words in QUICK_INTENTS:
            yield SystemCommand(
                f"Quick intent: {name}", f"Begin with “{words.strip()}”", partial(self.thread_screen.compose_bar.put, words)
            )
        yield SystemCommand("Modify newest card", "Change the draft that waits, in a form", self.action_modify_newest)
        yield SystemCommand("Go to newest card", "Move the focus to it", self.thread_screen.thread.enter_newest)
        yield SystemCommand("Toggle dark/light", "The other look", self.action_toggle_look)
        yield SystemCommand("Keys", "What the keys do here", self.action_help)
        yield SystemCommand("Quit", "Leave the chat; what was confirmed stays confirmed", self.action_leave)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with everybody's words in it; the command says sorry instead.
        self._close_messages_no_wait()
