"""A TCP proxy on loopback that misbehaves on purpose: what breaks here are real sockets, as they break in the field.

Every connection carries one request, because Halo opens a fresh one for every call. Before a call `Proxy.next` says how its connection is to behave:
`straight`, one of the `TOXICS` at a `Position`, or any other function of the same shape. The toxics are those of two well-known fault injectors for
networks and for HTTP servers, under their names.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType

#: Passes a request on to the vendor, and returns the whole answer; empty where the vendor hung up.
Ask = Callable[[bytes], bytes]

#: Nobody waits longer for anything here: the client's own limits are far below.
_PATIENCE_S = 5.0
_HEAD_ENDS = b"\r\n\r\n"
_CHUNKS = 8


class Position(StrEnum):
    """How far a call has come."""

    CONNECT = "connect"
    HEADERS = "headers"
    BODY = "body"
    BEFORE = "before"
    MIDDLE = "middle"


class _Over(Exception):
    """The connection has been closed by the fault."""


class Line:
    """The client's end of one connection, and the manner in which bytes go back on it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        #: Bytes at once, and the pause in seconds after them; None is as fast as it goes.
        self.pieces: tuple[int, float] | None = None
        #: The connection closes when so many more bytes have gone back.
        self.left: int | None = None
        #: How long the connection stays open when everything was said.
        self.close_late_s = 0.0
        connection.settimeout(_PATIENCE_S)

    def read_head(self) -> bytes:
        """The request up to the empty line, and whatever came with it."""
        while _HEAD_ENDS not in self._received:
            self._receive()
        return self._received

    def read_request(self) -> bytes:
        """The whole request."""
        whole = _length(self.read_head())
        while len(self._received) < whole:
            self._receive()
        return self._received

    def _receive(self) -> None:
        more = self._connection.recv(65536)
        if not more:
            raise _Over
        self._received += more

    def send(self, data: bytes) -> None:
        """Send `data` in this line's manner. Raises `_Over` when its limit is reached."""
        allowed = data if self.left is None else data[: self.left]
        at_once, pause_s = self.pieces or (len(allowed) or 1, 0.0)
        for start in range(0, len(allowed), at_once):
            self._connection.sendall(allowed[start : start + at_once])
            if pause_s and start + at_once < len(allowed):
                self.wait(pause_s)
        if self.left is not None:
            self.left -= len(allowed)
            if self.left == 0:
                self.hang_up()
                raise _Over

    def wait(self, seconds: float) -> None:
        """Let time pass; it ends early, as `_Over`, when the client has gone. What comes meanwhile is kept."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._connection.settimeout(left)
            try:
                self._receive()
            except TimeoutError:
                break
        self._connection.settimeout(_PATIENCE_S)

    def hold(self) -> None:
        """Say nothing until the client goes."""
        with suppress(OSError, _Over):
            self.wait(_PATIENCE_S)

    def hang_up(self) -> None:
        """Close in good order."""
        if self.close_late_s:
            with suppress(OSError, _Over):
                self.wait(self.close_late_s)
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Close with a reset instead of an end: without lingering the kernel sends RST."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Behaviour = Callable[[Line, Ask], None]


def straight(line: Line, ask: Ask) -> None:
    """As if there were no proxy."""
    line.send(ask(line.read_request()))
    line.hang_up()


#: What a gateway says by itself when the vendor behind it was never reached.
GATEWAY_PAGE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 28\r\n\r\n<h1>Service Unavailable</h1>"

#: A toxic strikes a line and says whether the connection is over. Chance decides its size.
_Strike = Callable[[Line, Random], bool]


def _latency(line: Line, random: Random) -> bool:
    # Network delays are log-normal: mostly short, and now and then longer than anybody waits.
    line.wait(min(random.lognormvariate(-3.0, 1.5), 0.4))
    return False


def _down(line: Line, _random: Random) -> bool:
    line.hang_up()
    return True


def _bandwidth(line: Line, random: Random) -> bool:
    line.pieces = (random.choice((16, 256, 4096)), 0.01)
    return False


def _slow_close(line: Line, random: Random) -> bool:
    line.close_late_s = random.uniform(0.01, 0.3)
    return False


def _timeout(line: Line, random: Random) -> bool:
    if random.random() < 0.5:
        line.hold()
    else:
        line.wait(random.uniform(0.01, 0.3))
    line.hang_up()
    return True


def _reset_peer(line: Line, random: Random) -> bool:
    line.wait(random.uniform(0.001, 0.1))
    line.reset()
    return True


def _slicer(line: Line, random: Random) -> bool:
    line.pieces = (random.randint(1, 40), 0.0005)
    return False


def _limit_data(line: Line, random: Random) -> bool:
    line.left = random.randint(1, 400)
    return False


def _malformed_chunk(line: Line, random: Random) -> bool:
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + random.randbytes(40))
    line.hang_up()
    return True


def _random_data(line: Line, random: Random) -> bool:
    line.send(random.randbytes(random.randint(1, 400)))
    line.hang_up()
    return True


def _connection_reset(line: Line, _random: Random) -> bool:
    line.reset()
    return True


def _dribble(line: Line, random: Random) -> bool:
    line.pieces = (random.randint(100, 400), random.choice((0.005, 0.08)))
    return False


TOXICS: Mapping[str, _Strike] = MappingProxyType(
    {
        "latency": _latency,
        "down": _down,
        "bandwidth": _bandwidth,
        "slow_close": _slow_close,
        "timeout": _timeout,
        "reset_peer": _reset_peer,
        "slicer": _slicer,
        "limit_data": _limit_data,
        "empty_response": _down,
        "malformed_chunk": _malformed_chunk,
        "random_data": _random_data,
        "connection_reset": _connection_reset,
        "chunked_dribble": _dribble,
    }
)

#: Those that go on with the call in another manner; the others end it where they strike.
SHAPING = frozenset({"latency", "bandwidth", "slow_close", "slicer", "limit_data", "chunked_dribble"})


@dataclass(frozen=True)
class Toxic:
    """One toxic at one position. With `effect` the vendor gets the request, though perhaps only when nobody waits for the answer any more."""

    name: str
    position: Position
    effect: bool
    random: Random

    def __call__(self, line: Line, ask: Ask) -> None:
        if self._ends(Position.CONNECT, line):
            return
        line.read_head()
        if self._ends(Position.HEADERS, line):
            return
        request = line.read_request()
        try:
            over = self._ends(Position.BODY, line)
        except (_Over, OSError):
            over = True
        answer = self._rewritten(ask(request) if self.effect else GATEWAY_PAGE)
        if over or self._ends(Position.BEFORE, line):
            return
        middle = len(answer) // 2
        line.send(answer[:middle])
        if self._ends(Position.MIDDLE, line):
            return
        line.send(answer[middle:])
        line.hang_up()

    def _ends(self, here: Position, line: Line) -> bool:
        return here is self.position and TOXICS[self.name](line, self.random)

    def _rewritten(self, answer: bytes) -> bytes:
        """Some toxics need an answer that does not say how long it is."""
        if self.position is Position.MIDDLE:
            return answer
        if self.name == "slow_close":
            return _with_head(answer, b"Connection: close")
        if self.name == "chunked_dribble":
            return _with_head(answer, b"Transfer-Encoding: chunked", _chunked)
        return answer


def _with_head(answer: bytes, line: bytes, body_as: Callable[[bytes], bytes] = bytes) -> bytes:
    head, ends, body = answer.partition(_HEAD_ENDS)
    kept = [each for each in head.split(b"\r\n") if not each.lower().startswith(b"content-length:")]
    return b"\r\n".join([*kept, line]) + ends + body_as(body) if ends else answer


def _chunked(body: bytes) -> bytes:
    size = max(1, len(body) // _CHUNKS)
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@dataclass(frozen=True)
class Saying:
    """Says `pieces` instead of the vendor's answer, which they may be made from. With `effect` the vendor gets the request first."""

    pieces: Callable[[bytes], Iterable[bytes]]
    effect: bool
    #: After each piece.
    pause_s: float = 0.0

    def __call__(self, line: Line, ask: Ask) -> None:
        request = line.read_request()
        answer = ask(request) if self.effect else b""
        for piece in self.pieces(answer):
            line.send(piece)
            if self.pause_s:
                line.wait(self.pause_s)
        line.hang_up()


