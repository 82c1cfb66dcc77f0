"""Parts of a card as text for a widget. Cards come through `cards.words.harmless` first, and texts go into `Text` or `Content`, never into markup.

Signs, accents and words are those of every other renderer: `cards.looks` and `cards.words`.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.content import Content

from cards import grids, words
from cards.looks import LOOKS
from halo_engine.model.card import Card, CardLine
from halo_engine.model.draft import Change, Fact
from halo_engine.model.reply import Tapback
from halo_engine.model.text import inert

#: The six reactions, as a terminal can show them.
TAPBACKS: dict[Tapback, str] = {
    Tapback.LOVE: "♥ Love",
    Tapback.LIKE: "▲ Like",
    Tapback.DISLIKE: "▼ Dislike",
    Tapback.LAUGH: "☺ Haha",
    Tapback.EMPHASIZE: "‼ Emphasize",
    Tapback.QUESTION: "? Question",
}

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_DOTS = ("●○○", "○●○", "○○●")


def plain(text: str, *, max_chars: int = 500) -> Content:
    """One harmless line of anybody's."""
    return Content(words.shown(text, max_chars=max_chars))


def title(card: Card) -> Table:
    """Sign and word, further lines under the first."""
    return grids.marked(LOOKS[card.kind].sign, Text(card.title, overflow="fold"))


def caution(sign: str, text: str) -> Table:
    return grids.marked(sign, Text(text, overflow="fold"))


def amounts(lines: tuple[CardLine, ...]) -> Table:
    """How many, of what, and on the right what it costs."""
    return grids.amounts(lines)


def total(card: Card) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", overflow="fold")
    grid.add_row(Text(words.cost_label(card)), Text(card.cost or ""))
    return grid


def facts(rows: Iterable[Fact]) -> Table:
    return grids.facts((Text(row.label, style="dim"), Text(row.text, overflow="fold")) for row in rows)


_MOVE_STYLES = {words.Move.NONE: "bold", words.Move.UP: "bold $rise", words.Move.DOWN: "bold $fall"}


def change_heading(change: Change) -> Content:
    """The change as a person says it, the amount coloured by which way it went."""
    return Content.assemble(*((text, _MOVE_STYLES[move]) for text, move in words.moves(words.change_heading(change))))


def before_and_after(change: Change) -> Content:
    return Content.assemble((change.before, "strike $quiet"), (" → ", "$quiet"), (change.after, "bold"))


def was_and_now(change: Change) -> Table:
    """Of two sentences, one under the other."""
    return facts((Fact(label=words.WAS, text=change.before), Fact(label=words.NOW, text=change.after)))


def option(number: int, label: str, reason: str) -> Table:
    return grids.marked(str(number), grids.option(label, reason))


def spinner(seconds: float) -> str:
    """Where the wheel stands after so long."""
    return _SPINNER[int(seconds * 8) % len(_SPINNER)]


def dots(seconds: float) -> str:
    return _DOTS[int(seconds * 3) % len(_DOTS)]


def keys(told: Iterable[tuple[str, str]]) -> Table:
    """What a key is called, and what it does."""
    grid = Table.grid(padding=(0, 3))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for shown, does in told:
        grid.add_row(Text(shown, style="bold"), Text(does))
    return grid


def lines(texts: Iterable[str]) -> Content:
    """Each on a line of its own."""
    return Content("\n".join(inert(text, max_chars=2000) for text in texts))
