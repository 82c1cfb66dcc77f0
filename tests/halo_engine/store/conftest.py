"""A household in the books, on each kind of database in turn."""

from __future__ import annotations

import pytest

from halo_engine.clock import FakeClock
from halo_engine.store.session import Store
from tests.halo_engine.store.family import Family


@pytest.fixture
def family(store: Store, clock: FakeClock) -> Family:
    """The household of the books."""
    return Family.found(store, clock)


@pytest.fixture
def strangers(store: Store, clock: FakeClock, family: Family) -> Family:
    """Another household in the same books."""
    del family  # it moved in first
    return Family.found(store, clock, "Elsewhere")
