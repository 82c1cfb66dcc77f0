"""A list to choose from, with headings in it: what is highlighted is shown beside it, and Enter goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from cards.words import shown
from halo_cli.tui.bindings import Key, bindings
from halo_engine.model.value import Value

LIST_KEYS: tuple[Key, ...] = (
    Key("up,k", "cursor_up", "↑", "the one above"),
    Key("down,j", "cursor_down", "↓", "the one below"),
    Key("home", "first", "Home", "the first"),
    Key("end", "last", "End", "the last"),
    Key("pageup", "page_up", "PgUp", "a page up"),
    Key("pagedown", "page_down", "PgDn", "a page down"),
    Key("enter,right", "select", "Enter", "open it", "Open"),
)


class Choice(Value):
    """One row: what it is about, and under it what else is told. Without an `id` it is a heading."""

    id: str = ""
    sign: str = ""
    text: str
    below: str = ""


class Choices(OptionList, inherit_bindings=False):
    """Rows that keep their highlight when they are shown anew."""

    HELP = "The list. What is highlighted stands beside it; Enter goes there."
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST_KEYS)

    class Picked(Message):
        """That one is highlighted now."""

        def __init__(self, identifier: str) -> None:
            super().__init__()
            self.identifier = identifier

    class Entered(Message):
        """The focus is to go to what is shown of it."""

    def __init__(self) -> None:
        super().__init__(classes="choices", markup=False, compact=True)
        self._shown: tuple[Choice, ...] = ()

    @property
    def picked(self) -> str:
        option = self.highlighted_option
        return (option.id or "") if option else ""

    def show(self, rows: Sequence[Choice], *, picked: str = "") -> None:
        """Show `rows`, with `picked` highlighted, else what was, else the first."""
        rows = tuple(rows)
        wanted = picked or self.picked
        if rows == self._shown and wanted == self.picked:
            return
        self._shown = rows
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options(_option(row, self._room) for row in rows)
            ids = [row.id for row in rows]
            first = next((position for position, each in enumerate(ids) if each), None)
            self.highlighted = ids.index(wanted) if wanted and wanted in ids else first

    @property
    def _room(self) -> int:
        """Characters in a line: what is longer is cut, because a row has two lines and no more."""
        return max(12, self.content_size.width - 3)

    def on_resize(self) -> None:
        rows, self._shown = self._shown, ()
        self.show(rows)

    def pick(self, identifier: str) -> None:
        """Highlight that one, where it is in the list."""
        if identifier in [row.id for row in self._shown]:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = self.get_option_index(identifier)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id:
            self.post_message(self.Picked(event.option_id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Entered())


def _option(row: Choice, room: int) -> Option:
    if not row.id:
        return Option(Content.styled(shown(row.text).upper(), "$quiet"), disabled=True)
    sign = f"{row.sign} " if row.sign else ""
    first = Content.assemble((sign, "$primary"), (shown(row.text, max_chars=room - len(sign)), "bold"))
    below = Content.styled(f"{' ' * len(sign)}{shown(row.below, max_chars=room - len(sign))}", "$quiet")
    return Option(Content("\n").join((first, below)) if row.below else first, id=row.id)
