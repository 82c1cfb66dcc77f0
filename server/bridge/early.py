"""Reactions that come before Halo knows by which GUID the bridge calls what it has just been told to send.

People see a card before the bridge has answered, and a thumb is quick. So while a message is on its way, reactions to messages that nobody knows are
People see a card before the bridge has answered, and a thumb is quick. So while a message is on its way, reactions to messages nobody knows are
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from server.bridge.inbound import Ours, Tapped, Unplaced

#: More than a household taps while one message is sent.
_MOST_HELD = 50


class Early:
    """What is held, in memory only, and never longer than a message is on its way. Used by the webhook and by whoever sends."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        self._lock = threading.Lock()
        self._under_way = 0
        self._held: list[Unplaced] = []
        self._placed: list[Tapped] = []

    def is_sending(self) -> bool:
        """Ask it before the books are read: what came before the send cannot be about what is sent."""
        with self._lock:
            return self._under_way > 0

    @contextmanager
    def sending(self) -> Iterator[None]:
        """While something is sent, until its GUID stands in the books."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                held, self._held = self._held, []
            # What is about no message of Halo's is gone with this.
            placed = [tapped for each in held if (tapped := each.on(self._ours))]
            with self._lock:
                self._placed += placed

    def hold(self, unplaced: Unplaced) -> Tapped | None:
        """Hold it; or, where the message has arrived meanwhile, what it is."""
        with self._lock:
            if self._under_way:
                self._held += [unplaced] if len(self._held) < _MOST_HELD else []
                return None
        return unplaced.on(self._ours)

    def placed(self) -> tuple[Tapped, ...]:
        """What turned out to be about a card of Halo's, once."""
        with self._lock:
            placed, self._placed = self._placed, []
        return tuple(placed)
