"""Reading requests for `halo parse`: one from the command line, or a stream of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any, BinaryIO, TypeAlias
from zoneinfo import ZoneInfo

from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.intent import Intent

#: `read(text, now=…, zone=…, requested=…)`.
Reader: TypeAlias = Callable[..., Intent]

#: Lines read at the same time, one for each of two cores: the model lets go of the interpreter while it runs.
_AT_ONCE = 2
#: Places for lines whose answers are not taken yet. A line takes one, a long one another for each so many bytes, and at most all of them.
_PLACES, _PLACE_BYTES = 64, 65_536

#: Far from the ends of the calendar, where "tomorrow" and other zones' days fall off.
_YEARS = range(1970, 2200)


def read_one(read: Reader, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The Intent for `{"text", "now", "tz", "requested"}`; all but the text may be missing. Raises `HaloError`."""
    text = asked.get("text")
    if not isinstance(text, str):
        raise InvalidInput('"text" must be a string.')
    zone = _zone(asked.get("tz"))
    return read(text, now=_now(asked.get("now"), zone), zone=zone, requested=_fields(asked.get("requested"))).model_dump(mode="json")


def read_lines(read: Reader, lines: BinaryIO, *, max_chars: int) -> Generator[dict[str, Any], None, None]:
    """One answer a line, in order and as soon as it is there: an Intent, or `{"error": …}` for a line that cannot be read.

    Closes `lines` when it is done with them. Raises `InvalidInput` where they break off, and whatever else `read` raises: then nothing follows.
    Whoever stops taking answers waits for no other: what is not begun is dropped.
    """
    waiting: SimpleQueue[tuple[Future[dict[str, Any]], int] | None] = SimpleQueue()
    places, stopped = Semaphore(_PLACES), Event()
    pool = ThreadPoolExecutor(_AT_ONCE)

    def feed() -> None:
        try:
            # Closed by the thread that reads them: for anybody else to close a silent pipe is to wait for it.
            with lines:
                for line in _lines(lines, max_chars=max_chars):
                    takes = min(_PLACES, 1 + len(line) // _PLACE_BYTES)
                    for _ in range(takes):
                        places.acquire()
                    if stopped.is_set():
                        return
                    waiting.put((pool.submit(_answer, read, line), takes))
            waiting.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised where the answers are taken
            waiting.put((_failed(error), 1))

    # A thread of its own, so that an answer never waits for the next line; a daemon, so that an open pipe keeps nobody alive.
    Thread(target=feed, daemon=True).start()
    try:
        while (following := waiting.get()) is not None:
            answer, took = following
            found = answer.result()
            places.release(took)
            yield found
    finally:
        stopped.set()
        places.release(_PLACES)
        pool.shutdown(wait=False, cancel_futures=True)


def _failed(error: Exception) -> Future[dict[str, Any]]:
    failed: Future[dict[str, Any]] = Future()
    failed.set_exception(error)
    return failed


def _lines(lines: BinaryIO, *, max_chars: int) -> Iterator[bytes]:
    # An escaped character is up to twelve bytes of JSON; the rest of a longer line is dropped piece by piece, never held.
    longest = 12 * max_chars + 10_000
    try:
        while line := lines.readline(longest):
            whole = line.endswith(b"\n") or len(line) < longest
            while not whole and (rest := lines.readline(_PLACE_BYTES)):
                whole = rest.endswith(b"\n")
                line = b""
            yield line
    except OSError as error:
        raise InvalidInput(f"The lines cannot be read any further: {error.strerror}.") from error


def _answer(read: Reader, line: bytes) -> dict[str, Any]:
    try:
        return read_one(read, _object(line))
    except HaloError as error:
        return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The line is not a JSON object.", hint='{"text": "…", "now": "…", "tz": "…", "requested": []}') from error
    if not isinstance(found, dict):
        raise InvalidInput("The line is not a JSON object.", hint='{"text": "…", "now": "…", "tz": "…", "requested": []}')
    return found


def _zone(name: object) -> str | None:
    if name is None:
        return None
    try:
        ZoneInfo(str(name))
    except (KeyError, OSError, ValueError):
        raise InvalidInput("That is not a time zone.", hint="Give an IANA name such as America/Los_Angeles.") from None
    return str(name)


def _now(written: object, zone: str | None) -> datetime | None:
    """A moment without an offset is read in `zone`, else in UTC."""
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        raise InvalidInput("That is not a moment.", hint="Give ISO 8601 such as 2026-03-06T18:00:00Z.") from None
    if moment.year not in _YEARS:
        raise InvalidInput(f"The moment must lie between {_YEARS.start} and {_YEARS.stop - 1}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


def _fields(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InvalidInput('"requested" must be a list of field names.')
    return tuple(given)
