"""Something that calls for a member: a laptop, a phone. It shows a token, which is given out once and kept by nobody here."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from pydantic import AwareDatetime, SecretStr

from halo_engine.model.value import Value

_TOKEN = re.compile(r"hdv_[0-9a-f]{64}")


class Device(Value):
    """One device of a member, without its token."""

    id: str
    household_id: str
    user_id: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def speaks_at(self, now: datetime) -> bool:
        """Whether it may call now."""
        return self.revoked_at is None and now < self.expires_at


class NewDevice(Value):
    """A device with the token that it alone will have. Shown once."""

    device: Device
    token: SecretStr


def token_of(randomness: str) -> SecretStr:
    """The token made of 32 bytes in hexadecimal."""
    return SecretStr(f"hdv_{randomness}")


def is_token(text: str) -> bool:
    """Whether `text` has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def token_sha256(token: str) -> str:
    """What is kept of a token. It is as random as the hash is long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
