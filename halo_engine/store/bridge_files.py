"""How this home is attached to a bridge: where it is, which chats count, and the two secrets, in files that only their owner reads.

The bridge proves itself to Halo with the key (`bridge.key`), and Halo to the bridge with the bridge's own password (in `bridge.json`). Neither is in
the settings, because settings are looked at and copied.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator

from halo_engine.clock import Clock
from halo_engine.model.errors import NotFound, StoreNotWritable
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.model.value import Value
from halo_engine.store.values import to_json

_HINT = "Attach it anew with: halo bridge init"


class BridgeSetup(Value):
    """Where the bridge is, and the chats in which Halo may be spoken to."""

    url: str = Field(pattern=r"^https?://[^\s/?#@]+(?:/[^\s?#]*)?$", max_length=500)
    password: SecretStr
    chats: tuple[str, ...] = Field(min_length=1, max_length=20)
    #: `private-api` needs BlueBubbles' helper on the Mac; `apple-script` works without it.
    method: Literal["apple-script", "private-api"] = "apple-script"

    @field_validator("chats")
    @classmethod
    def _are_guids(cls, chats: tuple[str, ...]) -> tuple[str, ...]:
        if not all(0 < len(chat) <= 200 and chat.isascii() and chat.isprintable() for chat in chats):
            raise ValueError("a chat's GUID is printable ASCII")
        return chats


class BridgeFiles:
    """The two files in a home."""

    def __init__(self, home: Path) -> None:
        self._setup, self._key = home / "bridge.json", home / "bridge.key"

    def is_set_up(self) -> bool:
        return self._setup.exists() and self._key.exists()

    def setup(self) -> BridgeSetup:
        """Raises `NotFound` where there is none, `StoreNotWritable` where it cannot be trusted."""
        if not self._setup.exists():
            raise NotFound("No bridge is attached to this home.", hint=_HINT)
        try:
            return BridgeSetup.model_validate(loads(_read_private(self._setup)))
        except (JsonError, ValidationError):
            # Not chained: what was read has a password in it.
            raise StoreNotWritable(f"{self._setup} is not what it should be.", hint=_HINT) from None

    def save(self, setup: BridgeSetup, clock: Clock) -> None:
        """In place of whatever was there."""
        kept = {**setup.model_dump(mode="json"), "password": setup.password.get_secret_value()}
        _write_private(self._setup, to_json(kept), clock)

    def key(self) -> str:
        """What the bridge proves itself with. Raises `NotFound` where there is none."""
        if not self._key.exists():
            raise NotFound("This home has no key for a bridge.", hint=_HINT)
        key = _read_private(self._key).decode("ascii", errors="replace").strip()
        if len(key) < 32:
            raise StoreNotWritable(f"{self._key} is not complete.", hint=_HINT)
        return key

    def make_key(self, clock: Clock) -> str:
        """A new key in place of any old one."""
        _write_private(self._key, clock.token_hex(32), clock)
        return self.key()

    def has_key(self) -> bool:
        return self._key.exists()


def _read_private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise StoreNotWritable(f"{path} can be read by others.", hint=f"chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error


def _write_private(path: Path, text: str, clock: Clock) -> None:
    """Complete or not at all: written beside, and given its name when it is on the disk."""
    draft = path.with_name(f"{path.name}.{clock.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.") from error
