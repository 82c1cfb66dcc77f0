"""The installation's secret: vendors' keys are derived from it, so that nobody outside can guess one.

It is in the data directory, made there on the first day; or the settings give it, where the data directories of several machines are thrown away and
made anew, and none of them may make one of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from pydantic import SecretStr

from halo_engine.clock import Clock
from halo_engine.model.errors import StoreNotWritable


def installation_secret(path: Path, clock: Clock, *, given: SecretStr | None = None) -> bytes:
    """The installation's secret: what is `given`, else what is at `path`, made there on the first day.

    Losing it would make the vendors forget our keys, so it is never remade over another.
    """
    if given:
        return bytes.fromhex(given.get_secret_value())
    try:
        if not path.exists():
            _make_secret(path, clock)
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.") from error
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise StoreNotWritable(
            f"{path} cannot be read.", hint="Restore it from a backup: vendors know our orders by keys made with it."
        ) from error
    if len(secret) != 32:
        raise StoreNotWritable(f"{path} is not complete.", hint="Restore it from a backup: vendors know our orders by keys made with it.")
    return secret


def key_id(secret: bytes) -> str:
    """What tells one secret from another without telling anything about it."""
    return hmac.new(secret, b"halo/key-id", hashlib.sha256).hexdigest()[:16]


def _make_secret(path: Path, clock: Clock) -> None:
    """Complete or not at all: written beside, and given its name only when it is on the disk. Whoever comes second leaves the first one's."""
    draft = path.with_name(f"{path.name}.{clock.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(clock.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
