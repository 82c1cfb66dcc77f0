"""Numbers in words and digits."""

from __future__ import annotations

import re

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

WORDS: dict[str, int] = (
    {word: value for value, word in enumerate(_UNITS)} | {word: 20 + 10 * n for n, word in enumerate(_TENS)} | {"hundred": 100}
)

_WORD = "|".join(sorted(WORDS, key=len, reverse=True))
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_PLAIN = rf"(?:[0-9]{{1,7}}|(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_UNITS[1:10])})|a(?=\s+hundred)|(?:{_WORD})|(?:a\s+)?couple(?:\s+of)?)"
#: A number as people write it: "3", "twelve", "twenty five", "a couple of", "two hundred".
NUMBER = rf"(?:{_PLAIN}(?:\s+(?:{'|'.join(_SCALES)})\b)?)"

_NUMBER_AT = re.compile(rf"\b{NUMBER}\b")


def number(words: str) -> int | None:
    """The value of words that `NUMBER` matched; None if they are something else."""
    words = words.strip().lower()
    if words.isascii() and words.isdigit():
        return int(words) if len(words) <= 9 else None
    if "couple" in words:
        return 2
    parts = re.split(r"[\s-]+", words)
    scale = _SCALES.get(parts[-1], 1) if len(parts) > 1 else 1
    counts = [_count(part) for part in (parts[:-1] if scale > 1 else parts)]
    known = [count for count in counts if count is not None]
    return sum(known) * scale if len(known) == len(counts) else None


def _count(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        return int(word)
    return 1 if word == "a" else WORDS.get(word)


def numbers(low: str) -> frozenset[int]:
    """Every number said in folded text, by digits or by words; "dozen" counts as twelve too."""
    found = {value for match in _NUMBER_AT.finditer(low) if (value := number(match[0])) is not None}
    found |= {int(digits) for digits in re.findall(r"[0-9]{1,9}", low)}
    return frozenset(found | ({12} if "dozen" in low else set()))
