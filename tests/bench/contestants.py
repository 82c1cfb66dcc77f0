"""What is measured: a contestant does one flow after another in a place of its own, and a turn says how long so many of them take."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: Flows that come before the clock starts: each thread has its connection then, and everything is compiled and cached.
WARM_UP = 16

Flow = Callable[[int], None]


class Contestant(Protocol):
    """Whoever does flows."""

    @property
    def name(self) -> str:
        """How it is printed."""
        ...

    def opened(self, place: Path) -> AbstractContextManager[Flow]:
        """Begin anew in the empty directory `place`. The flows are numbered from 0, and each is done once."""
        ...


@dataclass(frozen=True)
class Turn:
    """How a turn went."""

    flows_per_s: float
    #: Of this process, all its threads together, for one flow. Other processes hardly change it, so it travels further than the rate.
    cpu_ms: float


def turn(contestant: Contestant, place: Path, *, flows: int, threads: int) -> Turn:
    """Have it do so many flows in `place`, `threads` of them at any time."""
    place.mkdir(parents=True)
    with contestant.opened(place) as flow, ThreadPoolExecutor(threads) as pool:
        list(pool.map(flow, range(WARM_UP)))
        start, cpu = time.perf_counter(), time.process_time()
        list(pool.map(flow, range(WARM_UP, WARM_UP + flows)))
        return Turn(flows / (time.perf_counter() - start), (time.process_time() - cpu) * 1000 / flows)


def file_system(place: Path) -> str:
    """What kind of file system `place` is on: in memory, a sync costs nothing and nothing here means anything."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()] if platform.system() == "Linux" else []
    under = [(len(point), kind) for point, kind in mounts if place.resolve().is_relative_to(point)]
    return max(under, default=(0, "unknown file system"))[1]
