"""L-07: canonical JSON (RFC 8785) by its own examples, and by chance: one value has one form, and so one hash, however it was written before.

No event has a fraction in it. One would have a form, too, and this tries it; but an export that has one is not taken for Halo's.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import rfc8785

from halo_engine.export import reading
from halo_engine.model import canonical
from halo_engine.model.canonical import canonical_json, sha256_hex
from tests.torture.harness import Bug, Kind, Problem, Row

#: Of a point.
OBJECTS = 50

#: RFC 8785 §3.2.2 and §3.2.4: as it was written, and the bytes of its form.
_WRITTEN = r"""
{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}
"""
_FORM = bytes.fromhex(
    "7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a"
    "5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37"
    "5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d"
)

#: §3.2.3: names sort by their UTF-16 code units.
_NAMES = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}
_SORTED = (
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
)

#: Appendix B: the bits of a number, and its form; none for what has none.
_NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "7fffffffffffffff": "",
    "7ff0000000000000": "",
    "fff0000000000000": "",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}

#: What has no form at all.
_FORMLESS: tuple[Any, ...] = (
    math.nan,
    math.inf,
    -math.inf,
    2**53,
    -(2**53),
    10**400,
    "\ud800",
    "a\udfffb",
    {"\ud800": 1},
    b"x",
    {1: 2},
    {None: 1},
)


def _values(random: Random) -> Iterator[str]:
    yield from ("written", "names", "formless", *(f"number-{bits}" for bits in _NUMBERS))
    while True:
        yield f"objects-{random.randrange(2**32)}"


def _value(point: str, _place: Path) -> Iterator[Problem]:
    what, _, which = point.partition("-")
    match what:
        case "written":
            yield from _same("the example", canonical_json(json.loads(_WRITTEN)), _FORM)
        case "names":
            yield from _same("the names", tuple(json.loads(canonical_json(_NAMES)).values()), _SORTED)
        case "number":
            yield from _same(which, _number(which), _NUMBERS[which])
        case "formless":
            for value in _FORMLESS:
                with suppress(ValueError):
                    yield Problem(Kind.WRONG, f"{value!a} was given the form {canonical_json({'v': value})!r}")
        case _:
            random = Random(int(which))
            for _ in range(OBJECTS):
                yield from _tried(random, _object(random, 0, with_fractions=random.random() < 0.2))


def _number(bits: str) -> str:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    try:
        return canonical_json({"v": value})[5:-1].decode()
    except ValueError:
        return ""


def _same(what: str, found: object, expected: object) -> Iterator[Problem]:
    if found != expected:
        yield Problem(Kind.WRONG, f"{what}: {found!r} instead of {expected!r}"[:300])


def _tried(random: Random, value: dict[str, Any]) -> Iterator[Problem]:
    form = canonical_json(value)
    yield from _same("the form", form, rfc8785.dumps(value))
    others = [how(random, value) for how in _WAYS]
    for other in others:
        again = canonical_json(json.loads(other))
        yield from _same("the form of what was written otherwise", again, form)
        yield from _same("its hash", sha256_hex(again), sha256_hex(form))
    yield from _read(form, value, others)


def _read(form: bytes, value: dict[str, Any], others: list[str]) -> Iterator[Problem]:
    """An export's reader takes this form and no other; one with a fraction it takes for nothing."""
    readable = _canonical(form)
    if _has_fraction(value):
        yield from _same("what has a fraction", readable, None)
        return
    yield from _same("what was read", readable, value)
    for other in others:
        if other.encode() != form:
            yield from _same(f"another form, {other[:80]!r},", _canonical(other.encode()), None)


def _canonical(text: bytes) -> Any:
    try:
        return reading._canonical(text)
    except (ValueError, reading._NotCanonical):
        return None


def _shuffled(random: Random, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shuffled(random, value[name]) for name in random.sample(list(value), len(value))}
    return [_shuffled(random, one) for one in value] if isinstance(value, list) else value


#: Other ways to write a value.
_WAYS: tuple[Callable[[Random, Any], str], ...] = (
    lambda random, value: json.dumps(_shuffled(random, value), ensure_ascii=False, separators=(",", ":")),
    lambda random, value: json.dumps(value, ensure_ascii=False, sort_keys=True, indent=random.randrange(4)),
    lambda random, value: json.dumps(_shuffled(random, value), ensure_ascii=True),
    lambda _random, value: f" {json.dumps(value)}\r\n",
)

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz_0123456789 .,:",
    "\x00\x01\x07\b\t\n\x0b\f\r\x1b\x1f\x7f\"\\/'<>&",
    "\x80\x85\x9fßéñ\u0301\u200b\u2028\u2029\u202e\ufeff",
    "\ud7ff\ue000\ufb33\ufffd\uffff\U00010000\U0001f600\U0010ffff",
)


def _object(random: Random, depth: int, *, with_fractions: bool) -> dict[str, Any]:
    size = random.choice((0, 1, 2, 3, 5))
    return {_text(random): _any(random, depth + 1, with_fractions=with_fractions) for _ in range(size)}


def _any(random: Random, depth: int, *, with_fractions: bool) -> Any:
    match random.randrange(8 if depth < 5 else 5):
        case 0:
            return random.choice((None, True, False))
        case 1:
            return random.choice((0, -1, 2**53 - 1, 1 - 2**53, random.randrange(-(10**6), 10**6)))
        case 2:
            if with_fractions:
                return random.choice((0.1, -1.5, 1e21, 1e-7, random.uniform(-1e9, 1e9)))
            return random.randrange(10**15)
        case 3 | 4:
            return _text(random)
        case 5:
            return [_any(random, depth + 1, with_fractions=with_fractions) for _ in range(random.randrange(4))]
        case _:
            return _object(random, depth, with_fractions=with_fractions)


def _text(random: Random) -> str:
    return "".join(random.choice(random.choice(_ALPHABETS)) for _ in range(random.choice((0, 1, 3, 12))))


def _has_fraction(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_fraction, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


# Bugs that the row must catch.


def _by_code_point() -> AbstractContextManager[Any]:
    """Names sort as Python sorts them."""
    return patch.object(canonical, "_is_plain", lambda _value: True)


def _escaped() -> AbstractContextManager[Any]:
    """What is not ASCII is written as an escape."""
    return patch.object(canonical, "_PLAIN", json.JSONEncoder(separators=(",", ":"), sort_keys=True))


def _any_form() -> AbstractContextManager[Any]:
    """An export's reader takes an event however it is written."""
    return patch.object(reading, "_canonical", json.loads)


ROWS = (Row("L-07", "one value has one canonical form, by RFC 8785's examples and by chance", ci=110, points=_values, attempt=_value),)

BUGS = (
    Bug("sorted-by-code-point", "Names are sorted by code points instead of UTF-16.", _by_code_point, "L-07", ("names",)),
    Bug("escaped-beyond-ascii", "Characters beyond ASCII are escaped.", _escaped, "L-07", 60),
    Bug("any-form-is-read", "An export may be written in any form of JSON.", _any_form, "L-07", 60),
)
