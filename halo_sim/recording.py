"""What was said between Halo and a vendor, kept as HAR 1.2, which every browser and proxy can open.

`RecordingTransport` passes calls on and keeps them; `write` and `read` are the file. Addresses are written as the simulator's own
(`http://simulator.invalid/<vendor>/…`), whoever answered, so that a recording can be replayed under any settings and compared with the
simulator; where it really came from stands in the file's comment. Secrets never reach the file: see `scrubbing.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import httpx

from halo_engine.clock import Clock
from halo_sim.scrubbing import scrub_body, scrub_headers

HOST = "http://simulator.invalid"
#: Said in every file that nobody recorded from a real vendor.
SIMULATED = "Composed from public documentation by running Halo's adapters against the simulator. No live service was called."

#: Of no interest to anybody who compares, and different on every machine.
_IDLE_HEADERS = frozenset({"host", "connection", "content-length", "date", "server", "user-agent", "accept-encoding", "x-amz-date"})


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d(?::|%3A)\d\d(?::|%3A)\d\d(?:\.\d+)?Z")
#: Idempotency keys and quote ids: long runs of digits, as nothing that is sold has.
_KEY = re.compile(r"[0-9a-f]{16,}")

#: Method, path, query in any order, body.
Question: TypeAlias = tuple[str, str, frozenset[tuple[str, str]], str]


def question(method: str, target: str, body: str) -> Question:
    """What a call asks, apart from who asks and when: instants and made-up keys are the same as any other."""
    parts = urlsplit(target)
    query = frozenset((name, _loosely(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return method, _loosely(parts.path), query, _loosely(body)


def _loosely(text: str) -> str:
    return _KEY.sub("KEY", _INSTANT.sub("INSTANT", text))


@dataclass(frozen=True, slots=True)
class Spoken:
    """One call and its answer, scrubbed. `target` begins with the vendor's name: `/amazon/products/…?…`."""

    at: datetime
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer: str

    @property
    def asked(self) -> Question:
        """What a replay goes by."""
        return question(self.method, self.target, self.body)

    @property
    def kind(self) -> str:
        """The media type of the request."""
        return dict(self.headers).get("content-type", "")


@dataclass(frozen=True, slots=True)
class Recording:
    """A conversation with one vendor, in order."""

    vendor: str
    comment: str
    spoken: tuple[Spoken, ...]


class RecordingTransport(httpx.BaseTransport):
    """Passes every call on to `inner`, and keeps those to the addresses in `places`: base URL → the simulator's name for it."""

    def __init__(self, inner: httpx.BaseTransport, clock: Clock, places: Mapping[str, str]) -> None:
        self._inner, self._clock, self._places = inner, clock, places
        self.spoken: list[Spoken] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises what `inner` raises; a call without an answer is not kept."""
        at, sent = self._clock.now(), request.read()
        said = self._inner.handle_request(request)
        body = said.read()
        target = target_of(str(request.url), self._places)
        if target is not None:
            self.spoken.append(_spoken(at, target, request, sent, said, body))
        return httpx.Response(said.status_code, headers=said.headers, content=body, request=request)

    def close(self) -> None:
        """Also closes `inner`."""
        self._inner.close()


def target_of(url: str, places: Mapping[str, str]) -> str | None:
    """`url` as the simulator would be asked for it; None when it is none of `places`."""
    for base, name in places.items():
        rest = url.removeprefix(base)
        if rest != url and (not rest or rest[0] in "/?"):
            return f"/{name}{rest}"
    return None


def _spoken(at: datetime, target: str, request: httpx.Request, sent: bytes, said: httpx.Response, body: bytes) -> Spoken:
    return Spoken(
        at=at.astimezone(UTC),
        method=request.method,
        target=target,
        headers=_kept(request.headers),
        body=scrub_body(sent, request.headers.get("content-type", "")),
        status=said.status_code,
        answer_headers=_kept(said.headers),
        answer=scrub_body(body, said.headers.get("content-type", "")),
    )


def _kept(headers: httpx.Headers) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in scrub_headers(headers.items()) if name.lower() not in _IDLE_HEADERS)


# The file.


def write(path: Path, recording: Recording) -> None:
    """As HAR 1.2."""
    path.write_text(dump(recording), encoding="utf-8")


def dump(recording: Recording) -> str:
    """The text of the file."""
    log = {
        "version": "1.2",
        "creator": {"name": "halo sim record", "version": "1", "comment": recording.comment},
        "comment": recording.comment,
        "_vendor": recording.vendor,
        "entries": [_entry(one) for one in recording.spoken],
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


def _entry(one: Spoken) -> dict[str, Any]:
    query = parse_qsl(urlsplit(one.target).query, keep_blank_values=True)
    request: dict[str, Any] = {
        "method": one.method,
        "url": f"{HOST}{one.target}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(one.headers),
        "queryString": _pairs(query),
        "headersSize": -1,
        "bodySize": len(one.body.encode()),
    }
    if one.body:
        request["postData"] = {"mimeType": one.kind, "text": one.body}
    return {
        "startedDateTime": one.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "time": 0,
        "request": request,
        "response": _response(one),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }


def _response(one: Spoken) -> dict[str, Any]:
    kind = dict(one.answer_headers).get("content-type", "application/octet-stream")
    size = len(one.answer.encode())
    return {
        "status": one.status,
        "statusText": HTTPStatus(one.status).phrase if one.status in set(HTTPStatus) else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(one.answer_headers),
        "content": {"size": size, "mimeType": kind, "text": one.answer},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": size,
    }


def _pairs(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def read(path: Path) -> Recording:
    """The recording in a file. Raises `ValueError` for what is no HAR of ours, `OSError` for what cannot be read."""
    try:
        log = json.loads(path.read_text(encoding="utf-8"))["log"]
        spoken = tuple(_read_entry(entry) for entry in log["entries"])
        return Recording(vendor=str(log["_vendor"]), comment=str(log["comment"]), spoken=spoken)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a recording") from error


def _read_entry(entry: dict[str, Any]) -> Spoken:
    request, response = entry["request"], entry["response"]
    return Spoken(
        at=datetime.strptime(entry["startedDateTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
        method=request["method"],
        target=request["url"].removeprefix(HOST),
        headers=_named(request["headers"]),
        body=request.get("postData", {}).get("text", ""),
        status=int(response["status"]),
        answer_headers=_named(response["headers"]),
        answer=response["content"]["text"],
    )


def _named(pairs: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((pair["name"], pair["value"]) for pair in pairs)
