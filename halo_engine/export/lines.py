"""NDJSON: a line an event, oldest first, and a last line that says what they add up to.

A line is the event's leaf, byte for byte as it was hashed, so that a stranger needs nothing but `sha256(0x00 || line)` and the next line's
`prev_hash`. That is why the hash does not stand beside it: it could only be wrong. What has no next line to vouch for it, the last one does:
`head` is the newest event's hash, `root` the Merkle root over all lines, in a whole export the root that checkpoints sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import StoreDamaged
from halo_engine.model.event import GENESIS
from halo_engine.model.merkle import EMPTY, Tree
from halo_engine.model.value import Value
from halo_engine.store.auditing.entries import Entry

FORMAT = "halo-log/1"


class Sum(Value):
    """What the lines add up to. `first` is the number of the first event: above 1 in an excerpt, whose root is over its own lines alone."""

    count: int = 0
    first: int = 1
    head: str = GENESIS
    root: str = EMPTY.hex()
    #: The first event whose bytes do not give the hash that the books have for it. It is exported as it stands there.
    first_altered: int | None = None

    def line(self) -> bytes:
        """The last line, without its end."""
        return canonical_json({"count": self.count, "export": FORMAT, "first": self.first, "head": self.head, "root": self.root})


class Adding:
    """Adds events up as they pass."""

    def __init__(self) -> None:
        self._tree, self._head, self._first = Tree(), GENESIS, 1
        self._altered: int | None = None

    def leaf(self, entry: Entry) -> bytes:
        """The leaf of the event that comes next. Raises `StoreDamaged` for a row that never was one."""
        leaf = _leaf(entry)
        digest = hashlib.sha256(b"\x00" + leaf).digest()
        self._head = digest.hex()
        if self._tree.size == 0:
            self._first = entry.seq
        if self._altered is None and self._head != entry.hash:
            self._altered = entry.seq
        self._tree.append(digest)
        return leaf

    def sum(self) -> Sum:
        """Of what has passed."""
        tree = self._tree
        return Sum(count=tree.size, first=self._first, head=self._head, root=tree.root.hex(), first_altered=self._altered)


def _leaf(entry: Entry) -> bytes:
    try:
        leaf = entry.leaf()
    except (TypeError, ValueError):
        leaf = b"\n"
    # A line's end inside would make another export of it.
    if b"\n" in leaf:
        raise StoreDamaged(f"Event {entry.seq} ({entry.id}) cannot be exported: it is no event.", hint="See: halo audit verify")
    return leaf


def write_lines(entries: Iterable[Entry], file: BinaryIO) -> Sum:
    """Write the events and the last line."""
    adding = Adding()
    file.writelines(adding.leaf(entry) + b"\n" for entry in entries)
    total = adding.sum()
    file.write(total.line() + b"\n")
    return total
