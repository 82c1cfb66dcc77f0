"""Receivers of webhooks on loopback, good and bad: real sockets, one thread a connection."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told


#: What a receiver does with a connection once it has the request.
Answer = Callable[[socket.socket], None]


def says(raw: bytes) -> Answer:
    """Answers these very bytes."""
    return lambda connection: connection.sendall(raw)


def status(code: int, *headers: str) -> Answer:
    """Answers with that status."""
    return says("\r\n".join((f"HTTP/1.1 {code} Whatever", "Content-Length: 0", *headers, "", "")).encode())


def dripping(connection: socket.socket) -> None:
    """One byte of a header at a time, for longer than anybody should wait."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(200):
        connection.sendall(b"a")
        threading.Event().wait(0.05)


def endless(connection: socket.socket) -> None:
    """A good status and a body without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n"):  # type: ignore[func-returns-value]
        pass


def silent(connection: socket.socket) -> None:
    """Nothing, until the other side goes."""
    connection.recv(1)


@dataclass
class Receiver:
    """Answers by `answer`, which a test may replace at any time."""

    url: str
    port: int
    answer: Answer = field(default_factory=lambda: says(OK))
    received: list[Received] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int, *, timeout_s: float = 20) -> list[Received]:
        """What came, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= number, timeout_s)
            return list(self.received)

    def serve(self, connection: socket.socket) -> None:
        """One request, one answer."""
        with closing(connection), suppress(OSError):
            connection.settimeout(20)
            request = _read(connection)
            if request is None:
                return
            with self.came:
                self.received.append(request)
                self.came.notify_all()
            self.answer(connection)


def _read(connection: socket.socket) -> Received | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        if not (more := connection.recv(65536)):
            return None
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return Received(path=first.split(" ")[1], headers=headers, body=body)


@contextmanager
def receiving(answer: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        receiver = Receiver(url=f"http://127.0.0.1:{port}/hooks", port=port)
        receiver.answer = answer or receiver.answer

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with suppress(OSError):
                receiver.serve(tls.wrap_socket(connection, server_side=True) if tls else connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield receiver
        finally:
            # A thread that waits in `accept` is not woken by a close.
            listener.shutdown(socket.SHUT_RDWR)
