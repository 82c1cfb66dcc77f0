"""What is told of a soak: how often, how long and how much, as plain tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Durations of one kind, in milliseconds."""

    ms: tuple[float, ...]

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread:
        return cls(tuple(sorted(1000 * each for each in seconds)))

    def at(self, share: float) -> str:
        """The duration that this share of them do not exceed."""
        return f"{self.ms[min(len(self.ms) - 1, int(share * len(self.ms)))]:,.0f}" if self.ms else "-"

    @property
    def cells(self) -> tuple[str, ...]:
        return (str(len(self.ms)), self.at(0.5), self.at(0.95), self.at(0.99), self.at(1))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they have to be: the first to the left, the others to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(_set(cell, widths[at], left=at == 0) for at, cell in enumerate(line)).rstrip() for line in lines)


def _set(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)
