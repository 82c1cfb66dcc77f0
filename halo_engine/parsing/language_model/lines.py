"""Whether the lines of an order were said: each thing by its name, each count beside its thing."""

from __future__ import annotations

import re
from typing import Any

from halo_engine.parsing.language_model.evidence import Evidence, Number
from halo_engine.parsing.language_model.naming import Named

#: Words that take something away.
REMOVED = re.compile(
    r"\b(?:no|not|without|skip|drop|remove|delete|minus|except|leave|take|don'?t|forget|instead|replace|swap|change|only|just|scratch|lose|"
    r"rather|cancel|nix|hold|omit)\b"
)
_CORRECTED = re.compile(
    r"\b(?:actually|make\s+(?:that|it|them)|i\s+mean|sorry|rather|no\s+wait|wait|instead|scratch|each|both|of\s+(?:each|them|those))\b"
)
_MORE = re.compile(r"\b(?:more|another|extra|additional|on\s+top)\b")
_ADDED = re.compile(r"\b(?:add|plus|also|throw\s+in|along\s+with|put)\b|\+")
_LESS = re.compile(r"\b(?:fewer|less)\b")
_BOUNDARY = re.compile(r"[,;\n]|\.\s|\b(?:and|plus|then|also|but|with)\b|&|\+")
_ARTICLE = re.compile(r"\b(?:an?|one|single)\s+(?:[\w'-]+\s+){0,3}$")
_AFTER_NAME = re.compile(r"\s*[,:;(–—-]?\s*$")
_ENDS = re.compile(
    r"\s*(?:of\s+(?:them|those|it|each)|packs?|bottles?|bags?|boxes|cans|rolls?|please|pls|total|times|x)?\s*(?:$|[,.;)!\n]|and\b|please\b)"
)
_CLOSE = 4


class Lines:
    """The lines of one text."""

    def __init__(self, evidence: Evidence, names: Named) -> None:
        self._low, self._numbers, self._names = evidence.low, evidence.numbers, names

    def checked(self, claimed: list[dict[str, Any]], standing: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """`claimed` as far as it was said; None where a count contradicts the words. Where no count was said it is 1, or what it was."""
        said = [line for line in claimed if self._is_named(line, standing)]
        stray = self._stray([str(line["name"]) for line in said])
        kept: list[dict[str, Any]] = []
        for line in said:
            quantity = self._quantity(line, stray, _standing(line, standing))
            if quantity is None:
                return None
            kept.append(line | {"quantity": quantity})
        return kept

    def changed(self, claimed: list[dict[str, Any]], standing: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """As `checked`, for changes to what is bought again: a count must have been said, and to leave something out, that."""
        said = [line for line in claimed if self._is_named(line, standing)]
        stray = self._stray([str(line["name"]) for line in said])
        fits = all(self._is_said(line, stray, _standing(line, standing)) for line in said)
        return said if fits else None

    def _is_named(self, line: dict[str, Any], standing: list[dict[str, Any]]) -> bool:
        names = " ".join(str(old.get("name", "")) for old in standing)
        return self._names.says(line.get("name"), also=names)

    def _quantity(self, line: dict[str, Any], stray: set[int], before: int | None) -> Any:
        """The count of a line; None where the words say another."""
        claimed = line.get("quantity", 1)
        beside = self._beside(str(line["name"]))
        explained = self._explained(line)
        near = {each.value for each in beside if each.kind == "count" and each not in explained}
        soft = {each.value for each in beside if each.kind == "measure"}
        if claimed == before or claimed in near | self._on_top(near or stray, before):
            return claimed
        if claimed in stray and (not near or _CORRECTED.search(self._low)):
            return claimed
        if near or (stray and claimed != 1):
            return None
        return claimed if claimed in soft else before or 1

    def _is_said(self, line: dict[str, Any], stray: set[int], before: int | None) -> bool:
        claimed, name = line.get("quantity"), str(line["name"])
        if claimed == before:
            return True
        if claimed == 0:
            return bool(REMOVED.search(self._low))
        near = {each.value for each in self._beside(name) if each.kind != "pack"}
        article = claimed == 1 and any(_ARTICLE.search(self._low[max(0, start - 40) : start]) for start, _ in self._spans(name))
        # What is put on top without a count is one.
        added = claimed == 1 and not near | stray and bool(_ADDED.search(self._low))
        return claimed in near | stray or article or added

    def _on_top(self, counts: set[int], before: int | None) -> set[int]:
        if before is None:
            return set()
        more = {before + count for count in counts or {1}} if _MORE.search(self._low) else set()
        return more | ({before - count for count in counts or {1}} if _LESS.search(self._low) else set())

    def _stray(self, names: list[str]) -> set[int]:
        """Counts that stand beside none of `names`; all of them, where the words correct or share them out."""
        counts = [each for each in self._numbers if each.kind == "count"]
        if _CORRECTED.search(self._low):
            return {each.value for each in counts}
        near = [each for name in names for each in self._beside(name)]
        inside = [span for name in names for span in self._spans(name)]
        return {each.value for each in counts if each not in near and not any(a <= each.start < b for a, b in inside)}

    def _explained(self, line: dict[str, Any]) -> list[Number]:
        """Numbers that a claimed detail of the line speaks of."""
        attributes = line.get("attributes")
        details = " ".join(str(each) for each in attributes).lower() if isinstance(attributes, list) else ""
        return [each for each in self._numbers if re.search(rf"\b{re.escape(self._low[each.start : each.end])}\b", details)]

    def _beside(self, name: str) -> list[Number]:
        """Numbers that stand beside a mention of `name`: before it in the same part of the sentence, or right after it."""
        found: list[Number] = []
        for start, end in self._spans(name):
            begins = max((match.end() for match in _BOUNDARY.finditer(self._low, 0, start)), default=0)
            ends = next((match.start() for match in _BOUNDARY.finditer(self._low, end)), len(self._low))
            found += [each for each in self._numbers if begins <= each.start < start or end <= each.start < ends]
            found += [each for each in self._numbers if each.start >= ends and self._follows(end, each)]
        return found

    def _follows(self, end: int, each: Number) -> bool:
        """ "milk, 2" and "milk: 2 packs", where nothing comes after that it could count."""
        return bool(_AFTER_NAME.fullmatch(self._low, end, each.start)) and bool(_ENDS.match(self._low, each.end))

    def _spans(self, name: str) -> list[tuple[int, int]]:
        """Where `name` is mentioned: runs of its words, those with the most of them."""
        words = self._names.words
        hits = [self._names.is_word_of(word, name) for word, _, _ in words]
        runs: list[list[int]] = []
        for at in (at for at, hit in enumerate(hits) if hit):
            if runs and at - runs[-1][-1] <= _CLOSE and not self._parted(words[runs[-1][-1]][2], words[at][1], name):
                runs[-1].append(at)
            else:
                runs.append([at])
        most = max((len({words[at][0] for at in run}) for run in runs), default=0)
        return [(words[run[0]][1], words[run[-1]][2]) for run in runs if len({words[at][0] for at in run}) == most]

    def _parted(self, start: int, end: int, name: str) -> bool:
        """Whether something that is no part of `name` parts two of its words: a comma, or a number that was said between them."""
        return "," in self._low[start:end] or any(start <= each.start < end for each in self._numbers)


def _standing(line: dict[str, Any], standing: list[dict[str, Any]]) -> int | None:
    name = str(line.get("name", "")).casefold()
    found = next((old.get("quantity") for old in standing if str(old.get("name", "")).casefold() == name), None)
    return found if isinstance(found, int) else None
