"""The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1) over the hashes of events, and proofs against its root.

`Tree` grows by one leaf at a time and keeps only what a root needs, which is also what it takes to prove that it grew. Proofs are checked from
nothing but the proof, and checking believes nothing it is given: sizes, indices, the number of nodes and their lengths are all held against each
other before any hash is compared.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence

#: The root of a tree without leaves.
EMPTY = hashlib.sha256(b"").digest()
#: Nobody has a log longer than this; a size beyond it is a lie.
MAX_SIZE = 2**48
_HASH_BYTES = 32


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the complete subtrees, largest first, of which there are as many as the size has ones."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more event."""
        merged, size = leaf, self.size
        while size & 1:
            merged = node(self._peaks.pop(), merged)
            size >>= 1
        self._peaks.append(merged)
        self.size += 1

    @classmethod
    def of_peaks(cls, size: int, peaks: Sequence[bytes]) -> Tree:
        """A tree that was kept as its size and its `peaks`. Raises `ValueError` for what is none."""
        if not 0 <= size <= MAX_SIZE or len(peaks) != size.bit_count() or not _are_hashes(*peaks):
            raise ValueError("these are not the peaks of a tree of that size")
        tree = cls()
        tree.size, tree._peaks = size, list(peaks)
        return tree

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """All that has to be kept of it: it grows on from there, and proves that it grew."""
        return tuple(self._peaks)

    @property
    def root(self) -> bytes:
        """The root of what is in it."""
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over `leaves`."""
    return Tree(leaves).root


def inclusion_proofs(leaves: Sequence[bytes], indices: Iterable[int]) -> tuple[tuple[bytes, ...], ...]:
    """Of each index (from 0) the path from its leaf to the root (RFC 9162 §2.1.3.1), in one pass. Raises `ValueError` for one that is outside."""
    wanted = tuple(indices)
    if not all(0 <= index < len(leaves) for index in wanted):
        raise ValueError("there is no such leaf")
    paths: list[list[bytes]] = [[] for _ in wanted]
    # Row by row, because all rows at once are twice the leaves.
    for height, level in enumerate(_levels(leaves)):
        for path, index in zip(paths, wanted, strict=True):
            if (sibling := index >> height ^ 1) < len(level):
                path.append(level[sibling])
    return tuple(map(tuple, paths))


def _levels(leaves: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Each row of the tree, leaves first. A node without a sibling stands for itself in the row above."""
    level = leaves
    while len(level) > 1:
        yield level
        above = [node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = [*above, level[-1]] if len(level) & 1 else above


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> tuple[bytes, ...]:
    """That the tree over the first `earlier` leaves is a beginning of this one (RFC 9162 §2.1.4.1). Raises `ValueError` for a size outside."""
    if not 0 < earlier <= len(leaves):
        raise ValueError("there was no tree of that size")
    return extension_proof(Tree(leaves[:earlier]), leaves[earlier:])


def extension_proof(earlier: Tree, added: Sequence[bytes]) -> tuple[bytes, ...]:
    """The consistency proof of a tree that grew by `added`. The peaks it had are enough: no older leaf is in it. Raises `ValueError` for none."""
    if not earlier.size:
        raise ValueError("everything begins with nothing")
    roots, start = {}, 0
    for peak, width in zip(earlier.peaks, _widths(earlier.size), strict=True):
        roots[start, start + width] = peak
        start += width

    def root(start: int, end: int) -> bytes:
        return roots.get((start, end)) or root_of(added[start - earlier.size : end - earlier.size])

    def subproof(start: int, end: int, *, whole: bool) -> tuple[bytes, ...]:
        if end == earlier.size:
            return () if whole else (root(start, end),)
        middle = start + _split(end - start)
        if earlier.size <= middle:
            return (*subproof(start, middle, whole=whole), root(middle, end))
        return (*subproof(middle, end, whole=False), root(start, middle))

    return subproof(0, earlier.size + len(added), whole=True)


def _widths(size: int) -> Iterator[int]:
    """How many leaves each peak stands over, largest first."""
    return (1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1)


def includes(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `leaf` is number `index` of the `size` leaves under `root` (RFC 9162 §2.1.3.2)."""
    if not (0 <= index < size <= MAX_SIZE and _are_hashes(leaf, root, *proof)):
        return False
    at, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            reached = node(sibling, reached)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            reached = node(reached, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and hmac.compare_digest(reached, root)


def extends(*, earlier: int, earlier_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `size` leaves begins with that of `earlier` leaves (RFC 9162 §2.1.4.2)."""
    if not (0 < earlier <= size <= MAX_SIZE and _are_hashes(earlier_root, root, *proof)):
        return False
    if earlier == size:
        return not proof and hmac.compare_digest(earlier_root, root)
    path = list(proof) if earlier & (earlier - 1) else [earlier_root, *proof]
    if not path:
        return False
    at, last = earlier - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(sibling, old), node(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and hmac.compare_digest(old, earlier_root) and hmac.compare_digest(new, root)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == _HASH_BYTES for value in values)
