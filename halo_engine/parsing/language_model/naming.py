"""Whether a name was said: every word of it, give or take a plural or one slip of the finger."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from rapidfuzz.distance import OSA

from halo_engine.parsing.values.folding import fold
from halo_engine.parsing.values.quantities import number

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_LITTLE = frozenset({"the", "a", "an", "of", "and", "for", "with", "in", "at", "on", "to"})
#: One letter may be wrong only in a word long enough to stay itself.
_FUZZY_FROM = 5
#: Written apart or together: "fit gym", "cloudbox".
_TOGETHER_FROM = 6
#: Names of people are written as they were written.
_EXACT_FIELDS = frozenset({"name", "location"})


class Named:
    """The names in folded text. `known` are the household's own, by field: a word that points to one alone says it."""

    def __init__(self, low: str, *, known: Mapping[str, tuple[str, ...]]) -> None:
        self.words = tuple((word[0], word.start(), word.end()) for word in _WORD.finditer(low))
        self._said = frozenset(stem for word, _, _ in self.words for stem in stems(word))
        self._run = "".join(word for word, _, _ in self.words)
        self._numbers = frozenset(value for word, _, _ in self.words if (value := number(word)) is not None)
        self._known = known

    def says(self, claimed: object, *, field: str = "", also: object = None) -> bool:
        """Whether every word of `claimed` was said, or stands in `also`."""
        if not isinstance(claimed, str):
            return False
        words = [word[0] for word in _WORD.finditer(fold(claimed))]
        meant = [word for word in words if word not in _LITTLE] or words
        standing = {stem for word in _WORD.finditer(fold(str(also or ""))) for stem in stems(word[0])}
        exact = field in _EXACT_FIELDS
        together = "".join(meant)
        if len(together) >= _TOGETHER_FROM and together in self._run:
            return True
        if meant and all(self._has(word, standing, exact=exact) for word in meant):
            return True
        return self._is_known(claimed, field)

    def says_a_known(self, field: str) -> bool:
        """Whether one of the household's own names in `field` was said."""
        return any(self.says(name, field=field) for name in self._known.get(field, ()))

    def is_word_of(self, word: str, name: str) -> bool:
        """Whether a word of the text is one of `name`'s."""
        return any(_alike(word, other, exact=False) for other in _meant(name))

    def _has(self, word: str, standing: set[str], *, exact: bool) -> bool:
        if any(stem in self._said or stem in standing for stem in stems(word)):
            return True
        if (value := number(word)) is not None:
            return value in self._numbers
        # "hair cut" for "haircut".
        if len(word) >= _TOGETHER_FROM and word in self._run:
            return True
        return not exact and any(_alike(word, said, exact=False) for said, _, _ in self.words)

    def _is_known(self, claimed: str, field: str) -> bool:
        known = {name.casefold(): _meant(name) for name in self._known.get(field, ())}
        mine = known.get(claimed.casefold())
        if not mine:
            return False
        others = {word for name, words in known.items() if name != claimed.casefold() for word in words}
        telling = [word for word in mine if word not in others and len(word) >= 4]
        return any(self._has(word, set(), exact=False) for word in telling)


def stems(word: str) -> set[str]:
    """`word` without its accents, and what it may be the plural of."""
    word = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    found = {word.removesuffix("'s")}
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
    if len(word) > 4 and word.endswith("es"):
        found.add(word[:-2])
    if len(word) > 4 and word.endswith("ies"):
        found.add(word[:-3] + "y")
    return found


def _meant(name: str) -> list[str]:
    return [word[0] for word in _WORD.finditer(fold(name)) if word[0] not in _LITTLE]


def _alike(one: str, other: str, *, exact: bool) -> bool:
    if stems(one) & stems(other):
        return True
    long_enough = min(len(one), len(other)) >= _FUZZY_FROM and one.isalpha() and other.isalpha()
    return not exact and long_enough and one[0] == other[0] and OSA.distance(one, other, score_cutoff=1) == 1
