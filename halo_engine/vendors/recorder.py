"""Keeps what is said to vendors and by them, redacted, for whoever asked for it with `recording`; where nobody did, nothing is kept.

`VendorHttp` tells it of every call when its answer is there, `stages.execute` takes what was kept and writes it with the attempt. It is for people
who look later: whatever goes wrong here, the call and the execution go on as if nobody had listened. Headers are never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.model.exchange import Exchange
from halo_engine.model.ids import Prefix
from halo_engine.model.redaction import Redactor
from halo_engine.model.strict_json import Json, dumps

#: A look-up that pages through a year of orders is not worth keeping to its end.
MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One call as it was made. `status` is 0 where no complete answer came; then `answer` says why."""

    method: str
    url: str = field(repr=False)
    sent: Json = field(repr=False)
    status: int
    answer: bytes | str = field(repr=False)
    took_ms: int


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


class _Kept:
    def __init__(self, hidden: str) -> None:
        self.hidden = hidden
        self.said: list[Exchange] = []


@contextmanager
def recording(*, hidden: str) -> Iterator[None]:
    """What is said in this block is kept until it is `taken`, with `hidden` blotted out: the key that a vendor knows the execution by."""
    token = _kept.set(_Kept(hidden))
    try:
        yield
    finally:
        _kept.reset(token)


def taken() -> tuple[Exchange, ...]:
    """What was kept since this was last asked; nothing where nobody records."""
    kept = _kept.get()
    if kept is None:
        return ()
    said, kept.said = tuple(kept.said), []
    return said


def keep(spoken: Spoken, clock: Clock, redactor: Redactor) -> None:
    """Keep one call, if anybody records. Never raises."""
    kept = _kept.get()
    if kept is None or len(kept.said) >= MOST:
        return
    try:
        kept.said.append(_exchange(spoken, len(kept.said), clock, redactor, kept.hidden))
    except Exception as error:  # noqa: BLE001 - whatever it is, the call was made, and its answer counts
        telemetry.detail("exchange.not_kept", why=type(error).__name__)


def _exchange(spoken: Spoken, position: int, clock: Clock, redactor: Redactor, hidden: str) -> Exchange:
    sent = "" if spoken.sent is None else dumps(spoken.sent)
    return Exchange(
        id=clock.new_id(Prefix.EXCHANGE),
        position=position,
        at=clock.now() - timedelta(milliseconds=spoken.took_ms),
        method=spoken.method,
        url=redactor.text(spoken.url, also=hidden),
        status=spoken.status,
        took_ms=spoken.took_ms,
        request_text=redactor.text(sent, also=hidden),
        answer_text=redactor.text(spoken.answer, also=hidden),
    )
