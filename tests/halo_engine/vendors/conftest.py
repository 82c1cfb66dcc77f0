"""Fixtures of the vendor tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.halo_engine.vendors.worlds import Vendors, open_vendors


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[Vendors]:
    """A fresh world at noon (UTC) of Sunday 22 November 2026."""
    yield from open_vendors(tmp_path)
