"""Canonical JSON (RFC 8785) and the one hash over it. Draft hashes and the event log stand on this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """The one byte form of a JSON object, whatever order its keys were written in.

    Raises `ValueError` for what has no such form: NaN, integers beyond 2^53 and lone surrogates.
    """
    try:
        if _is_plain(value):
            return _PLAIN.encode(value).encode()
        return rfc8785.dumps(dict(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"no canonical form: {error}") from error


#: For plain values the standard library's encoder, in C, writes the same form; a test compares the two.
_PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False)
_LARGEST = 2**53 - 1


def _is_plain(value: object) -> bool:
    """Text, whole numbers, lists, and objects with names in ASCII, where sorting by code points and by UTF-16 is the same."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -_LARGEST <= value <= _LARGEST  # type: ignore[operator]
    if kind is dict:
        return all(type(name) is str and name.isascii() and _is_plain(inner) for name, inner in value.items())  # type: ignore[attr-defined]
    return kind is list and all(map(_is_plain, value))  # type: ignore[call-overload]


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()
