"""The Merkle tree: known roots, every proof of small trees, and nothing but those."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.merkle import (
    EMPTY,
    MAX_SIZE,
    Tree,
    consistency_proof,
    extends,
    extension_proof,
    includes,
    inclusion_proofs,
    node,
    root_of,
)

#: The leaves and the roots over the first of them that Certificate Transparency's own tests have had since RFC 6962.
DATA = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = tuple(hashlib.sha256(b"\x00" + data).digest() for data in DATA)
MANY = tuple(hashlib.sha256(b"\x00%d" % number).digest() for number in range(131))


def lies_about(proof: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Other proofs that are nearly this one."""
    proof = tuple(proof)
    yield from ((*proof[:at], *proof[at + 1 :]) for at in range(len(proof)))
    yield from ((*proof[:at], extra, *proof[at:]) for at in range(len(proof) + 1) for extra in (bytes(32), EMPTY, MANY[0]))
    yield from ((*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]) for at in range(len(proof)))
    yield from ((*proof[:at], proof[at][:-1], *proof[at + 1 :]) for at in range(len(proof)))
    yield from ((*proof[:at], proof[at] + b"\0", *proof[at + 1 :]) for at in range(len(proof)))
    yield from (other for other in permutations(proof[:4]) if (*other, *proof[4:]) != proof)


class TestATree:
    @pytest.mark.parametrize("size", range(1, 9))
    def test_has_the_root_that_the_standard_gives(self, size: int) -> None:
        assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]

    def test_without_leaves_has_the_hash_of_nothing_for_a_root(self) -> None:
        assert root_of(()).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100, 131])
    def test_goes_on_from_what_was_kept_of_it(self, size: int) -> None:
        kept = Tree(MANY[:size])
        again = Tree.of_peaks(kept.size, kept.peaks)
        for leaf in MANY[size:]:
            again.append(leaf)
        assert (again.size, again.root) == (131, root_of(MANY))

    @pytest.mark.parametrize(
        ("size", "peaks"),
        [
            *((1, ()), (0, (EMPTY,)), (3, (EMPTY,)), (2, (EMPTY, EMPTY)), (-1, ()), (-1, (EMPTY,)), (1, (b"",))),
            *((MAX_SIZE + 1, (EMPTY, EMPTY)), (MAX_SIZE * 2, (EMPTY,))),
        ],
    )
    def test_is_not_made_of_peaks_that_are_no_trees(self, size: int, peaks: tuple[bytes, ...]) -> None:
        with pytest.raises(ValueError, match="peaks"):
            Tree.of_peaks(size, peaks)

    def test_may_have_two_to_the_48_leaves(self) -> None:
        """The largest size there is, to be kept and to be proved in."""
        assert MAX_SIZE == 2**48
        assert Tree.of_peaks(2**48, (EMPTY,)).root == EMPTY

    def test_cannot_be_given_a_node_for_a_leaf(self) -> None:
        """A leaf's hash begins with another byte than a node's: otherwise two leaves could be shown as one."""
        assert hashlib.sha256(b"\x00" + MANY[0] + MANY[1]).digest() != node(MANY[0], MANY[1])


class TestAnInclusionProof:
    @pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 131])
    def test_holds_for_every_leaf(self, size: int) -> None:
        leaves, root = MANY[:size], root_of(MANY[:size])
        proofs = inclusion_proofs(leaves, range(size))
        assert all(includes(leaf=leaves[at], index=at, size=size, proof=proofs[at], root=root) for at in range(size))

    @pytest.mark.parametrize("size", range(1, 12))
    def test_holds_for_no_other_leaf_index_size_root_or_path(self, size: int) -> None:
        leaves, root = MANY[:size], root_of(MANY[:size])
        for at, proof in enumerate(inclusion_proofs(leaves, range(size))):
            others = [n for n in (-1, *range(size + 3), 2**31, 2**63, 2**64) if n != at]
            assert not any(includes(leaf=leaves[at], index=n, size=size, proof=proof, root=root) for n in others)
            # That the size is another is seen wherever the path would be; where it would not, the checkpoint's signature says it.
            assert not any(includes(leaf=leaves[at], index=at, size=n, proof=proof, root=root) for n in (-1, 0, at, 2**48 + 1, 2**63))
            assert not any(includes(leaf=leaf, index=at, size=size, proof=proof, root=root) for leaf in (*MANY[size:], b"", root[:-1]))
            assert {includes(leaf=leaves[at], index=at, size=size, proof=lie, root=root) for lie in lies_about(proof)} == {False}
            assert not includes(leaf=leaves[at], index=at, size=size, proof=proof, root=root_of(MANY[: size + 1]))

    def test_holds_in_a_tree_of_the_largest_size_and_in_no_larger(self) -> None:
        """Nobody has so many leaves, but a path is soon made up."""
        path, root = MANY[1:49], MANY[0]
        for sibling in path:
            root = node(root, sibling)
        assert includes(leaf=MANY[0], index=0, size=2**48, proof=path, root=root)
        assert includes(leaf=MANY[0], index=0, size=2**48 + 1, proof=(*path, EMPTY), root=node(root, EMPTY)) is False

    def test_does_not_hold_for_bytes_that_moved_from_one_hash_to_the_next(self) -> None:
        """Hashed together they would be the same bytes."""
        leaf, sibling = MANY[:2]
        assert includes(leaf=leaf + sibling[:1], index=0, size=2, proof=(sibling[1:],), root=node(leaf, sibling)) is False

    @pytest.mark.parametrize("index", [-1, 5, 2**63])
    def test_is_not_made_for_a_leaf_that_is_not_there(self, index: int) -> None:
        """Nor for those beside it."""
        for indices in ([index], [0, index, 1]):
            with pytest.raises(ValueError, match="no such leaf"):
                inclusion_proofs(MANY[:5], indices)


