"""Cards and receipts for a terminal, with rich. The command line and the chat call `render` and print what it returns.

Every text goes through `inert` and into a `Text`, never into a markup string: a product title must not be able to colour, link or move
anything. Nothing is told by colour alone, so a card without colour says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text

from cards.words import MAX_WARNING_CHARS, cost_label, id_lines, receipt_lines
from halo_engine.model.card import Button, Card, CardKind, Option
from halo_engine.model.draft import Change, Fact
from halo_engine.model.receipt import Receipt
from halo_engine.model.text import inert

#: Below this a card is a column of single words; above it the eye loses the row.
MIN_WIDTH, MAX_WIDTH = 30, 120
_SIDE_BY_SIDE = 40


class _Look(NamedTuple):
    """How one kind of card is marked: a sign that stands without colour, and its colour."""

    sign: str
    colour: str


_LOOKS: dict[CardKind, _Look] = {
    CardKind.DRAFT: _Look("○", "blue"),
    CardKind.TERMS_CHANGED: _Look("≠", "dark_orange3"),
    CardKind.CLARIFICATION: _Look("?", "medium_purple3"),
    CardKind.NOT_SUPPORTED: _Look("–", "grey50"),
    CardKind.UNAVAILABLE: _Look("–", "dark_orange3"),
    CardKind.EXECUTING: _Look("▸", "blue"),
    CardKind.CHECKING: _Look("…", "dark_orange3"),
    CardKind.DONE: _Look("✓", "green4"),
    CardKind.PARTIAL: _Look("◐", "dark_orange3"),
    CardKind.FAILED: _Look("✗", "red3"),
    CardKind.HANDED_OFF: _Look("→", "dark_orange3"),
    CardKind.NEEDS_ATTENTION: _Look("!", "red3"),
    CardKind.CANCELLED: _Look("–", "grey50"),
    CardKind.EXPIRED: _Look("–", "grey50"),
}

_BUTTON_STYLES = {
    Button.CONFIRM: "bold white on green4",
    Button.MODIFY: "bold white on blue",
    Button.CANCEL: "bold white on grey42",
    Button.RETRY: "bold white on dark_orange3",
}


def render(card: Card, *, width: int = 80, colour: bool = True) -> RenderableType:
    """`card` in `width` columns (held between 30 and 120). Without `colour` it has weight but no hue."""
    look = _LOOKS[card.kind]
    parts = [part for part in _parts(card, colour=colour) if part is not None]
    spaced = [piece for part in parts for piece in (part, Text())][:-1]
    body = Group(_title_bar(card.title, look, colour=colour), Padding(Group(*spaced), (1, 2)))
    panel = Panel(body, box=box.ROUNDED, padding=0, border_style=_hue(look.colour, colour), width=max(MIN_WIDTH, min(width, MAX_WIDTH)))
    return Group(panel, *_small_print(card))


def render_receipt(receipt: Receipt, *, width: int = 80, colour: bool = True) -> RenderableType:
    """What proves an effect: its text line by line, as it was written."""
    lines = receipt_lines(receipt)
    body = Padding(Text("\n".join(lines), overflow="fold"), (1, 2))
    return Panel(
        Group(_title_bar("Receipt", _LOOKS[CardKind.DONE], colour=colour), body),
        box=box.ROUNDED,
        padding=0,
        border_style=_hue("green4", colour),
        width=max(MIN_WIDTH, min(width, MAX_WIDTH)),
    )


def _parts(card: Card, *, colour: bool) -> Iterator[RenderableType | None]:
    """From what it is, over what it costs and what to beware of, to what can be done."""
    yield _words(card.summary) if card.summary else None
    yield _changes(card.changes, colour=colour) if card.changes else None
    yield _rows(card.rows) if card.rows else None
    yield _total(card) if card.cost is not None else None
    yield _cautions(card, colour=colour) if card.warnings or card.policies else None
    yield _options(card.options, colour=colour) if card.options else None
    yield _buttons(card.buttons, colour=colour) if card.buttons else None


def _hue(name: str, colour: bool) -> Style:
    return Style(color=name) if colour else Style()


def _words(text: str, style: str | Style = "", *, max_chars: int = 500) -> Text:
    return Text(inert(text, max_chars=max_chars), style=style, overflow="fold")


def _title_bar(title: str, look: _Look, *, colour: bool) -> RenderableType:
    style = Style(color="white", bgcolor=look.colour, bold=True) if colour else Style(bold=True)
    bar: RenderableType = Padding(_marked(look.sign, _words(title)), (0, 2), style=style, expand=True)
    # Without a background the bar needs another edge.
    return bar if colour else Group(bar, Rule(characters="─", style=Style()))


def _marked(sign: str, text: Text, style: str | Style = "") -> Table:
    """`text` behind a sign, its further lines standing under its first."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(sign, style=style), text)
    return grid


