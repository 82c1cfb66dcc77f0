"""The lines of an export as a stranger sends them: of any bytes at all. Only what is exactly as Halo writes it is taken for an event."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from operator import itemgetter
from types import NoneType
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeAlias

import orjson
from pydantic import ValidationError

from halo_engine.export.lines import FORMAT, Sum
from halo_engine.model.canonical import canonical_json
from halo_engine.store.auditing.entries import Entry

#: Events are a kilobyte, and the largest that Halo writes some hundreds. Nobody makes us hold more than this.
MAX_LINE = 4 * 2**20


class Leaf(NamedTuple):
    """A line that is an event, and what it tells."""

    entry: Entry
    payload: dict[str, Any]
    digest: bytes


class Unreadable(NamedTuple):
    """A line that is none, and why."""

    why: str


Line: TypeAlias = Leaf | Sum | Unreadable


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines with their ends, as far as they are: one that is too long comes in pieces, of which the first is too long, too."""
    while line := file.readline(MAX_LINE + 2):
        yield line


def read_line(line: bytes) -> Line:
    """What a line with its end is."""
    try:
        if not line.endswith(b"\n") or len(line) > MAX_LINE:
            return Unreadable("its line has no end")
        return _read(line[:-1])
    except _NotCanonical as error:
        return Unreadable(str(error))
    except (ValueError, TypeError, RecursionError):
        return Unreadable("its line is not JSON in UTF-8")


class _NotCanonical(Exception):
    """It could be read in two ways."""


def _read(text: bytes) -> Line:
    value = _canonical(text)
    if type(value) is not dict:
        raise _NotCanonical("its line is not canonical JSON")
    return _sum(value) if "export" in value else _leaf(value, text)


def _canonical(text: bytes) -> Any:
    """The value of which `text` is the one canonical form. Raises `ValueError` for what is not JSON, `_NotCanonical` for another form.

    Whatever has another written form is refused: white space, another order, other escapes, a key twice, half of a character.
    """
    value = _JSON.decode(text.decode())
    # Where all names are ASCII and no number has a fraction, the fast writer sorts and writes as RFC 8785 does; a test compares the two.
    if (orjson.dumps(value, option=_SORTED) if text.isascii() else canonical_json({"v": value})[5:-1]) != text:
        raise _NotCanonical("its line is not canonical JSON")
    return value


def _refuse(_number: str) -> NoReturn:
    raise _NotCanonical("it has a number that is not a whole one")


_JSON = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def _sum(value: dict[str, Any]) -> Sum | Unreadable:
    if value.pop("export") == FORMAT and value.keys() == {"count", "first", "head", "root"}:
        with suppress(ValidationError):
            return Sum.model_validate(value, strict=True)
    return Unreadable(_NEITHER)


_NEITHER = "its line is neither an event nor the end of an export"
_TEXTS = ("created_at", "entity_id", "entity_type", "event_type", "household_id", "id", "prev_hash")
_TRIP = ("causation_id", "correlation_id")
_texts = {1: itemgetter(*_TEXTS), 2: itemgetter(*_TEXTS, *_TRIP)}
_KEYS = {schema: {*_TEXTS, *trip, "payload", "schema", "seq", "user_id"} for schema, trip in ((1, ()), (2, _TRIP))}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z")
_HASH = re.compile(r"[0-9a-f]{64}")


def _leaf(value: dict[str, Any], text: bytes) -> Leaf | Unreadable:
    if not _is_event(value):
        return Unreadable(_NEITHER)
    digest = hashlib.sha256(b"\x00" + text).digest()
    entry = Entry(
        seq=value["seq"],
        id=value["id"],
        household_id=value["household_id"],
        user_id=value["user_id"],
        entity_type=value["entity_type"],
        entity_id=value["entity_id"],
        event_type=value["event_type"],
        # What it tells stands beside, and need not be written out again.
        payload_json="",
        created_at=value["created_at"],
        prev_hash=value["prev_hash"],
        hash=digest.hex(),
        correlation_id=value.get("correlation_id", ""),
        causation_id=value.get("causation_id", ""),
        schema_version=value["schema"],
    )
    return Leaf(entry, value["payload"], digest)


def _is_event(value: dict[str, Any]) -> bool:
    schema = value.get("schema")
    if type(schema) is not int or value.keys() != _KEYS.get(schema):
        return False
    return (
        set(map(type, _texts[schema](value))) == {str}
        and type(value["payload"]) is dict
        and type(value["seq"]) is int
        and value["seq"] > 0
        and type(value["user_id"]) in (str, NoneType)
        and _HASH.fullmatch(value["prev_hash"]) is not None
        and _is_time(value["created_at"])
    )


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
