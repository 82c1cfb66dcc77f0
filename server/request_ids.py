"""The name of one call, in its answer, its problem and its lines of the log: the caller's own, where that is a sane one, or a new one."""

from __future__ import annotations

import re
from contextvars import ContextVar

from starlette.types import Scope

from halo_engine.clock import SystemClock

HEADER = "X-Request-Id"
_SANE = re.compile(rb"[A-Za-z0-9_-]{8,64}")
#: Never the clock of a home: that one may be a test's, and what it gives next must not depend on how often somebody called.
_CLOCK = SystemClock()
_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(scope: Scope) -> str:
    """The name of the call that begins here. It stays for the whole of its task: what goes wrong outside of everything still has to tell it."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    request_id = given[0].decode() if len(given) == 1 and _SANE.fullmatch(given[0]) else f"http-{_CLOCK.token_hex(8)}"
    _current.set(request_id)
    return request_id


def current() -> str:
    """The name of the call that is being answered; empty outside of one."""
    return _current.get()
