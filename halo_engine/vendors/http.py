"""The one client through which every vendor is asked.

Adapters call `read` for what changes nothing and may be sent again, and `commit` for what is sent once and never repeated here. Both return
one of a closed set: `Answer`, `NotSent` or `MayHaveBeenSent`; neither raises for anything the other side or the network does.

The surprising part is the deadline. httpx's timeouts start anew with every byte, so a server that drips one can hold a call for ever; here
the total time is checked between chunks, and a timer cuts the connection where no chunk ever comes.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Literal, Self, assert_never

import httpx
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.redaction import PLAIN, Redactor
from halo_engine.model.strict_json import Json, dumps, loads
from halo_engine.vendors import recorder
from halo_engine.vendors.recorder import Spoken

log = logging.getLogger(__name__)

# At INFO httpx writes whole URLs, at DEBUG httpcore writes headers: both can hold secrets.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

READ_ATTEMPTS = 3
#: A person waits for a read; a vendor that asks for more patience than this gets none.
MAX_READ_PAUSE_S = 5
#: A vendor may not park an execution for longer than this.
MAX_RETRY_AFTER_S = 300

_BUSY = frozenset({429, 502, 503, 504})
_TOO_LATE = "its time was over before it could be sent"
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call may cost. The total must stay below the time after which an unanswered commit may be looked up (`request_lives_s`)."""

    connect_s: float = 5.0
    read_s: float = 20.0
    total_s: float = 30.0
    max_body_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. Its repr shows neither headers nor query nor body, because tokens and addresses travel there."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer of any status. `retry_after_s` is from 0 to `MAX_RETRY_AFTER_S`, None where there was none that can be read."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    retry_after_s: int | None = None

    def json(self) -> Json:
        """The body, read only when somebody wants it. Raises `JsonError`."""
        return loads(self.body)


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request left: certainly not done."""

    why: str
    error: Exception | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MayHaveBeenSent:
    """Some of the request may have arrived, and no complete answer came back."""

    why: str
    error: Exception | None = field(default=None, repr=False)


Reply = Answer | NotSent | MayHaveBeenSent


#: Whether a commit may still leave; always, where nobody has said until when.
_may_leave: ContextVar[Callable[[], bool]] = ContextVar("may_leave", default=lambda: True)


@contextmanager
def leaving_until(at: datetime, clock: Clock) -> Iterator[None]:
    """No commit inside this block leaves after `at`, however long this process was stopped in between: others may act on it from then on.

    Measured on the clock and, since that can be set back, on the machine's monotonic one too.
    """
    end = time.monotonic() + (at - clock.now()).total_seconds()
    token = _may_leave.set(lambda: clock.now() < at and time.monotonic() < end)
    try:
        yield
    finally:
        _may_leave.reset(token)


class VendorHttp:
    """Sends calls over `transport` (None: the network) within `limits`. Pauses between reads pass on `clock`.

    `redactor` takes the secrets out of what is kept for those who record (`recorder.py`).
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None,
        clock: Clock,
        *,
        limits: Limits | None = None,
        redactor: Redactor = PLAIN,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._monotonic = monotonic
        self._redactor = redactor
        self._retrying = Retrying(
            stop=stop_after_attempt(READ_ATTEMPTS),
            retry=retry_if_result(_worth_another_try),
            wait=_pause_s,
            sleep=self._sleep,
            retry_error_callback=_last_reply,
        )
        self._client = httpx.Client(
            transport=transport or _network(),
            timeout=httpx.Timeout(self._limits.read_s, connect=self._limits.connect_s),
            follow_redirects=False,
            # No proxy, netrc or cookie: what is sent is what the adapter wrote.
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": "halo/0.1 (Language=Python)", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def commit(self, call: Call) -> Reply:
        """Send `call` exactly once; not at all when the time in which it may leave is over."""
        may_leave = _may_leave.get()
        if not may_leave():
            return NotSent(_TOO_LATE)
        return self._send(call, may_leave)

    def read(self, call: Call) -> Reply:
        """Send `call`, which must change nothing, up to three times while the vendor cannot be reached or says that it is busy."""
        reply: Reply = self._retrying(self._send, call)
        return reply

    def _sleep(self, seconds: float) -> None:
        self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds))

    def _send(self, call: Call, may_leave: Callable[[], bool] = lambda: True) -> Reply:
        watchdog = _Watchdog(self._limits.total_s, self._monotonic, may_leave)
        try:
            request = self._request(call, watchdog)
        except (httpx.InvalidURL, UnicodeError) as error:
            return NotSent("the request could not be written", error)
        began = time.monotonic()
        with watchdog:
            reply = self._exchange(request, watchdog)
        self._tell(call, request.url, reply, telemetry.since(began))
        return reply

    def _tell(self, call: Call, url: httpx.URL, reply: Reply, took_ms: int) -> None:
        """To the log, where and how it went and nothing of what was said; to whoever records, what was said too."""
        status, answer = (reply.status, reply.body) if isinstance(reply, Answer) else (0, reply.why)
        why = None if isinstance(reply, Answer) else reply.why
        telemetry.fact("vendor.called", method=call.method, host=url.host, path=url.path, status=status, why=why, took_ms=took_ms)
        sent = dict(call.form) if call.form is not None else call.json
        recorder.keep(
            Spoken(method=call.method, url=str(url), sent=sent, status=status, answer=answer, took_ms=took_ms), self._clock, self._redactor
        )

    def _request(self, call: Call, watchdog: _Watchdog) -> httpx.Request:
        content = None if call.json is None else dumps(call.json)
        typed = {"Content-Type": "application/json"} if content is not None else {}
        return self._client.build_request(
            call.method,
            call.url,
            headers={**typed, **call.headers},
            params=dict(call.query) or None,
            data=None if call.form is None else dict(call.form),
            content=content,
            extensions={"trace": watchdog.trace},
        )

    def _exchange(self, request: httpx.Request, watchdog: _Watchdog) -> Reply:
        try:
            response = self._client.send(request, stream=True)
            try:
                return self._answer(response, watchdog)
            finally:
                response.close()
        except _NEVER_LEFT as error:
            return NotSent("no connection could be made", error)
        except _TooLateError as error:
            return NotSent(_TOO_LATE, error)
        except _UnfitError as error:
            return MayHaveBeenSent(str(error), error)
        # A socket cut by the watchdog can surface as a plain OSError.
        except (httpx.RequestError, httpx.StreamError, OSError) as error:
            return MayHaveBeenSent(watchdog.late if watchdog.is_late() else _why(error), error)

    def _answer(self, response: httpx.Response, watchdog: _Watchdog) -> Answer:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            # Never unpacked: a few kilobytes can unfold into all the memory there is.
            raise _UnfitError("the answer came compressed, which was not asked for")
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._limits.max_body_bytes:
                raise _UnfitError("the answer is too large")
            if watchdog.is_late():
                raise _UnfitError(watchdog.late)
        wait_s = _retry_after_s(response.headers.get("retry-after", ""), self._clock.now())
        return Answer(status=response.status_code, headers=response.headers, body=bytes(body), retry_after_s=wait_s)


