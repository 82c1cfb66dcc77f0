"""What is taken out of text, what stays, and that it always comes to an end."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.redaction import MAX_BYTES, PLAIN, READ_CHARS, Redactor
from halo_engine.settings import Settings

#: A secret in its sentence, and what is to be left of that.
_SHAPES = {
    "Authorization: Bearer abc.def-ghi": "Authorization: Bearer ‹redacted: token›",
    'ResyAPI api_key="VbWk7s3L4KiK5fzlO7JD3Q5EYolJI7n5"': "ResyAPI ‹redacted: token›",
    "Basic dXNlcjpwYXNz and more": "Basic ‹redacted: token› and more",
    "with sk-proj-Abc123_def-456": "with ‹redacted: key›",
    "with sk_live_51Abc123": "with ‹redacted: key›",
    "with zn_live_abcdef": "with ‹redacted: key›",
    "/orders/halo-8936c2de11ecb0be0ee64161f73": "/orders/‹redacted: key›",
    "with hdv_" + "0123456789abcdef" * 4: "with ‹redacted: token›",
    "with Atzr|IwEBIAbc-123": "with ‹redacted: token›",
    "with Atza|IwEBIAbc-123": "with ‹redacted: token›",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl": "‹redacted: token›",
    "write to Jo.Doe+x@mail.example.co.uk.": "write to ‹redacted: e-mail›.",
    "login=jo%40example.com&": "login=‹redacted: e-mail›&",
    "call +1 (212) 555-0143 now": "call ‹redacted: phone› now",
    "call (212) 555-0143 now": "call ‹redacted: phone› now",
    "call 212-555-0143 now": "call ‹redacted: phone› now",
    "card 4111111111111111.": "card ‹redacted: card›.",
    "card 4111 1111 1111 1111.": "card ‹redacted: card›.",
    "card 3782-822463-10005!": "card ‹redacted: card›!",
    "postgresql://halo:hunter2@db.invalid/x": "postgresql://‹redacted: password›@db.invalid/x",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\nend": "‹redacted: private key›\nend",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nMC4CAQ and no end": "‹redacted: private key›",
    "password=hunter2&party=2": "password=‹redacted: secret›&party=2",
    "sent x-resy-auth-token%3Dabc%26a%3D1 on": "sent x-resy-auth-token%3D‹redacted: secret› on",
    "%7B%22cvv%22%3A%22123%22%7D": "%7B%22cvv%22%3A‹redacted: secret›",
    "password is hunter2, and more": "password is ‹redacted: secret›, and more",
    "address_line_1=Elm&party=2": "address_line_1=‹redacted: personal›&party=2",
    "/orders/HALO-8936C2DE11ECB0BE0EE64161F73": "/orders/‹redacted: key›",
    "api_key: abc, and more": "api_key: ‹redacted: secret›, and more",
    "{'first_name': 'Jo Ann', 'party': 2}": "{'first_name': '‹redacted: personal›', 'party': 2}",
}

#: Looks a little like a secret, and is what people look for in a log.
_HARMLESS = (
    "order 113-1234567-1234567 of 2026-03-03T17:00:00.000000Z",
    "4111111111111112 is no card",
    "1772557200000 milliseconds",
    "$1,234.50 of at most 123456 cents",
    "exe_01jd9k7q3mf0jv7p2t8z6c4x5e carries out dft_01jd9k7q3mf0jv7p2t8z6c4x5e",
    "5d41402abc4b2a76b9719d911017c592ae2f3b4c5d6e7f8091a2b3c4d5e6f708",
    "https://www.amazon.com/dp/B0SW4WF49W?s=1",
    '{"status":429,"tokens":5,"nextPageToken":null,"mobile":true}',
    "the token is invalid, the password was not accepted, a secret is 3 days old",
    "see https%3A%2F%2Fwww.resy.com for the token%3A%2F%2F",
    "B0SW4WF49W, 16 oz × 12, 5:30 pm at 7 Main St",
)


class TestAText:
    @pytest.mark.parametrize(("said", "left"), _SHAPES.items())
    def test_loses_what_looks_like_a_secret(self, said: str, left: str) -> None:
        """And nothing beside it; a second time changes nothing."""
        assert PLAIN.text(said) == left
        assert PLAIN.text(left) == left

    @pytest.mark.parametrize("said", _HARMLESS)
    def test_keeps_everything_else(self, said: str) -> None:
        """A log without numbers and names is of no use to anybody."""
        assert PLAIN.text(said) == said

    def test_loses_what_is_known_to_be_a_secret_in_any_spelling(self) -> None:
        """A key that looks like nothing, in a sentence, in a URL, and in JSON."""
        redactor = Redactor([SecretStr('can"ary/one')])
        said = 'said can"ary/one to https://x.invalid/?k=can%22ary%2Fone and {"a":"can\\"ary/one"}'
        assert "ary" not in redactor.text(said)

    def test_is_bytes_as_well(self) -> None:
        """What is no UTF-8 is replaced, and so are the characters a database refuses."""
        assert PLAIN.text(b"\xff password=\xfe\x00x") == "� password=‹redacted: secret›"
        assert PLAIN.text("\ud800\0") == "?�"

    def test_is_cut_and_says_so(self) -> None:
        """At a whole character, and never in the midst of a secret."""
        cut = PLAIN.text("é" * 100_000)
        assert len(cut.encode()) <= MAX_BYTES + 40
        assert cut.endswith(" more›")
        for before in range(READ_CHARS - 40, READ_CHARS + 1):
            assert "4111" not in PLAIN.text("x" * before + " 4111111111111111 " + "y" * 9)[-200:]


class TestAJsonBody:
    def test_loses_every_value_under_a_secret_name_however_deep(self) -> None:
        """In any spelling of the name, whole, and without a change to any other digit."""
        said = '{"accessToken":{"v":["canary",{"x":"canary"}]},"a":[{"Postal-Code":"canary","price":10.50,"n":1e3}]}'
        left = '{"accessToken":"‹redacted: secret›","a":[{"Postal-Code":"‹redacted: personal›","price":10.50,"n":1e3}]}'
        assert PLAIN.text(said) == left

    @pytest.mark.parametrize(
        "name", ["access_token", "book_token", "client_secret", "password", "emailAddress", "addressLine1", "full_name"]
    )
    def test_loses_it_also_where_it_was_cut_off(self, name: str) -> None:
        """The rest of such a text is under that name."""
        assert "canary" not in PLAIN.text(f'{{"a":1,"{name}":{{"x":["canary')

    def test_loses_it_also_where_letters_are_written_by_number(self) -> None:
        """JSON has more than one spelling of every name and value."""
        assert "canary" not in PLAIN.text('{"p\\u0061ssword":"canary"}')
        assert "example" not in PLAIN.text('{"note":"jo\\u0040example.com"}')

    def test_loses_it_also_inside_a_text(self) -> None:
        """Vendors pass on each other's answers."""
        assert "canary" not in PLAIN.text(json.dumps({"body": json.dumps({"password": "canary canary"})}))

    @given(
        st.recursive(
            st.none() | st.integers(0, 99) | st.text("ab {}[]\"\\:,'", max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["token", "a", "email", 'b"', "c\\"]), inner, max_size=3)
            ),
            max_leaves=12,
        )
    )
    def test_is_still_the_same_json(self, value: Any) -> None:
        """Whatever stands around what was taken out: only values under those names differ."""
        assert json.loads(PLAIN.text(json.dumps(value))) == _without(value)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        marks = {"token": "‹redacted: secret›", "email": "‹redacted: personal›"}
        return {name: marks[name] if name in marks and member is not None else _without(member) for name, member in value.items()}
    return [_without(member) for member in value] if isinstance(value, list) else value


