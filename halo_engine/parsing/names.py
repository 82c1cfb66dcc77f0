"""Names that the household has given, found in what a person wrote: "netflx" is its Netflix.

A name is matched or left as it was said, never invented.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz, utils

#: How alike two names must be (0 to 100), and how much more alike than the next best.
_ALIKE, _AHEAD = 84.0, 6.0


def known_name(words: str, names: Sequence[str]) -> str | None:
    """The one of `names` that `words` mean, as the household spells it; None where none is meant, or two might be."""
    said = utils.default_process(words)
    scored = sorted(((_alike(said, utils.default_process(name)), name) for name in names), reverse=True)
    best = [(score, name) for score, name in scored if score >= _ALIKE][:2]
    if not said or not best or (len(best) > 1 and best[0][0] - best[1][0] < _AHEAD):
        return None
    return best[0][1]


def _alike(words: str, name: str) -> float:
    """From 0 to 100. All words of a longer name will do, but not the other way: "Sam Lee" is not Sam, and "New York Times" is not the Times."""
    if words == name:
        return 100.0
    if len(words) >= 4 and set(words.split()) < set(name.split()):
        return 90.0
    return max(fuzz.ratio(words, name), fuzz.token_sort_ratio(words, name))