class SignInError(Exception):
    """The vendor did not accept the stored credentials: asking again with the same ones cannot help. The message is for a person."""


def usable(vendor: str, reply: Reply, *, also: frozenset[int] = frozenset()) -> Answer:
    """`reply` to a read, where it is an answer of 200 or of one of the statuses in `also`. Raises `VendorFailed`."""
    if not isinstance(reply, Answer):
        raise failed(vendor, reply) from reply.error
    if reply.status != 200 and reply.status not in also:
        raise failed(vendor, reply)
    return reply


def failed(vendor: str, reply: Reply) -> VendorFailed:
    """The error for a read that `vendor` did not answer usefully, in words for a person."""
    match reply:
        case NotSent(why):
            return VendorFailed(f"{vendor} could not be reached: {why}.")
        case MayHaveBeenSent(why):
            return VendorFailed(f"{vendor} did not answer: {why}.")
        case Answer(status=429, retry_after_s=wait_s):
            return VendorFailed(f"{vendor} asks for fewer questions.", hint=f"Try again in {wait_s or 60} seconds.")
        case Answer(status=401 | 403 | 419):
            return VendorFailed(f"{vendor} did not accept the stored sign-in.", hint="Check its credentials in the settings.")
        case Answer(status=status) if status >= 500:
            return VendorFailed(f"{vendor} has a problem of its own (status {status}).")
        case Answer(status=status):
            return VendorFailed(f"{vendor} gave an answer that cannot be used (status {status}).")
    assert_never(reply)


