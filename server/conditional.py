"""What a client has already is not sent again: `If-None-Match` against the ETag of an answer (RFC 9110 §13.1.2). And HEAD: GET without its body.

Done here once and not in each route: an answer that has an ETag was made from the books as they stand, and only its bytes are saved.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What a 304 repeats of the answer that it stands for (RFC 9110 §15.4.5).
_REPEATED = frozenset((b"etag", b"cache-control", b"vary"))


class Conditional:
    """A layer of the application, over all that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # Nobody is there to hear a body: a stream ends with its headers.
            await self._app({**scope, "method": "GET"}, _gone, _Bodiless(send, drop=True).send)
        elif had := Headers(scope=scope).get("if-none-match"):
            await self._app(scope, receive, _Bodiless(send, had=had).send)
        else:
            await self._app(scope, receive, send)


async def _gone() -> Message:
    return {"type": "http.disconnect"}


class _Bodiless:
    """Passes an answer on; without its body where that is not wanted."""

    def __init__(self, send: Send, *, had: str = "", drop: bool = False) -> None:
        self._send, self._had, self._drop = send, had, drop

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_had(message):
            self._drop = True
            message = {**message, "status": 304, "headers": [pair for pair in message["headers"] if pair[0].lower() in _REPEATED]}
        if not self._drop:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._send(message)
            # Now, and not with the last part of the body: a stream that nobody hears has none.
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _is_had(self, start: Message) -> bool:
        """Weakly compared, as is asked for: a proxy that compressed our answer has made the tag a weak one."""
        if not self._had or start["status"] != 200:
            return False
        tag = next((value.decode("latin-1") for name, value in start["headers"] if name.lower() == b"etag"), "")
        return bool(tag) and (self._had.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in self._had.split(",")))
