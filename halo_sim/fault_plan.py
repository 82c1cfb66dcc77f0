"""Faults by seed, for soak tests: which call is struck by what is decided by the seed alone, so that one number replays a whole bad day.

Never armed by default. A plan is given to `SimTransport` or `SimServer`; the router asks it once a call. The choice depends on the seed, the
operation and how often it has been called, and not on the order of calls between operations: two workers see the same faults as one.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from halo_sim.faults import FAULTS, LASTING

#: What lasts would change the world for every later call, which is another test; the rest strikes one call.
STRIKING = tuple(name for name in FAULTS if name not in LASTING)
#: Shares are counted out of so many calls.
CHANCES = 10_000


@dataclass(slots=True)
class FaultPlan:
    """One bad day. `share` of 10,000 calls are struck, each by one of `names`."""

    seed: int
    share: int
    names: tuple[str, ...]
    _calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def from_seed(cls, seed: int, *, share: int = 1_000, names: Iterable[str] = STRIKING, without: Iterable[str] = ()) -> Self:
        """The plan of `seed`. `share` is out of 10,000 calls; `ValueError` for an unknown fault or an impossible share."""
        chosen = tuple(name for name in names if name not in frozenset(without))
        if not chosen or not set(chosen) <= set(STRIKING):
            raise ValueError(f"a plan is made of faults that strike one call: {', '.join(STRIKING)}")
        if not 0 <= share <= CHANCES:
            raise ValueError(f"a share is from 0 to {CHANCES}")
        return cls(seed=seed, share=share, names=chosen)

    def next(self, operation: str) -> str | None:
        """The fault that strikes this call of `operation`, such as `amazon.place_order`; None for most."""
        with self._lock:
            self._calls[operation] += 1
            nth = self._calls[operation]
        return self.choice(operation, nth)

    def choice(self, operation: str, nth: int) -> str | None:
        """The fault of the `nth` call of `operation`. Pure."""
        digest = hashlib.sha256(f"{self.seed}/{operation}/{nth}".encode()).digest()
        if int.from_bytes(digest[:4], "big") % CHANCES >= self.share:
            return None
        return self.names[int.from_bytes(digest[4:8], "big") % len(self.names)]
