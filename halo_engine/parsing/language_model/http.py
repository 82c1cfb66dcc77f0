"""The network under the `openai` client: one address, no more than what was asked for, and a deadline that holds.

The client's own timeouts start anew with every byte, so that headers which trickle, or an answer that stops half-way, could hold a call far
beyond its time. Here a timer cuts the connection when the time is over, whatever it is doing then. How much time there is comes with each
request, as the client's `timeout`.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

log = logging.getLogger(__name__)

# At DEBUG they write whole requests: the household's words.
for _name in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def client() -> httpx2.Client:
    """A client that follows no redirect, uses no proxy, and keeps no connection: each call is cut off on its own."""
    return httpx2.Client(transport=_Cut(), follow_redirects=False, trust_env=False, event_hooks={"response": [_leave_unread]})


class _Cut(httpx2.BaseTransport):
    """Every call ends when its time is over."""

    def __init__(self) -> None:
        self._inner = httpx2.HTTPTransport(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        watchdog = _Watchdog(request.extensions["timeout"]["read"])
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=_said(request.headers),
            stream=request.stream,
            extensions={**request.extensions, "trace": watchdog.trace},
        )
        try:
            response = self._inner.handle_request(sent)
        except BaseException:
            watchdog.stop()
            raise
        stream = _Watched(response.stream, watchdog)
        return httpx2.Response(response.status_code, headers=response.headers, stream=stream, extensions=response.extensions)

    def close(self) -> None:
        self._inner.close()


class _Watchdog:
    """Cuts one connection, `left_s` from now. A name that takes long to look up is the one thing that cannot be cut."""

    def __init__(self, left_s: float) -> None:
        self._socket: socket.socket | None = None
        self._over = False
        self._timer = threading.Timer(left_s, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's hook: from the moment there is a connection, it can be cut."""
        if event == "connection.connect_tcp.complete":
            # A duplicate, because TLS takes the original socket out of our hands.
            self._socket = info["return_value"].get_extra_info("socket").dup()
            if self._over:
                self._shut()

    def stop(self) -> None:
        """The call is over."""
        self._timer.cancel()
        self._timer.join()
        if self._socket is not None:
            self._socket.close()

    def _cut(self) -> None:
        self._over = True
        self._shut()

    def _shut(self) -> None:
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the connection was closed already")


class _Watched(httpx2.SyncByteStream):
    """An answer whose watchdog stops when it is read or given up."""

    def __init__(self, inner: Any, watchdog: _Watchdog) -> None:
        self._inner, self._watchdog = inner, watchdog

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._watchdog.stop()


def _said(headers: httpx2.Headers) -> list[tuple[str, str]]:
    # The client would tell the server about this machine, and name an organisation and a project from an environment that is not Halo's.
    kept = [(name, value) for name, value in headers.items() if not name.startswith(("x-stainless-", "openai-", "user-agent"))]
    return [*kept, ("User-Agent", "halo/0.1 (Language=Python)")]


def _leave_unread(response: httpx2.Response) -> None:
    # The client would read an error's whole body, however long or slow, before it raised; its status says enough.
    if not response.is_success:
        response.close()
