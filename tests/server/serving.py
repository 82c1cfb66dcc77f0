"""A real `halo serve`, in a process of its own, and a bare socket to it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.settings import load_settings

#: Nothing here waits for longer; the server's own limits are set far below it.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Heard:
    """Everything that came on a connection until its end, or until nobody waited any more."""

    answers: tuple[Answer, ...]
    was_closed: bool

    @property
    def statuses(self) -> tuple[int, ...]:
        return tuple(answer.status for answer in self.answers)


@dataclass(frozen=True)
class Server:
    """A process that serves."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def connect(self) -> socket.socket:
        """A new connection; its reads end after `PATIENCE_S`."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def say(self, *parts: bytes | float) -> Heard:
        """Send these bytes, with pauses of so many seconds where a number stands, and listen to the end."""
        with self.connect() as connection:
            tell(connection, *parts)
            return hear(connection)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it: its exit code and what it said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextmanager
def serving(home: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """`halo serve` over `home`, with `settings` as the environment gives them."""
    environ = {**os.environ, **{f"HALO_{name.upper()}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "halo_cli", "serve", "--port", "0", "--json", "--home", str(home), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            server = Server(process, json.loads(process.stdout.readline())["url"])
            # It listens before it is ready to answer: the first answer is waited for here, and not on somebody's clock.
            assert server.say(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").statuses == (200,)
            yield server
        finally:
            if process.poll() is None:
                process.kill()


def token_for(home: Path) -> str:
    """Of a new device of the owner's, that may call now and not in a test's own time."""
    with Engine.open(load_settings(home=home, environ={}), clock=SystemClock(), transport=None) as engine:
        return engine.devices.add("Phone", by=None).token.get_secret_value()


def tell(connection: socket.socket, *parts: bytes | float) -> None:
    """Send as much as the other side takes."""
    try:
        for part in parts:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif select.select([connection], [], [], part)[0]:
                # It has answered or closed already.
                return
    except (BrokenPipeError, ConnectionResetError):
        return


def hear(connection: socket.socket) -> Heard:
    """Everything until the end."""
    raw, was_closed, until = b"", False, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            break
        except ConnectionResetError:
            piece = b""
        if not piece:
            was_closed = True
            break
        raw += piece
    return Heard(tuple(_answers(raw)), was_closed)


def _answers(raw: bytes) -> Iterator[Answer]:
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        told = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) .*", line)
        assert told, raw[:200]
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        length = int(headers.get("content-length", "0"))
        yield Answer(int(told[1]), headers, rest[:length])
        raw = rest[length:]
