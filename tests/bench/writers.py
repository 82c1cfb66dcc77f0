"""What a confirmation waits for others that write to the same SQLite file: in a queue of this process, beside leaving it to SQLite's own waiting.

`python -m tests.bench.writers 400 16 3`: drafts, threads, rounds. Both ways take turns on fresh books in one run, so only the ratio counts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from tests.installation import NOON, Installation

WAYS = {"one after the other": None, "SQLite's own waiting": lambda _: nullcontext()}


def main(drafts: int, threads: int, rounds: int) -> None:
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    rate: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, writers in WAYS.items():
            with tempfile.TemporaryDirectory() as directory:
                seconds, all_s = confirmed(Path(directory), drafts, threads, writers)
            took[way] += seconds
            rate[way].append(drafts / all_s)
    print(f"{drafts} drafts confirmed by {threads} threads, {rounds} rounds: milliseconds each, and how many a second")
    for way in WAYS:
        p50, p95, p99, longest = (1000 * at(took[way], part) for part in (0.5, 0.95, 0.99, 1.0))
        print(f"{way:>22}  p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}  longest {longest:7.1f}  {max(rate[way]):6.0f}/s")


def confirmed(directory: Path, drafts: int, threads: int, writers: object) -> tuple[list[float], float]:
    """How long each confirmation took, and all of them."""
    with patch("halo_engine.store.sqlite.writers_of", writers) if writers else nullcontext():
        # More than a person may spend in a day: this is about writing.
        home = Installation.open(
            directory, clock=FakeClock(NOON), daily_spending_limit_cents="99999999", household_daily_spending_limit_cents="99999999"
        )
    cards = [home.ask("order 2 packs of AA batteries") for _ in range(drafts)]

    def one(card: Card) -> float:
        began = perf_counter()
        home.confirm(card)
        return perf_counter() - began

    one(cards.pop())
    with ThreadPoolExecutor(threads) as pool:
        began = perf_counter()
        seconds = list(pool.map(one, cards))
        all_s = perf_counter() - began
    home.engine.close()
    return seconds, all_s


def at(seconds: Sequence[float], part: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
