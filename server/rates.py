"""How often one caller may ask: a token bucket for each device, and for each address of whoever has not said who it is.

Kept in this process alone: it guards this process. What must hold over all of them, such as how much may be spent in a day, is decided in the books.
Time is the clock's that only goes forward, so that nobody waits longer for a wall clock that was set back.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from fastapi import Request

from halo_engine.clock import Clock
from halo_engine.settings import Settings
from server.errors import RateLimited

#: Callers that are remembered. Whoever has not called for longest is forgotten first, and begins anew with a whole bucket.
_MOST = 10_000


class Rate(NamedTuple):
    """So many a second on the average, and so many at once after a rest."""

    name: str
    per_s: float
    burst: int

    @property
    def window_s(self) -> int:
        """In which an empty bucket is whole again."""
        return math.ceil(self.burst / self.per_s)


@dataclass
class _Bucket:
    left: float
    at: float


class Rates:
    """All buckets of one server."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._of_device = Rate("device", settings.calls_per_s, settings.calls_burst)
        # Each costs a look into the books at most; somebody behind the same address may mistype a token.
        self._of_stranger = Rate("address", settings.calls_per_s, settings.calls_burst)
        self._of_enrolment = Rate("enrolment", settings.enrolments_per_minute / 60, settings.enrolments_per_minute)
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def device(self, device_id: str) -> None:
        """A call of that device. Raises `RateLimited`."""
        self._take(self._of_device, device_id)

    def stranger(self, request: Request) -> None:
        """A call of somebody who is not known by any token. Raises `RateLimited`."""
        self._take(self._of_stranger, _address(request))

    def enrolment(self, request: Request) -> None:
        """A code that somebody tries. Raises `RateLimited`."""
        self._take(self._of_enrolment, _address(request))

    def _take(self, rate: Rate, who: str) -> None:
        with self._lock:
            now, key = self._clock.monotonic(), (rate.name, who)
            bucket = self._buckets.setdefault(key, _Bucket(left=rate.burst, at=now))
            self._buckets.move_to_end(key)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            bucket.left, bucket.at = min(rate.burst, bucket.left + (now - bucket.at) * rate.per_s), now
            if bucket.left < 1:
                raise _limited(rate, wait_s=math.ceil((1 - bucket.left) / rate.per_s))
            bucket.left -= 1


def _limited(rate: Rate, *, wait_s: int) -> RateLimited:
    """With the fields of draft-ietf-httpapi-ratelimit-headers-10, which say in how long there is one again."""
    fields = {"RateLimit-Policy": f'"{rate.name}";q={rate.burst};w={rate.window_s}', "RateLimit": f'"{rate.name}";r=0;t={wait_s}'}
    return RateLimited(wait_s, fields)


def _address(request: Request) -> str:
    """Where the call comes from. Whoever has an IPv6 address has at least 2^64 of them."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) and not address.ipv4_mapped else str(address)
