"""The only reader of the wall clock and of randomness. Everything else is handed a `Clock`.

`SystemClock` is the real one. `FakeClock` is set and moved by tests and by the simulator; sleeping on it moves it. `OffsetClock` is another one
moved by an offset that is kept elsewhere: in a simulated world.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from halo_engine.model.ids import Prefix, make_id


class Clock(Protocol):
    """Time, waiting and chance."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment: for how long something took, whatever is done to the time of day."""
        ...

    def sleep_until(self, at: datetime) -> None:
        """Return when `at` has come."""
        ...

    def token_hex(self, nbytes: int) -> str:
        """`nbytes` of randomness that cannot be guessed, in hexadecimal."""
        ...

    def new_id(self, prefix: Prefix) -> str:
        """A new identifier; of two from one clock, the later sorts after the earlier."""
        ...


class _Ids:
    """UUIDv7s that stay in order when several are made in one millisecond (RFC 9562 §6.2, method 2)."""

    def __init__(self) -> None:
        self._last_ms = -1
        self._entropy = 0
        self._lock = threading.Lock()

    def make(self, prefix: Prefix, *, unix_ms: int, fresh: int) -> str:
        with self._lock:
            if unix_ms > self._last_ms:
                # The top bit starts at zero so that the counter has room above.
                self._last_ms, self._entropy = unix_ms, fresh & (2**73 - 1)
            else:
                self._entropy += 1 + (fresh & 0xFFFF)
            return make_id(prefix, unix_ms=self._last_ms, entropy=self._entropy)


class SystemClock:
    """The wall clock and the operating system's randomness."""

    def __init__(self) -> None:
        self._ids = _Ids()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep_until(self, at: datetime) -> None:
        # Monotonic, so that a step of the wall clock neither shortens nor stretches the wait.
        end = time.monotonic() + (at - self.now()).total_seconds()
        while (left := end - time.monotonic()) > 0:
            time.sleep(left)

    def token_hex(self, nbytes: int) -> str:
        return secrets.token_hex(nbytes)

    def new_id(self, prefix: Prefix) -> str:
        return self._ids.make(prefix, unix_ms=int(self.now().timestamp() * 1000), fresh=secrets.randbits(74))


class OffsetClock:
    """`base` with its time moved by `offset`, which is asked for at every reading: another process may move it at any time.

    Identifiers keep to the base's time, so that those made after the clock was set back still sort after those made before.
    """

    def __init__(self, base: Clock, offset: Callable[[], timedelta]) -> None:
        self._base, self._offset = base, offset

    def now(self) -> datetime:
        return self._base.now() + self._offset()

    def monotonic(self) -> float:
        return self._base.monotonic()

    def sleep_until(self, at: datetime) -> None:
        # A second at a time: whoever waits for a moved clock wakes when it is moved.
        while (left := at - self.now()) > timedelta(0):
            self._base.sleep_until(self._base.now() + min(left, timedelta(seconds=1)))

    def token_hex(self, nbytes: int) -> str:
        return self._base.token_hex(nbytes)

    def new_id(self, prefix: Prefix) -> str:
        return self._base.new_id(prefix)


class FakeClock:
    """A clock that stands still until it is moved, with chance from `seed`."""

    def __init__(self, now: datetime, *, seed: int = 1) -> None:
        self._now = now.astimezone(UTC)
        self._passed = timedelta(0)
        self._random = Random(seed)  # noqa: S311 - chance that can be repeated is the point
        self._ids = _Ids()

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the time by `by`."""
        self._now += by
        self._passed += max(by, timedelta(0))

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    def sleep_until(self, at: datetime) -> None:
        self.advance(max(at - self._now, timedelta(0)))

    def token_hex(self, nbytes: int) -> str:
        return self._random.randbytes(nbytes).hex()

    def new_id(self, prefix: Prefix) -> str:
        return self._ids.make(prefix, unix_ms=int(self._now.timestamp() * 1000), fresh=self._random.getrandbits(74))
