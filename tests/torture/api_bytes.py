"""A-02: bytes that no client would send, to every route and method there is, in bodies, paths, queries and headers.

A point is a seed: so many calls of a home that has been lived in. Nothing may be a 5xx but a documented 503, come out as an exception, repeat in
a problem what was sent, or keep the server busy; and when it is over, the server still answers and the log still proves the books.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_from_bytes

from halo_engine.model.strict_json import JsonError, loads
from tests.torture.api import Answer, Endpoint, Served, bearing, endpoints, lived_in_copy, problem_faults, served
from tests.torture.api_cases import CANARY, CASES
from tests.torture.harness import Bug, Kind, Problem, Row, judge

#: Calls at one point.
CALLS = 100
#: A call that takes so long has run away: a thousand times what most take.
_MOST_S = 20.0

_HUGE = 256 * 1024
#: Pieces of bodies, each of which has broken some server.
_PIECES: tuple[bytes, ...] = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e-999", b"1E400000000", b"-0", b"00", b"0x10", b"1_000", b"1" * 5_000),
    *(b"9223372036854775808", b"0.1" + b"0" * 300, b"true", b"false", b"null", b'""', b"[]", b"{}", b"[[]]", b"undefined", b"'a'"),
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\x41"', b'"\\', b'"\x00"', b'"\x1b[2J"', b'"\r\nX: y"'),
    *(b'{"text":"a","text":"b"}', b'{"__proto__":{}}', b'{"$gt":""}', b'{"":""}', b'{"\\ud800":1}', b'{"draft_id":{"draft_id":[]}}'),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\xc0\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80"),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\x00", b"\r", b"\xc2\x85", "\u202e\u2066".encode(), "\U000e0041\U000e007f".encode()),
    *(
        "a\u0301".encode() * 200,
        "👨‍👩‍👧‍👦".encode() * 50,
        b"' OR 1=1 --",
        b"%s%n%x",
        b"${7*7}{{7*7}}",
        b"../../../etc/passwd",
        b"<script>",
        b"=cmd|' /C'",
    ),
    *(b"[" * 100_000, b'{"a":' * 100_000, b'{"values":' + b"[" * 70 + b"]" * 70 + b"}", b"/*", b"//", b",", b":", b'"', b"{", b"}", b"]"),
)
_BODY_WAYS = (
    "piece",
    "piece",
    "value",
    "value",
    "flip",
    "cut",
    "twice",
    "utf16",
    "bom",
    "deep",
    "long",
    "extra",
    "missing",
    "as-is",
    "bytes",
)
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1.5, "", " ", "\0", "a" * 300, "\ud800", "\u202e", [], {}, [[]], ["a"], {"a": "b"}, "null", "NaN", "1e999"),
    *("'; DROP TABLE draft; --", "../..", "%00", "\r\nX: y", "🔋" * 100, "\U000e0041" * 50, "yes", "confirm", "order milk", "0" * 64),
)
_HEADERS: tuple[bytes, ...] = (
    *(
        b"",
        b" ",
        b"*",
        b"*/*",
        b"\xff\xfe",
        b"a" * 300,
        b"a" * 9_000,
        b'"',
        b'"a", W/"b"',
        b"W/",
        b"\x00",
        b"NaN",
        b"-1",
        b"1e999",
        b"0" * 5_000,
    ),
    *(
        b"Bearer",
        b"Bearer ",
        b"Basic Og==",
        b"DPoP x",
        b"Bearer a.b.c",
        b"image/png;q=NaN",
        b"text/html;q=1.5,*;q=0",
        b"application/json;charset=utf-16",
    ),
    *(
        b"multipart/form-data",
        b"text/event-stream",
        b"gzip",
        b"18446744073709551616",
        b"evt_",
        b"abcdefgh\r\n",
        "schlüssel".encode(),
        b"a,b",
        b"; ;;,",
    ),
)
_NAMES: tuple[bytes, ...] = (
    *(b"authorization", b"idempotency-key", b"accept", b"content-type", b"if-none-match", b"if-match", b"last-event-id", b"x-request-id"),
    *(
        b"dpop",
        b"content-length",
        b"content-encoding",
        b"accept-encoding",
        b"range",
        b"cookie",
        b"origin",
        b"forwarded",
        b"x-forwarded-for",
    ),
    *(
        b"traceparent",
        b"prefer",
        b"expect",
        b"transfer-encoding",
        b"host",
        b"x-http-method-override",
        b"accept-language",
        b"mcp-session-id",
    ),
)
#: Percent-encoded where it is no ASCII: the server refuses a request line that has anything else in it.
_QUERIES: tuple[bytes, ...] = (
    *(
        b"limit=NaN",
        b"limit=1e3",
        b"limit=-1",
        b"limit=" + b"9" * 5_000,
        b"limit=1&limit=2",
        b"limit=%00",
        b"cursor=%ff%fe",
        b"cursor=" + b"A" * 5_000,
    ),
    *(
        b"cursor=e30",
        b"cursor=WyJhIl0",
        b"household_id=%27",
        b"format=png",
        b"format=svg",
        b"format=html",
        b"format=%F0%9F",
        b"%",
        b"%zz",
        b"&&&==",
        b"=",
    ),
    *(b"a" * 20_000, b"limit[]=1", b"limit%5B%5D=1", b"since=NaN", b"as=Alex", b"status=%ED%A0%80", b"cursor=null", b"offset=-1"),
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "")

_ANY = {
    "text": CANARY,
    "name": CANARY,
    "url": f"https://127.0.0.1/{CANARY}",
    "code": CANARY,
    "event_types": [CANARY],
    "rules": [{"a": CANARY}],
}


def _points(random: Random) -> Iterator[str]:
    while True:
        yield f"{random.randrange(10**9)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    random = Random(point)
    home, ids = lived_in_copy(place)
    with served(home) as there:
        known = endpoints(there.app)
        for number in range(CALLS):
            call = _Call(random, random.choice(known), ids)
            answer = there.call(call.method, call.path, call.headers, call.body, query=call.query)
            for fault in _faults(call, answer):
                yield Problem(Kind.WRONG, f"call {number}, {call}: {fault}")
        yield from _lives(there, ids)
        yield from judge(home)


def _faults(call: _Call, answer: Answer) -> Iterator[str]:
    yield from problem_faults(answer, path=call.path, head=call.method == "HEAD")
    if answer.status >= 400 and CANARY.encode() in answer.body + repr(answer.headers).encode():
        yield "the problem repeats what was sent"
    if answer.took_s > _MOST_S:
        yield "it never seemed to end"


def _lives(there: Served, ids: Mapping[str, str]) -> Iterator[Problem]:
    for path in ("/healthz", "/readyz", "/v1/household"):
        if (status := there.call("GET", path, bearing(ids["token"])).status) != 200:
            yield Problem(Kind.WRONG, f"after all that, {path} answers {status}")


class _Call:
    """One call, drawn by chance: most of it as it should be, so that what is wrong gets somewhere."""

    def __init__(self, random: Random, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        self._random, self._ids, self._endpoint = random, ids, endpoint
        self.method = endpoint.method if random.random() < 0.93 else random.choice(_METHODS)
        self.path, self.query, self.headers = self._path(), self._query(), self._headers()
        self.body = self._body() if self.method not in ("GET", "HEAD") or random.random() < 0.1 else b""

    def __str__(self) -> str:
        return f"{self.method} {self.path[:100]}?{self.query[:60]!r} with {self.body[:100]!r} and {self.headers!r:.300}"

    def _path(self) -> str:
        path = self._endpoint.path
        for name in self._endpoint.names:
            path = path.replace("{" + name + "}", self._identifier(name)).replace("{" + name + ":path}", self._identifier(name))
        if self._random.random() < 0.03:
            path += self._random.choice(("/", "//", "/..", "/%2e%2e", ";a=b", "%00", "%0d%0aX:y", ".json", "%ff", f"/{CANARY}"))
        return path

    def _identifier(self, name: str) -> str:
        if self._random.random() < 0.5:
            return self._ids.get(name, self._random.choice(sorted(self._ids.values())))
        piece = self._random.choice([CANARY.encode(), self._ids["draft_id"].encode()[:-1], *_HEADERS, *_PIECES[:70]])
        return quote_from_bytes(piece[:3_000], safe="") or "x"

    def _query(self) -> bytes:
        if self._random.random() < 0.6:
            return b""
        return b"&".join(
            self._random.choices([*_QUERIES, f"limit={CANARY}".encode(), f"{CANARY}=1".encode()], k=self._random.randint(1, 3))
        )

    def _headers(self) -> list[tuple[bytes, bytes]]:
        random = self._random
        headers = []
        if random.random() < 0.93:
            headers += bearing(self._ids["token"])
        if random.random() < 0.9:
            headers.append((b"idempotency-key", f"{CANARY}{random.randrange(10**6)}".encode()))
        if random.random() < 0.8:
            headers.append((b"content-type", b"application/json"))
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            name, value = random.choice(_NAMES), random.choice([*_HEADERS, CANARY.encode()])
            # The one thing that is said back on purpose: by its own id of a call, somebody finds the call in the logs.
            headers.append((name, value if (name, value) != (b"x-request-id", CANARY.encode()) else value[:7]))
        random.shuffle(headers)
        return headers

    def _body(self) -> bytes:
        random = self._random
        own = (
            CASES.get(f"{self._endpoint.method} {self._endpoint.path}", _ANY)
            if random.random() < 0.8
            else random.choice([*CASES.values(), _ANY])
        )
        fields = {name: self._ids.get(str(value)[1:-1], value) for name, value in own.items()}
        way = random.choice(_BODY_WAYS)
        if way in ("value", "extra"):
            fields[random.choice([*fields]) if way == "value" else CANARY] = random.choice(_VALUES)
        elif way == "missing":
            del fields[random.choice([*fields])]
        elif way == "long":
            fields[random.choice([*fields])] = random.choice(("a", "\u202e", '"', "🔋", "0")) * random.choice((2_000, 20_000, _HUGE))
        return self._spoilt(json.dumps(fields, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass"), way)

    def _spoilt(self, body: bytes, way: str) -> bytes:
        random, at = self._random, self._random.randrange(len(body))
        match way:
            case "piece":
                # In the place of a value: behind a colon, where there is one.
                colon = body.find(b":", at) + 1
                return body[:colon] + random.choice(_PIECES) + random.choice((b"", b"}", b",", body[colon:]))
            case "flip":
                return bytes(byte ^ (1 << random.randrange(8)) if random.random() < 0.03 else byte for byte in body)
            case "cut":
                return body[:at]
            case "twice":
                return body + random.choice((body, b"\n", b",", b"\x00"))
            case "utf16":
                return body.decode(errors="replace").encode(random.choice(("utf-16", "utf-16-le", "utf-32", "utf-7")))
            case "bom":
                return b"\xef\xbb\xbf" + body
            case "deep":
                depth = random.choice((10, 63, 64, 65, 1_000, 100_000))
                return random.choice((b"[", b'{"text":')) * depth + body
            case "bytes":
                return random.randbytes(random.choice((0, 1, 7, 64, 1_000)))
        return body


# The bugs that this has to catch.


@contextmanager
def _framework_reads_bodies() -> Iterator[None]:
    """Bodies are read by the standard loader, which lets half characters and NaN through to whatever comes next."""
    with patch("server.body.loads", json.loads):
        yield


@contextmanager
def _problems_tell_what_was_sent() -> Iterator[None]:
    """A body that is no good JSON is refused with what stood in it."""

    def wrong(body: bytes) -> Any:
        try:
            return loads(body)
        except JsonError as error:
            raise JsonError(f"{error} in {body[:2_000]!r}") from None

    with patch("server.body.loads", wrong):
        yield


BUGS = (
    Bug("bodies-read-by-the-standard-loader", (_framework_reads_bodies.__doc__ or ""), _framework_reads_bodies, "A-02", 5),
    Bug("problems-repeat-the-body", (_problems_tell_what_was_sent.__doc__ or ""), _problems_tell_what_was_sent, "A-02", 5),
)

ROWS = (Row(id="A-02", title="bytes that no client would send, to every route", ci=80, points=_points, attempt=_attempt),)
