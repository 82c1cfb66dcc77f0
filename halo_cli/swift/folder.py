"""The package as a folder. One that somebody keeps other things in is not written into; of an earlier package exactly its own files are replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from halo_engine.model.errors import InvalidInput

#: The list of what was written, which is how a package of ours is known.
_LIST, _MARK = "halo-fixtures.json", "halo/swift-fixtures/v1"
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_@.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_@.-]*)*", re.ASCII)
_HINT = "Name another directory: one that does not exist yet, an empty one, or one with an earlier export."


def check(folder: Path) -> None:
    """Raises `InvalidInput` where nothing may be written, before anything is made."""
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput("That is not a directory.", hint=_HINT)
        if folder.is_dir() and any(folder.iterdir()) and _earlier(folder) is None:
            raise InvalidInput(f"There are other files in {folder.absolute()}.", hint=_HINT)
    except (OSError, ValueError):
        raise InvalidInput("That directory cannot be written.", hint=_HINT) from None


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files` in the place of an earlier export. Raises `InvalidInput`."""
    check(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _earlier(folder) or ():
            _unlink(folder, name)
        # First, so that an export that was broken off is still known for one.
        listed = json.dumps({"export": _MARK, "files": sorted(files)}, indent=2)
        _put(folder, _LIST, f"{listed}\n".encode())
        for name, content in files.items():
            _put(folder, name, content)
    except (OSError, ValueError):
        raise InvalidInput(f"{folder.absolute()} cannot be written.", hint=_HINT) from None


def _earlier(folder: Path) -> tuple[str, ...] | None:
    """What an earlier export wrote; None where there was none, or where its list is not one of ours."""
    try:
        listed = json.loads((folder / _LIST).read_bytes())
        names = listed["files"] if listed["export"] == _MARK else []
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    is_ours = isinstance(names, list) and all(isinstance(name, str) and _PATH.fullmatch(name) for name in names)
    return tuple(names) if names and is_ours else None


def _unlink(folder: Path, name: str) -> None:
    if not _leads_out(folder, name):
        (folder / name).unlink(missing_ok=True)


def _put(folder: Path, name: str, content: bytes) -> None:
    """A new file, in the place of one of that name and never through a link."""
    if _leads_out(folder, name):
        raise OSError("a folder in it is a link")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _leads_out(folder: Path, name: str) -> bool:
    *parents, _ = (folder / name).relative_to(folder).parts
    return any((folder / Path(*parents[: depth + 1])).is_symlink() for depth in range(len(parents)))
