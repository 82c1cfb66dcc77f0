"""The same over streamable HTTP, at `/mcp`: for whoever has a device's token, in the name of that device's member.

Each call is served by a server of its own and answered in one JSON object. So there is no session that could be another's, nothing to resume and
nothing that grows; and the library is read in by the first call, which it takes most of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from server.auth import AtHome, Caller
from server.errors import plain, problem
from server.home import Home

PATH = "/mcp"
#: Words of the greatest length a tool takes, escaped, and room to spare.
MAX_BYTES = 256 * 1024

routes = APIRouter(tags=["mcp"])


@routes.post(PATH, operation_id="callMcp", include_in_schema=False)
async def call(home: AtHome, caller: Caller, request: Request) -> Response:
    """One message of the protocol. Who calls is known before anything of it is read."""
    check_names(request.headers, home.settings.public_url)
    return _Answer(home, caller.user_id, await _body(request))


def check_names(headers: Mapping[str, str], site: str | None) -> None:
    """Refuse a host or an origin that is not ours: a web page could have pointed its own name at this machine. Raises 421 or 403."""
    ours = urlsplit(site).hostname if site else None
    if not _is_ours(f"//{headers.get('host', '')}", ours):
        raise HTTPException(421)
    origin = headers.get("origin")
    if origin is not None and not _is_ours(origin, ours):
        raise HTTPException(403)


def _is_ours(address: str, ours: str | None) -> bool:
    """By its name: our own site's, or one that nobody else could have pointed here."""
    try:
        name = urlsplit(address).hostname
    except ValueError:
        return False
    if name is None:
        return False
    if name in (ours, "localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413)
    return bytes(body)


class _Answer(Response):
    """What the library answers, said by it: it writes its own status and headers."""

    def __init__(self, home: Home, member_id: str, body: bytes) -> None:
        super().__init__()
        self._home, self._member_id, self._message = home, member_id, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from server.mcp.messages import refusal, wrong_with
        from server.mcp.serving import serve_desk
        from server.mcp.tools import Desk

        if trouble := wrong_with(self._message):
            await refusal(*trouble)(scope, receive, send)
            return
        manager = StreamableHTTPSessionManager(serve_desk(Desk(self._home, self._member_id)), json_response=True, stateless=True)
        async with manager.run():
            told = _Told(send)
            await manager.handle_request(scope, _again(self._message, receive), told)
        if told.bare is not None:
            await problem(plain(told.bare))(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for whoever comes second."""
    told = False

    async def receiving() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


class _Told:
    """With the headers of all that is this household's alone. `bare` is the status of a refusal that does not say what it is: it is kept back."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.bare: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"cache-control"]
            if message["status"] >= 400 and not any(name.lower() == b"content-type" for name, _ in kept):
                self.bare = message["status"]
            message = {**message, "headers": [*kept, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]}
        if self.bare is None:
            await self._send(message)


def is_installed() -> bool:
    """Whether the protocol's library is there; without it there is no such place."""
    return find_spec("mcp") is not None
