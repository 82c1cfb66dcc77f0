"""Tables, headings and lines for a terminal, with rich. Only `output.py` calls this, and only when stdout is a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from halo_engine.model.text import inert

#: Columns narrower than this hold one word a line.
_STACKED_BELOW = 80
#: An id is there to be copied, so it is never broken.
_ID_WIDTH = 30

#: What the words of a status are coloured with; the word itself says the same.
_STATUS_STYLES = {
    "done": "green",
    "ok": "green",
    "failed": "red",
    "needs attention": "bold red",
    "unknown": "yellow",
    "partial": "yellow",
    "terms changed": "yellow",
    "cancelled": "dim",
    "expired": "dim",
}


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, ids: bool, empty: str, width: int) -> RenderableType:
    """Rows under a dim heading; long cells fold, none is cut. Where the last column holds ids, each stands under its row's second cell."""
    if not rows:
        return Text(empty, style="dim")
    if any(columns) and width < _STACKED_BELOW:
        return Group(*(_stacked(row) for row in rows))
    # Without names above them the first column names the second.
    grid = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False, collapse_padding=True, show_header=any(columns))
    for position, name in enumerate(columns[:-1] if ids else columns):
        holds_id = ids and position == 1
        grid.add_column(name, overflow="fold", style="" if position or any(columns) else "dim", min_width=_ID_WIDTH if holds_id else None)
    for row in rows:
        cells = [_cell(text) for text in row]
        grid.add_row(*(_with_id(cells) if ids else cells))
    return grid


def _with_id(cells: list[Text]) -> list[Text]:
    first, second, *between, last = cells
    last.stylize("dim")
    return [first, Text("\n").join((second, last)), *between]


def _stacked(row: Sequence[str]) -> RenderableType:
    """One row as one paragraph, for a terminal too narrow for columns."""
    cells = [_cell(text) for text in row if text]
    return Padding(Text("  ").join(cells), (0, 0, 1, 0))


def heading(text: str, *, width: int) -> RenderableType:
    """A rule with words in it; only the words where there is no room for a rule."""
    words = Text(inert(text), style="bold", overflow="fold")
    if words.cell_len + 4 > width:
        return Padding(words, (1, 0))
    grid = Table.grid(padding=0)
    grid.add_column(width=width)
    grid.add_row(Rule(words.append(" "), align="left", style="dim", characters="─"))
    return Padding(grid, (1, 0))


#: How bad a finding is, as a sign and its ink. The sign says it without the colour.
_LEVELS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "bold red")}


def findings(found: Sequence[tuple[str, str, str]]) -> RenderableType:
    """A sign and a sentence each; under it, dim, how to mend it. What is well stays quiet."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for level, says, mend in found:
        sign, ink = _LEVELS[level]
        words = Text(inert(says, max_chars=2000), style="dim" if level == "ok" else "")
        if mend:
            words.append(f"\n→ {inert(mend, max_chars=2000)}", style="cyan")
        grid.add_row(Text(sign, style=ink), words)
    return grid


def lines(texts: Sequence[str]) -> RenderableType:
    """Sentences, folded at the terminal's edge."""
    return Text("\n".join(inert(text, max_chars=2000) for text in texts), overflow="fold")


def _cell(text: str) -> Text:
    shown = inert(text)
    return Text(shown, style=_STATUS_STYLES.get(shown, ""), overflow="fold")
