"""A recording as a transport: what was recorded is answered in the order in which it was recorded, and nothing else is.

The third world of the adapters, beside the simulator and the network. A call that nobody recorded raises `NotRecorded`, which no adapter
catches: a test over a recording must never pass because something was made up.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import httpx

from halo_sim.recording import HOST, Recording, Spoken, question, target_of
from halo_sim.scrubbing import scrub_body


class NotRecorded(LookupError):
    """Nobody recorded this call, or not so often."""


class ReplayTransport(httpx.BaseTransport):
    """Answers from `recording`. `places` names the vendors by base URL, for calls that do not go to the simulator's own address."""

    def __init__(self, recording: Recording, places: Mapping[str, str] | None = None) -> None:
        self._left = list(recording.spoken)
        self._places = dict(places or {})
        self._lock = threading.Lock()
        #: What was asked in vain, for whoever caught the error.
        self.refused: list[str] = []

    @property
    def left(self) -> tuple[Spoken, ...]:
        """What was recorded and not asked for yet."""
        return tuple(self._left)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises `NotRecorded`."""
        url = str(request.url)
        target = target_of(url, self._places) or url.removeprefix(HOST)
        kind = request.headers.get("content-type", "")
        asked = question(request.method, target, scrub_body(request.read(), kind))
        with self._lock:
            found = next((one for one in self._left if one.asked == asked), None)
            if found is None:
                self.refused.append(f"nobody recorded {request.method} {request.url.path}, or not so often")
                raise NotRecorded(self.refused[-1])
            self._left.remove(found)
        return httpx.Response(found.status, headers=list(found.answer_headers), content=found.answer.encode(), request=request)
