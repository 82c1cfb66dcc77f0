"""Figures take a fraction of a second and a core to work out, so they are worked out for one caller at a time and given again for some seconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from server import errors

V = TypeVar("V")

#: Nobody decides anything by figures that are younger.
_LIVES_S = 5.0
_KEPT = 64
#: Each that waits is a thread that others need.
_WAITING = 4


class Reports(Generic[V]):
    """The newest by what was asked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, tuple[float, V]] = OrderedDict()
        self._one_at_a_time = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_WAITING)

    def get(self, asked: object, make: Callable[[], V]) -> V:
        """The report that was `asked` for. Raises `Busy` where too many wait for one."""
        if (kept := self._fresh(asked)) is not None:
            return kept
        if not self._waiting.acquire(blocking=False):
            raise errors.Busy
        try:
            with self._one_at_a_time:
                # Whoever was before may have asked the same.
                kept = self._fresh(asked)
                return kept if kept is not None else self._keep(asked, make())
        finally:
            self._waiting.release()

    def _fresh(self, asked: object) -> V | None:
        made_at, kept = self._kept.get(asked, (0.0, None))
        return kept if kept is not None and time.monotonic() - made_at < _LIVES_S else None

    def _keep(self, asked: object, made: V) -> V:
        self._kept[asked] = time.monotonic(), made
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made
