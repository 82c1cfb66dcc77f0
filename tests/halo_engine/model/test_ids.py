"""Identifiers: TypeIDs over UUIDv7."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.ids import ALPHABET, Prefix, make_id, prefix_of

moments = st.integers(min_value=0, max_value=2**48 - 1)
entropies = st.integers(min_value=0, max_value=2**74 - 1)


def uuid_of(identifier: str) -> UUID:
    """The UUID in an identifier, read by hand."""
    number = 0
    for digit in identifier.partition("_")[2]:
        number = number * 32 + ALPHABET.index(digit)
    return UUID(int=number)


class TestMakeId:
    @given(st.sampled_from(Prefix), moments, entropies)
    def test_makes_a_uuid7_of_the_time_and_the_entropy(self, prefix: Prefix, unix_ms: int, entropy: int) -> None:
        """All 48 bits of the time and all 74 of the entropy are in it, with the version and the variant of RFC 9562."""
        identifier = make_id(prefix, unix_ms=unix_ms, entropy=entropy)
        number = uuid_of(identifier)
        assert (len(identifier), number.version, number.variant) == (30, 7, "specified in RFC 4122")
        assert number.int >> 80 == unix_ms
        assert ((number.int >> 64) & 0xFFF) << 62 | number.int & (2**62 - 1) == entropy

    @given(moments, entropies, moments, entropies)
    def test_sorts_by_time_and_then_by_entropy(self, one_ms: int, one: int, other_ms: int, other: int) -> None:
        """As text, because that is how databases and people sort."""
        first = make_id(Prefix.EVENT, unix_ms=one_ms, entropy=one)
        second = make_id(Prefix.EVENT, unix_ms=other_ms, entropy=other)
        assert (first < second) == ((one_ms, one) < (other_ms, other))


class TestPrefixOf:
    @given(st.sampled_from(Prefix), moments, entropies)
    def test_names_what_was_made(self, prefix: Prefix, unix_ms: int, entropy: int) -> None:
        """Every identifier of ours is known again."""
        assert prefix_of(make_id(prefix, unix_ms=unix_ms, entropy=entropy)) is prefix

    @pytest.mark.parametrize(
        "junk",
        [
            "",
            "dft_",
            "dft",
            "zzz_01jntp4zv0e4kr0x2s6m8w3b1q",
            "DFT_01jntp4zv0e4kr0x2s6m8w3b1q",
            "dft-01jntp4zv0e4kr0x2s6m8w3b1q",
            "dft_01JNTP4ZV0E4KR0X2S6M8W3B1Q",
            "dft_01jntp4zv0e4kr0x2s6m8w3b1",
            "dft_01jntp4zv0e4kr0x2s6m8w3b1qq",
            "dft_01jntp4zv0e4kr0x2s6m8w3b1u",
            "dft_81jntp4zv0e4kr0x2s6m8w3b1q",
            "dft_01jntp4zv0e4kr0x2s6m8w3b1q\n",
            " dft_01jntp4zv0e4kr0x2s6m8w3b1q",
            "dft_01jntp4zv0e4kr0x2s6m8w3b1q'; DROP TABLE draft; --",
            "dft_../../../../../etc/passwd0",
            "dft_０１jntp4zv0e4kr0x2s6m8w3b1q",
        ],
    )
    def test_knows_no_junk(self, junk: str) -> None:
        """Another alphabet, another length, another prefix, or anything before or after."""
        assert prefix_of(junk) is None

    @given(st.text())
    def test_never_fails(self, text: str) -> None:
        """Whatever it is given, it answers."""
        assert prefix_of(text) in {None, *Prefix}
