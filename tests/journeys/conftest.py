"""Each journey is walked through the engine, on SQLite and on PostgreSQL, and through the command in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from tests.blank import put_books
from tests.installation import Installation
from tests.journeys.terminal import Terminal


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    """A founded household, on each kind of books in turn."""
    url = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **url)
    yield installation
    installation.engine.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A shell beside a household that was just made."""
    put_books(tmp_path / "shell" / "halo.db")
    shell = Terminal(tmp_path / "shell")
    assert shell.halo("init").code == 0
    return shell
