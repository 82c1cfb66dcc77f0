"""A vendor that answers at once: the simulator says each thing once, and from then on it is said again from memory.

Around a vendor like this the real adapters build, sign, send and read real HTTP messages, and nothing else is in the way: no socket, and no disk
but Halo's own.
"""

from __future__ import annotations

import re
from itertools import count

import httpx

#: What differs between two requests that ask for the same: our own numbers, and times of day.
_OURS = re.compile(rb"halo-[0-9a-z-]{20,}")
_TIME = re.compile(rb"\d{4}-\d{2}-\d{2}T[0-9A-F%:.]+Z")
#: What differs between two answers that say the same: the vendor's number for an order.
_ORDER = re.compile(rb"113-\d{7}-\d{7}")
_BLANK = b"#"


class InstantVendor(httpx.BaseTransport):
    """`vendor`, asked only for what it was never asked before. Any number of threads may ask."""

    def __init__(self, vendor: httpx.BaseTransport) -> None:
        self._vendor = vendor
        self._said: dict[tuple[str, bytes, bytes], tuple[int, httpx.Headers, bytes]] = {}
        self._orders = count(10**7)
        #: How often the vendor itself was asked.
        self.asked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The vendor's first answer to such a request, with a number of its own where it numbers an order."""
        url, body = str(request.url).encode(), request.read()
        kind = (request.method, _blanked(url), _blanked(body))
        status, headers, said = self._said.get(kind) or self._ask(kind, request)
        return httpx.Response(status, headers=headers, content=self._renumbered(said), request=request)

    def _ask(self, kind: tuple[str, bytes, bytes], request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        self.asked += 1
        response = self._vendor.handle_request(request)
        answer = (response.status_code, response.headers, response.read())
        if _OURS.search(answer[2]):
            raise ValueError("an answer that repeats our own number cannot be said again to another one")
        if response.is_success:
            self._said[kind] = answer
        return answer

    def _renumbered(self, said: bytes) -> bytes:
        if not _ORDER.search(said):
            return said
        number = next(self._orders)
        # As long as the vendor's, so that the length it was announced with stays true.
        return _ORDER.sub(b"113-%07d-%07d" % (number // 10**7, number % 10**7), said)


def _blanked(text: bytes) -> bytes:
    return _TIME.sub(_BLANK, _OURS.sub(_BLANK, text))
