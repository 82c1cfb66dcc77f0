"""The two ways in: an httpx transport inside the process, and a server on loopback. Both hand the same request to the same vendors.

`SimTransport` is what the engine uses by default and what most tests use. `serve` and `serving` are for a second process, so that real
sockets break the way real sockets do: a lost answer is a read timeout in the one and a closed connection in the other.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

import httpx

from halo_sim import amazon, resy, router, subscriptions
from halo_sim.router import Vendor
from halo_sim.wire import MAX_BODY_BYTES, AnswerLost, Request, Response
from halo_sim.world import World

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {vendor.name: vendor for vendor in (amazon.LOGIN, amazon.VENDOR, resy.VENDOR, subscriptions.VENDOR)}
)

_SOCKET_TIMEOUT_S = 10


def answer(world: World, request: Request) -> Response:
    """What the vendors say to `request`; `AnswerLost` where a fault breaks the connection instead."""
    return router.answer(world, VENDORS, request)


class SimTransport(httpx.BaseTransport):
    """The simulated vendors as an httpx transport. The host of the URL is ignored; the first path segment names the vendor."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises `httpx.ReadTimeout` where the answer is lost."""
        target = request.url.raw_path.decode("ascii")
        asked = Request.make(method=request.method, target=target, headers=request.headers, body=request.read())
        try:
            said = answer(self._world, asked)
        except AnswerLost as lost:
            raise httpx.ReadTimeout("the vendor did not answer", request=request) from lost
        return httpx.Response(said.status, headers=list(said.headers), content=said.body, request=request)


class SimServer(ThreadingHTTPServer):
    """The simulated vendors on a loopback port. Bound when made; `serve_forever` answers."""

    daemon_threads = True

    def __init__(self, world: World, host: str, port: int) -> None:
        if not ip_address(host).is_loopback:
            raise ValueError("the simulated vendors are served on a loopback address only")
        self.world = world
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The base under which `/lwa`, `/amazon`, `/resy` and `/subscriptions` are."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

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
            said = answer(self.server.world, Request.make(method=self.command, target=self.path, headers=headers, body=body))
        except AnswerLost:
            self._hang_up()
            return
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
        self.wfile.write(said.body)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Silent: requests carry addresses and tokens."""


def serve(world: World, host: str = "127.0.0.1", port: int = 8099) -> None:
    """Serve until interrupted."""
    with SimServer(world, host, port) as server:
        server.serve_forever()


@contextmanager
def serving(world: World, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """A server in a thread for as long as the block runs; its base URL. Port 0 takes a free one."""
    with SimServer(world, host, port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()
