"""A world that begins on Sunday, 22 November 2026, with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.halo_sim.callers import Amazon, Resy, Subscriptions


@pytest.fixture
def clock() -> FakeClock:
    """Noon in New York less a bit: 16:29 UTC."""
    return FakeClock(datetime(2026, 11, 22, 16, 29, tzinfo=UTC))


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> World:
    """A new world."""
    return World.open(tmp_path / "world.sqlite", clock)


@pytest.fixture
def http(world: World) -> Iterator[httpx.Client]:
    """A client whose every request goes to the simulated vendors."""
    with httpx.Client(transport=SimTransport(world), base_url="http://sim.example") as client:
        yield client


@pytest.fixture
def amazon(http: httpx.Client) -> Amazon:
    """Logged in."""
    return Amazon(http)


@pytest.fixture
def resy(http: httpx.Client) -> Resy:
    """Logged in."""
    return Resy(http)


@pytest.fixture
def subscriptions(http: httpx.Client) -> Subscriptions:
    """With the right key."""
    return Subscriptions(http)
