"""Each journey is walked twice: through the engine, and through the command in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A shell beside a household that was just made."""
    shell = Terminal(tmp_path / "shell")
    assert shell.halo("init").code == 0
    return shell
