"""How much is under way at once. Whoever comes when it is too much is told to come again, which costs nothing; a queue would cost everybody.

What only looks at the process itself is always let in, or one would not see why it is slow. Streams rest most of the time, and have limits of
their own. A call whose body is still on its way costs nothing but its connection, so it gives its place to others meanwhile: else whoever sends a few
dozen slowly would shut everybody out.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import errors

_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})


class Gate:
    """Innermost but for the routes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS or scope["path"].endswith("/events"):
            await self._app(scope, receive, send)
            return
        place = _Place(self)
        try:
            place.take()
            await self._app(scope, place.during(receive), send)
        except errors.Busy as busy:
            await errors.problem_of(busy)(scope, receive, send)
        except ClientDisconnect:
            # Nobody is there to be answered.
            return
        finally:
            place.leave()

    def change(self, by: int) -> None:
        """One more is under way, or one less. Raises `Busy`."""
        if by > 0 and self._under_way >= self._most:
            raise errors.Busy
        self._under_way += by


class _Place:
    """One call's, which it may be without for a while."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._is_held = gate, False

    def take(self) -> None:
        if not self._is_held:
            self._gate.change(1)
            self._is_held = True

    def leave(self) -> None:
        if self._is_held:
            self._gate.change(-1)
            self._is_held = False

    def during(self, receive: Receive) -> Receive:
        """Without it while the next piece of the body is awaited. Raises `Busy` where there is none any more: of what came nothing was done."""
        is_whole = False

        async def receiving() -> Message:
            nonlocal is_whole
            if is_whole:
                # Whoever asks now waits for the client to go, and is at work.
                return await receive()
            self.leave()
            message = await receive()
            is_whole = not message.get("more_body", False)
            self.take()
            return message

        return receiving
