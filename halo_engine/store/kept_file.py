"""A small file that must never be half written, nor written by two at once: the signer's last head, a witness's memory."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from halo_engine.clock import Clock, SystemClock
from halo_engine.model.errors import StoreBusy, StoreDamaged, StoreNotWritable

#: What is kept is a few hundred bytes for each log.
MAX_BYTES = 4_000_000
#: Whoever holds one works for milliseconds. One that was stopped must not stop everybody.
PATIENCE_S = 5.0
_LOOK_AGAIN = timedelta(milliseconds=20)


class KeptFile:
    """One such file, readable by its owner only. Whoever holds it is waited for, but not longer than `patience_s`."""

    def __init__(self, path: Path, clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        self.path, self._clock, self._patience_s = path, clock, patience_s

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else reads to write while this lasts. Raises `StoreNotWritable`, and `StoreBusy` where somebody else does not let go."""
        # Beside it and never unlinked: the file itself is another one after each writing.
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreNotWritable(f"{lock} cannot be opened: {error.strerror}.") from error
        try:
            self._lock(file)
            yield
        finally:
            os.close(file)

    def _lock(self, file: int) -> None:
        # Another process lives in real time, whatever the clock of a simulated world is moved to meanwhile.
        until, real = time.monotonic() + self._patience_s, SystemClock()
        while True:
            with suppress(BlockingIOError):
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.monotonic() >= until:
                raise StoreBusy(f"{self.path} is held by another process.")
            real.sleep_until(real.now() + _LOOK_AGAIN)

    def read(self) -> bytes | None:
        """What is in it; None where it is not there. Raises `StoreDamaged` where it cannot be read."""
        try:
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                found = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreDamaged(f"{self.path} cannot be read: {error.strerror}.", hint="Check its owner and its mode.") from error
        if len(found) > MAX_BYTES:
            raise StoreDamaged(f"{self.path} is far too large.", hint="Keep it, and put the right file there.")
        return found

    def write(self, data: bytes) -> None:
        """All of `data` or nothing of it, and on the disk when this returns. Raises `StoreNotWritable`."""
        draft = self.path.with_name(f"{self.path.name}.{self._clock.token_hex(8)}")
        try:
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            self._sync_directory()
        except OSError as error:
            raise StoreNotWritable(f"{self.path} cannot be written: {error.strerror}.") from error

    def _sync_directory(self) -> None:
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
