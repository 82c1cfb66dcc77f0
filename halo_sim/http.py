"""The two ways in: an httpx transport inside the process, and a server on loopback. Both hand the same request to the same vendors.

`SimTransport` is what the engine uses by default and what most tests use. `serve` and `serving` are for a second process, so that real
sockets break the way real sockets do: a lost answer is a read timeout in the one and a closed connection in the other.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

import httpx

from halo_sim import amazon, resy, router, square, subscriptions, zinc
from halo_sim.background import in_background
from halo_sim.fault_plan import FaultPlan
from halo_sim.router import Vendor
from halo_sim.wire import MAX_BODY_BYTES, AnswerLost, Break, Refusal, Request, Response
from halo_sim.world import World

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {vendor.name: vendor for vendor in (amazon.LOGIN, amazon.VENDOR, resy.VENDOR, square.VENDOR, subscriptions.VENDOR, zinc.VENDOR)}
)

_SOCKET_TIMEOUT_S = 10


def answer(world: World, request: Request, plan: FaultPlan | None = None) -> Response:
    """What the vendors say to `request`; `AnswerLost` where a fault breaks the connection instead."""
    return router.answer(world, VENDORS, request, plan)


class SimTransport(httpx.BaseTransport):
    """The simulated vendors as an httpx transport. The host of the URL is ignored; the first path segment names the vendor.

    Nobody waits here: a late answer moves the world's time instead, and is a timeout where the caller would not have waited for it.
    """

    def __init__(self, world: World, plan: FaultPlan | None = None) -> None:
        self._world, self._plan = world, plan

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises the `httpx.RequestError` that a broken connection would; `ReadTimeout` where the answer is lost or too late."""
        target = request.url.raw_path.decode("ascii")
        asked = Request.make(method=request.method, target=target, headers=request.headers, body=request.read())
        try:
            said = answer(self._world, asked, self._plan)
        except AnswerLost as lost:
            raise _BROKEN[lost.how]("the connection was broken by a fault", request=request) from lost
        self._wait(said, request)
        if said.manner.cut_after is not None:
            stream = _CutShort(said.body[: said.manner.cut_after])
            return httpx.Response(said.status, headers=list(said.headers), stream=stream, request=request)
        return httpx.Response(said.status, headers=list(said.headers), content=said.body, request=request)

    def _wait(self, said: Response, request: httpx.Request) -> None:
        takes_s = said.manner.delay_s + said.manner.drip_ms * len(said.body) // 1000
        if not takes_s:
            return
        patience_s = request.extensions.get("timeout", {}).get("read") or _DEFAULT_PATIENCE_S
        self._world.pass_time(timedelta(seconds=min(takes_s, patience_s)))
        if takes_s >= patience_s:
            raise httpx.ReadTimeout("the answer came too late", request=request)


#: Of a caller who set no limit.
_DEFAULT_PATIENCE_S = 30

_BROKEN: Mapping[Break, type[httpx.RequestError]] = MappingProxyType(
    {
        "refused": httpx.ConnectError,
        "not_made": httpx.ConnectTimeout,
        "headers": httpx.WriteError,
        "body": httpx.ReadError,
        "silence": httpx.ReadTimeout,
    }
)


class _CutShort(httpx.SyncByteStream):
    """The first part of a body, then a broken connection."""

    def __init__(self, part: bytes) -> None:
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        yield self._part
        raise httpx.RemoteProtocolError("the connection was broken in the middle of the answer")


class SimServer(ThreadingHTTPServer):
    """The simulated vendors on a loopback port. Bound when made; `serve_forever` answers."""

    daemon_threads = True

    def __init__(self, world: World, host: str, port: int, plan: FaultPlan | None = None) -> None:
        if not ip_address(host).is_loopback:
            raise ValueError("the simulated vendors are served on a loopback address only")
        self.world, self.plan = world, plan
        #: Whoever is kept waiting by a fault is let go when the server stops.
        self.stopping = threading.Event()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The base under which `/lwa`, `/amazon`, `/resy`, `/square`, `/subscriptions` and `/zinc` are."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def shutdown(self) -> None:
        """Stop serving, also in the middle of a delay."""
        self.stopping.set()
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: SimServer
    protocol_version = "HTTP/1.1"
    timeout = _SOCKET_TIMEOUT_S

    def answer(self) -> None:
        """Any method."""
        body = self._body()
        if body is None:
            return
        headers = dict(self.headers.items())
        try:
            asked = Request.make(method=self.command, target=self.path, headers=headers, body=body)
            said = answer(self.server.world, asked, self.server.plan)
        except AnswerLost as lost:
            self._break(lost.how)
            return
        except Refusal as refusal:
            # Said before any vendor was found: too many fields in the query.
            said = Response(status=refusal.status)
        self.server.stopping.wait(said.manner.delay_s)
        self._send(said)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names http.server looks for

    def _body(self) -> bytes | None:
        """The body; None when it was refused, which is then already said."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._send(Response(status=411))
            return None
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._send(Response(status=413))
            return None
        return self.rfile.read(int(length))

    def _send(self, said: Response) -> None:
        self.send_response(said.status)
        for name, value in said.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(said.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self._send_body(said)

    def _send_body(self, said: Response) -> None:
        if said.manner.cut_after is not None:
            self.wfile.write(said.body[: said.manner.cut_after])
            self._hang_up()
        elif said.manner.drip_ms:
            self._drip(said)
        else:
            self.wfile.write(said.body)

    def _drip(self, said: Response) -> None:
        for position in range(len(said.body)):
            self.wfile.write(said.body[position : position + 1])
            if self.server.stopping.wait(said.manner.drip_ms / 1000):
                self._hang_up()
                return

    def _break(self, how: Break) -> None:
        """A silent vendor closes the connection; any other break is a reset, which is the most that a server can do once it was reached."""
        if how != "silence":
            # Closing without lingering sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.rfile.close()
            self.connection.close()
            return
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Silent: requests carry addresses and tokens."""


@contextmanager
def serving(world: World, host: str = "127.0.0.1", port: int = 0, plan: FaultPlan | None = None) -> Iterator[str]:
    """A server in a thread for as long as the block runs; its base URL. Port 0 takes a free one."""
    with in_background(SimServer(world, host, port, plan)) as server:
        yield server.url
