"""One connection, with an end to everything on it: to a header, to their number, to a body, and to the time that each of them takes.

The server below has none of these. It waits for ever for a client that has connected and says nothing, keeps whatever part of a header has come, and
queues as many requests of one connection as are sent. It also answers a bad request before the good ones that came ahead of it, so that the client
takes the refusal for another's answer; here each is answered in its turn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server import errors
from server.errors import Kind
from server.process.refusals import as_bytes

if TYPE_CHECKING:
    from halo_engine.settings import Settings

_HEADERS = 100
_HEADERS_BYTES = 32 * 1024
_TARGET_BYTES = 8 * 1024
#: Twice what any route reads: a body in the smallest chunks is more frame than text.
_BODY_BYTES = 16 * 1024 * 1024
#: Requests of one connection that wait for their turn.
_PIPELINED = 16
_BUSY = errors.kind_of(errors.Busy)


@dataclass(frozen=True)
class Limits:
    """What differs between installations."""

    headers_s: float
    body_s: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(headers_s=settings.serve_headers_s, body_s=settings.serve_body_s, connections=settings.serve_connections)


class LimitedConfig(Config):
    """The server's configuration, and the limits of its connections: each of them is given this."""

    limits: Limits


class _Refused(Exception):
    """Leaves the parser, which only knows that something went wrong."""


class Limited(HttpToolsProtocol):
    """A connection."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = cast(LimitedConfig, config).limits
        self._deadline: asyncio.TimerHandle | None = None
        #: Runs while more of an answer has been written than its client takes.
        self._untaken: asyncio.TimerHandle | None = None
        self._refusal: Kind | None = None
        self._is_in_head = self._is_in_body = False
        #: Of the head that is being read: what has come of it, and how many headers.
        self._head_bytes = self._heads = 0
        self._body_bytes = 0

    # What comes.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._end_with(_BUSY)
        else:
            self._within(self._limits.headers_s)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        was_in_head, was_in_body = self._is_in_head, self._is_in_body
        super().data_received(data)
        if self._refusal is not None:
            return
        # A part of a header is nobody's yet, and is counted by the piece.
        if was_in_head and self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _HEADERS_BYTES:
                self._refuse(errors.plain(431))
        if was_in_body and self._is_in_body:
            self._body_bytes += len(data)
            if self._body_bytes > _BODY_BYTES:
                self._refuse(errors.plain(413))
        if self._deadline is None and self.timeout_keep_alive_task is None and self._is_at_rest:
            # An empty line before a request, or a piece of nothing: the wait for a request goes on.
            self._within(self._limits.headers_s)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes, self._heads, self._body_bytes = True, 0, 0, 0
        if self._deadline is None:
            self._within(self._limits.headers_s)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _TARGET_BYTES:
            self._stop_reading(errors.plain(414))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._heads += 1
        self._head_bytes += len(name) + len(value)
        if self._heads > _HEADERS or self._head_bytes > _HEADERS_BYTES:
            self._stop_reading(errors.plain(431))
        if name.lower() == b"content-length" and value.isdigit() and int(value) > _BODY_BYTES:
            self._stop_reading(errors.plain(413))
        # What comes after a body is none of the request's headers, whatever it says.
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.pipeline) >= _PIPELINED or not self._is_clear:
            self._stop_reading(errors.plain(400))
        super().on_headers_complete()
        if self.parser.should_upgrade():
            # Nothing here speaks anything else, and what follows may be no HTTP.
            self.cycle.keep_alive = False
        self._is_in_body = True
        self._within(self._limits.body_s)

    @property
    def _is_clear(self) -> bool:
        """Whether nobody on the way can have read it otherwise: a version of ours, and one host (RFC 9112 §3.2)."""
        version, hosts = self.parser.get_http_version(), sum(name == b"host" for name, _ in self.headers)
        return hosts == 1 if version == "1.1" else version == "1.0" and hosts <= 1

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_body = False
        self._no_longer_within()

    def _stop_reading(self, refusal: Kind) -> None:
        self._refusal = refusal
        raise _Refused

    # Who is refused, and when it is said.

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or errors.plain(400))

    def _refuse(self, refusal: Kind) -> None:
        """Nothing more is read. It is said in its turn: after the answers to whole requests that came before, or instead of this one's answer."""
        self._refusal = refusal
        self._no_longer_within()
        if self._is_at_rest and self._is_in_body:
            # It was answered without what is still coming.
            self.transport.close()
        elif self._is_at_rest:
            self._end_with(refusal)
        elif self._is_in_body and not self.pipeline:
            is_unanswered = not self.cycle.response_started
            self._drop()
            if is_unanswered:
                self._end_with(refusal)
            else:
                self.transport.close()
        elif self._is_in_body:
            # The last in a row: those before it are answered, and it is not begun.
            self.pipeline.popleft()
            self.flow.pause_reading()
        else:
            self.flow.pause_reading()

    def _drop(self) -> None:
        """The request that is being read will not be: whoever reads it hears that its sender has gone."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _end_with(self, refusal: Kind) -> None:
        self._refusal = refusal
        self.transport.write(as_bytes(refusal))
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refusal is not None and self._is_answered and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._end_with(self._refusal)

    @property
    def _is_answered(self) -> bool:
        return not self.pipeline and (self.timeout_keep_alive_task is not None or self.cycle.response_complete)

    @property
    def _is_at_rest(self) -> bool:
        """Nothing is under way."""
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    # Time.

    def _within(self, seconds: float) -> None:
        self._no_longer_within()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _no_longer_within(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._is_at_rest and not self._is_in_head and not self._is_in_body:
            # Nothing was asked, so nothing is answered.
            self.transport.close()
        else:
            self._refuse(errors.plain(408))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken = self.loop.call_later(self._limits.body_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._no_longer_untaken()

    def _no_longer_untaken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def timeout_keep_alive_handler(self) -> None:
        # Whoever has not taken the last answer by now does not get the rest of it either: closing would wait for it.
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_longer_within()
        self._no_longer_untaken()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
