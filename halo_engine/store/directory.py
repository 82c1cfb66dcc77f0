"""The data directory: only its owner can enter it, and it is nobody else's.

Opened first, before anything is written: by the engine, and by a face before it opens the simulator's side of the same home.
"""

from __future__ import annotations

import os
from pathlib import Path

from halo_engine.model.errors import StoreNotWritable

#: What Halo keeps in its directory, by the start of the name.
OURS = ("halo.db", "simulator", "secret.key", "config.toml", "logs", "slots", "remotes")


def prepare_directory(path: Path) -> None:
    """Make `path` if need be, with mode 0700. Raises `StoreNotWritable`, also for a directory that is used for other things."""
    try:
        # One by one: `parents=True` would make the ones above with whatever the umask leaves open.
        for place in reversed((path, *path.parents)):
            if not place.exists():
                place.mkdir(mode=0o700, exist_ok=True)
        names = [entry.name for entry in path.iterdir()]
        # Closing somebody's home or /tmp to everybody else is not ours to do.
        if names and not any(name.startswith(OURS) for name in names):
            raise StoreNotWritable(f"{path} is used for other things.", hint="Choose a directory of its own with --home.")
        path.chmod(0o700)
    except OSError as error:
        raise StoreNotWritable(f"The data directory {path} cannot be made or entered: {error.strerror}.") from error


def prepare_file(path: Path) -> None:
    """The file exists with mode 0600 before a database opens it: SQLite gives its journal files the same mode."""
    if path.is_symlink():
        raise StoreNotWritable(f"{path} is a link to somewhere else.", hint="Put the file itself there, or choose another directory.")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be opened for writing: {error.strerror}.") from error
