"""What no client library would send, to a real `halo serve` (row A-06).

It is refused or the connection ends, in time, and the next one is answered.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.server.serving import Heard, Server, hear, serving, tell, token_for

HOST = b"Host: 127.0.0.1\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
POST = b"POST /v1/draft/create HTTP/1.1\r\n" + HOST

#: A byte at a time, for three seconds.
DRIPPING: tuple[bytes | float, ...] = (b" ", 0.1) * 30


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return b"%b %b %b\r\n" % (method, target, version) + HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


def chunked(body: bytes) -> bytes:
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + body


def sized(length: bytes, body: bytes = b"{}") -> bytes:
    return POST + b"Content-Length: " + length + b"\r\n\r\n" + body


#: Whatever these are, they are no request: a 4xx, and the connection ends.
REFUSED: dict[str, tuple[bytes | float, ...]] = {
    "one huge header": (get(b"/healthz", b"X: " + b"a" * 60_000),),
    "one huge header, by and by": (b"GET /healthz HTTP/1.1\r\n", *([b"X: y" + b"a" * 999 + b"\r\n"] * 100)),
    "a header that never ends": (b"GET /healthz HTTP/1.1\r\nX: ", *([b"a" * 65_536] * 60)),
    "a header's name that never ends": (b"GET /healthz HTTP/1.1\r\n", *([b"a" * 65_536] * 60)),
    "a hundred thousand headers": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 100_000 + b"\r\n",),
    "a hundred and one headers": (get(b"/healthz", *([b"X: y"] * 100)),),
    "a long target": (get(b"/" + b"a" * 9_000),),
    "a target that never ends": (b"GET /" + b"a" * 4_000_000,),
    "a long query": (get(b"/healthz?" + b"a" * 9_000),),
    "a method that never ends": (b"G" * 1_000_000,),
    "both framings": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
    "both framings, the other way round": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",),
    "the same length twice": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",),
    "two lengths in one": (sized(b"3, 3", b"abc"),),
    "a negative length": (sized(b"-3", b"abc"),),
    "a length with a plus": (sized(b"+2"),),
    "a length in hexadecimal": (sized(b"0x2"),),
    "a length that is a word": (sized(b"two"),),
    "an empty length": (sized(b""),),
    "a length past any number": (sized(b"9" * 40),),
    "a length that overflows": (sized(b"18446744073709551618"),),
    "a huge length": (sized(b"9999999999"),),
    "a coding that is none": (POST + b"Transfer-Encoding: nonsense\r\n\r\n{}",),
    "chunked not last": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n{}",),
    "chunked disguised": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",),
    "a chunk's size that is none": (chunked(b"zz\r\n\r\n"),),
    "a chunk's size that is negative": (chunked(b"-1\r\n\r\n"),),
    "a chunk's size that overflows": (chunked(b"f" * 21 + b"\r\n\r\n"),),
    "a chunk's size with a prefix": (chunked(b"0x2\r\n{}\r\n0\r\n\r\n"),),
    "a chunk longer than it says": (chunked(b"2\r\n{}{}\r\n0\r\n\r\n"),),
    "a chunk without its end": (chunked(b"2\r\n{}0\r\n\r\n"),),
    "a chunk's extension that never ends": (chunked(b"1;"), *([b"a" * 1_000_000] * 20)),
    "a body that never ends": (POST + b"Transfer-Encoding: chunked\r\n\r\n", *([b"10000\r\n" + b"a" * 65_536 + b"\r\n"] * 300)),
    "trailers without number": (chunked(b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n"),),
    "HTTP/0.9 with a path": (b"GET /healthz\r\n\r\n",),
    "HTTP/2.0": (get(b"/healthz", version=b"HTTP/2.0"),),
    "HTTP/1.2": (get(b"/healthz", version=b"HTTP/1.2"),),
    "HTTP/9.9": (get(b"/healthz", version=b"HTTP/9.9"),),
    "a version that is none": (get(b"/healthz", version=b"HTTP/x"),),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,),
    "authority form": (get(b"127.0.0.1:80", method=b"CONNECT"),),
    "authority form in a GET": (get(b"127.0.0.1:80"),),
    "a target without a slash": (get(b"healthz"),),
    "no target": (b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",),
    "a space in the target": (get(b"/health z"),),
    "NUL in the target": (get(b"/healthz\0"),),
    "CR in the target": (get(b"/healthz\r"),),
    "LF in the target": (get(b"/healthz\nX: y"),),
    "NUL in a header's name": (get(b"/healthz", b"X\0: y"),),
    "NUL in a header's value": (get(b"/healthz", b"X: y\0z"),),
    "CR in a header's value": (get(b"/healthz", b"X: y\rz"),),
    "a header folded over two lines": (get(b"/healthz", b"X: y", b" z"),),
    "a space before the colon": (get(b"/healthz", b"X : y"),),
    "a space before the first header": (b"GET /healthz HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",),
    "a header without a name": (get(b"/healthz", b": y"),),
    "a header without a colon": (get(b"/healthz", b"nothing"),),
    "lines that end in LF alone": (b"GET /healthz HTTP/1.1\nHost: x\n\n",),
    "a method in small letters": (get(b"/healthz", method=b"get"),),
    "a method of nobody's": (get(b"/healthz", method=b"BREW7"),),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n",),
    "two hosts": (get(b"/healthz", b"Host: elsewhere"),),
    "nonsense": (bytes(range(256)) * 40,),
    "blanks": (b" " * 10_000,),
}

#: These are requests, if strange ones: one answer, which is none of ours going wrong.
ANSWERED: dict[str, tuple[tuple[bytes | float, ...], int]] = {
    "HTTP/1.0": ((get(b"/healthz", version=b"HTTP/1.0"),), 200),
    "HTTP/1.0 without a host": ((b"GET /healthz HTTP/1.0\r\n\r\n",), 200),
    "HTTP/1.0 that would stay": ((get(b"/healthz", b"Connection: keep-alive", version=b"HTTP/1.0"),), 200),
    "the first version of another protocol": ((get(b"/healthz", version=b"RTSP/1.0"),), 200),
    "absolute form": ((get(b"http://127.0.0.1/healthz", b"Connection: close"),), 200),
    "absolute form of another place": ((get(b"http://elsewhere.example/healthz", b"Connection: close"),), 200),
    "an escaped NUL": ((get(b"/v1/drafts/%00", b"Connection: close"),), 401),
    "an escaped line": ((get(b"/v1/drafts/%0d%0aX:%20y", b"Connection: close"),), 401),
    "an escape that is none": ((get(b"/%zz", b"Connection: close"),), 404),
    "a path that goes up": ((get(b"/../../etc/passwd", b"Connection: close"),), 404),
    "two slashes": ((get(b"//healthz", b"Connection: close"),), 404),
    "asterisk form": ((get(b"*", b"Connection: close", method=b"OPTIONS"),), 404),
    "OPTIONS": ((get(b"/healthz", b"Connection: close", method=b"OPTIONS"),), 405),
    "TRACE": ((get(b"/healthz", b"Connection: close", method=b"TRACE"),), 405),
    "PROPFIND": ((get(b"/healthz", b"Connection: close", method=b"PROPFIND"),), 405),
    "a web socket": ((get(b"/healthz", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),), 200),
    "HTTP/2 by upgrade": ((get(b"/healthz", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA"),), 200),
    "a body in a GET": ((get(b"/healthz", b"Content-Length: 3", b"Connection: close") + b"abc",), 200),
    "a body in a GET that never comes": ((get(b"/healthz", b"Content-Length: 3"),), 200),
    "a body nobody waits for": ((sized(b"2"),), 401),
    "empty lines first": ((b"\r\n\r\n" + LAST,), 200),
    "a request in pieces": (tuple(part for at in range(len(LAST)) for part in (LAST[at : at + 1], 0.001)), 200),
    "values beyond ASCII": ((get(b"/healthz", b"X: \xff\xfe\xe2\x82\xac", b"Connection: close"),), 200),
    "every header of a proxy": ((get(b"/metrics", b"Connection: close", b"X-Forwarded-For: 10.0.0.1"),), 404),
    "a wish that is none": ((get(b"/healthz", b"Expect: nothing", b"Connection: close"),), 200),
}


def told(heard: Heard) -> dict[str, object]:
    """The problem that came last."""
    found: dict[str, object] = json.loads(heard.answers[-1].body)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of them: whatever was done to it before, it answers."""
    home: Path = tmp_path_factory.mktemp("raw") / "home"
    Installation.open(home).engine.close()
    short = {"serve_headers_s": "0.4", "serve_body_s": "0.6", "serve_keep_alive_s": "1", "serve_connections": "260"}
    with serving(home, "--no-worker", **short) as it:
        yield it


