"""Canonical JSON: one byte form for one object."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.canonical import canonical_json, sha256_hex

scalars = st.none() | st.booleans() | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1) | st.text(st.characters(codec="utf-8"))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner))
objects = st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=6)

#: RFC 8785 §3.2.2 to §3.2.4, and appendix B for the numbers.
VECTORS: list[tuple[dict[str, Any], str]] = [
    ({}, "{}"),
    ({"b": 1, "a": [True, False, None]}, '{"a":[true,false,null],"b":1}'),
    (
        {
            "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "€$\u000f\u000aA'\u0042\u0022\u005c\\\u0022/",
            "literals": [None, True, False],
        },
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    (
        {
            "€": "Euro Sign",
            "\r": "Carriage Return",
            "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "😀": "Emoji: Grinning Face",
            "\u0080": "Control",
            "ö": "Latin Small Letter O With Diaeresis",
        },
        (
            '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",'
            '"😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'
        ),
    ),
    ({"n": [-0.0, 5e-324, 1.7976931348623157e308, 9007199254740991]}, '{"n":[0,5e-324,1.7976931348623157e+308,9007199254740991]}'),
]


class TestCanonicalJson:
    @pytest.mark.parametrize(("value", "expected"), VECTORS)
    def test_is_that_of_rfc_8785(self, value: dict[str, Any], expected: str) -> None:
        """Keys by UTF-16 code units, numbers as ECMAScript writes them, the least escaping."""
        assert canonical_json(value) == expected.encode()

    @given(objects)
    def test_does_not_know_the_order_of_keys(self, value: dict[str, Any]) -> None:
        """The same object written in another order has the same bytes."""
        assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)

    @given(objects | st.dictionaries(st.text(st.characters(codec="ascii")), values, max_size=6))
    def test_is_the_same_by_the_short_way_as_by_the_long_one(self, value: dict[str, Any]) -> None:
        """Plain values are written by the standard library, the others by the reference implementation: in the same form."""
        assert canonical_json(value) == rfc8785.dumps(value)

    @pytest.mark.parametrize(
        "value", ["text", None, True, 0, 2**53 - 1, -(2**53) + 1, [], ["text", [1, None]], {}, {"in": {"in": ["text"]}}]
    )
    def test_takes_the_short_way_for_plain_values(self, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nearly all that is hashed is plain, and the long way takes many times as long."""
        expected = rfc8785.dumps({"a": "text", "value": value})

        def long_way(_value: object) -> bytes:
            raise AssertionError("the reference implementation was asked")

        monkeypatch.setattr(rfc8785, "dumps", long_way)
        assert canonical_json({"value": value, "a": "text"}) == expected

    @given(objects)
    def test_reads_back_as_the_same_object(self, value: dict[str, Any]) -> None:
        """Nothing is lost, so two objects that differ have bytes that differ."""
        assert json.loads(canonical_json(value)) == value

    @pytest.mark.parametrize(
        "value",
        [
            float("nan"),
            float("inf"),
            -float("inf"),
            2**53,
            2**53 + 1,
            -(2**53),
            -(2**53) - 1,
            "\ud800",
            "a\udfff",
            {1: "a key"},
            object(),
            b"bytes",
        ],
    )
    def test_refuses_what_has_no_such_form(self, value: object) -> None:
        """Better no hash than one that another reader could not repeat."""
        with pytest.raises(ValueError, match="no canonical form"):
            canonical_json({"value": value})

    def test_refuses_a_lone_surrogate_in_a_key(self) -> None:
        """Keys are held to the same rule."""
        with pytest.raises(ValueError, match="no canonical form"):
            canonical_json({"\udc00": 1})

    def test_refuses_an_object_too_deep_to_write(self) -> None:
        """Depth is answered like anything else that has no form, not by a crash."""
        deep: dict[str, Any] = {}
        for _ in range(100_000):
            deep = {"in": deep}
        with pytest.raises(ValueError, match="no canonical form"):
            canonical_json(deep)


class TestSha256Hex:
    def test_is_the_hash_everybody_else_computes(self) -> None:
        """The vector of FIPS 180 for "abc"."""
        assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
