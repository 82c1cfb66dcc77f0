"""JSON from strangers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from halo_engine.model.strict_json import MAX_DEPTH, Json, JsonError, check_values, dumps, loads


class TestLoads:
    def test_reads_a_price_exactly(self) -> None:
        """Sixteen ninety-nine is a decimal, not the nearest binary fraction."""
        assert loads(b'{"amount": 16.99}') == {"amount": Decimal("16.99")}

    @pytest.mark.parametrize(
        "body",
        [
            b"NaN",
            b"-Infinity",
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": 1}}',
            b"9" * 65,
            b"1." + b"0" * 64,
            b"1e99999999999999999999",
            b'"\\ud800"',
            b'{"\\udfff": 1}',
            b"\xef\xbb\xbf{}",
            b"\xff",
            b"",
            b"<html>",
            b'{"a": 1',
            b"{} {}",
        ],
    )
    def test_refuses_what_cannot_be_trusted(self, body: bytes) -> None:
        """Each of these passes the standard loader or crashes it in another way."""
        with pytest.raises(JsonError):
            loads(body)

    @pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 100_000])
    def test_refuses_depth(self, depth: int) -> None:
        """A little too deep and absurdly too deep are the same error, and neither is a recursion error."""
        with pytest.raises(JsonError):
            loads(b"[" * depth + b"]" * depth)

    def test_takes_the_deepest_allowed(self) -> None:
        """The bound itself is inside."""
        assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)

    def test_refuses_every_truncation(self) -> None:
        """There is no byte after which half an object reads as a whole one."""
        whole = b'{"items": [{"price": 16.99, "name": "\xc3\xa9"}], "ok": true}'
        for length in range(len(whole)):
            with pytest.raises(JsonError):
                loads(whole[:length])

    def test_says_nothing_of_the_body(self) -> None:
        """The error names the flaw only, also in what it was raised from."""
        with pytest.raises(JsonError) as raised:
            loads(b'{"secret": "canary-4711"')
        assert "canary" not in str(raised.value)
        assert raised.value.__cause__ is None


class TestCheckValues:
    @pytest.mark.parametrize(
        "body",
        [b"[0,0,0,0]", b'{"a":0,"b":{"c":0},"d":0}', b'["","","",""]', b"[[[[0]]]]", b'["\\\\","\\"","",""]', b"[,,,,"],
    )
    def test_refuses_more_than_there_may_be(self, body: bytes) -> None:
        """Lists, objects and what stands in them; whether it is JSON is seen later."""
        with pytest.raises(JsonError, match="of more than 4 values"):
            check_values(body, 4)

    @pytest.mark.parametrize(
        "body", [b"", b"0", b"[0,0,0]", b'{"a":0,"b":[]}', b'"[[[,,,{{{"', b'["\\",,,,\\\\",",,,,"]', b'{"a":"\\u002c,\\\\,,,,"}']
    )
    def test_counts_a_text_as_one(self, body: bytes) -> None:
        check_values(body, 4)


class TestDumps:
    @pytest.mark.parametrize("text", ["16.90", "0.00", "1000000.01", "-3.10"])
    def test_writes_digit_for_digit(self, text: str) -> None:
        """A trailing zero stays: the number on the wire is the number that was confirmed."""
        assert dumps({"amount": Decimal(text)}) == f'{{"amount":{text}}}'

    @pytest.mark.parametrize("number", ["1e999999999", "-1e65", "1e-65", "1e999999999999999999999", "0e99999", "1.5E+400"])
    def test_refuses_a_number_that_would_be_written_out_for_ever(self, number: str) -> None:
        """An exponent is short, and what it stands for is not."""
        with pytest.raises(JsonError, match="exponent"):
            loads(f'{{"quantity": {number}}}'.encode())

    def test_never_writes_an_exponent(self) -> None:
        """A vendor's reader need not know them."""
        assert dumps(Decimal("1E+3")) == "1000"

    def test_can_be_read_back(self) -> None:
        """Whatever is written is read as the same value."""
        value: Json = {"a": [1, True, None, "ü\n\"'", Decimal("1.50")], "b": {}}
        assert loads(dumps(value).encode()) == value

    @pytest.mark.parametrize("value", [1.5, Decimal("NaN"), b"bytes"])
    def test_refuses_what_has_no_exact_form(self, value: object) -> None:
        """A float near a vendor is a defect, found here."""
        with pytest.raises(TypeError):
            dumps([value])  # type: ignore[list-item]
