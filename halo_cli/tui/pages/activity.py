"""Everything that was asked, and what became of it: each request by the furthest thing it came to, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from cards.looks import LOOKS, Accent
from cards.words import shown
from halo_cli.chat import drawing
from halo_cli.chat.dialogs import Reading
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.parts.feed_rows import Batch, BatchedRows
from halo_cli.tui.parts.listing import ListingPage
from halo_cli.tui.parts.log_lines import moment
from halo_cli.tui.parts.paged_table import Cell, Column
from halo_engine.model.card import Card, CardKind
from halo_engine.model.draft import Fact
from halo_engine.model.errors import NotFound
from halo_engine.queries import Activity

#: How many entries make a batch, and how many a filter looks through before it says how far it has come.
_BATCH, _LOOKED_THROUGH = 64, 512

#: What a status of the feed looks like: the sign and the word of the card that says the same.
_KINDS: dict[str, CardKind] = {
    "asked": CardKind.CLARIFICATION,
    "not_done": CardKind.NOT_SUPPORTED,
    "open": CardKind.DRAFT,
    "confirmed": CardKind.EXECUTING,
    "submitting": CardKind.EXECUTING,
    "accepted": CardKind.EXECUTING,
    "unknown": CardKind.CHECKING,
}
#: Where the card's word is about the card.
_WORDS = {"open": "To decide", "asked": "Asked back", "not_done": "Nothing done"}
_INKS = {
    Accent.GREEN: "good",
    Accent.RED: "bad",
    Accent.AMBER: "care",
    Accent.GREY: "quiet",
    Accent.BLUE: "accent",
    Accent.VIOLET: "accent",
}

KEYS: tuple[Key, ...] = (Key("y", "copy", "Y", "copy its id"),)


class ActivityPage(ListingPage[Activity]):
    """The feed. Enter opens what became of a request."""

    title, short, key = "Activity", "Feed", "3"
    help = (
        "Everything that was asked, newest first, by what became of it. Enter opens the execution, the draft or the words. "
        "/ filters by title, status, member, amount, id or day (2026-03-06)."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def columns(self) -> Sequence[Column]:
        return (
            Column("Status", 17),
            Column("What", 0),
            Column("Amount", 10, right=True),
            Column("When", 15),
            Column("Who", 10, shown_from=90),
        )

    def cells(self, row: Activity) -> Sequence[Cell]:
        sign, word, ink = _look(row.status)
        title = shown(row.title.removeprefix("Draft: "), max_chars=200)
        said = f"“{title}”" if row.kind == "request" else title
        when = moment(row.at, self.zone, now=self.desk.clock.now())
        amount = row.amount.display if row.amount else ""
        return (Cell(f"{sign} {word}", ink), Cell(said), Cell(amount), Cell(when, "quiet"), Cell(shown(row.member or "", max_chars=20)))

    def load(self, text: str, after: Activity | None) -> Batch[Activity]:
        wanted = text.casefold().split()
        with self.desk.queries() as queries:
            if not wanted:
                rows = queries.activity(limit=_BATCH, before=after.place if after else None)
                return Batch(rows, rows[-1] if rows else None, len(rows) < _BATCH)
            seen = queries.activity(limit=_LOOKED_THROUGH, before=after.place if after else None)
        found = [row for row in seen if self._has(row, wanted)]
        return Batch(found, seen[-1] if seen else None, len(seen) < _LOOKED_THROUGH)

    def _has(self, row: Activity, wanted: Sequence[str]) -> bool:
        amount = row.amount.display if row.amount else ""
        day = f"{row.at.astimezone(self.zone):%Y-%m-%d}"
        text = (
            f"{row.title} {row.status.replace('_', ' ')} {_look(row.status)[1]} {row.member} {amount} {day} {row.id} {row.kind}".casefold()
        )
        return all(word in text for word in wanted)

    def told(self, rows: BatchedRows[Activity]) -> str:
        if not self.filter or rows.is_whole or rows.reached is None:
            return super().told(rows)
        reached = rows.reached.at.astimezone(self.zone)
        return f"{rows.count:,} back to {reached.day} {reached:%b %Y}"

    def empty_words(self) -> str:
        if self.filter:
            return "Nothing that was asked has these words in it. Press / to change them, or Esc in the line to see everything."
        return "Nothing was asked yet. Ask with: halo ask TEXT, or in the thread with: halo chat"

    def chosen(self, row: Activity) -> None:
        if row.kind == "request":
            self.open(row.id)
        else:
            self.post_message(self.Open(row.id))

    def open(self, identifier: str) -> None:
        """A request: its words, and the card of what became of it."""
        self.ask(partial(self._request, identifier), partial(self._show_request, identifier), group="request", exclusive=True)

    def _request(self, request_id: str) -> Card | None:
        with self.desk.queries() as queries:
            return queries.card_of_request(request_id)

    def _show_request(self, request_id: str, card: Card | None) -> None:
        if card and card.execution_id:
            self.post_message(self.Open(card.execution_id))
        elif card and card.draft_id:
            self.post_message(self.Open(card.draft_id))
        else:
            self.ask(partial(self._words, request_id), partial(self._show_words, card))

    def _words(self, request_id: str) -> tuple[Fact, ...]:
        from halo_engine.trail import Trail

        with Trail.open(self.desk.settings, clock=self.desk.clock) as trail:
            words = trail.words(request_id)
        if words is None:
            raise NotFound("There is no such request in this household.")
        at = moment(words.at, self.zone, now=self.desk.clock.now()).strip()
        understood = f"{words.verb}, {words.sureness} % sure"
        said = words.text or "(the words were erased)"
        pairs = (("Said", said), ("By", f"{words.member}, {at}, by {words.channel}"), ("Understood", understood), ("Id", words.request_id))
        return tuple(Fact(label=label, text=shown(text, max_chars=2000)) for label, text in pairs)

    def _show_words(self, card: Card | None, facts: tuple[Fact, ...]) -> None:
        became = shown(card.summary) if card else "Nothing was done and nothing waits: Halo could not do this, or it could not be had."
        self.app.push_screen(Reading("A request", drawing.facts((*facts, Fact(label="Became", text=became)))))

    def action_copy(self) -> None:
        if self.table.row is not None:
            self.app.copy_to_clipboard(self.table.row.id)
            self.say(f"Copied {self.table.row.id}")


def _look(status: str) -> tuple[str, str, str]:
    """Sign, word and ink."""
    kind = _KINDS.get(status)
    if kind is None and status in set(CardKind):
        kind = CardKind(status)
    if kind is None:
        return "·", shown(status.replace("_", " "), max_chars=15), ""
    look = LOOKS[kind]
    return look.sign, _WORDS.get(status, look.word), _INKS[look.accent]
