"""The words being read, and which of them have been understood.

Readers of dates, times, amounts and people each take their words off the page, so that what is left is the name of a thing or a place.
Taken words are blanked, never removed: every position stays a position in the text as given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from halo_engine.model.intent import Entity
from halo_engine.model.text import readable

#: Only this much is read for meaning: nobody needs more to ask for one thing, and time stays bounded for any text.
READ_CHARS = 2_000

#: Stands where words were taken. A control character, which `readable` never leaves in a text.
TAKEN = "\0"

_LEAD = re.compile(r"\b(?:(?:on|the|at|for|by|in|around|about|before|from|of|until|delivered|arriving|say|is|like|to|@|~)\s+)+$")
_TRIM = ' \t\r\n\0,;:.!?-–—•*·"“”()[]'

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """A value and the words that said it."""

    start: int
    end: int
    value: T


def fold(text: str) -> str:
    """`text` in lower case with plain quotes and visible characters only, each character in its old place. Line breaks stay."""
    seen = (_fold_character(given, shown) for given, shown in zip(text, readable(text), strict=True))
    return "".join(seen)


def _fold_character(given: str, shown: str) -> str:
    if given == "\n":
        return given
    if shown in "’‘ʼ`´":
        return "'"
    lower = shown.lower()
    return lower if len(lower) == 1 else shown


class Page:
    """One text while it is read. `low` is folded, bounded by `READ_CHARS` and blanked where words were taken."""

    def __init__(self, text: str) -> None:
        self.cut = len(text) > READ_CHARS
        self.text = _whole_words(text)
        self.rest = " ".join(readable(text[len(self.text) : len(self.text) + READ_CHARS]).split()) if self.cut else ""
        self.low = fold(self.text)
        self.shown = readable(self.text)
        self._entities: list[Entity] = []

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Entities in the order of the words."""
        return tuple(sorted(self._entities, key=lambda entity: (entity.start, entity.end)))

    def keep(self, start: int, end: int) -> None:
        """Blank everything outside `start` to `end`."""
        self.low = TAKEN * start + self.low[start:end] + TAKEN * (len(self.low) - end)

    def blank(self, start: int, end: int) -> None:
        """Take words off the page together with the prepositions that led to them."""
        window = max(0, start - 24)
        lead = _LEAD.search(self.low[window:start])
        start = window + lead.start() if lead else start
        self.low = self.low[:start] + TAKEN * (end - start) + self.low[end:]

    def note(self, kind: str, start: int, end: int) -> None:
        """Record that the words from `start` to `end` filled a field of `kind`."""
        start, end = self.trimmed(start, end)
        words = self.text[start:end]
        # A lone surrogate cannot be written as UTF-8, so no entity holds one.
        if words and not any("\ud800" <= character <= "\udfff" for character in words):
            self._entities.append(Entity(type=kind, text=words, start=start, end=end))

    def take(self, kind: str, start: int, end: int) -> None:
        """Note and blank."""
        self.note(kind, start, end)
        self.blank(start, end)

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """The span without punctuation and taken words at its ends."""
        while start < end and (self.low[start] in _TRIM or self.shown[start].isspace()):
            start += 1
        while (
            end > start
            and self.low[max(start, end - 4) : end] not in ("a.m.", "p.m.")
            and (self.low[end - 1] in _TRIM or self.shown[end - 1].isspace())
        ):
            end -= 1
        return start, end

    def words(self, start: int, end: int) -> str:
        """The words of a span as the person wrote them, on one line."""
        start, end = self.trimmed(start, end)
        return " ".join(self.shown[start:end].replace(TAKEN, " ").split())


def _whole_words(text: str) -> str:
    """As much of `text` as is read, not ending in the middle of a word."""
    if len(text) <= READ_CHARS:
        return text
    last_space = text.rfind(" ", READ_CHARS - 100, READ_CHARS)
    return text[: last_space if last_space > 0 else READ_CHARS]
