"""A sheet of paper that grows downwards: texts, boxes and strokes at places, in points. `svg` lays a card out on one and a template writes it down.

What is placed is data: a text stays a text until the template escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cards import typesetting

#: A line this full is held to its measure, so that a viewer whose font is wider than ours cannot run over the edge.
_FULL = 0.85


class Type(NamedTuple):
    """A size of letters: points, weight, and the height of a line."""

    size: float
    weight: int
    leading: float


class Span(NamedTuple):
    """A piece of a line in one ink. A struck one is no longer true."""

    text: str
    ink: str
    weight: int
    struck: bool = False


class TextMark(NamedTuple):
    """One line. `measure` is the width it must keep to, or 0 where it has room to spare."""

    x: float
    y: float
    size: float
    anchor: str
    measure: float
    spans: Sequence[Span]
    form: str = "text"


class BoxMark(NamedTuple):
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    edge: str = "none"
    form: str = "box"


class StrokeMark(NamedTuple):
    """Strokes of a sign, drawn `scale` times the size of their own box."""

    x: float
    y: float
    scale: float
    path: str
    ink: str
    weight: float
    form: str = "stroke"


Mark = TextMark | BoxMark | StrokeMark


@dataclass(slots=True)
class Sheet:
    """What was placed so far, and how far down it reaches. Each `set_…` places at the pen `y` and moves it down."""

    y: float = 0
    marks: list[Mark] = field(default_factory=list)

    def set_lines(self, text: str, *, x: float, room: float, type_: Type, ink: str, struck: bool = False) -> None:
        """`text` in as many lines as it needs."""
        for line in typesetting.balanced(text, room=room, size=type_.size, weight=type_.weight):
            self.set_line((Span(line, ink, type_.weight, struck),), x=x, room=room, type_=type_)

    def set_line(self, spans: Sequence[Span], *, x: float, room: float, type_: Type) -> None:
        """One line of several inks, which must fit."""
        self.put_line(spans, x=x, y=self.y, room=room, type_=type_)
        self.y += type_.leading

    def put_line(self, spans: Sequence[Span], *, x: float, y: float, room: float, type_: Type, anchor: str = "start") -> None:
        """One line with its top at `y`; the pen stays."""
        wide = measured(spans, type_)
        full = wide > _FULL * room or not all(typesetting.known(span.text) for span in spans)
        below = y + typesetting.baseline(type_.leading, type_.size)
        self.marks.append(TextMark(x, below, type_.size, anchor, min(wide, room) if full else 0, spans))

    def put_box(self, *, x: float, y: float, width: float, height: float, radius: float, fill: str, edge: str = "none") -> None:
        self.marks.append(BoxMark(x, y, width, height, radius, fill, edge))

    def put_strokes(self, path: str, *, x: float, y: float, scale: float, ink: str, weight: float) -> None:
        self.marks.append(StrokeMark(x, y, scale, path, ink, weight))

    def set_rule(self, *, x: float, width: float, ink: str) -> None:
        """A hairline."""
        self.put_box(x=x, y=self.y, width=width, height=1, radius=0, fill=ink)
        self.y += 1

    def behind(self, before: int, box: BoxMark) -> None:
        """`box` under all that was placed since there were `before` marks: how tall it is shows only when its texts are set."""
        self.marks.insert(before, box)


def measured(spans: Sequence[Span], type_: Type) -> float:
    """The width of a line of several inks."""
    return sum(typesetting.width(span.text, size=type_.size, weight=span.weight) for span in spans)
