"""JSON as it may come from a stranger, and as it must go to one.

Everything that reads JSON it did not write goes through here: vendors' answers, language models' answers, requests.
The standard loader takes NaN, keeps the last of two equal keys, lets lone surrogates through
and reads prices as binary fractions; each of those has been a wrong amount or a crash somewhere, so `loads` refuses all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

Json = None | bool | int | Decimal | str | Sequence["Json"] | Mapping[str, "Json"]

MAX_DEPTH = 64
#: Far more than any amount or identifier has, far less than what makes arithmetic slow.
MAX_DIGITS = 64

#: Text that was UTF-8 holds half of a character only where one was written like this.
_HALVES = re.compile(r"\\u[dD]")


class JsonError(ValueError):
    """These bytes are not JSON that can be trusted."""


def loads(body: bytes) -> Json:
    """The value in `body`, numbers exact. Raises `JsonError`, whose message never holds any of the body."""
    try:
        text = body.decode("utf-8")
        value: Json = json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse_constant, object_pairs_hook=_object)
        if _HALVES.search(text) or not _is_shallow(value):
            _check(value)
    except JsonError:
        raise
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        # Not chained: both kinds of error carry the whole body with them.
        raise JsonError(f"not JSON in UTF-8 ({type(error).__name__})") from None
    return value


def check_values(body: bytes, most: int) -> None:
    """Raise `JsonError` where `body` has more values in it than that. Counted before anything is made of them, at a fraction of the cost."""
    if _marks(body) < most:
        return
    # Commas in texts are nothing: so texts are left out, and what stands in them escaped cannot end one.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') > 2 * most or _marks(b"".join(bare.split(b'"')[::2])) >= most:
        raise JsonError(f"of more than {most:,} values")


def _marks(body: bytes) -> int:
    """What stands before every value but the first, and before the first one in a list or an object."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def dumps(value: Json) -> str:
    """`value` as JSON text; a `Decimal` is written digit for digit, and a float is a `TypeError`."""
    match value:
        case None | bool() | str():
            return json.dumps(value)
        case int():
            return str(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case Mapping():
            return "{" + ",".join(f"{json.dumps(key)}:{dumps(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(dumps(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def _decimal(digits: str) -> Decimal:
    try:
        number = Decimal(_bounded(digits))
    except ArithmeticError:
        raise JsonError("a number has an absurd exponent") from None
    # Ten letters can stand for a billion digits, and whoever makes an integer or a text of them writes them all out.
    if abs(number.adjusted()) > MAX_DIGITS:
        raise JsonError("a number has an absurd exponent")
    return number


def _integer(digits: str) -> int:
    return int(_bounded(digits))


def _bounded(digits: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise JsonError(f"a number of more than {MAX_DIGITS} digits")
    return digits


def _refuse_constant(_name: str) -> NoReturn:
    raise JsonError("NaN or Infinity")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonError("one key twice in an object")
    return found


def _is_shallow(value: Json) -> bool:
    """Whether it is surely no deeper than allowed, from its lists and objects alone. Nearly everything in a value is neither."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return True
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
    return False


def _check(value: Json) -> None:
    """Refuse depth and lone surrogates, with a list instead of recursion."""
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return
        level = [child for item in level for child in _children(item)]
    raise JsonError(f"nested deeper than {MAX_DEPTH}")


def _children(value: Json) -> list[Json]:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key in value:
            _check_text(key)
        return list(value.values())
    elif isinstance(value, list):
        return value
    return []


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise JsonError("half of a character") from None
