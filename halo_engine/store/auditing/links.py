"""Whether anything in a log was altered, and the root of its Merkle tree, in one pass.

What it cannot see is a log cut off at its end: that takes somebody who remembers how long it was (`store.witness`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from halo_engine.model.event import GENESIS
from halo_engine.model.merkle import Tree
from halo_engine.store.auditing.entries import Entry, entries
from halo_engine.store.reader import Reader

#: What no event hashes to.
_NO_DIGEST = bytes(32)


class Problem(NamedTuple):
    """What is wrong, and the number of the event at which it shows."""

    seq: int
    words: str


class Link(NamedTuple):
    """An event as one link of the chain. `digest` is the hash of what is really in it."""

    seq: int
    id: str
    prev_hash: str
    hash: str
    digest: bytes

    @classmethod
    def of(cls, entry: Entry) -> Link:
        try:
            digest = entry.digest()
        except (TypeError, ValueError):
            digest = _NO_DIGEST
        return cls(entry.seq, entry.id, entry.prev_hash, entry.hash, digest)


class Links:
    """The chain so far. `head` is the hash of the newest event, and the root is of everything that was checked."""

    def __init__(self) -> None:
        self.head = GENESIS
        self._seq = 0
        self._tree = Tree()

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def root(self) -> bytes:
        return self._tree.root

    def check(self, link: Link) -> tuple[Problem, ...]:
        """What is wrong with the next event: a gap before it, a wrong link, or content that does not give its hash."""
        self._seq += 1
        seq, _, prev_hash, own_hash, digest = link
        holds = seq == self._seq and prev_hash == self.head and digest.hex() == own_hash
        problems = () if holds else tuple(self._problems(link))
        self._tree.append(digest)
        self.head = own_hash
        return problems

    def _problems(self, link: Link) -> Iterator[Problem]:
        if link.seq != self._seq:
            yield Problem(self._seq, f"event {self._seq} is missing: the next one there is {link.seq} ({link.id})")
            self._seq = link.seq if type(link.seq) is int else self._seq
        if link.prev_hash != self.head:
            yield Problem(self._seq, f"event {link.seq} ({link.id}) does not follow the event before it")
        if link.digest.hex() != link.hash:
            yield Problem(self._seq, f"event {link.seq} ({link.id}) was altered: its content does not give its hash")


def links(reader: Reader, household_id: str, *, until: int) -> Iterator[Link]:
    """The first `until` events as links. Inside `reader.snapshot` on PostgreSQL.

    SQLite puts the leaves together itself, because fetching every column of a million rows takes longer than hashing them. It escapes nothing, so
    that where something has to be escaped, or is wrong, the hash is another, and the row is looked at again, column by column.
    """
    if reader.is_postgres or reader.is_lenient:
        yield from map(Link.of, entries(reader, household_id, until=until))
        return
    for seq, own_id, prev_hash, own_hash, leaf in reader.stream(_WRITTEN, household_id=household_id, until=until):
        digest = hashlib.sha256(b"\x00" + leaf.encode()).digest() if type(leaf) is str else _NO_DIGEST
        if digest.hex() == own_hash:
            yield Link(seq, own_id, prev_hash, own_hash, digest)
        elif type(seq) is int:
            yield from map(Link.of, entries(reader, household_id, after=seq - 1, until=seq))
        else:
            yield Link(seq, own_id, prev_hash, own_hash, _NO_DIGEST)


_LEAF = """
CASE schema_version WHEN 1 THEN '{' WHEN 2 THEN '{"causation_id":"' || causation_id || '","correlation_id":"' || correlation_id || '",' END
|| '"created_at":"' || created_at || '","entity_id":"' || entity_id || '","entity_type":"' || entity_type || '","event_type":"' || event_type
|| '","household_id":"' || household_id || '","id":"' || id || '","payload":' || event_payload_json || ',"prev_hash":"' || prev_hash
|| '","schema":' || schema_version || ',"seq":' || seq || ',"user_id":' || COALESCE('"' || user_id || '"', 'null') || '}'
"""
#: SQLite keeps bytes in the place of a text (a number it makes one), and would join them as the text they are not. It sorts every text before them.
_TEXTS = (
    "id, household_id, entity_type, entity_id, event_type, event_payload_json, created_at, prev_hash, hash, correlation_id, causation_id, "
    "COALESCE(user_id, '')"
)
_WRITTEN = f"""
SELECT seq, id, prev_hash, hash, CASE WHEN MAX({_TEXTS}) < x'' THEN {_LEAF} END FROM event_log
 WHERE household_id = :household_id AND seq <= :until ORDER BY seq
"""  # noqa: S608 - our own names
