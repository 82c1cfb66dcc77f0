"""A backup of a home, and a home made of a backup, in the same world."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from halo_engine.backup.putting_back import PutBack, put_back
from halo_engine.backup.taking import take
from halo_engine.settings import load_settings
from tests.installation import Installation

Backup = Callable[[Installation], Path]
Restore = Callable[..., tuple[Installation, PutBack]]


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    """`backup(home)` is a new file of it."""
    taken: list[Path] = []

    def of(home: Installation) -> Path:
        file = tmp_path / f"{len(taken)}.backup"
        taken.append(take(home.settings, file, home.clock, halo="test", with_keys=True).path)
        return file

    return of


@pytest.fixture
def restore(tmp_path: Path) -> Restore:
    """`restore(file, home)` is a new home of that file, beside the vendors of `home` as they are now and with its clock; and what was said."""

    def of(file: Path, home: Installation, *, keeps_devices: bool = False) -> tuple[Installation, PutBack]:
        place = tmp_path / "restored"
        shutil.copytree(home.settings.simulator_file.parent, place / "simulator")
        done = put_back(file, place, home.clock, load=lambda at: load_settings(home=at, environ={}), keeps_devices=keeps_devices)
        return Installation.reopen(place, clock=home.clock), done

    return of
