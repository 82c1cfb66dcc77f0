"""The log, event by event: a million of them as smoothly as ten, filtered, followed live, and each with its proof.

The rows are fetched a screen at a time. A filter searches from the newest event to the oldest in steps, and says how far it has come; another filter,
or Esc, ends it. The newest event is at the bottom, as in every log that is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from halo_cli.chat import drawing
from halo_cli.chat.asking import Trouble
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.keys import Keys
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.page import Page
from halo_cli.tui.parts import log_lines
from halo_cli.tui.parts.event_view import EventView
from halo_cli.tui.parts.log_rows import FoundLog, WholeLog
from halo_cli.tui.parts.paged_table import Cell, PagedTable
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.log_filter import LogFilter
from halo_engine.model.recollection import counted
from halo_engine.model.trails import EventDetail, Line, Searched
from halo_engine.trail import FIRST_STEP, LONGEST_STEP, Trail

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around

#: How often a log that is followed is looked at again.
_FOLLOW_S = 1.0
_EMPTY = "Nothing has happened yet. Ask for something with: halo ask TEXT, and it appears here."
_NOT_FOUND = "No event has that in it. Esc shows everything again."

KEYS: tuple[Key, ...] = (
    Key("f", "follow", "F", "follow the newest events, or stop", "Follow"),
    Key("g,colon", "go_to", ":", "go to an event by its number or id", "Go to"),
    Key("t", "trip", "T", "show the whole trip of this event, from words to receipt", "Trip"),
    Key("o", "open_thing", "O", "open what this event is about"),
    Key("left,p", "step(-1)", "← P", "while an event is open: the one before"),
    Key("right,n", "step(1)", "→ N", "while an event is open: the one after"),
    Key("y", "copy", "Y", "copy the event's id"),
)


class GoTo(Dialog[str]):
    """Where to: a number, or an identifier."""

    def __init__(self, head: int) -> None:
        super().__init__()
        self._head = head

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Go to an event", classes="dialog-title", markup=False)
            yield Static(drawing.plain(f"Its number, 1 to {self._head:,}, or its id:"), classes="question")
            yield Input(id="where", max_length=80)
        yield Keys(show_command_palette=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip().replace(",", "").removeprefix("#"))


class LogPage(Page):
    """The table, and over it the event that is open."""

    title, short, key = "Log", "Log", "6"
    help = (
        "Every event of this household, oldest first. / filters: a word, a type such as execution. or draft.confirmed, an identifier (of a request: "
        "its whole trip), a day such as 2026-03-06, by:NAME. Filters add up. An event that is open shows its payload, what it followed from, and "
        "whether its hash is the one its content gives."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    LogPage EventView { display: none; }
    LogPage.-open EventView { display: block; }
    LogPage.-open PagedTable, LogPage.-open .log-state { display: none; }
    LogPage .empty { display: none; }
    LogPage.-nothing .empty { display: block; }
    LogPage.-nothing PagedTable { display: none; }
    LogPage .log-state { height: 1; width: 100%; padding: 0 2; color: $quiet; }
    """

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(desk, around)
        self.table: PagedTable[Line] = PagedTable(log_lines.COLUMNS, self._cells, ask=self._ask_rows, id="events")
        self.event = EventView()
        self._empty, self._state = Static("", classes="empty", markup=False), Static("", classes="log-state", markup=False)
        self._rows: WholeLog | FoundLog | None = None
        self._names: Mapping[str, str] = {}
        self._wanted, self._trip = LogFilter(), ""
        #: What is searched now, and how far down it has come; None once it has come to the end.
        self._search, self._down_to = 0, 1
        self._is_searching = self._is_looking = False
        self.follows = True
        self._open_id = ""

    def compose(self) -> ComposeResult:
        yield self._empty
        yield self.table
        yield self.event
        yield self._state

    def on_mount(self) -> None:
        self.set_interval(_FOLLOW_S, self.look_again)

    def open_trail(self) -> AbstractContextManager[Trail]:
        """The books, for one question, in the thread that asks it."""
        return Trail.open(self.desk.settings, clock=self.desk.clock)

    # Opening

    def on_shown(self) -> None:
        self._names = {member.id: member.display_name for member in self.members}
        if self._rows is None:
            self.ask(self._head, self._begun, group="head", exclusive=True)
        else:
            self.look_again()

    def _head(self) -> int:
        with self.open_trail() as trail:
            return trail.head()

    def _begun(self, head: int) -> None:
        if self._rows is None:
            self._show_whole(head)

    def _show_whole(self, head: int, *, at: int | None = None) -> None:
        self._search += 1
        self._is_searching = False
        self._rows = WholeLog(head, self.open_trail)
        self._show(self._rows, at=at or head)

    def _show(self, rows: WholeLog | FoundLog, *, at: int | None) -> None:
        self.table.show(rows, at=at)
        self._tell()

    def open(self, identifier: str) -> None:
        self._open_id = identifier
        self.ask(partial(self._number_of, identifier), self._open_number)

    def _number_of(self, identifier: str) -> tuple[int, int]:
        with self.open_trail() as trail:
            return trail.number_of(identifier), trail.head()

    def _open_number(self, found: tuple[int, int]) -> None:
        seq, head = found
        self.follows = False
        self._show_whole(head, at=seq)
        self.table.move_to_key(seq)
        self._open_event(seq)

    # Following

    def look_again(self) -> None:
        """Whether more has happened. It is asked whether or not the newest is followed: the count is true either way."""
        if self._rows is not None and self.has_class("-front") and not self._is_looking:
            self._is_looking = True
            self.ask(self._news, self._more, otherwise=self._no_news, group="head")

    def _news(self) -> tuple[int, tuple[int, ...]]:
        """The newest number, and what is found among what is new."""
        before = self._rows.head if self._rows else 0
        with self.open_trail() as trail:
            head = trail.head()
            if head == before or self._wanted.is_empty:
                return head, ()
            found = [number for step in trail.search(self._wanted, before=head + 1, down_to=before + 1) for number in step.found]
            return head, tuple(found)

    def _more(self, news: tuple[int, tuple[int, ...]]) -> None:
        self._is_looking = False
        head, found = news
        rows = self._rows
        if rows is None or head <= rows.head:
            return
        was_at, first = self.table.key, rows.head + 1
        rows.head = head
        if isinstance(rows, FoundLog):
            rows.add_newer([number for number in found if number >= first])
        self.table.grown(keep=was_at)
        if self.follows:
            self.table.action_last()
        self._tell()

    def _no_news(self, _trouble: object) -> None:
        # Nobody asked: whoever does is told.
        self._is_looking = False

    def action_follow(self) -> None:
        self.follows = not self.follows
        if self.follows:
            self.table.action_last()
            self.look_again()
        self._tell()

    def on_paged_table_moved(self, event: PagedTable.Moved) -> None:
        """Who goes back in the log reads there; who comes to its end follows it again."""
        event.stop()
        self.follows = self.table.is_at_end
        self._tell()

    # Filter

    def set_filter(self, text: str) -> None:
        self._trip = ""
        self._filter(LogFilter.parse(text))

    def _filter(self, wanted: LogFilter) -> None:
        if wanted == self._wanted and self._rows is not None:
            return
        at = self.table.key
        self._wanted = wanted
        if wanted.is_empty:
            head = self._rows.head if self._rows else 0
            self._show_whole(head, at=at)
            if at:
                self.table.move_to_key(at)
            return
        self._search += 1
        self.follows = True
        self.ask(self._head, partial(self._begin_search, self._search), group="search", exclusive=True)

    def _begin_search(self, search: int, head: int) -> None:
        if search != self._search:
            return
        rows = self._rows = FoundLog(head, self.open_trail)
        self._down_to, self._is_searching = head + 1, True
        self._show(rows, at=None)
        self._step(search, FIRST_STEP)

    def _step(self, search: int, size: int) -> None:
        call = partial(self._searched_now, self._wanted, self._down_to, size)
        self.ask(call, partial(self._searched, search, size), otherwise=partial(self._not_searched, search), group="search")

    def _searched_now(self, wanted: LogFilter, before: int, size: int) -> Searched:
        with self.open_trail() as trail:
            return next(trail.search(wanted, before=before, step=size), Searched(found=(), down_to=1))

    def _searched(self, search: int, size: int, step: Searched) -> None:
        rows = self._rows
        if search != self._search or not isinstance(rows, FoundLog):
            return
        keep = self.table.key
        rows.add_older(step.found)
        self._down_to, self._is_searching = step.down_to, step.down_to > 1
        self.table.grown(keep=keep)
        if self.follows and step.found:
            self.table.action_last()
        self._tell()
        if self._is_searching:
            self._step(search, min(2 * size, LONGEST_STEP))

    def _not_searched(self, search: int, trouble: object) -> None:
        if search == self._search:
            self._is_searching = False
            self.say("The search stopped: the log could not be read. F5 tries again.")

    # One event

    def on_paged_table_chosen(self, event: PagedTable.Chosen) -> None:
        event.stop()
        self._open_event(event.key)

    def on_paged_table_failed(self, event: PagedTable.Failed) -> None:
        event.stop()
        self.say_trouble(event.trouble)

    def _open_event(self, seq: int) -> None:
        self.ask(partial(self._event, seq), self._show_event, group="event", exclusive=True)

    def _event(self, seq: int) -> EventDetail:
        with self.open_trail() as trail:
            return trail.event(seq)

    def _show_event(self, detail: EventDetail) -> None:
        self.event.show(detail, zone=self.zone, names=self._names)
        self.add_class("-open")
        self.event.focus()
        self.post_message(self.Crumbs())

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def action_step(self, by: int) -> None:
        if self.is_open:
            self.table.action_cursor(by)
            if self.table.key is not None:
                self._open_event(self.table.key)

    def go_back(self) -> bool:
        if self.is_open:
            self.remove_class("-open")
            self.table.focus()
            return True
        if self._trip:
            self.set_filter("")
            return True
        return False

    # Keys

    def action_go_to(self) -> None:
        self.app.push_screen(GoTo(self._rows.head if self._rows else 0), self._go_to)

    def _go_to(self, where: str | None) -> None:
        if not where:
            return
        if prefix_of(where) is Prefix.EVENT:
            self.open(where)
        elif prefix_of(where):
            self.post_message(self.Open(where))
        elif where.isascii() and where.isdigit() and self._rows and 1 <= int(where[:18]) <= self._rows.head:
            self._show_place(int(where))
        else:
            self.say(f"There is no event {where[:40]!r} in this log.")

    def _show_place(self, seq: int) -> None:
        if not self.table.move_to_key(seq):
            self._show_whole(self._rows.head if self._rows else 0, at=seq)
            self.table.move_to_key(seq)

    def action_trip(self) -> None:
        """The filter of one trip; Esc ends it."""
        correlation = (
            self.event.detail.correlation_id if self.is_open and self.event.detail else getattr(self.table.row, "correlation_id", "")
        )
        if not correlation:
            self.say("This event is of no trip: it is about the household itself, or was written before trips were kept.")
            return
        self.remove_class("-open")
        self._trip = correlation
        self._filter(LogFilter(about=correlation))
        self.table.focus()

    def action_open_thing(self) -> None:
        about = self.event.detail.event.entity_id if self.is_open and self.event.detail and self.event.detail.event else ""
        about = about or getattr(self.table.row, "entity_id", "")
        if prefix_of(about):
            self.post_message(self.Open(about))

    def action_copy(self) -> None:
        detail = self.event.detail if self.is_open else None
        identifier = detail.event.id if detail and detail.event else getattr(self.table.row, "id", "")
        if identifier:
            self.app.copy_to_clipboard(identifier)
            self.say(f"Copied {identifier}")

    # What it says of itself

    @property
    def crumbs(self) -> tuple[str, ...]:
        parts = [f"trip {self._trip}"] if self._trip else []
        if self._rows is not None:
            parts.append(self._progress(self._rows) if isinstance(self._rows, FoundLog) else counted(self._rows.head))
        if self.is_open and self.event.detail:
            parts.append(f"#{self.event.detail.seq:,}")
        return tuple(parts)

    def _progress(self, rows: FoundLog) -> str:
        found = f"{rows.count:,} of {rows.head:,} events"
        if not self._is_searching:
            return found
        done = rows.head - self._down_to + 1
        return f"{found}, {100 * done // max(rows.head, 1)} % searched"

    def _tell(self) -> None:
        rows = self._rows
        nothing = rows is not None and not rows.count and not self._is_searching
        self.set_class(nothing, "-nothing")
        self._empty.update(_EMPTY if isinstance(rows, WholeLog) else _NOT_FOUND)
        follows = ("● live: new events appear here", "bold") if self.follows else ("‖ reading; F or End follows the newest again", "$quiet")
        place = f"   #{self.table.key:,}" if self.table.key else ""
        told = f"   {self._wanted.told}" if self._wanted.told else ""
        self._state.update(Content.assemble(follows, (place, "$quiet"), (told, "$primary")))
        self.post_message(self.Crumbs())

    def _cells(self, line: Line) -> tuple[Cell, ...]:
        return tuple(log_lines.cells(line, zone=self.zone, now=self.desk.clock.now(), names=self._names))

    def _ask_rows(
        self, call: Callable[[], Mapping[int, Line]], then: Callable[[Mapping[int, Line]], None], otherwise: Callable[[Trouble], None]
    ) -> None:
        self.ask(call, then, otherwise=otherwise, group="rows")
