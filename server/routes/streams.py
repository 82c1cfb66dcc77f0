"""What happens to an execution, as it happens: server-sent events (WHATWG HTML §9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from halo_engine.model.device import token_sha256
from halo_engine.model.event import Event
from server.answers import PRIVATE, encoded
from server.auth import AtHome, Caller
from server.documents.executions import LogEntry
from server.errors import problems
from server.process.streams import Stream, Streams

#: How long a client waits before it comes again when a stream broke off, in milliseconds.
_RETRY_MS = 2000
#: The greatest that both databases count to.
_LAST = 2**63 - 1

routes = APIRouter(prefix="/v1/executions", tags=["executions"])

After = Annotated[int, Query(ge=0, le=_LAST, description="As the header Last-Event-ID, for who cannot send that.")]
LastEventId = Annotated[
    int | None, Header(ge=0, le=_LAST, description="The id of the last event that was heard: the stream goes on after it.")
]

_STREAM = {
    "description": "The events, and `end` when there will be no more.",
    # Without a schema: it would be one of each event, and an event has fields beside its data.
    "content": {"text/event-stream": {}},
}


@routes.get(
    "/{execution_id}/events",
    operation_id="streamExecutionEvents",
    response_class=Response,
    responses={200: _STREAM, **problems(404, 422, 429, 503)},
)
async def events(
    request: Request,
    home: AtHome,
    caller: Caller,
    execution_id: str,
    last_event_id: LastEventId = None,
    after: Annotated[After, Query(alias="last_event_id")] = 0,
) -> Response:
    """Follow an execution: each event of the log about it, as `id: <seq>`, `event: <event_type>`, `data: <log entry>`.

    An `event: end` with the execution's status comes last, and then the stream is closed. It also ends when the token does, or when the server is
    about to; whoever comes again with `Last-Event-ID` misses nothing and hears nothing twice. A line that begins with a colon only says that it is
    still there.
    """
    streams = cast(Streams, request.app.state.streams)
    token = request.headers["authorization"].partition(" ")[2].strip()
    stream = await streams.follow(caller, token_sha256(token), execution_id, after=after if last_event_id is None else last_event_id)
    return EventStream(streams, stream, heartbeat_s=home.settings.serve_heartbeat_s)


class EventStream(Response):
    """An answer that goes on until there is no more to say or nobody to say it to."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, stream: Stream, *, heartbeat_s: float) -> None:
        self.status_code, self.background, self.body = 200, None, b""
        self._streams, self._stream, self._heartbeat_s = streams, stream, heartbeat_s
        # A proxy that gathers an answer before it passes it on would gather for ever.
        self.init_headers({**PRIVATE, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.ensure_future(self._tell(send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                telling.result()
        finally:
            self._streams.close(self._stream)
            for task in (telling, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for text in self._texts():
            await send({"type": "http.response.body", "body": text, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _texts(self) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        while True:
            news = await self._stream.wait(self._heartbeat_s)
            if self._stream.is_over:
                yield b": this stream ends here; come again\n\n"
                return
            if news is None:
                yield b": still here\n\n"
                continue
            yield b"".join(map(_told, news.events))
            if news.is_all:
                yield b"event: end\ndata: %s\n\n" % encoded({"status": news.status.value})
                return


def _told(event: Event) -> bytes:
    # The data is one line: what could break one is escaped in JSON.
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.event_type.encode(), encoded(LogEntry.of(event)))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
