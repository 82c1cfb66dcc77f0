"""A disk that is really full: a tmpfs of a few pages, in a mount namespace of the child's own. Nobody else sees it, and it goes with the child."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_REMOUNT, _MS_REC, _MS_PRIVATE = 32, 16384, 1 << 18


@functools.cache
def missing() -> str | None:
    """Why there can be none here."""
    tried = subprocess.run(
        [sys.executable, "-c", "from tests.torture.small_disk import _enter; _enter()"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    return None if tried.returncode == 0 else "no right to mount a small disk"


@contextmanager
def small_disk(home: str, small: str, room_kib: int) -> Iterator[None]:
    """The books of `home` stand on a disk at `small` with `room_kib` of room. What they are in the end is brought back to `home`."""
    real, place = Path(home), Path(small)
    _enter()
    place.mkdir()
    _mount(place, 0, "size=64m,mode=0700")
    for file in [*real.glob("halo.db*"), real / "secret.key"]:
        shutil.copy(file, place / file.name)
    used = os.statvfs(place)
    taken = (used.f_blocks - used.f_bfree) * used.f_frsize
    _mount(place, _MS_REMOUNT, f"size={taken + room_kib * 1024}")
    yield
    for file in real.glob("halo.db*"):
        file.unlink()
    for file in place.glob("halo.db*"):
        # SQLite's shared memory is no part of what a disk keeps.
        if not file.name.endswith("-shm"):
            shutil.copy(file, real / file.name)


def _enter() -> None:
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
    _check(_libc().unshare(flags))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    # What is mounted from here on is this process's own.
    _check(_libc().mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))


def _mount(place: Path, flags: int, options: str) -> None:
    _check(_libc().mount(b"tmpfs", str(place).encode(), b"tmpfs", flags, options.encode()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
