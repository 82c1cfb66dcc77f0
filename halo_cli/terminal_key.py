"""The key with which this terminal signs its member's yes: in the system's keyring where there is one, else in a file of this home, readable by its
owner alone.

A terminal is a device like a phone: it enrols with its public key, and its yes is held against that. Its token is thrown away unread, because a
terminal does not call its own books; one that enrols at a server elsewhere keeps it (`halo_cli.remotes`). Which devices this home has keys of stands
in `keys/`, one small file each, so that a keyring, which may open a window, is asked for a key that is there and for no other.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_engine.model.draft import DraftStatus
from halo_engine.model.errors import InvalidInput, StoreNotWritable
from halo_engine.model.ids import Prefix, prefix_of

if TYPE_CHECKING:
    from halo_engine.engine import Engine
    from halo_engine.model.device import Device
    from halo_engine.model.signing import SignedYes
    from halo_engine.queries import Queries
    from halo_engine.settings import Settings

_SERVICE = "halo"
_IN_KEYRING, _IN_FILE = ".keyring", ".pem"
_MOST_BYTES = 4096


def add(engine: Engine, settings: Settings, name: str, *, by: str | None, speaks_for: str | None) -> tuple[Device, str]:
    """A key for this terminal, enrolled as a device of that member, and where the key is kept. Raises as `Devices.enrol` does."""
    from halo_engine.model.signing import new_key

    private, public = new_key()
    code = engine.devices.open_enrolment(name, by=by, speaks_for=speaks_for).code.get_secret_value()
    device = engine.devices.enrol(code, signing_key=json.loads(public)).device
    # The key after the device, whose id it is kept under: a device without its key can sign nothing, and is revoked like any other.
    return device, keep(settings.home, device.id, private)


def signed(engine: Engine, settings: Settings, queries: Queries, *, draft_id: str, draft_hash: str, member: str | None) -> SignedYes | None:
    """The signature of a yes that was just said, where the household wants one and this terminal has a key of that member; else None.

    Only of what the card showed: an object that says anything else is not signed (`SignatureInvalid`).
    """
    draft = queries.draft(draft_id)
    if draft.draft_hash != draft_hash or draft.status is not DraftStatus.OPEN:
        # It will be refused, or is told of its execution, without anybody's signature.
        return None
    if not queries.rules().must_be_signed(draft.terms.maximum):
        return None
    device_id = _device_of(settings, queries, member)
    if device_id is None:
        return None
    from halo_engine.model.signing import SignedYes, check_shown, sign

    signing_object = engine.signing_object(draft_id, device_id=device_id, member=member)
    check_shown(signing_object, draft_hash=draft_hash, device_id=device_id)
    return SignedYes(jws=sign(signing_object, device_id=device_id, private_key_pem=read(settings.home, device_id)), device_id=device_id)


def signer(engine: Engine, settings: Settings, open_queries: Callable[[], Any]) -> Callable[..., SignedYes | None]:
    """As `signed`, for a door (`thread.LocalDoor`)."""

    def of_this_terminal(draft_id: str, *, draft_hash: str, member: str | None) -> SignedYes | None:
        with open_queries() as queries:
            return signed(engine, settings, queries, draft_id=draft_id, draft_hash=draft_hash, member=member)

    return of_this_terminal


def _device_of(settings: Settings, queries: Queries, member: str | None) -> str | None:
    """The newest device of `member` whose key is here, and which was not revoked; that its time is over the engine says."""
    from halo_engine.model.household import called

    here = {path.stem for path in _kept(settings.home / "keys")}
    if not here:
        return None
    member_id = called(queries.members(), member).id
    ours = [each for each in queries.devices() if each.id in here and each.user_id == member_id and each.revoked_at is None]
    return max((each.id for each in ours if each.signing_key_json), default=None)


def _kept(keys: Path) -> list[Path]:
    with suppress(OSError):
        return [path for path in keys.iterdir() if path.suffix in (_IN_FILE, _IN_KEYRING) and prefix_of(path.stem) is Prefix.DEVICE]
    return []


def keep(home: Path, device_id: str, private_key_pem: bytes) -> str:
    """Put the key where it belongs, and say where that is. Raises `StoreNotWritable`, also where there is one of that device already."""
    keys, pem = home / "keys", private_key_pem.decode()
    if has(home, device_id):
        # Looked at before the keyring is asked, which would write over it.
        raise StoreNotWritable(f"There is a key of {device_id} in {keys} already.", hint="Nothing was written.")
    kept_in_keyring = _put_into_keyring(device_id, pem)
    path = keys / f"{device_id}{_IN_KEYRING if kept_in_keyring else _IN_FILE}"
    try:
        keys.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("" if kept_in_keyring else pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.") from error
    return "the system's keyring" if kept_in_keyring else str(path)


def forget(home: Path, device_id: str) -> None:
    """Of a device that came to nothing."""
    if (home / "keys" / f"{device_id}{_IN_KEYRING}").exists():
        keyring, failures = _keyring()
        if keyring is not None:
            with suppress(failures.KeyringError):
                keyring.delete_password(_SERVICE, _name(device_id))
    for suffix in (_IN_FILE, _IN_KEYRING):
        (home / "keys" / f"{device_id}{suffix}").unlink(missing_ok=True)
    with suppress(OSError):
        # Only an empty one goes.
        (home / "keys").rmdir()


def has(home: Path, device_id: str) -> bool:
    """Whether the key of that device is here."""
    return any(path.stem == device_id for path in _kept(home / "keys"))


def read(home: Path, device_id: str) -> bytes:
    """The key of that device, as PEM. Raises `InvalidInput` where it is not given, or may be others' by now."""
    path = home / "keys" / f"{device_id}{_IN_FILE}"
    hint = "Make another one with: halo devices add NAME --this-terminal"
    if not path.exists():
        keyring, _ = _keyring()
        pem = keyring.get_password(_SERVICE, _name(device_id)) if keyring else None
        if not pem:
            raise InvalidInput("The keyring does not have this terminal's key, or does not give it.", hint=hint)
        return str(pem).encode()
    try:
        if path.stat().st_mode & 0o077:
            raise InvalidInput(
                f"Others may read {path}.", hint=f"Revoke the device (halo devices revoke {device_id}), and make another key."
            )
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", hint=hint) from error


def _put_into_keyring(device_id: str, pem: str) -> bool:
    """Whether there is a keyring, and it took the key and gives it back."""
    keyring, failures = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(_SERVICE, _name(device_id), pem)
        return bool(keyring.get_password(_SERVICE, _name(device_id)) == pem)
    except failures.KeyringError:
        # None on this machine, or it is locked: the file is always there.
        return False


def _name(device_id: str) -> str:
    return f"signing-key:{device_id}"


def _keyring() -> tuple[Any, Any]:
    try:
        return importlib.import_module("keyring"), importlib.import_module("keyring.errors")
    except ImportError:
        return None, None
