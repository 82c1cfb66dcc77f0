"""`halo backup`: the books of one moment, the keys they go with and the choices of this home, in one file that is complete or not there.

Halo may be at work meanwhile. What this home signed is copied before the books, so that no head in a backup is ahead of its log. Not in it: the
simulated vendors, which are the world outside; `sealed/`, `slots/` and `logs/`, which are made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from halo_engine.backup.judging import ends_of, require_sound
from halo_engine.backup.manifest import BOOKS, CONFIG, NAME, SECRET, SIGNED_HEAD, SMALL_BYTES, Kept, Manifest, may_be_kept
from halo_engine.clock import Clock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import Conflict, NotInitialised, StoreDamaged, StoreFailed, StoreNotWritable
from halo_engine.model.value import Value
from halo_engine.settings import Settings
from halo_engine.store import secret_files
from halo_engine.store.copies import copy_postgres, copy_sqlite, is_whole, revision_of
from halo_engine.store.secret import installation_secret, key_id


class Taken(Value):
    """A backup that was made."""

    path: Path
    size: int
    manifest: Manifest
    #: Whether any key is in it.
    holds_keys: bool
    #: What a restore would say of the books in it; None where it would take them.
    fault: str | None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out: because it is a key, holds one, or is not in the home."""
        return self.manifest.left_out


def take(settings: Settings, to: Path, clock: Clock, *, halo: str, with_keys: bool) -> Taken:
    """Back up the home of `settings` into the new file `to`.

    Raises `NotInitialised`, `Conflict` for a file that is there, `StoreFailed` and its kinds.
    """
    if to.exists() or to.is_symlink():
        raise Conflict(f"{to} is there already.", hint="Name a file that is not there, or a directory.")
    taken_at = clock.now()
    with _desk(to.parent) as desk:
        keys, left_out = _gather(settings, desk, with_keys=with_keys)
        if settings.database_address:
            copy_postgres(settings.database_address, desk / BOOKS, clock)
        else:
            copy_sqlite(settings.database_file, desk / BOOKS)
        if not is_whole(desk / BOOKS):
            raise StoreDamaged(f"{settings.database_file} is damaged: a copy of it does not hold together.")
        secret = _secret(settings, clock)
        manifest = Manifest(
            halo=halo,
            schema_revision=revision_of(desk / BOOKS),
            taken_at=taken_at,
            database="postgresql" if settings.database_address else "sqlite",
            key_id=key_id(secret),
            has_secret=SECRET in keys or _named(settings).get("secret_key") in keys,
            ends=ends_of(desk / BOOKS),
            files=tuple(_kept(desk, path) for path in _files(desk)),
            left_out=left_out,
        )
        if not manifest.ends:
            raise NotInitialised
        packed = _pack(desk, manifest)
        # Only now: the copy on the desk is brought to this schema for it.
        fault = _fault(settings.model_copy(update={"secret_key": SecretStr(secret.hex())}), desk, clock)
        place(packed, to)
    return Taken(path=to, size=to.stat().st_size, manifest=manifest, holds_keys=bool(keys), fault=fault)


