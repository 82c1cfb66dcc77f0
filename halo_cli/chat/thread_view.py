"""The thread: bubbles and cards from oldest to newest. It knows where things stand, and nothing of what they mean."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from halo_cli.chat import times
from halo_cli.chat.bubbles import Bubble, Note, Replaced, Stamp, Typing
from halo_cli.chat.card_view import LIVE, CardView
from halo_cli.chat.guard import Monotonic
from halo_engine.model.card import Button, Card
from halo_engine.model.text import inert

_HINT = "Try: order two packs of paper towels · F1 for keys"


class ThreadView(VerticalScroll, can_focus=False):
    """Grows at its end, and keeps the end in sight unless somebody looks elsewhere."""

    class Left(Message):
        """Somebody walked down past the last card."""

    def __init__(self, *, monotonic: Monotonic) -> None:
        super().__init__(id="thread")
        self._monotonic = monotonic
        self._hint = Static(_HINT, classes="hint", markup=False)
        self._typing = Typing()
        self._typing_since: float | None = None
        self._last: datetime | None = None
        self._is_at_end = True

    def compose(self) -> ComposeResult:
        yield self._hint
        yield self._typing

    def show_hint(self) -> None:
        """How to begin, until somebody has."""
        self._hint.add_class("-shown")

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._is_at_end = new_value >= self.max_scroll_y

    def on_resize(self, _event: events.Resize) -> None:
        """What was at the end stays there, whatever the lines are broken into now."""
        if self._is_at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def page(self, step: int) -> None:
        """A page up or down, wherever the focus is."""
        self.scroll_relative(y=step * max(1, self.content_region.height - 1), animate=False)

    @property
    def cards(self) -> list[CardView]:
        """Those that stand, oldest first."""
        return list(self.query(CardView))

    @property
    def newest_waiting(self) -> CardView | None:
        """The last card that waits for an answer."""
        return next((view for view in reversed(self.cards) if view.waits), None)

    def waiting_for(self, member_id: str) -> list[CardView]:
        """Cards that this member's next words may answer, newest first: drafts, and questions about what they asked themselves."""
        return [view for view in reversed(self.cards) if view.waits and view.card.asked_by in (None, member_id)]

    def standing_for(self, card: Card) -> CardView | None:
        """The card of the same request, in whose place `card` belongs."""
        return next((view for view in reversed(self.cards) if card.session and view.card.session == card.session), None)

    async def said(self, bubble: Bubble, at: datetime, *, now: datetime, zone: ZoneInfo) -> None:
        """Words at the end of the thread, under the time where time has passed."""
        if times.is_apart(self._last, at, zone):
            await self._append(Stamp(times.separator(at, now=now, zone=zone)))
        self._last = at
        for earlier in self.query(Bubble):
            if earlier.state == "Delivered":
                earlier.show_state("")
        await self._append(bubble)

    async def forget_unsent(self, text: str) -> None:
        """The same words are sent once more, so those that were not delivered go."""
        for bubble in self.query(Bubble):
            if bubble.is_unsent and bubble.text == text:
                await bubble.remove()

    async def noted(self, words: str, *, trouble: bool) -> None:
        """A sentence at the end of the thread; said once, however often it is true in a row."""
        last = self.children[-2] if len(self.children) > 1 else None
        if isinstance(last, Note) and last.words == inert(words, max_chars=2000):
            return
        await self._append(Note(words, trouble=trouble))

    async def show(self, card: Card) -> CardView:
        """`card` at the end of the thread, or in the place of the one it follows; that one shrinks to a line unless it only moved on."""
        before = self.standing_for(card)
        if before is None:
            return await self._appended(card)
        if before.card.hash == card.hash:
            return before
        had_focus = self._has_focus(before)
        goes_on = before.card.execution_id is not None and before.card.execution_id == card.execution_id
        in_place = _stays(before.card, card) or (card.execution_id is not None and self._is_last(before))
        view = CardView(card, monotonic=self._monotonic, since=before.since if goes_on else None)
        if in_place:
            view.take_tapbacks(before)
        # The new one first: a focus whose widget vanishes would fall on whatever stands beside it.
        await self.mount(view, after=before if in_place else None, before=None if in_place else self._typing)
        if had_focus:
            self.screen.set_focus(view.first_stop)
        if not in_place:
            await self.mount(Replaced(before.card, became=_became(before.card, card)), before=before)
        await self._leave(before)
        self._to_end()
        return view

    async def closed(self, view: CardView, *, became: str, by: CardView | None) -> None:
        """A card that nothing waits for any more shrinks to a line; its focus goes to the card that came of it."""
        if by and self._has_focus(view):
            self.screen.set_focus(by.first_stop)
        await self.mount(Replaced(view.card, became=became), before=view)
        await self._leave(view)

    async def _leave(self, view: CardView) -> None:
        if self._has_focus(view):
            self.post_message(self.Left())
        await view.remove()

    async def _appended(self, card: Card) -> CardView:
        view = CardView(card, monotonic=self._monotonic)
        await self._append(view)
        return view

    async def _append(self, widget: Widget) -> None:
        self._hint.remove_class("-shown")
        await self.mount(widget, before=self._typing)
        self._to_end()

    def _has_focus(self, view: CardView) -> bool:
        """Also while a dialog lies over the thread, when Textual's own `has_focus_within` says no."""
        return self.screen.focused is not None and view in self.screen.focused.ancestors_with_self

    def _is_last(self, view: CardView) -> bool:
        later = [child for child in self.children if not isinstance(child, Typing)]
        return bool(later) and later[-1] is view

    def _to_end(self) -> None:
        # Whoever reads an older card is not torn away from it.
        self._is_at_end = not any(map(self._has_focus, self.cards[:-1]))
        if self._is_at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def set_typing(self, typing: bool) -> None:
        self._typing_since = self._monotonic() if typing else None
        self._typing.set_class(typing, "-shown")
        self.tick()
        self._to_end()

    def tick(self) -> None:
        """What only time changes."""
        if self._typing_since is not None:
            self._typing.show_at(self._monotonic() - self._typing_since)
        for view in self.cards:
            view.tick()

    def on_card_view_moved(self, event: CardView.Moved) -> None:
        event.stop()
        match event.where:
            case "older":
                self._step(event.view, -1)
            case "newer":
                self._step(event.view, 1)
            case "oldest":
                self._enter(0)
            case _:
                self._enter(-1)

    def enter_newest(self) -> None:
        self._enter(-1)

    def _step(self, view: CardView, step: int) -> None:
        """To the card before or after; first to the rest of a card that is taller than the window. Past the end, to writing."""
        region, window = view.region, self.content_region
        if region.y < window.y if step < 0 else region.bottom > window.bottom:
            self.scroll_relative(y=step * max(1, window.height // 2), animate=False)
            return
        at = self.cards.index(view) + step
        if at < 0:
            self.scroll_home(animate=False)
        elif at < len(self.cards):
            self._enter(at)
        else:
            self.post_message(self.Left())

    def _enter(self, at: int) -> None:
        cards = self.cards
        if not cards:
            return
        view = cards[at]
        self.screen.set_focus(view.first_stop, scroll_visible=False)
        self.call_after_refresh(self.show_all_of, view)

    def show_all_of(self, view: CardView) -> None:
        """The whole card in the window; of one that is taller, the end with its buttons."""
        if not view.is_attached:
            return
        if view.region.height > self.content_region.height:
            self.scroll_to(y=view.virtual_region.bottom - self.content_region.height, animate=False)
        else:
            self.scroll_to_widget(view, animate=False)


def _became(before: Card, after: Card) -> str:
    """What happened to the card that gave way: a draft that is carried out was confirmed."""
    was_confirmed = Button.CONFIRM in before.buttons and after.execution_id is not None
    return "confirmed" if was_confirmed else "replaced"


def _stays(before: Card, now: Card) -> bool:
    """Whether it is the same thing, of which only more is known: an execution that goes on, or the same terms with another yes to them."""
    goes_on = before.execution_id is not None and before.execution_id == now.execution_id and now.kind in LIVE
    return goes_on or (before.draft_hash is not None and before.draft_hash == now.draft_hash)