class _TooLateError(Exception):
    """Raised before the first byte."""


class _UnfitError(Exception):
    """The answer is not one to be read."""


class _Watchdog:
    """The total deadline of one call.

    In-process transports never connect, so for them no thread is started and only `is_late` counts.
    """

    def __init__(self, total_s: float, monotonic: Callable[[], float], may_leave: Callable[[], bool]) -> None:
        self._monotonic, self._may_leave = monotonic, may_leave
        self._end = monotonic() + total_s
        self._timer: threading.Timer | None = None
        self._socket: socket.socket | None = None
        self.late = f"no complete answer within {total_s:g} s"

    def is_late(self) -> bool:
        """Whether the time is up."""
        return self._monotonic() >= self._end

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpx's hook: from the moment there is a connection, watch it; and before the first byte, see that its time is not over."""
        if event == "http11.send_request_headers.started" and not self._may_leave():
            raise _TooLateError
        if event == "connection.connect_tcp.complete":
            # A duplicate, because TLS takes the original socket out of our hands.
            self._socket = info["return_value"].get_extra_info("socket").dup()
            self._timer = threading.Timer(max(0.0, self._end - self._monotonic()), self._cut)
            self._timer.daemon = True
            self._timer.start()

    def _cut(self) -> None:
        # Whoever closed it first has won; there is nothing left to cut.
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the connection was closed already")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._socket is not None:
            self._socket.close()


@cache
def _tls() -> ssl.SSLContext:
    # Building one takes a tenth of a second, so the process shares it.
    return httpx.create_ssl_context()


def _network() -> httpx.BaseTransport:
    # A fresh connection for every call: a commit on one the vendor has just closed would be lost without a word.
    return httpx.HTTPTransport(verify=_tls(), trust_env=False, limits=httpx.Limits(max_connections=20, max_keepalive_connections=0))


def _worth_another_try(reply: Reply) -> bool:
    if isinstance(reply, Answer):
        return reply.status in _BUSY and (reply.retry_after_s or 0) <= MAX_READ_PAUSE_S
    return isinstance(reply, NotSent)


def _pause_s(state: RetryCallState) -> float:
    reply = _last_reply(state)
    asked_s = reply.retry_after_s if isinstance(reply, Answer) else None
    return float(asked_s) if asked_s is not None else 0.25 * 2**state.attempt_number


def _last_reply(state: RetryCallState) -> Reply:
    if state.outcome is None:
        raise AssertionError("asked about a call that was never made")
    reply: Reply = state.outcome.result()
    return reply


def _retry_after_s(text: str, now: datetime) -> int | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3) as a bounded wait."""
    if re.fullmatch(r"[0-9]+", text):
        # Cut before it is read: there is a limit to the digits Python turns into a number.
        return min(int(text[:10]), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text)
        wait_s = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return int(min(max(wait_s, 0), MAX_RETRY_AFTER_S))


def _why(error: Exception) -> str:
    """Our own words: a library's message may repeat what was sent."""
    if isinstance(error, httpx.ReadTimeout):
        return "no answer in time"
    if isinstance(error, httpx.TimeoutException):
        return "the request could not be delivered in time"
    if isinstance(error, httpx.ProtocolError):
        return "the connection broke in the middle of the answer"
    return "the connection was lost"
