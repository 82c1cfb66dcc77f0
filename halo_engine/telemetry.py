"""The log of this process: one JSON object a line, one fact a line, for whoever runs Halo and not for whoever uses it.

Off until a face calls `start`; until then a `fact` costs one comparison and nothing of the logging library is imported. What happened to the
household stands in the event log, not here: a line here may be lost, and nothing is decided by one.

Every line says whose it is (`household_id`) and what one command, HTTP request or turn of a worker it belongs to (`request_id`), then the words,
the draft and the execution it is about, where they are known. They are bound once, with `about`, by whoever learns them.

Every line is redacted as a whole, the last thing before it is written. Libraries' own warnings come the same way; below a warning they are not
heard, since at DEBUG they write whole requests and SQL with its parameters.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

from halo_engine.clock import SystemClock
from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.event import Event
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.redaction import Redactor
from halo_engine.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

Level = Literal["debug", "info", "warning", "error"]

#: Where `log_file` says that the log goes to stderr.
STDERR: Final = "-"
_FACTS = "halo"
_OURS = (_FACTS, "halo_engine", "halo_cli", "halo_sim", "cards", "server")
#: What every line begins with.
_FIRST = ("timestamp", "level", "event", "household_id", "request_id")
#: What is told of an event: never a field that holds what somebody wrote or a name.
_TOLD = ("verb", "channel", "parser", "revision", "came_from", "attempt_number", "step", "status", "classification", "retry_delay_ms")
_TOLD_NUMBERS = ("took_ms", "confirmation_latency_ms", "charged_cents")
_NAMES = {Prefix.REQUEST: "execution_request_id", Prefix.DRAFT: "draft_id", Prefix.EXECUTION: "execution_id", Prefix.RECEIPT: "receipt_id"}

_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default={})  # noqa: B039 - never changed, only replaced
#: Writes a fact; None as long as nobody has asked for a log.
_write: Callable[[Level, str, Mapping[str, Any]], None] | None = None
_handler: logging.Handler | None = None


def is_on() -> bool:
    """Whether anybody has asked for a log."""
    return _write is not None


def fact(event: str, /, **facts: Any) -> None:
    """One line about something that is so. Never raises."""
    if _write is not None:
        _write("info", event, facts)


def detail(event: str, /, **facts: Any) -> None:
    """As `fact`, for what only somebody who looks for a fault wants to read."""
    if _write is not None:
        _write("debug", event, facts)


def happened(event: Event) -> None:
    """One line about an event that is in the books, once it is committed: what it was and about what, without any words of anybody's."""
    if _write is not None:
        told = {name: event.payload[name] for name in (*_TOLD, *_TOLD_NUMBERS) if event.payload.get(name) is not None}
        trip = {"execution_request_id": event.correlation_id} if event.correlation_id else {}
        _write("info", event.event_type, {"household_id": event.household_id, **trip, **_ids(event.entity_id), **told, "seq": event.seq})


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Every line inside this block is about these, also those of whatever is called in it."""
    token = _bound.set({**_bound.get(), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**ids: str | None) -> None:
    """As `about`, until the block of whoever called `about` before ends."""
    if _write is not None:
        _bound.set({**_bound.get(), **{name: value for name, value in ids.items() if value}})


@contextmanager
def turn(kind: str) -> Iterator[None]:
    """One HTTP request, or one turn of a worker: its lines share a `request_id` of their own, whatever it was begun in."""
    with about(request_id=_new_id(kind)):
        yield


def begin_turn(kind: str) -> None:
    """One command, or one call of whoever has no turns; part of another one, where there is one. Until the block of the last `about` ends."""
    if "request_id" not in _bound.get():
        bind(request_id=_new_id(kind))


def _new_id(kind: str) -> str | None:
    return f"{kind}-{SystemClock().token_hex(8)}" if is_on() else None


def step(name: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Makes a method of the engine's door tell when it has ended: how, in which time, and about what. Its words and values are told to nobody."""

    def telling(act: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @wraps(act)
        def told(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if _write is None:
                return act(self, *args, **kwargs)
            with about(household_id=getattr(self, "household_id", None), **_ids(*args, *kwargs.values())):
                begin_turn("call")
                return _timed(name, lambda: act(self, *args, **kwargs))

        return told

    return telling


def _timed(name: str, act: Callable[[], R]) -> R:
    began, outcome, made = time.monotonic(), "crashed", dict[str, str]()
    try:
        result = act()
    except HaloError as error:
        outcome = error.code
        raise
    else:
        outcome = "ok"
        made = _ids(result, *(getattr(result, field, None) for field in ("id", "request_id", "draft_id", "execution_id")))
        return result
    finally:
        fact("step.ended", step=name, outcome=outcome, took_ms=since(began), **made)


def since(began: float) -> int:
    """Milliseconds since `time.monotonic()` was `began`."""
    return max(0, round((time.monotonic() - began) * 1000))


def _ids(*values: object) -> dict[str, str]:
    """What among `values` names a request, a draft or an execution."""
    found = {prefix_of(value): value for value in values if isinstance(value, str)}
    return {name: found[prefix] for prefix, name in _NAMES.items() if prefix in found}


# On and off.


def start(settings: Settings) -> None:
    """Write the log to where `settings` say, from here on; nothing happens where they say nothing, or where it is written already.

    No secret in `settings` can be in it, whatever it looks like. Raises `InvalidInput` for a file that cannot be had.
    """
    global _write, _handler
    if _write is not None or settings.log_file is None:
        return
    lines = _Stderr() if settings.log_file == STDERR else _File(_opened(_file(settings.home, settings.log_file)))
    logger = _logger(lines, settings.log_level, Redactor(settings.secrets))
    _handler, _write = lines, lambda severity, event, facts: getattr(logger, severity)(event, **facts)


def stop() -> None:
    """Write no more. For tests: a process logs until it ends."""
    global _write, _handler
    if _handler is not None:
        logging.getLogger().removeHandler(_handler)
        logging.getLogger(_FACTS).removeHandler(_handler)
        _handler.close()
        for name in _OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)
    _write = _handler = None


def _file(home: Path, name: str) -> Path:
    """A whole path, or a name in the data directory's `logs`, which is made if need be."""
    path = home / "logs" / Path(name).expanduser()
    if path.parent == home / "logs":
        with suppress(OSError):
            for place in reversed((path.parent, *path.parent.parents)):
                place.mkdir(mode=0o700, exist_ok=True)
    return path


def _opened(path: Path) -> int:
    """A descriptor that appends to a file of its owner's alone, never through a link that somebody has laid there."""
    try:
        # Not blocking: a pipe that nobody reads would hold the command for ever.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise InvalidInput(f"The log {path} cannot be written: {error.strerror}.", hint="Name another file with HALO_LOG_FILE.") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        os.close(descriptor)
        raise InvalidInput(f"The log {path} is not a file of yours.", hint="Name another file with HALO_LOG_FILE.")
    os.fchmod(descriptor, 0o600)
    return descriptor


class _File(logging.Handler):
    """Each line in one write: so that those of several processes do not mix."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        # A disk that is full must not stop an order, and there is nobody else to tell.
        with suppress(Exception):
            os.write(self._descriptor, self.format(record).encode(errors="replace") + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)
        super().close()


class _Stderr(logging.Handler):
    """Whatever stderr is at the moment: it may be wrapped or replaced after the log was started."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()


def _logger(lines: logging.Handler, level: Level, redactor: Redactor) -> Any:
    """The one logger for facts, with `lines` also as the end of every library's warnings."""
    import structlog

    def completed(_logger: Any, _method: str, told: Any) -> Any:
        return {"timestamp": f"{SystemClock().now():%Y-%m-%dT%H:%M:%S.%fZ}", **_bound.get(), **told}

    def redacted(_logger: Any, _method: str, told: Any) -> Any:
        plain = redactor.value({name: value for name, value in told.items() if value is not None})
        first = {name: plain.pop(name, "") for name in _FIRST}
        return first | {name: plain.pop(name) for name in _NAMES.values() if name in plain} | plain

    first: list[Any] = [structlog.stdlib.add_log_level, completed]
    end = structlog.stdlib.ProcessorFormatter
    # The message of an exception may quote anything, so it is redacted with the rest; local variables are never shown.
    last: list[Any] = [
        structlog.processors.format_exc_info,
        end.remove_processors_meta,
        redacted,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    lines.setFormatter(end(foreign_pre_chain=[structlog.stdlib.add_logger_name, *first], processors=last))
    logging.getLogger().addHandler(lines)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    facts = logging.getLogger(_FACTS)
    facts.addHandler(lines)
    # Nobody else who listens gets them as they were before they were redacted.
    facts.propagate = False
    return structlog.wrap_logger(
        facts,
        processors=[structlog.stdlib.filter_by_level, *first, end.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
