"""A household on each kind of books, for the tests of the steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from tests.installation import Installation


@pytest.fixture
def anywhere(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    """A founded household on each kind of books in turn: Alex owns it, Sam is an adult, Kim a child."""
    url = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "anywhere", clock=clock, **url)
    yield installation
    installation.engine.close()
