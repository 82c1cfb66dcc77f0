"""The file system under SQLite on which the power fails: the system's own, told to a `power.Disk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from tests.torture.power import Disk

NAME = "halo-power"

_registered: list[apsw.VFS] = []


def register(disk: Disk) -> None:
    """Make it known to SQLite. Once a process."""
    _registered.append(_FileSystem(disk))


class _FileSystem(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(NAME, base="")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is not None:
            self._disk.opened(path)
        return _File(self._disk, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.changes_now()
        super().xDelete(filename, syncdir)
        self._disk.deleted(filename)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, path: str | None, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk, self._path = disk, path

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._path is not None:
            self._disk.changes_now()
        super().xWrite(data, offset)
        if self._path is not None:
            self._disk.wrote(self._path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if self._path is not None:
            self._disk.changes_now()
        super().xTruncate(newsize)
        if self._path is not None:
            self._disk.wrote(self._path, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._path is not None:
            self._disk.changes_now()
        super().xSync(flags)
        if self._path is not None:
            self._disk.synced(self._path)
