"""JSON from outside, read as hostile: bounded in size and depth, no duplicate keys, no NaN, no numbers too long to be one."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_CHARS = 256_000
MAX_DEPTH = 16
_MAX_DIGITS = 18

# Strings are stepped over whole, so that brackets inside them do not count.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class UnreadableJsonError(ValueError):
    """The text is not JSON that is safe to read."""


def loads(text: str) -> Any:
    """The value of `text`. Raises UnreadableJsonError."""
    if len(text) > MAX_CHARS:
        raise UnreadableJsonError(f"longer than {MAX_CHARS} characters")
    _refuse_depth(text)
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse, parse_int=_int, parse_float=_float)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnreadableJsonError("not JSON") from error


def _refuse_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > MAX_DEPTH:
            raise UnreadableJsonError(f"nested deeper than {MAX_DEPTH}")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise UnreadableJsonError("a key stands twice")
    return keys


def _refuse(constant: str) -> NoReturn:
    raise UnreadableJsonError(f"{constant} is not a number")


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise UnreadableJsonError("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > 2 * _MAX_DIGITS:
        raise UnreadableJsonError("a number is too long")
    return float(digits)
