"""What the vendor tests share: a clock that stands still, scripted answers, and a loopback server that misbehaves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import httpx

from halo_engine.clock import FakeClock
from halo_engine.vendors.http import Limits, VendorHttp

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Script(httpx.BaseTransport):
    """Answers requests one after the other; `sent` keeps them. A request beyond the script is a failure of the test."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        if not self.steps:
            raise AssertionError(f"nobody expected {request.method} {request.url.path}")
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else step(request)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.sent]


def ok(value: object, status: int = 200) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, content=json.dumps(value).encode(), headers={"content-type": "application/json"})


def raw(text: str | bytes, status: int = 200) -> httpx.Response:
    """Any bytes as an answer."""
    return httpx.Response(status, content=text)


def client(transport: httpx.BaseTransport | None, clock: FakeClock | None = None, *, limits: Limits | None = None) -> VendorHttp:
    """The client over `transport`, with a clock that stands still."""
    return VendorHttp(transport, clock or FakeClock(NOW), limits=limits)


HTML = "<html><body>We will be back soon</body></html>"

#: Bodies that are not an answer, whatever their status says.
RUBBISH = {
    "html": HTML,
    "empty": "",
    "half an object": '{"lineItems": [',
    "not a number": '{"lineItems": NaN}',
    "the same key twice": '{"lineItems": [], "lineItems": []}',
    "another type": '"done"',
    "a null": "null",
    "an empty object": "{}",
    "too deep": "[" * 100 + "]" * 100,
    "not text": b"\xff\xfe{\x00}\x00",
    "half a character": '{"id": "\\ud800"}',
}


@contextmanager
def loopback(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on a loopback port that gives each connection to `handle`; its base URL. Stopped, and its threads joined, at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    open_connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [acceptor, *threads]:
            thread.join(timeout=5)


def swallow_request(connection: socket.socket) -> bytes:
    """Read up to the end of the request's head."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    return received
