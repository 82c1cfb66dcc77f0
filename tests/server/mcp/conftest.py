"""A home that lives by the real clock, as a subprocess does, and a device of its owner's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from halo_engine.clock import FakeClock, SystemClock
from server.app import create_app
from tests.installation import Installation
from tests.server.calling import Phone
from tests.server.calling import phone as a_phone

#: A process of its own reads it there, too.
_REACHED = 'public_url = "https://halo.example"\n'


@pytest.fixture
def home(home: Installation) -> Iterator[Installation]:
    """One that was told where it can be reached: its cards have pages."""
    (home.settings.home / "config.toml").write_text(_REACHED)
    told = Installation.reopen(home.settings.home, clock=home.clock)
    with told.engine:
        yield told


@pytest.fixture
def today(tmp_path: Path) -> Iterator[Installation]:
    """A household that was founded a moment ago, with pages, too."""
    (tmp_path / "halo").mkdir()
    (tmp_path / "halo" / "config.toml").write_text(_REACHED)
    installation = Installation.open(tmp_path / "halo", clock=FakeClock(SystemClock().now()))
    with installation.engine:
        yield installation


@pytest.fixture
def program(home: Installation) -> Iterator[Phone]:
    """A program with a device's token. It calls by a name that is allowed."""
    with TestClient(create_app(home.settings, clock=home.clock), base_url="http://localhost") as client:
        yield a_phone(home, client)
