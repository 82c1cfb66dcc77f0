"""Canonical JSON (RFC 8785) and the one hash over it. Draft hashes and the event log stand on this."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """The one byte form of a JSON object, whatever order its keys were written in.

    Raises `ValueError` for what has no such form: NaN, integers beyond 2^53 and lone surrogates.
    """
    try:
        return rfc8785.dumps(dict(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"no canonical form: {error}") from error


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()
