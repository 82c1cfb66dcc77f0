"""Every call has a name that its answer carries; and one line in the log, where a log is asked for: which route, how it was answered, in which time.

The route and not the path, which may hold a link; and nothing of the query, the headers or the bodies. All lines of one call share its `request_id`.
"""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from halo_engine import telemetry
from server import request_ids


class Told:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, request_id = time.monotonic(), 500, request_ids.begin(scope)

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[request_ids.HEADER] = request_id
            await send(message)

        if not telemetry.is_on():
            await self._app(scope, receive, sent)
            return
        with telemetry.about(request_id=request_id):
            try:
                await self._app(scope, receive, sent)
            finally:
                route = getattr(scope.get("route"), "path", "")
                whose = {"household_id": scope.get("state", {}).get("household_id")}
                telemetry.fact("http.answered", method=scope["method"], route=route, status=status, took_ms=telemetry.since(began), **whose)
