"""This terminal as a device of a household elsewhere: how it enrols at that server, and which key belongs to which token.

The private key and the token stay in this home; the server gets the public key. Which device a token is of stands here, with the token's hash, and is
never asked of a server: one that could name the device could have this terminal sign for another household.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from halo_cli import terminal_key, tokens
from halo_engine.model.device import code_sha256, token_sha256
from halo_engine.model.errors import HaloError, InvalidInput, StoreNotWritable
from halo_engine.model.ids import Prefix, prefix_of

if TYPE_CHECKING:
    import httpx

    from halo_cli.remote import Enrolled, Signer

_FOLDER, _RECORD = "remotes", ".json"
_MOST_BYTES = 4096


@dataclass(frozen=True)
class Target:
    """Where to enrol, and with which code."""

    server: str
    code: str


@dataclass(frozen=True)
class Joined:
    """What came of it: the device, and where its token and its key are."""

    device: Enrolled
    token_file: Path
    key: str


def target(text: str, server: str | None) -> Target:
    """What a person typed: a code, or the whole text of the picture. A server that is named beside it goes before the one in the picture.

    Raises `InvalidInput`, which repeats nothing of it.
    """
    code = text.strip()
    if code.lower().startswith("halo:"):
        server, code = _from_picture(code, server)
    if code_sha256(code) is None:
        raise InvalidInput("That is no code of a device.", hint="Such as ABCD-EFGH-JKMN; one is made there with: halo devices add NAME")
    if not server:
        raise InvalidInput("It is not said where the server is.", hint="Give --server URL, or the whole halo://enrol?… of the picture.")
    return Target(server=server, code=code)


def _from_picture(text: str, server: str | None) -> tuple[str | None, str]:
    try:
        parts = urlsplit(text)
        said = parse_qs(parts.query, strict_parsing=True, max_num_fields=2)
    except ValueError:
        parts, said = urlsplit(""), {}
    if parts.netloc != "enrol" or said.keys() != {"server", "code"} or any(len(each) != 1 for each in said.values()):
        raise InvalidInput("That is not the text of a device's picture.", hint="It reads halo://enrol?server=URL&code=CODE")
    return server or said["server"][0], said["code"][0]


def join(
    where: Target,
    home: Path,
    *,
    name: str | None = None,
    token_file: Path | None = None,
    insecure: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> Joined:
    """Enrol this terminal with a new key. Where anything fails, nothing of it stays here, and the server is told to forget the device.

    Raises `InvalidInput`, `CodeRefused`, `ServerAway`, `StoreNotWritable`.
    """
    from halo_cli.remote import RemoteDoor, enrol
    from halo_engine.model.signing import new_key

    private, public = new_key()
    with _room(home) as folder:
        pending = token_file or folder / f"{os.getpid()}.new"
        # Made before the code is used up: a token that cannot be written would be lost.
        with tokens.kept_in(pending) as keep:
            device = enrol(where.server, where.code, name=name, signing_key_json=public, transport=transport, insecure=insecure)
            token = device.token.get_secret_value()
            try:
                keep(token)
                key = _keep(folder, device, where.server, private)
                kept = token_file or pending.rename(folder / f"{device.id}.token")
            except BaseException:
                with suppress(HaloError), RemoteDoor(where.server, token, transport=transport, insecure=insecure) as door:
                    door.revoke(device.id)
                raise
    return Joined(device=device, token_file=kept, key=key)


def _keep(folder: Path, device: Enrolled, server: str, private_key_pem: bytes) -> str:
    """The key, and whose it is; neither, where one of them cannot be kept."""
    key = terminal_key.keep(folder.parent, device.id, private_key_pem)
    try:
        _remember(folder, device, server)
    except BaseException:
        terminal_key.forget(folder.parent, device.id)
        raise
    return key


def signer(home: Path, token: str) -> Signer | None:
    """What signs as the device that `token` is of, where its key is here."""
    from halo_cli.remote import Signer
    from halo_engine.model.signing import sign

    device_id = _device_of(home, token)
    if device_id is None or not terminal_key.has(home, device_id):
        return None
    return Signer(
        device_id=device_id,
        sign=lambda signing_object: sign(signing_object, device_id=device_id, private_key_pem=terminal_key.read(home, device_id)),
    )


def _device_of(home: Path, token: str) -> str | None:
    wanted = token_sha256(token)
    with suppress(OSError):
        for path in (home / _FOLDER).glob(f"*{_RECORD}"):
            if prefix_of(path.stem) is Prefix.DEVICE and _hash_in(path) == wanted:
                return path.stem
    return None


def _hash_in(path: Path) -> str | None:
    with suppress(OSError, ValueError), path.open("rb") as file:
        found = json.loads(file.read(_MOST_BYTES))
        return str(found.get("token_sha256")) if isinstance(found, dict) else None
    return None


def _remember(folder: Path, device: Enrolled, server: str) -> None:
    path = folder / f"{device.id}{_RECORD}"
    said = {"server": server, "token_sha256": token_sha256(device.token.get_secret_value())}
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(said) + "\n")
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.") from error


@contextmanager
def _room(home: Path) -> Iterator[Path]:
    """The directory for it in `home`; what had to be made goes again where the block fails."""
    from halo_engine.store.directory import prepare_directory

    folder = home / _FOLDER
    made = [path for path in (folder, home) if not path.exists()]
    prepare_directory(home)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreNotWritable(f"{folder} cannot be made: {error.strerror}.") from error
    try:
        yield folder
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
