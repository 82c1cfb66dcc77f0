"""Identifiers: a prefix that says what it names, and a UUIDv7 that sorts by time.

The form is that of the TypeID specification 0.3: `dft_01jd9k7q3mf0jv7p2t8z6c4x5e`, 26 characters of lower-case Crockford base 32 over the 128
bits of the UUID. This module only forms and reads them; time and randomness come from `halo_engine.clock`.
"""

from __future__ import annotations

import re
from enum import StrEnum

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_FORM = re.compile(rf"([a-z]{{3}})_[0-7][{ALPHABET}]{{25}}")


class Prefix(StrEnum):
    """What an identifier names."""

    HOUSEHOLD = "hsh"
    USER = "usr"
    REQUEST = "req"
    DRAFT = "dft"
    CONFIRMATION = "cnf"
    EXECUTION = "exe"
    ATTEMPT = "att"
    RECEIPT = "rct"
    EVENT = "evt"
    EXCHANGE = "exc"
    USUAL = "usl"
    DEVICE = "dev"
    ENROLMENT = "enr"
    #: What was asked for under an idempotency key.
    ACT = "act"
    WEBHOOK_ENDPOINT = "whe"
    WEBHOOK_MESSAGE = "msg"


def make_id(prefix: Prefix, *, unix_ms: int, entropy: int) -> str:
    """`prefix` and a UUIDv7 (RFC 9562 §5.7) of `unix_ms` and the low 74 bits of `entropy`."""
    number = (unix_ms & (2**48 - 1)) << 80
    number |= 0x7 << 76
    number |= ((entropy >> 62) & 0xFFF) << 64
    number |= 0b10 << 62
    number |= entropy & (2**62 - 1)
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix.value}_{''.join(digits)}"


def can_be_looked_up(identifier: str) -> bool:
    """Whether it may be put into a query: ours, and our hashes, are printable ASCII. Databases refuse NUL and half characters."""
    return identifier.isascii() and identifier.isprintable()


def prefix_of(identifier: str) -> Prefix | None:
    """What `identifier` names, or None when it is not one of ours."""
    match = _FORM.fullmatch(identifier)
    if match is None or match[1] not in set(Prefix):
        return None
    return Prefix(match[1])