class TestAConsistencyProof:
    @pytest.mark.parametrize("size", [*range(1, 40), 64, 65, 127, 128, 131])
    def test_holds_for_every_earlier_size(self, size: int) -> None:
        root = root_of(MANY[:size])
        for earlier in range(1, size + 1):
            proof = consistency_proof(MANY[:size], earlier)
            assert extends(earlier=earlier, earlier_root=root_of(MANY[:earlier]), size=size, root=root, proof=proof)

    @pytest.mark.parametrize("size", range(1, 12))
    def test_holds_for_no_other_sizes_roots_or_path(self, size: int) -> None:
        root = root_of(MANY[:size])
        for earlier in range(1, size + 1):
            before, proof = root_of(MANY[:earlier]), consistency_proof(MANY[:size], earlier)
            answers = {extends(earlier=earlier, earlier_root=before, size=size, root=root, proof=lie) for lie in lies_about(proof)}
            assert answers == {False}
            for wrong in (0, -1, size + 1, 2**63):
                assert extends(earlier=wrong, earlier_root=before, size=size, root=root, proof=proof) is False
            # Where the path would be as long, the checkpoint's signature says which size it is.
            for wrong in (0, -1, earlier - 1, size * 4, 2**48 + 1, 2**63):
                assert extends(earlier=earlier, earlier_root=before, size=wrong, root=root, proof=proof) is False
            for other in (bytes(32), b"", root_of(MANY[: size + 1])):
                assert not extends(earlier=earlier, earlier_root=before, size=size, root=other, proof=proof)
                assert not extends(earlier=earlier, earlier_root=other, size=size, root=root, proof=proof)

    def test_holds_in_a_tree_of_the_largest_size_and_in_no_larger(self) -> None:
        """The second half of a tree is one node, whatever is under it."""
        half, other = MANY[:2]
        assert extends(earlier=2**47, earlier_root=half, size=2**48, root=node(half, other), proof=(other,))
        assert extends(earlier=2**48, earlier_root=half, size=2**49, root=node(half, other), proof=(other,)) is False

    def test_does_not_hold_for_bytes_that_moved_from_one_hash_to_the_next(self) -> None:
        """Hashed together they would be the same bytes."""
        one, other = MANY[:2]
        assert extends(earlier=1, earlier_root=one + other[:1], size=2, root=node(one, other), proof=(other[1:],)) is False

    @pytest.mark.parametrize(("earlier", "size"), [(1, 2), (3, 5), (6, 7)])
    def test_is_needed_of_a_tree_that_grew(self, earlier: int, size: int) -> None:
        """No path at all is a proof of nothing, also where not even a first node is there to begin with."""
        before, root = root_of(MANY[:earlier]), root_of(MANY[:size])
        assert extends(earlier=earlier, earlier_root=before, size=size, root=root, proof=()) is False

    def test_does_not_hold_for_a_history_with_one_other_event(self) -> None:
        for size, earlier in ((8, 5), (11, 8), (131, 100)):
            for changed in range(earlier):
                forged = [*MANY[:size]]
                forged[changed] = EMPTY
                proof = consistency_proof(forged, earlier)
                assert not extends(earlier=earlier, earlier_root=root_of(MANY[:earlier]), size=size, root=root_of(forged), proof=proof)

    def test_is_made_of_the_peaks_as_of_all_leaves(self) -> None:
        for earlier, later in pairwise((1, 2, 3, 7, 8, 20, 64, 90, 131)):
            assert extension_proof(Tree(MANY[:earlier]), MANY[earlier:later]) == consistency_proof(MANY[:later], earlier)

    @pytest.mark.parametrize("earlier", [0, -1, 6])
    def test_is_not_made_from_a_size_that_was_not(self, earlier: int) -> None:
        with pytest.raises(ValueError, match="no tree of that size"):
            consistency_proof(MANY[:5], earlier)

    def test_is_not_made_from_nothing(self) -> None:
        with pytest.raises(ValueError, match="begins with nothing"):
            extension_proof(Tree(), MANY)


class TestChecking:
    @given(
        earlier=st.integers(-5, 2**64),
        size=st.integers(-5, 2**64),
        hashes=st.lists(st.binary(max_size=40), max_size=70),
        root=st.binary(max_size=33),
    )
    def test_says_no_to_anything_made_up(self, earlier: int, size: int, hashes: list[bytes], root: bytes) -> None:
        assert not includes(leaf=MANY[0], index=earlier, size=size, proof=hashes, root=root)
        assert not extends(earlier=earlier, earlier_root=MANY[0], size=size, root=root, proof=hashes)