def sha256_of(path: Path) -> str:
    """Of a file that no database has open."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _secret(settings: Settings, clock: Clock) -> bytes:
    """That the books go with. Nobody makes one for a backup."""
    if settings.secret_key is None and not settings.key_file.exists():
        hint = "Put it back first: without it neither these books nor a backup of them can be carried on."
        raise StoreNotWritable(f"{settings.key_file} is not there.", hint=hint)
    return installation_secret(settings.key_file, clock, given=settings.secret_key)


def _fault(settings: Settings, desk: Path, clock: Clock) -> str | None:
    """Why the books on the desk could not be put back as they are. They are backed up all the same: they may be all there is."""
    try:
        require_sound(settings.model_copy(update={"home": desk, "database_url": None, "witness_file": None}), clock)
    except StoreNotWritable:
        # That is this disk's fault, and not theirs.
        raise
    except StoreFailed as error:
        return error.message
    return None


@contextmanager
def _desk(beside: Path) -> Iterator[Path]:
    """A directory of our own on the disk that the backup is going to, gone afterwards."""
    try:
        desk = Path(tempfile.mkdtemp(prefix=".halo-backup-", dir=beside))
    except OSError as error:
        raise StoreNotWritable(f"{beside} cannot be written: {error.strerror}.", hint="Name a file in a directory of yours.") from error
    try:
        yield desk
    except OSError as error:
        raise StoreNotWritable(f"The backup cannot be written to {beside}: {error.strerror}.", hint="Check the free space.") from error
    finally:
        shutil.rmtree(desk, ignore_errors=True)


def _gather(settings: Settings, desk: Path, *, with_keys: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Copy everything but the books; the keys among it, and what was left out."""
    home, keys, left_out = settings.home, list[str](), list[str]()
    plain, secrets = _plain(home), (*_keys(home), *_named(settings).values())
    for name in dict.fromkeys((*plain, *secrets)):
        is_key = name in secrets or (name == CONFIG and secret_files.holds_secrets(home / name))
        if (is_key and not with_keys) or not may_be_kept(name) or (name == SECRET and _is_another(settings)):
            left_out.append(name)
            continue
        keys += [name] if is_key else []
        (desk / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_small(home / name, desk / name)
    return tuple(keys), tuple(left_out)


def _plain(home: Path) -> tuple[str, ...]:
    return tuple(name for name in (SIGNED_HEAD, CONFIG) if (home / name).is_file())


def _keys(home: Path) -> tuple[str, ...]:
    here = [name for name in secret_files.FILES if (home / name).is_file()]
    folders = [
        path for folder in secret_files.FOLDERS for path in sorted((home / folder).glob("*")) if path.is_file() and not path.is_symlink()
    ]
    # What has no name of ours there, such as the .DS_Store of a file manager, is no key of ours.
    return (*here, *filter(may_be_kept, (str(path.relative_to(home)) for path in folders)))


def _named(settings: Settings) -> dict[str, str]:
    """The files that settings name for a secret. Which of them are in the home shows in the name."""
    return {secret: str(Path(named).expanduser()) for secret, named in settings.secret_files.items()}


def _is_another(settings: Settings) -> bool:
    """Whether the secret.key of this home is not the one that its settings give: put back, it would be taken for that of these books."""
    given = settings.secret_key
    return given is not None and settings.key_file.read_bytes().strip().lower() != given.get_secret_value().lower().encode()


def _copy_small(source: Path, to: Path) -> None:
    if source.stat().st_size > SMALL_BYTES:
        raise StoreDamaged(f"{source} is far too large.", hint="Look at what it is, and move it away.")
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())


def _files(desk: Path) -> list[Path]:
    # The database first: whoever unpacks by hand looks for it.
    return sorted((path for path in desk.rglob("*") if path.is_file()), key=lambda path: (path.name != BOOKS, str(path)))


def _kept(desk: Path, path: Path) -> Kept:
    return Kept(name=str(path.relative_to(desk)), size=path.stat().st_size, sha256=sha256_of(path))


def _pack(desk: Path, manifest: Manifest) -> Path:
    """The whole backup, on the disk and still on the desk."""
    packed = desk / ".packed"
    with os.fdopen(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(NAME, canonical_json(manifest.model_dump(mode="json")) + b"\n")
            for kept in manifest.files:
                archive.write(desk / kept.name, kept.name)
        file.flush()
        os.fsync(file.fileno())
    return packed


def place(file: Path, to: Path) -> None:
    """Give a file that is on the disk its name, over no other. Raises `Conflict`."""
    directory = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            to.hardlink_to(file)
        except FileExistsError:
            raise
        except OSError:
            _rename(file, to, directory)
        os.fsync(directory)
    except FileExistsError:
        raise Conflict(f"{to} is there already.", hint="Name a place where nothing is.") from None
    finally:
        os.close(directory)


def _rename(file: Path, to: Path, directory: int) -> None:
    """On a disk without links, such as a USB stick. A rename replaces what is there, so one of ours looks and renames at a time."""
    # Where there are no locks either, looking is all that can be done.
    with suppress(OSError):
        fcntl.flock(directory, fcntl.LOCK_EX)
    if to.exists() or to.is_symlink():
        raise FileExistsError
    file.rename(to)
