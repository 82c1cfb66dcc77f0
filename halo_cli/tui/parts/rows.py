"""A table of one line a row that fits its room, and the row under the cursor told in full beneath it. Cells are `Text`: a table would read markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from halo_cli.tui.bindings import Key, bindings
from halo_engine.model.text import inert

#: Room for one cell at both its sides, for the bar at the side of all, and what the column that gives way keeps at least.
_AIR, _BAR, _LEAST = 2, 2, 10
#: No other column is wider.
_MOST = 36

KEYS: tuple[Key, ...] = (
    Key("up", "cursor_up", "↑", "the row before"),
    Key("down", "cursor_down", "↓", "the row after"),
    Key("home", "scroll_top", "Home", "the first row"),
    Key("end", "scroll_bottom", "End", "the last row"),
    Key("pageup", "page_up", "PgUp", "a page up"),
    Key("pagedown", "page_down", "PgDn", "a page down"),
)


class Row(NamedTuple):
    """`key` names it; `under` is what is said beneath the table while the cursor is on it."""

    key: str
    cells: tuple[str, ...]
    under: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether `text` is anywhere in it, in whatever case."""
        return text.casefold() in " ".join((*self.cells, *self.under)).casefold()


class Listing(NamedTuple):
    """What a table shows. Column number `gives_way` takes the room that the others leave; `numbers` stand at the right of theirs."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str
    gives_way: int = -1
    numbers: frozenset[int] = frozenset()

    def only(self, text: str) -> Listing:
        """The rows with `text` in them."""
        return self._replace(
            rows=tuple(row for row in self.rows if row.has(text)), empty=f"Nothing here has “{text}” in it." if text else self.empty
        )


class Rows(DataTable[Text]):
    """It keeps its place when it is filled anew."""

    HELP = "A table. Move with the arrows; what the row means is said beneath it."
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    Rows { height: 1fr; background: $background; scrollbar-size-vertical: 1; scrollbar-color: $hairline; scrollbar-background: $background; }
    Rows:focus { background-tint: transparent; }
    Rows > .datatable--header { background: $background; color: $quiet; text-style: bold; }
    Rows > .datatable--cursor { background: $panel; color: $foreground; text-style: none; }
    Rows:focus > .datatable--cursor { background: $primary; color: $background; text-style: bold; }
    Rows > .datatable--hover { background: $panel; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(cursor_type="row", id=id)
        self.listing = Listing((), (), "")

    def show(self, listing: Listing, *, at: str | None = None) -> None:
        """Fill it; the cursor goes to the row `at`, else stays where it was."""
        at = at or self.row
        self.listing = listing
        widths = _widths(listing, self.size.width or self.app.size.width)
        self.clear(columns=True)
        rooms = [width if place in listing.numbers else 0 for place, width in enumerate(widths)]
        for name, width, room in zip(listing.columns, widths, rooms, strict=True):
            self.add_column(_cell(name, at_least=room), width=width)
        for row in listing.rows:
            self.add_row(*(_cell(text, at_least=room) for text, room in zip(row.cells, rooms, strict=True)), key=row.key)
        if at is not None and RowKey(at) in self.rows:
            self.move_cursor(row=self.get_row_index(at), animate=False)

    @property
    def row(self) -> str | None:
        """The key of the row under the cursor."""
        chosen = self.chosen
        return chosen.key if chosen else None

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        rows: Sequence[Row] = self.listing.rows
        return rows[self.cursor_row] if 0 <= self.cursor_row < len(rows) else None

    def on_resize(self, event: events.Resize) -> None:
        if (
            event.size.width
            and self.listing.columns
            and _widths(self.listing, event.size.width) != [column.width for column in self.ordered_columns]
        ):
            self.show(self.listing)


def _cell(text: str, *, at_least: int) -> Text:
    """A number is pushed to the right: the table itself does not."""
    cell = Text(inert(text, max_chars=400), no_wrap=True, overflow="ellipsis")
    cell.pad_left(max(at_least - cell.cell_len, 0))
    return cell


def _widths(listing: Listing, room: int) -> list[int]:
    """As wide as what is in them; the one that gives way takes what is left, or gives what is missing."""
    cells = [listing.columns, *(row.cells for row in listing.rows)]
    widths = [min(max(cell_len(inert(row[place], max_chars=400)) for row in cells), _MOST) for place in range(len(listing.columns))]
    if widths:
        others = sum(widths) - widths[listing.gives_way]
        widths[listing.gives_way] = max(room - _BAR - _AIR * len(widths) - others, _LEAST)
    return widths
