"""Something that calls for a member: a laptop, a phone. It shows a token, which is given out once and kept by nobody here.

A device comes by a token with a code that somebody in the household has made for it (`Enrolment`), or is handed one. It may bring two keys of its
own: one it signs a yes with, and one it proves with at each call that the token is in its own hands (RFC 9449).
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from pydantic import AwareDatetime, SecretStr

from halo_engine.model.public_key import thumbprint
from halo_engine.model.value import Value

_TOKEN = re.compile(r"hdv_[0-9a-f]{64}")
#: Crockford's: no letter in it can be taken for a digit.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 3, 4
_CODE = re.compile(rf"[{_ALPHABET}]{{{_GROUPS * _GROUP}}}")
#: Of randomness, at least as long as a code: five bits a character.
CODE_BYTES = 8


class DeviceKind(StrEnum):
    """Whose hands a device is in. A member confirms with a person's; a program asks and looks, and its yes is nobody's."""

    PERSON = "person"
    PROGRAM = "program"


class Device(Value):
    """One device of a member, without its token. `signing_key_json` is a canonical JWK, `proof_thumbprint` names the key it must prove it has."""

    id: str
    household_id: str
    user_id: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
    signing_key_json: str | None = None
    proof_thumbprint: str | None = None
    enrolment_id: str | None = None
    kind: DeviceKind = DeviceKind.PERSON

    def speaks_at(self, now: datetime) -> bool:
        """Whether it may call now."""
        return self.revoked_at is None and now < self.expires_at

    @property
    def signing_thumbprint(self) -> str | None:
        """Of the key it signs with."""
        return thumbprint(self.signing_key_json) if self.signing_key_json else None


class Presented(Value):
    """The device that a token is of, which speaks until that token ends. `is_next` where it was given the token last and has not used it yet."""

    device: Device
    token_sha256: str
    is_next: bool = False


class NewDevice(Value):
    """A device with the token that it alone will have. Shown once."""

    device: Device
    token: SecretStr


class NewToken(Value):
    """Another token for a device, which ends what it has when it is first used. Shown once."""

    device: Device
    token: SecretStr
    expires_at: AwareDatetime


class Enrolment(Value):
    """That one device may enrol for a member, without its code."""

    id: str
    household_id: str
    user_id: str
    name: str
    created_by: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    used_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None
    device_id: str | None = None
    kind: DeviceKind = DeviceKind.PERSON

    def waits_at(self, now: datetime) -> bool:
        """Whether its code would be taken now."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


class NewEnrolment(Value):
    """An enrolment with its code. Shown once."""

    enrolment: Enrolment
    code: SecretStr


def token_of(randomness: str) -> SecretStr:
    """The token made of 32 bytes in hexadecimal."""
    return SecretStr(f"hdv_{randomness}")


def is_token(text: str) -> bool:
    """Whether `text` has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def token_sha256(token: str) -> str:
    """What is kept of a token. It is as random as the hash is long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def code_of(randomness: str) -> SecretStr:
    """The code made of `CODE_BYTES` in hexadecimal, as people type it: 60 bits of them in three groups."""
    number = int(randomness, 16)
    letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_GROUPS * _GROUP))
    return SecretStr("-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP)))


def code_sha256(typed: str) -> str | None:
    """What is kept of a code, however a person wrote it: in small letters, with spaces, with an O for a zero. None for what can be none.

    Sixty bits cannot be searched in the ten minutes that a code lives, so a plain hash is enough.
    """
    letters = re.sub(r"[\s-]", "", typed[:100]).upper().translate(_MEANT) if typed.isascii() else ""
    return hashlib.sha256(f"halo-enrol:{letters}".encode()).hexdigest() if _CODE.fullmatch(letters) else None


def enrolment_url(server: str, code: str) -> str:
    """What a phone reads from a picture: where to go, and with which code."""
    return f"halo://enrol?server={quote(server, safe=':/')}&code={code}"
