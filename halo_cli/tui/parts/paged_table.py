"""A table of any length of which only the part that is seen is in memory: rows are fetched in pages, in a worker, and the screen never waits.

The log, the activity feed and the receipts use it. Where rows come from is a `Rows`; how one is shown, a function that gives its cells. A row is
known by its key, so the selection stays on the same thing while more of them arrive. Cells are plain text that was made inert: nothing here reads
markup.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from halo_cli.chat.asking import Trouble
from halo_cli.tui.bindings import Key, bindings

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

#: How many rows are asked for at once, and how many are kept: a few screens around what is seen.
FETCHED_AT_ONCE, KEPT = 192, 3_000

KEYS: tuple[Key, ...] = (
    Key("up,k", "cursor(-1)", "↑ k", "the row before"),
    Key("down,j", "cursor(1)", "↓ j", "the row after"),
    Key("pageup", "screens(-1)", "PgUp", "a screen up"),
    Key("pagedown,space", "screens(1)", "PgDn", "a screen down"),
    Key("home", "first", "Home", "the first row"),
    Key("end,G", "last", "End G", "the last row"),
    Key("enter", "choose", "Enter", "open what is marked", "Open"),
)


class Column(NamedTuple):
    """`width` in characters, 0 for the one that takes what is left; it is shown in tables of at least `shown_from` characters."""

    title: str
    width: int
    shown_from: int = 0
    right: bool = False


class Cell(NamedTuple):
    """Text that was made inert, and how it is inked: one of `INKS`."""

    text: str
    ink: str = ""


#: The inks of cells, which the style sheet colours: nothing is told by colour alone.
INKS = ("quiet", "good", "care", "bad", "strong", "accent")


class Rows(Protocol[R_co]):
    """Where rows come from. All but `fetch` answer at once; `fetch` is called in a worker."""

    @property
    def count(self) -> int:
        """How many rows there are, as far as is known."""
        ...

    def key(self, index: int) -> int:
        """What the row is known by, also after others have come."""
        ...

    def index(self, key: int) -> int | None:
        """Where the row with that key is now."""
        ...

    def fetch(self, keys: Sequence[int]) -> Mapping[int, R_co]:
        """Rows by their keys."""
        ...


Ask: TypeAlias = Callable[[Callable[[], Mapping[int, R]], Callable[[Mapping[int, R]], None], Callable[[Trouble], None]], None]
Draw: TypeAlias = Callable[[R], Sequence[Cell]]


class PagedTable(ScrollView, Generic[R], can_focus=True):
    """`draw` gives a row's cells, one for each column; `ask` runs a question in a worker and brings the answer back to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    PagedTable { height: 1fr; width: 100%; background: $background; overflow-x: hidden; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    PagedTable { scrollbar-color: $hairline; scrollbar-background: $background; }
    PagedTable > .table--heading { color: $quiet; text-style: bold; }
    PagedTable > .table--cursor { background: $primary 35%; color: $foreground; text-style: bold; }
    PagedTable > .table--cursor-away { background: $panel; }
    PagedTable > .table--quiet { color: $quiet; }
    PagedTable > .table--good { color: $success; }
    PagedTable > .table--care { color: $warning; }
    PagedTable > .table--bad { color: $error; text-style: bold; }
    PagedTable > .table--strong { text-style: bold; }
    PagedTable > .table--accent { color: $accent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"table--{name}" for name in ("heading", "cursor", "cursor-away", *INKS)}

    class Chosen(Message):
        """Enter, or a click on the row that is marked."""

        def __init__(self, key: int) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """Another row is marked."""

        def __init__(self, key: int) -> None:
            super().__init__()
            self.key = key

    class NearEnd(Message):
        """The last rows that are known are seen: where there may be more, it is time to ask."""

    class Failed(Message):
        def __init__(self, trouble: Trouble) -> None:
            super().__init__()
            self.trouble = trouble

    def __init__(self, columns: Sequence[Column], draw: Draw[R], *, ask: Ask[R], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="paged")
        self._columns, self._draw, self._ask = tuple(columns), draw, ask
        self._rows: Rows[R] | None = None
        self._cache: OrderedDict[int, R] = OrderedDict()
        self._asking: frozenset[int] = frozenset()
        self._failed: frozenset[int] = frozenset()
        self._source = 0
        self.cursor = 0

    # What it shows

    def show(self, rows: Rows[R], *, at: int | None = None) -> None:
        """Show other rows, with the one whose key is `at` marked; else the first."""
        self._rows, self._source = rows, self._source + 1
        self._cache.clear()
        self._asking = self._failed = frozenset()
        found = rows.index(at) if at is not None else 0
        self.cursor = min(found or 0, max(rows.count - 1, 0))
        self._resize()
        self._reveal()
        self._look()
        # It may have no size yet, and so no place for the row that is marked.
        self.call_after_refresh(self._reveal)

    def grown(self, *, keep: int | None = None) -> None:
        """There are more rows by now, perhaps before those that are seen: what is marked stays, and stays where it is on the screen."""
        if self._rows is None:
            return
        found = self._rows.index(keep) if keep is not None else None
        moved = found - self.cursor if found is not None else 0
        self.cursor += moved
        self._failed = frozenset()
        self._resize()
        if moved:
            self._scroll_to_row(self.scroll_offset.y + moved)
        self._look()
        self.refresh()

    def put(self, rows: Mapping[int, R]) -> None:
        """Rows that are known already."""
        for key, row in rows.items():
            self._cache[key] = row
            self._cache.move_to_end(key)
        while len(self._cache) > KEPT:
            self._cache.popitem(last=False)

    @property
    def key(self) -> int | None:
        """Of the row that is marked."""
        if self._rows is None or not self._rows.count:
            return None
        return self._rows.key(min(self.cursor, self._rows.count - 1))

    @property
    def row(self) -> R | None:
        """The row that is marked, where it has been fetched."""
        return None if self.key is None else self._cache.get(self.key)

    @property
    def is_at_end(self) -> bool:
        return self._rows is None or self.cursor >= self._rows.count - 1

    @property
    def kept(self) -> int:
        """How many rows are in memory."""
        return len(self._cache)

    def _resize(self) -> None:
        count = self._rows.count if self._rows else 0
        # The heading takes a line of the window and moves with nothing.
        self.virtual_size = Size(max(self.size.width, 1), count + 1)

    @property
    def _lines(self) -> int:
        """How many rows fit."""
        return max(self.scrollable_content_region.height - 1, 1)

    # Fetching

    def _look(self) -> None:
        """Ask for the rows that are seen, and for a screen's worth around them, unless they are here or on their way."""
        if self._rows is None or not self.is_mounted:
            return
        first = self.scroll_offset.y
        if first + self._lines >= self._rows.count:
            self.post_message(self.NearEnd())
        if self._asking:
            return
        seen = self._missing(first, first + self._lines)
        around = self._missing(first - self._lines, first + 2 * self._lines) if not seen or len(seen) < FETCHED_AT_ONCE else []
        wanted = tuple(dict.fromkeys((*seen, *around)))[:FETCHED_AT_ONCE]
        if not wanted:
            return
        self._asking, rows, source = frozenset(wanted), self._rows, self._source
        self._ask(lambda: rows.fetch(wanted), lambda found: self._came(source, found), lambda trouble: self._not_came(source, trouble))

    def _missing(self, start: int, stop: int) -> list[int]:
        rows = self._rows
        if rows is None:
            return []
        keys = (rows.key(index) for index in range(max(start, 0), min(stop, rows.count)))
        return [key for key in keys if key not in self._cache and key not in self._failed]

    def _came(self, source: int, found: Mapping[int, R]) -> None:
        if source != self._source:
            return
        # What was asked for and is not there will not be there the next time.
        self._failed |= self._asking - found.keys()
        self._asking = frozenset()
        self.put(found)
        self.refresh()
        self._look()

    def _not_came(self, source: int, trouble: Trouble) -> None:
        if source == self._source:
            self._failed |= self._asking
            self._asking = frozenset()
            self.post_message(self.Failed(trouble))

    # Moving

    def move_to(self, index: int) -> None:
        """Mark the row at `index`."""
        count = self._rows.count if self._rows else 0
        self.cursor = max(0, min(index, count - 1))
        self._reveal()
        self.refresh()
        if self.key is not None:
            self.post_message(self.Moved(self.key))

    def move_to_key(self, key: int) -> bool:
        """Mark the row with that key, in the middle of the screen; whether there is one."""
        index = self._rows.index(key) if self._rows else None
        if index is None:
            return False
        self._scroll_to_row(max(index - self._lines // 2, 0))
        self.move_to(index)
        return True

    def _scroll_to_row(self, y: int) -> None:
        # By force: right after it has grown, the table does not know yet that it can be scrolled.
        self.scroll_to(y=y, animate=False, force=True)

    def _reveal(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll_to_row(self.cursor)
        elif self.cursor >= top + self._lines:
            self._scroll_to_row(self.cursor - self._lines + 1)

    def action_cursor(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_screens(self, by: int) -> None:
        """The window moves by its own height, and what is marked with it."""
        self._scroll_to_row(self.scroll_offset.y + by * self._lines)
        self.move_to(self.cursor + by * self._lines)

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to((self._rows.count if self._rows else 1) - 1)

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: events.Click) -> None:
        """One click marks a row; a click on the row that is marked opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < 1:
            return
        index = self.scroll_offset.y + offset.y - 1
        if self._rows is None or index >= self._rows.count:
            return
        if index == self.cursor:
            self.action_choose()
        else:
            self.move_to(index)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def on_resize(self) -> None:
        self._resize()
        self._reveal()
        self._look()

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y == 0:
            return self._strip(
                [Cell(column.title, "heading") for column in self._columns], width, self.get_component_rich_style("table--heading")
            )
        index = self.scroll_offset.y + y - 1
        if self._rows is None or index >= self._rows.count:
            return Strip.blank(width, self.rich_style)
        key = self._rows.key(index)
        row = self._cache.get(key)
        # Reading is what keeps a row in memory.
        if row is not None:
            self._cache.move_to_end(key)
        cells = [Cell("·", "quiet")] if row is None else self._draw(row)
        return self._strip(cells, width, self._base(index))

    def _base(self, index: int) -> Style:
        if index != self.cursor:
            return self.rich_style
        return self.get_component_rich_style("table--cursor" if self.has_focus else "table--cursor-away")

    def _strip(self, cells: Sequence[Cell], width: int, base: Style) -> Strip:
        segments = [Segment("  ", base)]
        for (column, column_width), cell in zip(self._widths(width), cells, strict=False):
            if not column_width:
                continue
            ink = self.get_component_rich_style(f"table--{cell.ink}", partial=True) if cell.ink else Style.null()
            segments += [Segment(_fit(cell.text, column_width, right=column.right), base + ink), Segment("  ", base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _widths(self, width: int) -> list[tuple[Column, int]]:
        """Every column, and how wide it is; 0 where there is no room for it."""
        shown = [column for column in self._columns if width >= column.shown_from]
        fixed = sum(column.width for column in shown) + 2 * len(shown) + 1
        left = max(width - fixed, 4)
        return [(column, (column.width or left) if column in shown else 0) for column in self._columns]


def _fit(text: str, width: int, *, right: bool) -> str:
    """`text` in exactly `width` cells, cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    space = " " * (width - length)
    return space + text if right else text + space