@pytest.fixture(autouse=True)
def _answers_afterwards(server: Server) -> Iterator[None]:
    yield
    assert server.say(LAST).statuses == (200,)


class TestWhatIsNoRequest:
    @pytest.mark.parametrize("what", REFUSED)
    def test_is_refused_and_the_connection_ends(self, server: Server, what: str) -> None:
        heard = server.say(*REFUSED[what])
        assert heard.was_closed
        # Who goes on sending may find the connection reset before the refusal is read.
        assert all(400 <= status < 500 for status in heard.statuses)
        assert len(heard.answers) <= 1

    @pytest.mark.parametrize(
        ("what", "status", "code"),
        [
            ("a hundred and one headers", 431, "headers_too_large"),
            ("a long target", 414, "target_too_long"),
            ("a huge length", 413, "too_large"),
            ("both framings", 400, "bad_request"),
        ],
    )
    def test_is_told_what_is_the_matter(self, server: Server, what: str, status: int, code: str) -> None:
        heard = server.say(*REFUSED[what])
        assert heard.statuses == (status,)
        assert (told(heard)["code"], heard.answers[0].headers["content-type"]) == (code, "application/problem+json")
        assert told(heard)["request_id"] == heard.answers[0].headers["x-request-id"]


class TestAStrangeRequest:
    @pytest.mark.parametrize("what", ANSWERED)
    def test_is_answered(self, server: Server, what: str) -> None:
        parts, status = ANSWERED[what]
        heard = server.say(*parts)
        assert heard.was_closed
        assert heard.statuses == (status,)

    def test_is_asked_for_its_body_once_it_is_wanted(self, server: Server) -> None:
        waits = b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        assert server.say(POST + waits, 0.2, b"{}").statuses in ((401,), (100, 401))


