"""The webhook: `POST /v1/bridge`. Whoever calls it proves itself by the key of this home: in a header or, as a bridge knows only a URL, in its query.

A bridge's webhook carries the household's whole thread. So nothing here logs, and the answer says nothing of what was sent: 204 for everything that
could be read as a webhook, whether or not anything came of it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from halo_engine.model.errors import HaloError, StoreFailed
from halo_engine.store.bridge_files import BridgeFiles
from server.body import LONG, MAX_VALUES, read_body
from server.bridge.inbound import Webhook
from server.bridge.room import Full, Room, open_room
from server.home import Home

log = logging.getLogger(__name__)

PATH = "/v1/bridge"


@dataclass
class _Attached:
    """What the webhook needs: where the key is that callers prove themselves with, and the room while it is open."""

    files: BridgeFiles
    room: Room | None = None

    def is_key(self, presented: bytes) -> bool:
        """The key is read each time, so that an old one is worthless from the moment there is a new one."""
        try:
            return hmac.compare_digest(presented, self.files.key().encode())
        except HaloError as error:
            log.warning("The bridge's key cannot be used: %s", error.code)
            return False


def mount(app: FastAPI, home: Home) -> None:
    """Put the webhook into the application, where a bridge is attached to the home."""
    files = BridgeFiles(home.settings.home)
    if files.is_set_up():
        app.state.bridge = _Attached(files)
        app.include_router(_routes(home))


def room_of(app: FastAPI) -> Room:
    """The open room of an application. Raises `StoreFailed` where it could not be opened."""
    attached: _Attached = app.state.bridge
    if attached.room is None:
        raise StoreFailed("The bridge is not served.", hint="Look at the server's log.")
    return attached.room


def _routes(home: Home) -> APIRouter:
    @asynccontextmanager
    async def served(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            opening = open_room(home)
            try:
                app.state.bridge.room = await to_thread.run_sync(opening.__enter__)
            except HaloError as error:
                # The rest of the server serves; the webhook says that it cannot.
                log.warning("The bridge is not served: %s", error.code)
            else:
                stack.push_async_callback(to_thread.run_sync, lambda: opening.__exit__(None, None, None))
            yield

    routes = APIRouter(tags=["bridge"], lifespan=served)
    routes.add_api_route(PATH, _hear, methods=["POST"], status_code=204, operation_id="postBridgeWebhook", include_in_schema=False)
    return routes


async def _webhook(request: Request) -> Webhook:
    """The body, of a caller who has the key. Raises 401 before anything of the body is read."""
    presented = _presented(request)
    # Whoever logs the request after this has no secret to log.
    request.scope["query_string"] = b""
    if not request.app.state.bridge.is_key(presented):
        raise HTTPException(401)
    # A message as its sender's machine tells it: with everybody in the thread, and every run of its letters.
    return await read_body(request, Webhook, LONG, values=10 * MAX_VALUES)


def _hear(request: Request, webhook: Annotated[Webhook, Depends(_webhook)]) -> Response:
    try:
        room_of(request.app).hear(webhook)
    except Full:
        raise HTTPException(503, headers={"Retry-After": "5"}) from None
    except HaloError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback of it would quote what was sent
        log.warning("A webhook could not be read: %s", type(error).__name__)
    return Response(status_code=204)


def _presented(request: Request) -> bytes:
    """What the caller proves itself with; empty when it is nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    given = token if kind.lower() == "bearer" else request.query_params.get("key", "")
    return given.encode(errors="replace")
