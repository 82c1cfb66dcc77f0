"""`halo restore`: a home made of a backup, with everything in it that had not ended in doubt.

What is in the file is data: only the files that the manifest may name are unpacked, no further than they say they are long, and each is held against
its hash. All of it happens on a desk inside the home-to-be: the books are opened, migrated, audited and put in doubt there, and get their name last.
So a home is there whole, with nothing in it that would be sent again, or it is not there. Nothing that is there already is written over.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from halo_engine.audit import Audit
from halo_engine.backup.judging import ends_of, require_sound
from halo_engine.backup.manifest import BOOKS, CONFIG, NAME, SECRET, SMALL_BYTES, Kept, Manifest, may_be_kept
from halo_engine.backup.taking import place, sha256_of
from halo_engine.clock import Clock
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotFound, StoreDamaged, StoreFailed, StoreNotWritable
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.model.value import Value
from halo_engine.settings import Settings
from halo_engine.stages.restoring import Doubted, Restoring
from halo_engine.store import schema
from halo_engine.store.copies import fill_postgres, require_no_books, revision_of
from halo_engine.store.secret import installation_secret, key_id
from halo_engine.store.session import open_store

_CHUNK = 1 << 20
#: What may be in a home before its books come: the world outside, logs, and keys or choices that somebody put there, if they are the same.
_MAY_BE_THERE = ("simulator", "logs", "slots", "sealed", "keys", "remotes")
_DESK = ".restoring"


class PutBack(Value):
    """A home that was made of a backup."""

    home: Path
    manifest: Manifest
    doubted: Doubted
    events: int
    #: What a witness says to this, where one is set; empty where it has nothing to say.
    witness: tuple[str, ...]


#: The settings that a home has: read with its `config.toml`, once that is there.
Load = Callable[[Path], Settings]


def read_manifest(file: Path) -> Manifest:
    """What a backup says of itself. Raises `InvalidInput` for what is none, `StoreFailed` for one of a newer Halo."""
    if file.exists() and not file.is_file():
        # A pipe that nobody fills would keep us waiting for ever.
        raise InvalidInput(f"{file} is no file.", hint="Name a file that was made with: halo backup FILE")
    try:
        with zipfile.ZipFile(file) as archive:
            return _manifest(archive)
    except FileNotFoundError:
        raise InvalidInput(f"{file} is not there.", hint="Name a file that was made with: halo backup FILE") from None
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise InvalidInput(f"{file} is no backup.", hint="Name a file that was made with: halo backup FILE") from error


def put_back(file: Path, home: Path, clock: Clock, *, load: Load, keeps_devices: bool) -> PutBack:
    """Make `home` of the backup `file`.

    Raises `InvalidInput` for what is no backup, `Conflict` for a home that is lived in, `StoreDamaged` for a backup that is not what it says, and the
    other kinds of `StoreFailed`.
    """
    manifest = read_manifest(file)
    _require_empty(home, manifest)
    with _desk(home) as desk:
        _unpack(file, manifest, desk)
        settings = _settings(home, desk, manifest, load)
        _require_secret(settings, manifest, clock)
        if settings.database_address:
            require_no_books(settings.database_address)
        # The books alone, wherever they are to be, and whatever a witness says of them.
        alone = settings.model_copy(update={"home": desk, "database_url": None, "witness_file": None})
        _require_sound(alone, manifest, clock)
        doubted = _doubt(alone, manifest, clock, keeps_devices=keeps_devices)
        events = _require_sound(alone, None, clock)
        _move_in(desk, home, settings, clock)
    return PutBack(
        home=home, manifest=manifest, doubted=doubted, events=events, witness=_witness(settings.model_copy(update={"home": home}), clock)
    )


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        with archive.open(NAME) as opened:
            raw = opened.read(SMALL_BYTES + 1)
        if len(raw) > SMALL_BYTES:
            raise InvalidInput("What this backup says of itself is far too long.")
        found = loads(raw)
        if (
            isinstance(found, dict)
            and isinstance(said := found.get("format"), str)
            and said.startswith("halo/backup/")
            and said != "halo/backup/v1"
        ):
            raise StoreFailed("This backup was made by a newer Halo.", hint="Upgrade Halo, and restore it with that.")
        manifest = Manifest.model_validate(found)
    except (KeyError, JsonError, ValidationError, zlib.error, EOFError) as error:
        raise InvalidInput("That is no backup of Halo's.", hint="Name a file that was made with: halo backup FILE") from error
    if manifest.schema_revision > schema.HEAD:
        raise StoreFailed("This backup was made by a newer Halo.", hint="Upgrade Halo, and restore it with that.")
    if sorted({*manifest.names, NAME}) != sorted(archive.namelist()) or BOOKS not in manifest.names:
        raise StoreDamaged("The files in this backup are not those that it names.", hint="Use another backup.")
    return manifest


def _require_empty(home: Path, manifest: Manifest) -> None:
    """Nobody lives there: no books, and nothing that would be written over."""
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        raise Conflict(f"{home} is no directory.", hint="Name an empty one with --home.")
    there = sorted(path.name for path in home.iterdir()) if home.exists() else []
    if any(name.startswith("halo.db") for name in there):
        hint = "Move it away as a whole, or restore into an empty directory with --home. Never delete it before the restored one works."
        raise Conflict(f"{home} has books in it already. Nothing was changed.", hint=hint)
    brought = {name.partition("/")[0] for name in (*manifest.names, *manifest.left_out)}
    foreign = [name for name in there if name not in (*_MAY_BE_THERE, _DESK, SECRET, CONFIG, *brought)]
    taken = [name for name in manifest.names if (home / name).exists() and not _is_same(home / name, manifest, name)]
    if foreign or taken:
        raise Conflict(f"{home} is not empty: {', '.join((foreign or taken)[:5])}.", hint="Restore into an empty directory with --home.")


def _is_same(path: Path, manifest: Manifest, name: str) -> bool:
    kept = next(file for file in manifest.files if file.name == name)
    return path.is_file() and not path.is_symlink() and path.stat().st_size == kept.size and sha256_of(path) == kept.sha256


@contextmanager
def _desk(home: Path) -> Iterator[Path]:
    """A directory inside the home-to-be; where nothing comes of it, what was made for it goes again."""
    made = [place for place in (home, *home.parents) if not place.exists()]
    try:
        for directory in reversed(made):
            directory.mkdir(mode=0o700)
        home.chmod(0o700)
        desk = home / _DESK
        desk.mkdir(mode=0o700)
    except FileExistsError:
        raise Conflict(f"{home} is being restored, or a restore of it was cut short.", hint=f"If none runs: rm -r {home / _DESK}") from None
    except OSError as error:
        raise StoreNotWritable(f"{home} cannot be made or entered: {error.strerror}.") from error
    try:
        yield desk
    except BaseException:
        shutil.rmtree(desk, ignore_errors=True)
        for directory in made:
            if directory.exists() and not any(directory.iterdir()):
                directory.rmdir()
        raise
    shutil.rmtree(desk, ignore_errors=True)


def _unpack(file: Path, manifest: Manifest, desk: Path) -> None:
    needed, free = sum(kept.size for kept in manifest.files), shutil.disk_usage(desk).free
    # Migrating and auditing may write as much again.
    if 2 * needed > free:
        raise StoreNotWritable(
            f"The backup needs {2 * needed:,} bytes, and {free:,} are free.", hint="Make room, or choose another disk with --home."
        )
    try:
        with zipfile.ZipFile(file) as archive:
            for kept in manifest.files:
                _unpack_one(archive, kept, desk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise StoreDamaged("This backup is damaged.", hint="Use another backup.") from error
    except OSError as error:
        raise StoreNotWritable(f"{desk.parent} cannot be written: {error.strerror}.") from error


def _unpack_one(archive: zipfile.ZipFile, kept: Kept, desk: Path) -> None:
    to, hashed, left = desk / kept.name, hashlib.sha256(), kept.size
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(kept.name) as source, os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            hashed.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    if left or hashed.hexdigest() != kept.sha256:
        raise StoreDamaged(f"{kept.name} in this backup is not what was put into it.", hint="Use another backup.")


def _settings(home: Path, desk: Path, manifest: Manifest, load: Load) -> Settings:
    """Those that the home will have. What is in it already has a copy on the desk, so that books and settings find their secrets there."""
    for name in (SECRET, CONFIG, *filter(may_be_kept, manifest.left_out)):
        if (home / name).is_file() and not (desk / name).exists():
            (desk / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # With its mode: a secret that others may write is refused here, and not when the home is there.
            shutil.copy(home / name, desk / name)
    try:
        return load(desk)
    except InvalidInput as error:
        # Where it has to be put, and not where it was looked for.
        message, hint = (text.replace(str(desk), str(home)) for text in (error.message, error.hint))
        raise InvalidInput(message, hint=hint) from None


def _require_secret(settings: Settings, manifest: Manifest, clock: Clock) -> None:
    """The books without their secret could neither find nor send anything at the vendors."""
    if settings.secret_key is None and not settings.key_file.exists():
        hint = f"Put the secret.key that goes with it into {settings.home.parent}, and restore again."
        raise Conflict("This backup was made without keys.", hint=hint)
    if key_id(installation_secret(settings.key_file, clock, given=settings.secret_key)) != manifest.key_id:
        raise Conflict(f"{settings.secret_is_in} is not the secret of these books.", hint="Use the one of the home that was backed up.")


def _require_sound(alone: Settings, manifest: Manifest | None, clock: Clock) -> int:
    """Every log holds, and ends where the manifest says, where it is given; how many events there are. Raises `StoreFailed` and its kinds."""
    books = alone.database_file
    if manifest and (revision_of(books) != manifest.schema_revision or ends_of(books) != manifest.ends):
        raise StoreDamaged("The books in this backup are not those that it speaks of.", hint="Use another backup.")
    require_sound(alone, clock)
    return sum(end.events for end in ends_of(books))


def _doubt(alone: Settings, manifest: Manifest, clock: Clock, *, keeps_devices: bool) -> Doubted:
    store = open_store(database_file=alone.database_file, database_url=None, clock=clock)
    try:
        restoring = Restoring(store, clock, request_lives_s=alone.request_lives_s)
        return restoring.doubt_everything(manifest.ends, taken_at=manifest.taken_at, keeps_devices=keeps_devices)
    finally:
        store.close()


def _move_in(desk: Path, home: Path, settings: Settings, clock: Clock) -> None:
    """Each file to its place, the books last: whoever found them without their secret would make another one."""
    files = [path for path in desk.rglob("*") if path.is_file() and not path.name.startswith(BOOKS)]
    files += [] if settings.database_address else [desk / BOOKS]
    for path in files:
        to = home / path.relative_to(desk)
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What was there already is the same. Looked at again, because somebody may have begun to live there meanwhile.
        if path.name != BOOKS and to.is_file() and sha256_of(to) == sha256_of(path):
            continue
        with path.open("rb") as written:
            os.fsync(written.fileno())
        place(path, to)
    if settings.database_address:
        fill_postgres(desk / BOOKS, settings.database_address, clock)


def _witness(settings: Settings, clock: Clock) -> tuple[str, ...]:
    if settings.witness_file is None:
        return ()
    try:
        with Audit.open(settings, clock=clock) as audit:
            return audit.witness().problems
    except NotFound:
        return ()
    except HaloError as error:
        return (error.message,)
