"""Who follows which execution: any number of streams, one thread that looks at the log for all of them, and one look at a time.

A stream holds at most one batch that its client has not taken yet, and is not looked for before that is gone: what a slow client costs is bounded.
Nothing is pushed from inside: what is new may have been written by a worker in another process, so the log is what is looked at.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from halo_engine.clock import Clock
from halo_engine.model.device import Device
from halo_engine.model.errors import HaloError, StoreFailed
from halo_engine.settings import Settings
from halo_engine.watching import News, Watch
from server import errors
from server.process.meter import Meter
from server.process.state import Ending

T = TypeVar("T")


@dataclass(frozen=True)
class _Look:
    """What one look found for a stream: whether it is its device's still, what is new where anything could be, and how long the log was."""

    may_go_on: bool
    length: int
    news: News | None = None


@dataclass(eq=False)
class Stream:
    """One client that follows one execution."""

    device: Device
    token_sha256: str
    execution_id: str
    #: The last event that was sent, and how long the household's log was when this execution was last looked up in it.
    after: int
    looked_at: int = -1
    news: News | None = None
    #: It is not the device's any more, or this process ends.
    is_over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, look: _Look) -> None:
        """What a look found."""
        self.is_over |= not look.may_go_on
        if look.news and (look.news.events or look.news.is_all):
            self.news = look.news
        # What did not fit is looked for again, however long the log is by then.
        self.looked_at = -1 if look.news and look.news.is_cut else look.length
        if self.news or self.is_over:
            self.changed.set()

    async def wait(self, seconds: float) -> News | None:
        """The next news; None when there were none for so long, or when it is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        self.changed.clear()
        found, self.news = self.news, None
        if found and found.events:
            self.after = found.events[-1].seq
        return found


class Streams:
    """All streams of one application."""

    def __init__(self, settings: Settings, clock: Callable[[], Clock], ending: Ending, meter: Meter) -> None:
        self._settings, self._clock, self._ending, self._meter = settings, clock, ending, meter
        self._open: set[Stream] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="streams")
        self._watch: Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        ending.also(self._end)

    async def follow(self, device: Device, token_sha256: str, execution_id: str, *, after: int) -> Stream:
        """A new stream, to be closed. Raises `NotFound`, `TooManyStreams`, `Draining`."""
        each = Counter(stream.device.id for stream in self._open)
        if len(self._open) >= self._settings.serve_streams or each[device.id] >= self._settings.serve_streams_each:
            raise errors.TooManyStreams
        if self._ending.has_begun:
            raise errors.Draining
        stream = Stream(device, token_sha256, execution_id, after)
        # Counted before it is looked up, or as many as are sent at once would come in.
        self._open.add(stream)
        try:
            await self._in_thread(partial(_begin, stream))
        except BaseException:
            self._open.discard(stream)
            raise
        self._meter.streams.set(len(self._open))
        self._wake()
        return stream

    def close(self, stream: Stream) -> None:
        """Its client has gone, or has heard everything."""
        self._open.discard(stream)
        self._meter.streams.set(len(self._open))

    def shut(self) -> None:
        """The application ends."""
        self._end()
        self._thread.submit(self._let_go)
        self._thread.shutdown(wait=True)

    def _end(self) -> None:
        for stream in self._open:
            stream.is_over = True
            stream.changed.set()
        self._woken.set()

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._woken = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._look_on())
        self._woken.set()

    async def _look_on(self) -> None:
        """As long as there is anybody to look for."""
        while self._open and not self._ending.has_begun:
            self._woken.clear()
            resting = [stream for stream in self._open if stream.news is None and not stream.is_over]
            # Books that cannot be read now are looked at again.
            with suppress(HaloError):
                looks = await self._in_thread(partial(self._looks, resting))
                for stream, look in zip(resting, looks, strict=True):
                    stream.take(look)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.serve_poll_s):
                    await self._woken.wait()

    def _looks(self, streams: Sequence[Stream], watch: Watch) -> list[_Look]:
        now = self._clock().now()
        lengths = watch.lengths({stream.device.household_id for stream in streams})
        callers = {(stream.device.id, stream.token_sha256) for stream in streams}
        speaking = {caller for caller in callers if watch.speaks(caller[0], token_sha256=caller[1], now=now)}
        return [self._look(watch, stream, lengths[stream.device.household_id], speaking) for stream in streams]

    def _look(self, watch: Watch, stream: Stream, length: int, speaking: set[tuple[str, str]]) -> _Look:
        if (stream.device.id, stream.token_sha256) not in speaking:
            return _Look(may_go_on=False, length=length)
        if length == stream.looked_at:
            return _Look(may_go_on=True, length=length)
        household_id = stream.device.household_id
        return _Look(True, length, watch.news(stream.execution_id, household_id=household_id, after=stream.after))

    async def _in_thread(self, ask: Callable[[Watch], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._asked, ask)

    def _asked(self, ask: Callable[[Watch], T]) -> T:
        """In the one thread that the connection belongs to."""
        try:
            if self._watch is None:
                self._watch = Watch.open(self._settings)
            return ask(self._watch)
        except StoreFailed:
            # It may be gone for good: the next look opens another one.
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._watch is not None:
            with suppress(Exception):
                self._watch.close()
            self._watch = None


def _begin(stream: Stream, watch: Watch) -> None:
    """Raises `NotFound`."""
    household_id = stream.device.household_id
    watch.news(stream.execution_id, household_id=household_id, after=stream.after, limit=1)
    if stream.after > watch.lengths({household_id})[household_id]:
        # Heard in a log that a backup has replaced since: kept to, everything up to that number would never be told.
        stream.after = 0
