"""What the activity and the receipts have in common: a list that is read as far as somebody scrolls, and a filter that looks on by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.app import ComposeResult
from textual.widgets import Static

from halo_cli.chat.asking import Trouble
from halo_cli.tui.page import Page
from halo_cli.tui.parts.feed_rows import Batch, BatchedRows
from halo_cli.tui.parts.paged_table import Cell, Column, PagedTable

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around

R = TypeVar("R")

#: How often a list that is in front is looked at again.
_LOOK_AGAIN_S = 4.0


class ListingPage(Page, Generic[R]):
    """Subclasses say how a batch is loaded, how a row looks, and what Enter does."""

    DEFAULT_CSS = """
    ListingPage .empty { display: none; }
    ListingPage.-nothing .empty { display: block; }
    ListingPage.-nothing PagedTable { display: none; }
    """

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(desk, around)
        self.table: PagedTable[R] = PagedTable(self.columns(), self.cells, ask=self._ask_rows)
        self._empty = Static("", classes="empty", markup=False)
        self._rows: BatchedRows[R] | None = None
        self._newest: Sequence[R] = ()
        self.filter = ""
        self._is_looking = False

    # For subclasses

    def columns(self) -> Sequence[Column]:
        raise NotImplementedError

    def cells(self, row: R) -> Sequence[Cell]:
        raise NotImplementedError

    def load(self, text: str, after: R | None) -> Batch[R]:
        """In a worker: what has `text` in it, after a row."""
        raise NotImplementedError

    def chosen(self, row: R) -> None:
        raise NotImplementedError

    def empty_words(self) -> str:
        raise NotImplementedError

    def told(self, rows: BatchedRows[R]) -> str:
        """For the breadcrumbs."""
        more = "" if rows.is_whole else "+"
        return "1 entry" if rows.is_whole and rows.count == 1 else f"{rows.count:,}{more} entries"

    # What they share

    def compose(self) -> ComposeResult:
        yield self._empty
        yield self.table

    def on_mount(self) -> None:
        self.set_interval(_LOOK_AGAIN_S, self.look_again)

    def on_shown(self) -> None:
        if self._rows is None:
            self._begin()
        else:
            self.look_again()

    def set_filter(self, text: str) -> None:
        if text != self.filter:
            self.filter = text
            self._begin()

    def _begin(self, *, at: int | None = None, batch: Batch[R] | None = None) -> None:
        """From the newest on."""
        rows: BatchedRows[R] = BatchedRows(partial(self.load, self.filter))
        self._rows = rows
        self.table.show(rows, at=None)
        if batch is None:
            self._more()
        else:
            self._came(rows, batch)
        if at is not None:
            self.table.move_to(at)

    def _more(self) -> None:
        rows = self._rows
        if rows is None or rows.is_whole or rows.is_loading:
            return
        rows.is_loading = True
        self.ask(rows.load_next, partial(self._came, rows), otherwise=partial(self._not_came, rows), group="more")

    def _came(self, rows: BatchedRows[R], batch: Batch[R]) -> None:
        rows.is_loading = False
        if rows is not self._rows:
            return
        if not rows.count:
            self._newest = tuple(batch.rows)
        self.table.put(rows.add(batch))
        self.table.grown()
        self.set_class(rows.is_whole and not rows.count, "-nothing")
        self._empty.update(self.empty_words())
        self.post_message(self.Crumbs())

    def _not_came(self, rows: BatchedRows[R], trouble: Trouble) -> None:
        rows.is_loading, rows.is_whole = False, True
        if rows is self._rows:
            self.say_trouble(trouble)

    def on_paged_table_near_end(self, event: PagedTable.NearEnd) -> None:
        event.stop()
        self._more()

    def on_paged_table_failed(self, event: PagedTable.Failed) -> None:
        event.stop()
        self.say_trouble(event.trouble)

    def on_paged_table_chosen(self, event: PagedTable.Chosen) -> None:
        event.stop()
        if self.table.row is not None:
            self.chosen(self.table.row)

    def look_again(self) -> None:
        """Whether anything is new. A list that somebody reads further down is left as it is."""
        at_top = self.table.scroll_offset.y == 0
        if self._rows is not None and not self._rows.is_loading and self.has_class("-front") and at_top and not self._is_looking:
            self._is_looking = True
            self.ask(partial(self.load, self.filter, None), self._looked, otherwise=self._not_looked, group="again")

    def _looked(self, batch: Batch[R]) -> None:
        self._is_looking = False
        if tuple(batch.rows) == tuple(self._newest) or self.table.scroll_offset.y != 0:
            return
        row = self.table.row
        place = next((place for place, one in enumerate(batch.rows) if row is not None and self.same(one, row)), 0)
        self._begin(at=place, batch=batch)

    def same(self, one: R, other: R) -> bool:
        """Whether two rows are of one thing."""
        return bool(getattr(one, "id", None) == getattr(other, "id", None))

    def _not_looked(self, _trouble: Trouble) -> None:
        # Nobody asked: whoever does is told.
        self._is_looking = False

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (self.told(self._rows),) if self._rows is not None and self._rows.count else ()

    def _ask_rows(
        self, call: Callable[[], Mapping[int, R]], then: Callable[[Mapping[int, R]], None], otherwise: Callable[[Trouble], None]
    ) -> None:
        self.ask(call, then, otherwise=otherwise, group="rows")
