"""Text as the model reads it: word pieces with where each stands in the text as given, and how it was written.

Training and running share this file, so that both see the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

#: How a word is written; the vocabulary itself knows only lower case.
SHAPES = ("special", "lower", "Title", "UPPER", "digits", "other")
#: Word pieces of one text that are read, the three marks around it included. The network has no more places.
LENGTH = 512

#: The fields that can have been asked for, in words for the network. Any other name means nothing to it.
_ASKED = {name: name for name in ("items", "subscription", "bundle", "place", "people", "date", "time")} | {
    "party_size": "people",
    "first_name": "first name",
    "last_name": "last name",
}


@dataclass(frozen=True)
class Pieces:
    """One text, ready for the network: arrays of equal length. `words` are the places of its words among the pieces, with their offsets.

    Of `text`, the first `read_chars` characters are read: all of them, unless it has more pieces than the network has places.
    """

    text: str
    ids: NDArray[np.int64]
    kinds: NDArray[np.int64]
    shapes: NDArray[np.int64]
    words: tuple[tuple[int, int, int], ...]
    read_chars: int


class WordPieces:
    """Cuts texts into pieces."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.enable_truncation(LENGTH, strategy="only_second")
        self._tokenizer.no_padding()

    def cut(self, text: str, *, about: str | None, requested: Iterable[str]) -> Pieces:
        """The pieces of `text`, after what it was said about. Names in `requested` that are no field are passed over."""
        encoding = self._tokenizer.encode(_situation(about, requested), text)
        kinds = np.array(encoding.type_ids, dtype=np.int64)
        words, shapes = _words(encoding, text)
        # The last word may be read in part: its offsets then end with its last piece.
        read_chars = words[-1][2] if encoding.overflowing else len(text)
        return Pieces(text, np.array(encoding.ids, dtype=np.int64), kinds, shapes, words, read_chars)


def _situation(about: str | None, requested: Iterable[str]) -> str:
    """What stands and what was asked, in words that the network has seen before; never more than a few."""
    asked = sorted({_ASKED[name] for name in requested if name in _ASKED})
    return " ".join([*([f"change {about.lower()}"] if about else []), *asked])


def _words(encoding: Encoding, text: str) -> tuple[tuple[tuple[int, int, int], ...], NDArray[np.int64]]:
    words: list[tuple[int, int, int]] = []
    shapes = np.zeros(len(encoding.ids), dtype=np.int64)
    last = None
    for at, (word, kind, (start, end)) in enumerate(zip(encoding.word_ids, encoding.type_ids, encoding.offsets, strict=True)):
        if word is None or kind == 0:
            continue
        if word == last:
            words[-1] = (words[-1][0], words[-1][1], end)
        else:
            words.append((at, start, end))
            last = word
    for number, (at, start, end) in enumerate(words):
        until = words[number + 1][0] if number + 1 < len(words) else len(encoding.ids) - 1
        shapes[at:until] = _shape(text[start:end])
    return tuple(words), shapes


def _shape(word: str) -> int:
    if any(character.isdigit() for character in word):
        return 4
    if word.islower():
        return 1
    if word.isupper():
        return 3 if len(word) > 1 else 2
    return 2 if word[:1].isupper() else 5
