"""Where the rows of the log browser come from: the whole log, or what a search has found of it so far."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from halo_engine.model.trails import Line
from halo_engine.trail import Trail

OpenTrail = Callable[[], AbstractContextManager[Trail]]


class WholeLog:
    """Every event, oldest first: the row's key is the event's number, and its place follows from it."""

    def __init__(self, head: int, open_trail: OpenTrail) -> None:
        self.head, self._open = head, open_trail

    @property
    def count(self) -> int:
        return self.head

    def key(self, index: int) -> int:
        return index + 1

    def index(self, key: int) -> int | None:
        return key - 1 if 1 <= key <= self.head else None

    def fetch(self, keys: Sequence[int]) -> Mapping[int, Line]:
        with self._open() as trail:
            return _fetched(trail, keys)


class FoundLog:
    """What was found, oldest first. The search goes from the newest to the oldest, and what is new comes after: eight bytes for each."""

    def __init__(self, head: int, open_trail: OpenTrail) -> None:
        self.head, self._open = head, open_trail
        self._older, self._newer = array("q"), array("q")

    @property
    def count(self) -> int:
        return len(self._older) + len(self._newer)

    def key(self, index: int) -> int:
        older = len(self._older)
        return self._older[older - 1 - index] if index < older else self._newer[index - older]

    def index(self, key: int) -> int | None:
        place = bisect_left(range(self.count), key, key=self.key)
        return place if place < self.count and self.key(place) == key else None

    def add_older(self, numbers: Sequence[int]) -> None:
        """Found further back; newest first."""
        self._older.extend(numbers)

    def add_newer(self, numbers: Sequence[int]) -> None:
        """Found among what is new; newest first."""
        self._newer.extend(reversed(numbers))

    def fetch(self, keys: Sequence[int]) -> Mapping[int, Line]:
        with self._open() as trail:
            return _fetched(trail, keys)


def _fetched(trail: Trail, keys: Sequence[int]) -> Mapping[int, Line]:
    """By range where they lie close together. What is not there is a line that says so."""
    low, high = min(keys), max(keys)
    lines = trail.between(low, high) if high - low < 2 * len(keys) else trail.these(keys)
    found = {line.seq: line for line in lines}
    return {key: found.get(key) or Line(seq=key) for key in keys}
