"""How wide a text is in the font that is shipped, and where its lines break. The drawn card calls it; nothing else sets text.

The widths come from the font's own tables, read once. Kerning is left out: it only brings letters closer, so a line may come out a little
short and never too long. A character that the font lacks counts as an em, and a wide one (an emoji) as one and a third, which is what fonts give it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FAMILY = "Inter"
REGULAR, SEMIBOLD = 400, 600
_FOLDER = Path(__file__).parent / "fonts"
FONT_FILES = {REGULAR: _FOLDER / "Inter-Regular.otf", SEMIBOLD: _FOLDER / "Inter-SemiBold.otf"}
#: Of the height of a line, in ems, that part which stands above the baseline, and all of it.
_ASCENT, _HEIGHT = 0.96875, 1.2109375
#: A last line that fills less of the room than this is an orphan; in a long text it does not disturb.
_ORPHAN, _BALANCED_LINES = 0.35, 4
#: Stands for a character that the font lacks, where no other font may help out.
BOX = "□"


@cache
def _advances(weight: int) -> Mapping[str, float]:
    """The width of every character of the font, in ems."""
    with TTFont(FONT_FILES[weight], lazy=True) as font:
        metrics, em = font["hmtx"].metrics, font["head"].unitsPerEm
        return {chr(code): metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}


def width(text: str, *, size: float, weight: int = REGULAR) -> float:
    """In points, at `size` points."""
    advances = _advances(weight)
    return size * sum(advances[each] if each in advances else _guess(each) for each in text)


@cache
def _guess(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 1.35 if character > "\uffff" else 1


def known(text: str) -> bool:
    """Whether the font has every character of `text`."""
    return text.isascii() or all(character in _advances(REGULAR) for character in text)


def boxed(text: str) -> str:
    """`text` with a box for each character that the font lacks."""
    return text if known(text) else "".join(each if each in _advances(REGULAR) else BOX for each in text)


def wrapped(text: str, *, room: float, size: float, weight: int = REGULAR) -> list[str]:
    """`text` in lines no wider than `room`, broken between words; a word that is too long alone is broken where it must be. Nothing is cut."""
    lines: list[str] = []
    line, used = "", 0.0
    gap = width(" ", size=size, weight=weight)
    for word in text.split():
        for piece in _pieces(word, room=room, size=size, weight=weight):
            wide = width(piece, size=size, weight=weight)
            if line and used + gap + wide > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = (f"{line} {piece}", used + gap + wide) if line else (piece, wide)
    return [*lines, line] if line else lines


def balanced(text: str, *, room: float, size: float, weight: int = REGULAR) -> list[str]:
    """As `wrapped`, in as few lines, but without leaving a short word alone on the last one."""
    lines = wrapped(text, room=room, size=size, weight=weight)
    if not 1 < len(lines) <= _BALANCED_LINES:
        return lines
    best, narrow = lines, room
    while width(best[-1], size=size, weight=weight) < _ORPHAN * room and narrow > room / 2:
        narrow -= room / 20
        tried = wrapped(text, room=narrow, size=size, weight=weight)
        if len(tried) > len(lines):
            break
        best = tried
    return best


def _pieces(word: str, *, room: float, size: float, weight: int) -> list[str]:
    if width(word, size=size, weight=weight) <= room:
        return [word]
    pieces, piece, used = [], "", 0.0
    for character in word:
        wide = width(character, size=size, weight=weight)
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0.0
        piece, used = piece + character, used + wide
    return [*pieces, piece]


def baseline(leading: float, size: float) -> float:
    """How far under the top of a line of `leading` points its letters stand."""
    return (leading - _HEIGHT * size) / 2 + _ASCENT * size
