"""The parts of a card that stand in columns, for everything that draws with rich: a card printed, and a card on the screen of the chat.

Texts come through `words.harmless` first and go into `Text`, never into a markup string.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from halo_engine.model.card import CardLine


def marked(sign: str, text: Text, style: str | Style = "") -> Table:
    """`text` behind a sign, its further lines standing under its first."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(sign, style=style), text)
    return grid


def facts(rows: Iterable[tuple[Text, Text]]) -> Table:
    """What each is called, and beside it what it is."""
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(max_width=16, overflow="fold")
    grid.add_column(ratio=1, overflow="fold")
    for label, text in rows:
        grid.add_row(label, text)
    return grid


def amounts(lines: tuple[CardLine, ...]) -> Table:
    """How many, where anything is counted, of what, and on the right what it costs."""
    grid = Table.grid(padding=(0, 1), expand=True)
    counted = any(line.quantity is not None for line in lines)
    if counted:
        grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", overflow="fold")
    for line in lines:
        count = (f"{line.quantity} ×" if line.quantity is not None else "",) if counted else ()
        thing = with_detail(Text(line.text, overflow="fold"), line.detail, "dim")
        grid.add_row(*count, Padding(thing, (0, 1, 0, 0)), Text(line.amount, overflow="fold"))
    return grid


def option(label: str, reason: str) -> Text:
    """What can be chosen, and under it why one would."""
    return with_detail(Text(label, style="bold", overflow="fold"), reason, "dim not bold")


def with_detail(text: Text, detail: str, style: str) -> Text:
    """`text`, and under it what is said more quietly, where there is something."""
    return Text("\n", overflow="fold").join((text, Text(detail, style=style, overflow="fold"))) if detail else text