class TestAnything:
    @given(st.text() | st.binary())
    def test_is_read_to_its_end(self, said: str | bytes) -> None:
        """Never an error, never more than its bytes, never what cannot be written."""
        left = PLAIN.text(said)
        left.encode()
        assert "\0" not in left

    @given(st.text(st.sampled_from('"\\:=@+.%-_ 14ahtokensecrtyJBR{[/‹›'), max_size=300))
    def test_made_of_what_the_patterns_look_for_is_too(self, said: str) -> None:
        """The letters of which names, tokens and numbers are made."""
        assert len(PLAIN.text(said).encode()) <= MAX_BYTES + 40

    @pytest.mark.parametrize(
        "bait",
        [
            *(
                '"token":',
                "a%40",
                "a@",
                "_",
                "token",
                "token\\",
                "-----BEGIN PRIVATE KEY-----",
                "://a:b",
                '"',
                "4111 ",
                "1",
                '"token":{',
                "+1",
            ),
            *(
                "a.",
                "eyJ",
                "eyJaaaaaaaaa.",
                "Bearer ",
                "(",
                "address_",
                "token =",
                '"a-',
                "-",
                "\\",
                'token="',
                "passw",
                "\\u0041",
                "[",
                "‹",
            ),
        ],
    )
    def test_is_read_in_a_time_that_grows_with_its_length(self, bait: str) -> None:
        """Twice the text takes no more than some five times the time; what grows with the square of it takes far more for thirty-two times."""
        short, long = bait * (700 // len(bait)), bait * (22_400 // len(bait))
        assert _takes(long) < 200 * max(_takes(short), 0.0001)


def _takes(text: str) -> float:
    best = 9.0
    for _ in range(3):
        began = process_time()
        PLAIN.text(text)
        best = min(best, process_time() - began)
    return best


class TestAValue:
    def test_is_shown_by_its_type(self, tmp_path: Path) -> None:
        """Money, numbers and states as they are; a secret never; what nobody thought of by the name of its type alone."""
        settings = Settings(home=tmp_path)
        told = {
            "total": Money(cents=4995),
            "status": ExecutionStatus.DONE,
            "count": 3,
            "key": SecretStr("canary"),
            "settings": settings,
            "rate": Decimal("1.5"),
            "password": "canary",
            "card": 4111111111111111,
            "nested": [{"token": {"x": "canary"}}, ("jo@example.com",)],
            "error": ValueError("password=canary"),
        }
        assert PLAIN.value(told) == {
            "total": {"cents": 4995, "currency": "USD"},
            "status": "done",
            "count": 3,
            "key": "‹redacted: secret›",
            "settings": "<Settings>",
            "rate": "<Decimal>",
            "password": "‹redacted: secret›",
            "card": "‹redacted: card›",
            "nested": [{"token": "‹redacted: secret›"}, ["‹redacted: e-mail›"]],
            "error": "ValueError: password=‹redacted: secret›",
        }

    def test_that_contains_itself_comes_to_an_end(self) -> None:
        """As deep as sixteen, and no deeper."""
        ring: list[Any] = []
        ring.append(ring)
        assert json.dumps(PLAIN.value(ring)).count("[") == 16
