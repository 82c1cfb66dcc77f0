"""An event loop that never waits for time: where nothing is left to be done, the time of the next timer is now.

The drivers of the chat and of the dashboard run their screens on it. The toolkit's pilot waits by sleeping until the process is idle, and timers
draw the screen sixty times a second: here all of that happens in the same order, and takes only as long as the work does. While a thread of the
loop's own is at work, time is the real one: what it does is waited for, never skipped.
"""

from __future__ import annotations

import asyncio
import selectors
from asyncio import Future
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar
from unittest.mock import patch

T = TypeVar("T")


class _Skipping(selectors.DefaultSelector):
    """Looks whether anything has come, and instead of waiting moves the time on."""

    skipped_s = 0.0
    threads_at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.threads_at_work:
            return super().select(timeout)
        come = super().select(0)
        if not come:
            self.skipped_s += timeout
        return come


class Clockwork(asyncio.SelectorEventLoop):
    """The loop itself."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return super().time() + self._skipping.skipped_s

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> Future[T]:  # type: ignore[override]
        """As any loop does, and time is real until it has ended."""
        work = super().run_in_executor(executor, func, *args)
        self._skipping.threads_at_work += 1
        work.add_done_callback(self._worked)
        return work

    def _worked(self, _: Future[Any]) -> None:
        self._skipping.threads_at_work -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """`main` on a loop of its own, whose time is the toolkit's too."""
    with asyncio.Runner(loop_factory=Clockwork) as runner, patch("textual._time.get_time", runner.get_loop().time):
        return runner.run(main)
