"""Half a second in which a card takes nothing: what was pressed meant whatever stood there before.

It reads a monotonic clock that is handed in, so tests move it and nothing sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

#: Seconds that only grow, from anywhere.
Monotonic: TypeAlias = Callable[[], float]

ARMED_AFTER_S = 0.5


class Guard:
    """Of one card, from the moment it appeared."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._since = monotonic()

    @property
    def is_armed(self) -> bool:
        """Whether it has been on the screen for long enough to be meant."""
        return self._monotonic() - self._since >= ARMED_AFTER_S
