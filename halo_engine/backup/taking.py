"""`halo backup`: the books of one moment, the keys they go with and the choices of this home, in one file that is complete or not there.

Halo may be at work meanwhile. What this home signed is copied before the books, so that no head in a backup is ahead of its log. Not in it: the
simulated vendors, which are the world outside; `sealed/`, `slots/` and `logs/`, which are made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from halo_engine.backup.manifest import BOOKS, CONFIG, NAME, SECRET, SIGNED_HEAD, SMALL_BYTES, Kept, Manifest
from halo_engine.clock import Clock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import Conflict, NotInitialised, StoreDamaged, StoreNotWritable
from halo_engine.model.value import Value
from halo_engine.settings import SECRETS, Settings
from halo_engine.stages.restoring import LogEnd
from halo_engine.store.copies import copy_postgres, copy_sqlite, is_whole, revision_of
from halo_engine.store.reader import Reader
from halo_engine.store.secret import installation_secret, key_id

#: The folders of a home in which every file is a key.
_FOLDERS = ("keys", "remotes")
_KEYS = (SECRET, "openai.key", "bridge.json", "bridge.key")
_ENDS = """
SELECT h.id, count(e.seq) AS events, coalesce((SELECT hash FROM event_log n WHERE n.household_id = h.id ORDER BY seq DESC LIMIT 1), '') AS head
  FROM household h LEFT JOIN event_log e ON e.household_id = h.id GROUP BY h.id ORDER BY h.id
"""


class Taken(Value):
    """A backup that was made."""

    path: Path
    size: int
    manifest: Manifest
    #: What was left out, because it is a key, or holds one.
    left_out: tuple[str, ...]


def take(settings: Settings, to: Path, clock: Clock, *, halo: str, with_keys: bool) -> Taken:
    """Back up the home of `settings` into the new file `to`.

    Raises `NotInitialised`, `Conflict` for a file that is there, `StoreFailed` and its kinds.
    """
    if to.exists() or to.is_symlink():
        raise Conflict(f"{to} is there already.", hint="Name a file that is not there, or a directory.")
    taken_at = clock.now()
    with _desk(to.parent) as desk:
        left_out = _gather(settings, desk, with_keys=with_keys)
        if settings.database_address:
            copy_postgres(settings.database_address, desk / BOOKS, clock)
        else:
            copy_sqlite(settings.database_file, desk / BOOKS)
        if not is_whole(desk / BOOKS):
            raise StoreDamaged(f"{settings.database_file} is damaged: a copy of it does not hold together.")
        manifest = Manifest(
            halo=halo,
            schema_revision=revision_of(desk / BOOKS),
            taken_at=taken_at,
            database="postgresql" if settings.database_address else "sqlite",
            key_id=_key_id(settings, clock),
            has_secret=(desk / SECRET).exists(),
            ends=ends_of(desk / BOOKS),
            files=tuple(_kept(desk, path) for path in _files(desk)),
        )
        if not manifest.ends:
            raise NotInitialised
        _pack(desk, manifest, to)
    return Taken(path=to, size=to.stat().st_size, manifest=manifest, left_out=left_out)


def ends_of(books: Path) -> tuple[LogEnd, ...]:
    """How far the log of each household in a copy of the books has come."""
    reader = Reader.open(database_file=books, database_url=None)
    try:
        return tuple(LogEnd(household_id=row["id"], events=row["events"], head=row["head"]) for row in reader.rows(_ENDS))
    finally:
        reader.close()


def sha256_of(path: Path) -> str:
    """Of a file that no database has open."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key_id(settings: Settings, clock: Clock) -> str:
    """Of the secret that the books go with. Nobody makes one for a backup."""
    if settings.secret_key is None and not settings.key_file.exists():
        hint = "Put it back first: without it neither these books nor a backup of them can be carried on."
        raise StoreNotWritable(f"{settings.key_file} is not there.", hint=hint)
    return key_id(installation_secret(settings.key_file, clock, given=settings.secret_key))


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


def _gather(settings: Settings, desk: Path, *, with_keys: bool) -> tuple[str, ...]:
    """Copy everything but the books; what was left out."""
    home, left_out = settings.home, []
    for name in (*_plain(home), *_keys(home)):
        is_key = name in _KEYS or "/" in name or (name == CONFIG and _holds_secrets(home / name))
        if is_key and not with_keys:
            left_out.append(name)
            continue
        (desk / name).parent.mkdir(mode=0o700, exist_ok=True)
        _copy_small(home / name, desk / name)
    return tuple(left_out)


def _plain(home: Path) -> tuple[str, ...]:
    return tuple(name for name in (SIGNED_HEAD, CONFIG) if (home / name).is_file())


def _keys(home: Path) -> tuple[str, ...]:
    here = [name for name in _KEYS if (home / name).is_file()]
    folders = [path for folder in _FOLDERS for path in sorted((home / folder).glob("*")) if path.is_file() and not path.is_symlink()]
    return (*here, *(str(path.relative_to(home)) for path in folders))


def _holds_secrets(config: Path) -> bool:
    """Whether any of the settings in it is a secret. One that cannot be read may be."""
    try:
        return bool(tomllib.loads(config.read_text(encoding="utf-8")).keys() & set(SECRETS))
    except (OSError, ValueError):
        return True


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


def _pack(desk: Path, manifest: Manifest, to: Path) -> None:
    """Complete or not at all: written on the desk, and given its name when it is on the disk. Never over another."""
    packed = desk / ".packed"
    with os.fdopen(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(NAME, canonical_json(manifest.model_dump(mode="json")) + b"\n")
            for kept in manifest.files:
                archive.write(desk / kept.name, kept.name)
        file.flush()
        os.fsync(file.fileno())
    place(packed, to)


def place(file: Path, to: Path) -> None:
    """Give a file that is on the disk its name, over no other. Raises `Conflict`."""
    try:
        to.hardlink_to(file)
    except FileExistsError:
        raise Conflict(f"{to} is there already.", hint="Name a place where nothing is.") from None
    except OSError:
        # A disk without links, such as a USB stick: looked at a moment ago.
        file.rename(to)
    directory = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
