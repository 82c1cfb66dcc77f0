"""One line of the log for each call, where a log is asked for: which route, how it was answered, and in which time.

The route and not the path, which may hold a link; and nothing of the query, the headers or the bodies. All lines of one call share its `request_id`.
"""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from halo_engine import telemetry
from server.home import Home


class Told:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, home: Home) -> None:
        self._app, self._home = app, home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing but a step aside where there is no log."""
        if scope["type"] != "http" or not telemetry.is_on():
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with telemetry.turn("http"):
            try:
                await self._app(scope, receive, sent)
            finally:
                route = getattr(scope.get("route"), "path", "")
                whose = {"household_id": self._home.household_id}
                telemetry.fact("http.answered", method=scope["method"], route=route, status=status, took_ms=telemetry.since(began), **whose)