class TestASlowOne:
    @pytest.mark.parametrize(
        ("parts", "statuses"),
        [
            ((), ()),
            ((b"\r\n",), ()),
            ((b"GET /healthz HT",), (408,)),
            ((GOOD, 0.1, b"GET /healthz HT"), (200, 408)),
            ((GOOD, 0.1, b"\r\n"), (200,)),
        ],
    )
    def test_has_until_then(self, server: Server, parts: tuple[bytes | float, ...], statuses: tuple[int, ...]) -> None:
        with server.connect() as connection:
            for part in parts:
                # Not what `tell` does: here an answer that has come is no reason to stop.
                connection.sendall(part) if isinstance(part, bytes) else time.sleep(part)
            heard = hear(connection)
        assert heard.was_closed
        assert heard.statuses == statuses

    def test_header_at_a_byte_a_time_is_not_waited_for(self, server: Server) -> None:
        heard = server.say(b"GET /healthz HTTP/1.1\r\nX: ", *DRIPPING)
        assert heard.was_closed
        assert heard.statuses == (408,)

    def test_body_at_a_byte_a_time_is_not_waited_for(self, server: Server, token: str) -> None:
        slow = POST + b"Authorization: Bearer " + token.encode() + b"\r\nIdempotency-Key: slow-one\r\nContent-Length: 30\r\n\r\n"
        heard = server.say(slow, *DRIPPING)
        assert heard.was_closed
        assert heard.statuses == (408,)

    def test_connection_rests_only_so_long(self, server: Server) -> None:
        heard = server.say(GOOD)
        assert heard.was_closed
        assert heard.statuses == (200,)

    def test_reader_of_its_answer_is_let_go(self, server: Server) -> None:
        with server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            tell(connection, *([GOOD] * 5))
            assert server.say(LAST).statuses == (200,)


class TestManyAtOnce:
    def test_are_answered_in_their_order_and_each_by_its_name(self, server: Server) -> None:
        names = [f"request-{number:04}" for number in range(12)]
        asked = b"".join(
            get(b"/healthz" if number % 2 else b"/readyz", b"X-Request-Id: " + name.encode()) for number, name in enumerate(names)
        )
        heard = server.say(asked + LAST)
        assert heard.statuses == (200,) * 13
        assert [answer.headers["x-request-id"] for answer in heard.answers[:12]] == names

    def test_the_good_ones_before_a_bad_one_are_answered_first(self, server: Server) -> None:
        assert server.say(get(b"/readyz") + get(b"/readyz") + b"NONSENSE\r\n\r\n").statuses == (200, 200, 400)

    def test_a_request_after_a_body_is_not_taken_for_a_part_of_it(self, server: Server) -> None:
        assert server.say(sized(b"2") + LAST).statuses == (401, 200)

    def test_more_than_some_of_one_connection_are_not_kept_waiting(self, server: Server) -> None:
        heard = server.say(get(b"/readyz") * 5_000)
        assert heard.was_closed
        assert heard.statuses[-1] == 400
        assert set(heard.statuses[:-1]) == {200}
        assert len(heard.answers) < 100

    def test_who_has_said_everything_is_let_go(self, server: Server) -> None:
        with server.connect() as connection:
            tell(connection, GOOD)
            connection.shutdown(socket.SHUT_WR)
            assert hear(connection).was_closed

    def test_idle_ones_hinder_nobody_and_end(self, server: Server) -> None:
        with ExitStack() as idle:
            connections = [idle.enter_context(server.connect()) for _ in range(200)]
            assert server.say(LAST).statuses == (200,)
            assert all(hear(connection) == Heard((), was_closed=True) for connection in connections)

    def test_too_many_are_told_to_come_again(self, server: Server) -> None:
        with ExitStack() as idle:
            connections = [idle.enter_context(server.connect()) for _ in range(300)]
            late = [hear(connection) for connection in connections[260:]]
            assert {heard.statuses for heard in late} <= {(503,), ()}
            full = next(heard for heard in late if heard.answers)
            assert (told(full)["code"], full.answers[0].headers["retry-after"]) == ("busy", "5")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def token(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a device of the household that is served."""
    return token_for(next(tmp_path_factory.getbasetemp().glob("raw*")) / "home")
