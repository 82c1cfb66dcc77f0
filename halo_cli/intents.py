"""Reading requests for `halo parse`: one from the command line, or a stream of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeAlias
from zoneinfo import ZoneInfo

from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.intent import Intent

#: `read(text, now=…, zone=…, requested=…)`.
Reader: TypeAlias = Callable[..., Intent]


#: Far from the ends of the calendar, where "tomorrow" and other zones' days fall off.
_YEARS = range(1970, 2200)


def read_one(read: Reader, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The Intent for `{"text", "now", "tz", "requested"}`; all but the text may be missing. Raises `HaloError`."""
    text = asked.get("text")
    if not isinstance(text, str):
        raise InvalidInput('"text" must be a string.')
    zone = _zone(asked.get("tz"))
    return read(text, now=_now(asked.get("now"), zone), zone=zone, requested=_fields(asked.get("requested"))).model_dump(mode="json")


def read_lines(read: Reader, lines: BinaryIO, *, max_chars: int) -> Iterator[dict[str, Any]]:
    """One answer a line, in order: an Intent, or `{"error": …}` for a line that cannot be read."""
    # An escaped character is up to twelve bytes of JSON; the rest of a longer line is dropped piece by piece, never held.
    longest = 12 * max_chars + 10_000
    while line := lines.readline(longest):
        whole = line.endswith(b"\n") or len(line) < longest
        while not whole and (rest := lines.readline(longest)):
            whole = rest.endswith(b"\n")
            line = b""
        try:
            yield read_one(read, _object(line))
        except HaloError as error:
            yield {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


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
