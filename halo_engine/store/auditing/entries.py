"""The rows of one household's log as they lie in the books, in order: what every check of it reads.

An `Entry` is an event before anybody believes it: any field may be anything. It is a plain tuple and not a model, because a log is read whole and
may be a million of them long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any, NamedTuple

import orjson

from halo_engine.model.event import Event, leaf_time
from halo_engine.store.reader import Reader
from halo_engine.store.values import to_json


class Entry(NamedTuple):
    """One row. The field names are the columns'; `created_at` is in the form of a leaf."""

    seq: int
    id: str
    household_id: str
    user_id: str | None
    entity_type: str
    entity_id: str
    event_type: str
    payload_json: str
    created_at: str
    prev_hash: str
    hash: str
    correlation_id: str
    causation_id: str
    schema_version: int

    def leaf(self) -> bytes:
        """The bytes its hash is taken of. Raises `TypeError` or `ValueError` for what was never logged.

        Written out field by field, because a general writer of canonical JSON costs more than the whole check. It is `Event.leaf` for every row
        with a canonical payload; a test compares the two.
        """
        seq, own_id, home, user, kind, entity, event, payload, at, previous, _, correlation, causation, schema = self
        if schema not in (1, 2) or type(seq) is not int or not (user is None or type(user) is str):
            raise ValueError("there is no such form of an event")
        texts = (own_id, home, user or "", kind, entity, event, at, previous, correlation, causation)
        together = "".join(texts)
        if len(_q(together)) != len(together) + 2:
            # Some character has to be escaped: rare, so that one look at all of them is the cheapest.
            own_id, home, escaped, kind, entity, event, at, previous, correlation, causation = (_q(text)[1:-1] for text in texts)
            user = None if user is None else escaped
        trip = f'"causation_id":"{causation}","correlation_id":"{correlation}",' if schema > 1 else ""
        who = "null" if user is None else f'"{user}"'
        return (
            f'{{{trip}"created_at":"{at}","entity_id":"{entity}","entity_type":"{kind}","event_type":"{event}","household_id":"{home}",'
            f'"id":"{own_id}","payload":{payload},"prev_hash":"{previous}","schema":{schema},"seq":{seq},"user_id":{who}}}'
        ).encode()

    def digest(self) -> bytes:
        """The hash of what is in it, whatever hash it carries.

        Raises as `leaf` does, and for a payload that is not the one written form of an object: another one could be read in two ways.
        """
        written = self.leaf()
        if orjson.dumps(self.payload(), option=orjson.OPT_SORT_KEYS).decode() != self.payload_json:
            raise ValueError("a payload has one written form")
        return hashlib.sha256(b"\x00" + written).digest()

    def payload(self) -> dict[str, Any]:
        """What it tells. Raises `ValueError` where that is no object."""
        told = orjson.loads(self.payload_json)
        if type(told) is not dict:
            raise ValueError("a payload is an object")
        return told

    @classmethod
    def of(cls, event: Event) -> Entry:
        """An event as its row would be."""
        fields = event.model_dump(exclude={"payload"})
        return cls(**fields | {"payload_json": to_json(event.payload), "created_at": leaf_time(event.created_at)})


#: The standard library's, in C. The strings of RFC 8785 are those of ECMAScript's JSON, and so are these.
_q = encode_basestring


def entries(reader: Reader, household_id: str, *, after: int | None = None, until: int | None = None) -> Iterator[Entry]:
    """The rows in the order of their numbers: all of them, or those above `after` and up to `until`. Inside `reader.snapshot` on PostgreSQL."""
    limits = {name: value for name, value in (("after", after), ("until", until)) if value is not None}
    where = "".join(f" AND seq {_SIGNS[name]} :{name}" for name in limits)
    return _selected(reader, _COLUMNS, where, household_id=household_id, **limits)


def strays(reader: Reader, household_id: str) -> Iterator[str]:
    """Rows that no reading of a log in the order of its numbers would ever meet."""
    for (count,) in reader.stream(_UNNUMBERED, household_id=household_id):
        if count:
            yield f"{count} rows of the log have no number"
    for (count,) in reader.stream(_NOBODYS):
        if count:
            yield f"{count} rows of the log belong to no household"


def length(reader: Reader, household_id: str) -> int:
    """The number of the newest event; whatever is written after this is for the next reading."""
    # Not streamed: this is also asked outside of a snapshot, and PostgreSQL streams nothing there.
    row = reader.row(_NEWEST, household_id=household_id)
    return int(row["seq"]) if row else 0


def deeds(reader: Reader, household_id: str, *, until: int) -> Iterator[Entry]:
    """As `entries`, without the hashes and what ties one to another, and without what was only read, asked or tried.

    For whoever wants to know what came of it all, in half the time.
    """
    where = f" AND seq <= :until AND event_type NOT IN ({', '.join(map(repr, _NO_DEEDS))})"
    return _selected(reader, _UNLINKED, where, household_id=household_id, until=until)


def _selected(reader: Reader, columns: str, where: str, **parameters: Any) -> Iterator[Entry]:
    statement = f"SELECT {columns} FROM event_log WHERE household_id = :household_id{where} ORDER BY seq"  # noqa: S608 - our own names
    for row in reader.stream(statement, **parameters):
        entry = Entry._make(row)
        # PostgreSQL has times. What is neither was never logged, and is left for the check to say so.
        yield entry._replace(created_at=leaf_time(row[_AT])) if isinstance(row[_AT], datetime) else entry


#: SQLite sorts texts and bytes after every number.
_LARGEST = 2**63 - 1
_NEWEST = f"SELECT seq FROM event_log WHERE household_id = :household_id AND seq <= {_LARGEST} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - a number
_UNNUMBERED = f"SELECT COUNT(*) FROM event_log WHERE household_id = :household_id AND NOT seq <= {_LARGEST}"  # noqa: S608 - a number
_NOBODYS = "SELECT COUNT(*) FROM event_log WHERE household_id NOT IN (SELECT id FROM household)"
_NO_DEEDS = (
    "request.parsed",
    "request.clarification_asked",
    "request.refused",
    "draft.change_parsed",
    "draft.confirmation_refused",
    "execution.attempt_finished",
)
_NAMES = tuple("event_payload_json" if name == "payload_json" else name for name in Entry._fields)
_COLUMNS = ", ".join(_NAMES)
_UNLINKED = ", ".join("''" if name in ("household_id", "prev_hash", "hash", "correlation_id", "causation_id") else name for name in _NAMES)
_AT = Entry._fields.index("created_at")
_SIGNS = {"after": ">", "until": "<="}