class Proxy:
    """Listens on a port of its own in front of `vendor` (host, port). `open_proxy` starts and ends it."""

    def __init__(self, vendor: tuple[str, int]) -> None:
        self._vendor = vendor
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._waiting: deque[Behaviour] = deque()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._handlers: list[threading.Thread] = []
        self._acceptor.start()
        #: How many connections were made.
        self.accepted = 0
        #: What went wrong in the proxy itself, which would make a point worthless.
        self.broken: list[BaseException] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def next(self, behaviour: Behaviour) -> None:
        """How the next connection is to behave; in the order in which they are made."""
        self._waiting.append(behaviour)

    def forget(self) -> None:
        """No connection came of the last `next`."""
        self._waiting.clear()

    def drain(self) -> None:
        """Return when every request that was still on its way has arrived."""
        for handler in self._handlers:
            handler.join(timeout=2 * _PATIENCE_S)

    def close(self) -> None:
        """Accept nobody any more, and drain."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(timeout=_PATIENCE_S)
        self.drain()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                behaviour = self._waiting.popleft() if self._waiting else straight
                handler = threading.Thread(target=self._handle, args=(connection, behaviour), daemon=True)
                self._handlers.append(handler)
                handler.start()

    def _handle(self, connection: socket.socket, behaviour: Behaviour) -> None:
        try:
            # A client that goes away in the middle is what most of this is about.
            with connection, suppress(_Over, OSError):
                behaviour(Line(connection), self._ask)
        except Exception as error:  # noqa: BLE001 - a defect of the proxy must not pass for a fault of the network
            self.broken.append(error)

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(self._vendor, timeout=_PATIENCE_S) as vendor:
            vendor.sendall(request)
            answer = b""
            while _HEAD_ENDS not in answer or len(answer) < _length(answer):
                more = vendor.recv(65536)
                if not more:
                    break
                answer += more
            return answer


@contextmanager
def open_proxy(vendor: tuple[str, int]) -> Iterator[Proxy]:
    """A proxy for as long as the block runs."""
    proxy = Proxy(vendor)
    try:
        yield proxy
    finally:
        proxy.close()


def _length(message: bytes) -> int:
    """How long a message is in all, by its own head."""
    head, _, _ = message.partition(_HEAD_ENDS)
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return len(head) + len(_HEAD_ENDS) + int(sizes[0] if sizes else 0)


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that nobody can take and nobody listens on: connecting to it is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@contextmanager
def silent_port() -> Iterator[int]:
    """A port whose queue is full: connecting to it is never answered."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield int(listener.getsockname()[1])
