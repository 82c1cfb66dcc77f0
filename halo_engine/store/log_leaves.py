"""One household's log as the leaves of its Merkle tree: what is signed, witnessed and proved."""

from __future__ import annotations

from contextlib import AbstractContextManager

from halo_engine.model.errors import StoreDamaged
from halo_engine.model.event import GENESIS
from halo_engine.model.merkle import Tree, extension_proof
from halo_engine.store.auditing.entries import Entry, entries
from halo_engine.store.reader import Reader


class LogLeaves:
    """Reads the books each time it is asked: other processes write them meanwhile."""

    def __init__(self, reader: Reader, household_id: str) -> None:
        self._reader, self._household_id = reader, household_id
        #: The name of this log among all logs, for good. Nothing has to answer at it.
        self.origin = f"halo.local/{household_id}"

    def hash_of(self, number: int) -> bytes | None:
        """The hash that event `number` (from 1) carries; None where there is no such event, or no hash in it."""
        statement = "SELECT hash FROM event_log WHERE household_id = :household_id AND seq = :number"
        row = self._reader.row(statement, household_id=self._household_id, number=number)
        return _digest(row["hash"]) if row else None

    def after(self, number: int, leaf: bytes | None) -> tuple[bytes, ...]:
        """The leaves after event `number`, whose leaf is `leaf`. Raises `StoreDamaged` where they are not an unbroken chain from there.

        Inside `moment`.
        """
        leaves: list[bytes] = []
        previous = leaf.hex() if leaf else GENESIS
        for expected, entry in enumerate(entries(self._reader, self._household_id, after=number), number + 1):
            leaves.append(_checked(entry, expected, previous))
            previous = entry.hash
        return tuple(leaves)

    def all(self, *, until: int) -> tuple[bytes, ...]:
        """The leaves of the first `until` events, by the hashes that they carry. Raises `StoreDamaged` where one carries none, or is not there."""
        statement = "SELECT seq, hash FROM event_log WHERE household_id = :household_id AND seq <= :until ORDER BY seq"
        with self.moment():
            rows = self._reader.stream(statement, household_id=self._household_id, until=until)
            # Not in pairs: a million of them would weigh as much as the leaves.
            found = [_digest(text) or int(seq) for seq, text in rows]
        leaves = tuple(leaf if isinstance(leaf, bytes) else _broken(leaf) for leaf in found)
        return leaves if len(leaves) == until else (_broken(len(leaves) + 1),)

    def growth(self, earlier: int, later: int) -> tuple[bytes, ...]:
        """The proof that it only grew from `earlier` events to `later`; from nothing none is needed."""
        if not earlier:
            return ()
        leaves = self.all(until=later)
        return extension_proof(Tree(leaves[:earlier]), leaves[earlier:])

    def moment(self) -> AbstractContextManager[None]:
        """What is read inside fits together."""
        return self._reader.snapshot()


def _checked(entry: Entry, expected: int, previous: str) -> bytes:
    try:
        digest = entry.digest()
    except (TypeError, ValueError):
        # No hash at all: whatever stood for it here could be carried by the event, too.
        digest = _broken(expected)
    if entry.seq != expected or entry.prev_hash != previous or entry.hash != digest.hex():
        _broken(expected)
    return digest


def _digest(text: object) -> bytes | None:
    try:
        digest = bytes.fromhex(str(text))
    except ValueError:
        return None
    return digest if len(digest) == 32 else None


def _broken(number: int) -> bytes:
    raise StoreDamaged(f"The log was altered at event {number}.", hint="Nothing is signed. See what is wrong with it: halo audit verify")
