"""Connections of webhooks: to an address that was looked up here and found public, and to no other.

A name is resolved once for each connection, every address of the answer is judged, and the connection goes to one of those: whoever answers the
second question about a name with another address (DNS rebinding) is never asked a second time. The name itself still goes into the TLS handshake.

Everything is done by one end: each wait on the socket gets what is left of the total, so a receiver that drips bytes is cut off like a silent one.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpcore

from halo_engine.model.webhook_address import Address, Target

#: A name and a port, and every address it has.
Resolver = Callable[[str, int], list[str]]


class RefusedError(Exception):
    """The name leads to where no webhook is sent."""


class UnresolvedError(Exception):
    """The name leads nowhere."""


class TooLateError(Exception):
    """The time for this try is over."""


def system_resolver(host: str, port: int) -> list[str]:
    """What this machine's resolver says. A scope, as of a link-local address, is part of it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class End:
    """The moment by which a try is over."""

    def __init__(self, total_s: float) -> None:
        self._at = time.monotonic() + total_s

    def left_s(self) -> float:
        """Seconds. Raises `TooLateError` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TooLateError
        return left


class Guarded(httpcore.NetworkBackend):
    """Opens the connection of one try."""

    def __init__(self, target: Target, resolve: Resolver, end: End) -> None:
        self._target, self._resolve, self._end = target, resolve, end
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first of the addresses that takes the call. Raises `RefusedError`, `UnresolvedError`, `TooLateError`, or as the library does."""
        failed: Exception = UnresolvedError()
        for address in self._addresses():
            try:
                stream = self._sockets.connect_tcp(
                    str(address), self._target.port, timeout=self._end.left_s(), socket_options=socket_options
                )
                return _Ending(stream, self._end)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Never."""
        raise RefusedError

    def sleep(self, seconds: float) -> None:
        """The library asks for it between retries, of which there are none."""

    def _addresses(self) -> list[Address]:
        """All that the name has, once every one of them was judged: one that is private is reason enough to trust none."""
        try:
            addresses = [ip_address(text) for text in _in_time(self._resolve, self._target, self._end)]
        except ValueError:
            raise RefusedError from None
        if not all(map(self._target.may_be_at, addresses)):
            raise RefusedError
        return addresses


def _in_time(resolve: Resolver, target: Target, end: End) -> list[str]:
    """The resolver's answer. The system's cannot be stopped, so it is left behind when the time is over."""
    found: list[list[str]] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.append(resolve(target.host, target.port))

    asking = threading.Thread(target=ask, name="webhook-name", daemon=True)
    asking.start()
    asking.join(end.left_s())
    if not found or not found[0]:
        _ = end.left_s()
        raise UnresolvedError
    return found[0]


class _Ending(httpcore.NetworkStream):
    """A connection of which nobody waits for longer than until the end."""

    def __init__(self, stream: httpcore.NetworkStream, end: End) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=self._end.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=self._end.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Ending(self._stream.start_tls(ssl_context, server_hostname, timeout=self._end.left_s()), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