def _facts(rows: Iterable[tuple[Text, Text]]) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(max_width=16, overflow="fold")
    grid.add_column(ratio=1, overflow="fold")
    for label, text in rows:
        grid.add_row(label, text)
    return grid


def _rows(rows: tuple[Fact, ...]) -> RenderableType:
    return _facts((_words(row.label, "dim"), _words(row.text)) for row in rows)


def _total(card: Card) -> RenderableType:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(overflow="fold")
    grid.add_column(ratio=1, justify="right", overflow="fold")
    grid.add_row(Text(cost_label(card), style="bold"), _words(card.cost or "", "bold"))
    return Group(Rule(characters="─", style=Style(dim=True)), grid)


def _changes(changes: tuple[Change, ...], *, colour: bool) -> RenderableType:
    return Group(Text("What changed", style="bold"), _facts(_change_row(change, colour=colour) for change in changes))


def _change_row(change: Change, *, colour: bool) -> tuple[Text, Text]:
    before = _words(change.before, Style(color="red", strike=True) if colour else "")
    after = _words(change.after, Style(color="green", bold=True) if colour else "bold")
    # Two amounts are read side by side, two sentences one under the other.
    arrow = " → " if len(before) + len(after) <= _SIDE_BY_SIDE else "\n→ "
    return _words(change.field.capitalize(), "dim"), Text(arrow, overflow="fold").join((before, after))


def _cautions(card: Card, *, colour: bool) -> RenderableType:
    strong = Style(color="dark_orange3", bold=True) if colour else Style(bold=True)
    warnings = [_marked("▲", _words(text, strong, max_chars=MAX_WARNING_CHARS), strong) for text in card.warnings]
    policies = [_marked("·", _words(text, max_chars=MAX_WARNING_CHARS)) for text in card.policies]
    return Group(*warnings, *policies)


def _options(options: tuple[Option, ...], *, colour: bool) -> RenderableType:
    number = Style(color="medium_purple3", bold=True) if colour else Style(bold=True)
    return Group(*(_marked(str(position), _option(option), number) for position, option in enumerate(options, 1)))


def _option(option: Option) -> Text:
    reason = (Text("\n"), _words(option.reason, "dim")) if option.reason else ()
    return Text(overflow="fold").join((_words(option.label, "bold"), *reason))


def _buttons(buttons: tuple[Button, ...], *, colour: bool) -> RenderableType:
    """Labels: pressing happens elsewhere, and only by a person."""
    if not colour:
        return Text(" ").join(Text(f"[{button.value}]", style="bold") for button in buttons)
    return Text(" ").join(Text(f" {button.value} ", style=_BUTTON_STYLES[button]) for button in buttons)


def _small_print(card: Card) -> Iterator[RenderableType]:
    lines = [card.note] if card.note else []
    for line in (*lines, *id_lines(card)):
        yield Padding(_words(line, "dim"), (0, 1))
