"""Rows that have no numbers, such as the feed and the receipts: known as far as somebody has scrolled, and read again from where each batch began.

What is kept of a batch is where it starts, so a list may be as long as it likes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

R = TypeVar("R")


class Batch(NamedTuple, Generic[R]):
    """Some rows; what was `reached` while they were looked for, which the next batch goes on from; and whether that was the end."""

    rows: Sequence[R]
    reached: R | None
    is_last: bool


class BatchedRows(Generic[R]):
    """`load` gives the batch after a row, or the first one. A row's key is its place: whatever is new makes new rows."""

    def __init__(self, load: Callable[[R | None], Batch[R]]) -> None:
        self._load = load
        self._starts: list[int] = []
        self._after: list[R | None] = []
        self.reached: R | None = None
        self.count, self.is_whole, self.is_loading = 0, False, False

    def key(self, index: int) -> int:
        return index

    def index(self, key: int) -> int | None:
        return key if 0 <= key < self.count else None

    def load_next(self) -> Batch[R]:
        """In a worker: the batch that comes next. `add` takes it in."""
        return self._load(self.reached)

    def add(self, batch: Batch[R]) -> Mapping[int, R]:
        """The new rows by their keys."""
        added = {self.count + position: row for position, row in enumerate(batch.rows)}
        if batch.rows:
            self._starts.append(self.count)
            self._after.append(self.reached)
            self.count += len(batch.rows)
        self.reached, self.is_whole = batch.reached or self.reached, batch.is_last
        return added

    def fetch(self, keys: Sequence[int]) -> Mapping[int, R]:
        found: dict[int, R] = {}
        for number in sorted({bisect_right(self._starts, key) - 1 for key in keys}):
            rows = self._load(self._after[number]).rows
            found |= {self._starts[number] + position: row for position, row in enumerate(rows)}
        return {key: row for key, row in found.items() if key < self.count}
