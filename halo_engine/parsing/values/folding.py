"""Text as the readers compare it: `fold` makes what looks the same the same, and every position stays a position in the text as given."""

from __future__ import annotations

from halo_engine.model.text import readable


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
