"""A group chat to talk in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from tests.server.bridge.group import Group, group


@pytest.fixture
def chat(tmp_path: Path, clock: FakeClock) -> Iterator[Group]:
    """Alex, Sam, Kim who is a child, a stranger, and Halo."""
    with group(tmp_path / "home", clock=clock) as opened:
        yield opened
