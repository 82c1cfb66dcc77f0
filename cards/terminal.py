"""Cards and receipts for a terminal, with rich. The command line and the chat call `render` and print what it returns.

Every text goes through `harmless` and into a `Text`, never into a markup string: a product title must not be able to colour, link or move
anything. Nothing is told by colour alone, so a card without colour says the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text

from cards import grids, words
from cards.looks import LOOKS, POLICY_SIGN, SHADES, WARNING_SIGN, Look
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.draft import Change, Fact
from halo_engine.model.option import Option
from halo_engine.model.receipt import Receipt

#: Below this a card is a column of single words; above it the eye loses the row.
MIN_WIDTH, MAX_WIDTH = 30, 120

_BUTTON_STYLES = {
    Button.CONFIRM: "bold white on green4",
    Button.MODIFY: "bold white on blue",
    Button.CANCEL: "bold white on grey42",
    Button.RETRY: "bold white on dark_orange3",
    Button.ASK_AGAIN: "bold white on blue",
}
_MOVE_STYLES = {
    words.Move.NONE: Style(bold=True),
    words.Move.UP: Style(color="dark_orange3", bold=True),
    words.Move.DOWN: Style(color="green4", bold=True),
}


def render(card: Card, *, width: int = 80, colour: bool = True) -> RenderableType:
    """`card` in `width` columns (held between 30 and 120). Without `colour` it has weight but no hue."""
    card, look = words.harmless(card), LOOKS[card.kind]
    parts = [part for part in _parts(card, colour=colour) if part is not None]
    spaced = [piece for part in parts for piece in (part, Text())][:-1]
    body = Group(_title_bar(card.title, look, colour=colour), Padding(Group(*spaced), (1, 2)))
    panel = Panel(body, box=box.ROUNDED, padding=0, border_style=_hue(_terminal(look), colour), width=max(MIN_WIDTH, min(width, MAX_WIDTH)))
    return Group(panel, *_small_print(card))


def render_receipt(receipt: Receipt, *, width: int = 80, colour: bool = True) -> RenderableType:
    """What proves an effect: its text line by line, as it was written."""
    lines, look = words.receipt_lines(receipt), LOOKS[CardKind.DONE]
    body = Padding(Text("\n".join(lines), overflow="fold"), (1, 2))
    return Panel(
        Group(_title_bar("Receipt", look, colour=colour), body),
        box=box.ROUNDED,
        padding=0,
        border_style=_hue(_terminal(look), colour),
        width=max(MIN_WIDTH, min(width, MAX_WIDTH)),
    )


def _parts(card: Card, *, colour: bool) -> Iterator[RenderableType | None]:
    """From what it is, over what it costs and what to beware of, to what can be done."""
    yield _changes(card.changes, colour=colour) if card.changes else None
    yield _words(card.summary) if card.summary else None
    yield _amounts(card) if card.lines or card.cost is not None else None
    yield _rows(card.rows) if card.rows else None
    yield _cautions(card, colour=colour) if card.disclosures else None
    yield _options(card.options, colour=colour) if card.options else None
    yield _buttons(card.buttons, colour=colour) if card.buttons else None


def _hue(name: str, colour: bool) -> Style:
    return Style(color=name) if colour else Style()


def _terminal(look: Look) -> str:
    return SHADES[look.accent].terminal


def _words(text: str, style: str | Style = "") -> Text:
    return Text(text, style=style, overflow="fold")


def _title_bar(title: str, look: Look, *, colour: bool) -> RenderableType:
    style = Style(color="white", bgcolor=_terminal(look), bold=True) if colour else Style(bold=True)
    bar: RenderableType = Padding(grids.marked(look.sign, _words(title)), (0, 2), style=style, expand=True)
    # Without a background the bar needs another edge.
    return bar if colour else Group(bar, Rule(characters="─", style=Style()))


def _amounts(card: Card) -> RenderableType:
    """The things and charges, and under a rule what they come to."""
    lines = [grids.amounts(card.lines)] if card.lines else []
    if card.cost is None:
        return Group(*lines)
    rule = [Rule(characters="─", style=Style(dim=True))] if lines else []
    return Group(*lines, *rule, _total(card))


def _rows(rows: tuple[Fact, ...]) -> RenderableType:
    return grids.facts((_words(row.label, "dim"), _words(row.text)) for row in rows)


def _total(card: Card) -> RenderableType:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(overflow="fold")
    grid.add_column(ratio=1, justify="right", overflow="fold")
    grid.add_row(Text(words.cost_label(card), style="bold"), _words(card.cost or "", "bold"))
    return grid


def _changes(changes: tuple[Change, ...], *, colour: bool) -> RenderableType:
    """Each in words, and under them from what to what."""
    return Group(Text(f"{words.WHAT_CHANGED}:", style="bold"), *(_change(change, colour=colour) for change in words.told(changes)))


def _change(change: Change, *, colour: bool) -> RenderableType:
    """Two amounts stand beside what they are, two sentences one under the other."""
    said = [Text(text, style=_MOVE_STYLES[move] if colour else "bold") for text, move in words.moves(words.change_heading(change))]
    heading = Text(overflow="fold").join(said)
    if words.sides(change) is None:
        return heading
    # A style of the whole text would also strike the room beside it.
    before = Text(overflow="fold").append(change.before, Style(dim=True, strike=True) if colour else None)
    after = _words(change.after, "bold")
    if words.side_by_side(change):
        beside = Table.grid(padding=(0, 2), expand=True)
        beside.add_column(ratio=1, overflow="fold")
        beside.add_column(justify="right", overflow="fold")
        beside.add_row(heading, Text(" → ", overflow="fold").join((before, after)))
        return beside
    return Group(heading, _indented(grids.facts(((Text(words.WAS, "dim"), before), (Text(words.NOW, "dim"), after)))))


def _indented(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 0, 2))


def _cautions(card: Card, *, colour: bool) -> RenderableType:
    strong = Style(color="dark_orange3", bold=True) if colour else Style(bold=True)
    warnings = [grids.marked(WARNING_SIGN, _words(text, strong), strong) for text in card.warnings]
    policies = [grids.marked(POLICY_SIGN, _words(text)) for text in (*card.policies, *card.approval)]
    return Group(*warnings, *policies)


def _options(options: tuple[Option, ...], *, colour: bool) -> RenderableType:
    number = Style(color="medium_purple3", bold=True) if colour else Style(bold=True)
    return Group(
        *(grids.marked(str(position), grids.option(option.label, option.reason), number) for position, option in enumerate(options, 1))
    )


def _buttons(buttons: tuple[Button, ...], *, colour: bool) -> RenderableType:
    """Labels: pressing happens elsewhere, and only by a person."""
    if not colour:
        return Text(" ").join(Text(f"[{button.value}]", style="bold") for button in buttons)
    return Text(" ").join(Text(f" {button.value} ", style=_BUTTON_STYLES[button]) for button in buttons)


def _small_print(card: Card) -> Iterator[RenderableType]:
    lines = [card.note] if card.note else []
    for line in (*lines, *words.id_lines(card)):
        yield Padding(_words(line, "dim"), (0, 1))
