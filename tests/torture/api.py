"""The server in this process, called as a socket would call it: bytes in, bytes out, and no client between that would tidy them up.

The rows of attackers stand on this. The routes are read from the application itself, so that a route nobody thought of is attacked too.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from halo_engine.clock import FakeClock
from server.app import create_app
from tests.installation import NOON, Installation
from tests.torture.jobs import JOBS, kept_place, reopen

#: How often somebody may ask has a row of its own; here the clock stands still, and everybody asks at once.
OFTEN = {"calls_per_s": "1000000", "calls_burst": "1000000", "enrolments_per_minute": "1000000"}
#: A stream goes on for ever: so long is listened to one.
_STREAM_S = 0.05
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with the processor time that it took, and the error that came out of the application beside it."""

    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float
    raised: BaseException | None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, order=True)
class Endpoint:
    """One method of one route."""

    method: str
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """What stands in braces."""
        return tuple(part[1:-1].partition(":")[0] for part in self.path.split("/") if part.startswith("{"))

    def filled(self, value: Callable[[str], str]) -> str:
        """The path, with a value for every name."""
        parts = (value(part[1:-1].partition(":")[0]) if part.startswith("{") else part for part in self.path.split("/"))
        return "/".join(parts)


@dataclass
class Served:
    """A home and its application, with a loop of its own."""

    home: Installation
    app: FastAPI
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def call(self, method: str, path: str, headers: Headers = (), body: bytes = b"", *, query: bytes = b"") -> Answer:
        """One call; `path` is as it stands in the request line."""
        return self._loop.run_until_complete(_called(self.app, _scope(method, path, query, headers), body))

    def together(self, calls: Sequence[tuple[str, str, Headers, bytes]]) -> list[Answer]:
        """Several calls at the same moment."""
        return self._loop.run_until_complete(_all(self.app, calls))

    def close(self) -> None:
        # What looks after streams would go on.
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.app.state.installation.close()
        self.home.engine.close()


@contextmanager
def served(home: Installation) -> Iterator[Served]:
    """The application over `home`."""
    there = Served(home, create_app(home.settings, clock=home.clock))
    try:
        yield there
    finally:
        there.close()


def endpoints(app: FastAPI) -> list[Endpoint]:
    """Every method of every route that the application has, and of what is mounted in it."""
    found = set()
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, Mount):
            found |= {Endpoint(method, f"{context.path}/{{rest}}") for method in ("GET", "POST", "DELETE")}
        else:
            found |= {Endpoint(method, str(context.path)) for method in context.methods or {"GET"}}
    return sorted(found)


def bearing(token: str, **more: str) -> list[tuple[bytes, bytes]]:
    """The headers of a caller with `token`; the underscores of `more` are hyphens."""
    given = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in more.items()}}
    return [(name.encode(), value.encode()) for name, value in given.items()]


#: What answers in a form of its own, and which: pages for people, and JSON-RPC.
_OTHER_FORMS = {"/m/": "text/html", "/mcp": "application/json", "/metrics": "text/plain"}


def problem_faults(answer: Answer, *, path: str, head: bool = False) -> Iterator[str]:
    """Why an answer is not one that a client may get, whatever was sent."""
    if answer.raised is not None:
        yield f"{type(answer.raised).__name__} came out of the application"
    if answer.status >= 500 and not (answer.status == 503 and answer.headers.get("retry-after")):
        yield f"it was answered with {answer.status}"
    if answer.status < 400 or head:
        return
    kind = answer.headers.get("content-type", "")
    if path.startswith("/mcp") and not answer.body:
        # A notification is not answered, and neither is one that is refused.
        return
    if any(path.startswith(place) and kind.startswith(form) for place, form in _OTHER_FORMS.items()):
        return
    if kind != "application/problem+json":
        yield f"{answer.status} with the content type {answer.headers.get('content-type')}"
        return
    problem = answer.json()
    if not {"type", "title", "status", "code"} <= set(problem) or problem["status"] != answer.status:
        yield f"{answer.status} with a problem that lacks something"


@functools.cache
def lived_in() -> tuple[Path, dict[str, str]]:
    """A home with a draft that waits, a question that waits, and an order that was carried out, closed, to be copied; and its ids. Made once."""
    home = kept_place("halo-api-") / "home"
    made = Installation.open(home, clock=FakeClock(NOON))
    done = made.carry_out(made.ask(JOBS["order"]))
    asked, waits = made.ask("book a table at Nopa"), made.ask(JOBS["reorder"])
    new = made.engine.devices.add("Phone", by="Alex")
    spare = made.engine.devices.add("Tablet", by="Alex")
    child = made.engine.devices.add("Watch", by="Kim")
    made.engine.close()
    return home, {
        "token": new.token.get_secret_value(),
        "child_token": child.token.get_secret_value(),
        "device_id": spare.device.id,
        "execution_id": done.id,
        "draft_id": str(waits.draft_id),
        "draft_hash": str(waits.draft_hash),
        "request_id": str(asked.request_id),
        "of": str(waits.request_id),
    }


def lived_in_copy(place: Path) -> tuple[Installation, dict[str, str]]:
    """The same in `place`, opened. The caller closes it."""
    home, ids = lived_in()
    shutil.copytree(home, place / "home")
    return reopen(place / "home", FakeClock(NOON, seed=2), **OFTEN), ids


def _scope(method: str, path: str, query: bytes, headers: Headers) -> dict[str, Any]:
    # As uvicorn reads a request line.
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii", "replace"),
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


async def _all(app: FastAPI, calls: Sequence[tuple[str, str, Headers, bytes]]) -> list[Answer]:
    return await asyncio.gather(*(_called(app, _scope(method, path, b"", headers), body) for method, path, headers, body in calls))


async def _called(app: FastAPI, scope: dict[str, Any], body: bytes) -> Answer:
    began = time.process_time()
    parts = [body[at : at + 65_536] for at in range(0, len(body), 65_536)] or [b""]
    streams, said, headers, status = asyncio.Event(), bytearray(), {}, 0

    async def receive() -> dict[str, Any]:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
        await streams.wait()
        await asyncio.sleep(_STREAM_S)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]})
            if headers.get("content-type", "").startswith("text/event-stream"):
                streams.set()
        else:
            said.extend(message.get("body", b""))

    raised: BaseException | None = None
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the row looks for
        raised = error
    return Answer(status, headers, bytes(said), time.process_time() - began, raised)
