"""Where commands print. stdout carries the result, stderr the talk.

A terminal gets drawn cards and tables, a pipe plain text, `--json` one object. Every text from elsewhere is made inert on its way out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from halo_engine.model.card import Card
from halo_engine.model.receipt import Receipt
from halo_engine.model.text import inert

if TYPE_CHECKING:
    from rich.console import Console

#: A card wider than this is harder to read, not easier.
MAX_CARD_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that opens a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Plain sentences, one a line; an empty one is a gap."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; `empty` is said when there are none. The last column, if `ids`, is never broken: it is there to be copied."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ids: bool = False
    empty: str = "Nothing yet."


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look found: how bad it is (ok, warning, problem), what it is, and how to mend it, empty where there is nothing to mend."""

    found: tuple[tuple[str, str, str], ...]


Shown: TypeAlias = "Card | Receipt | Table | Lines | Heading | Findings"


class Output:
    """One command's two streams."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def result(self, payload: Mapping[str, Any], *shown: Shown) -> None:
        """The command's answer: `payload` with `--json`, else `shown`, one after the other."""
        if self.json:
            write_object(payload)
        else:
            self.show(*shown)

    def show(self, *shown: Shown) -> None:
        """Part of an answer, for people only: with `--json` nothing is printed."""
        if self.json:
            return
        console = terminal(sys.stdout)
        for item in shown:
            _draw(console, item) if console else _write(sys.stdout, _plain(item))
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Talk, on stderr."""
        _write(sys.stderr, inert(text, max_chars=2000))
        sys.stderr.flush()

    def say_if(self, text: str | None) -> None:
        """Talk, where there is something to say."""
        if text is not None:
            self.say(text)

    @contextmanager
    def working(self, text: str) -> Iterator[Callable[[str], None]]:
        """Talk that lasts while the block runs: a spinner on a terminal. What it yields says how far it is: there, and nowhere else."""
        console = terminal(sys.stderr)
        if console is None or self.json:
            self.say(text)
            yield lambda _: None
            return
        with console.status(inert(text)) as status:
            yield lambda so_far: status.update(inert(f"{text} {so_far}"))


def write_object(payload: Mapping[str, Any], *, indent: int | None = None) -> None:
    """One JSON object, on one line of stdout unless indented, at once: readers of a stream wait for it."""
    # A terminal or pipe that is not UTF-8 still gets valid JSON.
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(payload, ensure_ascii=not utf8, indent=indent)
    _write(sys.stdout, text if text.isprintable() else "\n".join(_escaped(line) for line in text.split("\n")))
    sys.stdout.flush()


def _escaped(line: str) -> str:
    """What could move a cursor or reorder text, and lone surrogates, as JSON escapes: the same value, and harmless to look at."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def write_error(code: str, message: str, hint: str, *, as_json: bool, extra: Mapping[str, Any] | None = None) -> None:
    """What went wrong and what to do: two lines on stderr, or one object on stdout."""
    if as_json:
        write_object({"error": {"code": code, "message": message, "hint": hint}} | dict(extra or {}))
        return
    _write(sys.stderr, f"error: {inert(message, max_chars=2000)}")
    if hint:
        _write(sys.stderr, f"hint: {inert(hint, max_chars=2000)}")
    sys.stderr.flush()


def terminal(stream: TextIO) -> Console | None:
    """A console for `stream` when it can draw, else None."""
    if not stream.isatty():
        return None
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return None if console.is_dumb_terminal else console


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")


def _draw(console: Console, item: Shown) -> None:
    from cards import terminal as cards
    from halo_cli import drawing

    width, colour = min(console.width, MAX_CARD_WIDTH), not console.no_color
    match item:
        case Card():
            console.print(cards.render(item, width=width, colour=colour))
            console.print()
        case Receipt():
            console.print(cards.render_receipt(item, width=width, colour=colour))
        case Table():
            console.print(drawing.table(item.columns, item.rows, ids=item.ids, empty=item.empty, width=console.width))
        case Heading():
            console.print(drawing.heading(item.text, width=width))
        case Lines():
            console.print(drawing.lines(item.lines))
        case Findings():
            console.print(drawing.findings(item.found))


def _plain(item: Shown) -> str:
    from cards import text as cards

    match item:
        case Card():
            return f"{cards.render(item)}\n"
        case Receipt():
            return f"{cards.render_receipt(item)}\n"
        case Table():
            return _plain_table(item)
        case Heading():
            return f"\n{inert(item.text)}\n"
        case Lines():
            return "\n".join(inert(line, max_chars=2000) for line in item.lines)
        case Findings():
            return "\n".join(_plain_finding(*finding) for finding in item.found)


def _plain_finding(level: str, says: str, mend: str) -> str:
    line = f"{level:7}  {inert(says, max_chars=2000)}"
    return f"{line}\n         mend: {inert(mend, max_chars=2000)}" if mend else line


def _plain_table(table: Table) -> str:
    """Columns aligned by spaces, and no line broken: a pipe has no width."""
    if not table.rows:
        return table.empty
    heads = [table.columns] if any(table.columns) else []
    grid = [*heads, *(tuple(inert(cell) for cell in row) for row in table.rows)]
    widths = [max(len(row[column]) for row in grid) for column in range(len(table.columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid)
