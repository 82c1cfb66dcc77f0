"""The worlds of the contract suite: a household whose wire can be watched and struck at any call, and adapters over any transport."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.settings import Settings
from halo_engine.vendors.directory import Vendors, open_vendors
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import Installation

#: Noon of a Sunday, UTC.
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BATTERIES = "order 2 packs of AA batteries"
DINNER = "book a table for two at Nopa tomorrow at 7:30pm"

Which = Callable[[httpx.Request], bool]


def adapters(transport: httpx.BaseTransport | None, clock: FakeClock | None = None, settings: Settings | None = None) -> Vendors:
    """Every adapter over `transport`, with the simulator's own accounts."""
    return open_vendors(settings or Settings(home=Path("nowhere")), transport=transport, clock=clock or FakeClock(NOW))


def is_place(request: httpx.Request) -> bool:
    """A real order at Amazon, not a quote."""
    return request.method == "POST" and request.url.path.endswith("/ordering/2022-10-30/orders") and b"TrialMode" not in request.content


def is_hold(request: httpx.Request) -> bool:
    """Resy's details with commit 1."""
    return request.url.path.endswith("/3/details") and json.loads(request.content)["commit"] == 1


def is_book(request: httpx.Request) -> bool:
    """Resy's book."""
    return request.url.path.endswith("/3/book")


def is_login(request: httpx.Request) -> bool:
    """Login with Amazon."""
    return request.url.path.endswith("/auth/o2/token")


@dataclass
class Wire(httpx.BaseTransport):
    """Passes everything on and keeps it. `meanwhile` happens once, just before the first call that `strikes` picks."""

    inner: httpx.BaseTransport
    sent: list[httpx.Request] = field(default_factory=list)
    strikes: Which | None = None
    meanwhile: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self.lock:
            self.sent.append(request)
            due = self.strikes is not None and self.strikes(request)
            if due:
                self.strikes = None
                self.meanwhile()
        return self.inner.handle_request(request)

    def count(self, which: Which) -> int:
        """How many of the calls `which` picks."""
        return sum(1 for request in self.sent if which(request))


@dataclass
class House:
    """A household over a wire that is watched. The installation's engine can be shut and another one opened over the same books."""

    installation: Installation
    wire: Wire

    @classmethod
    def open(cls, home: Path) -> House:
        installation = Installation.open(home)
        wire = Wire(SimTransport(installation.world))
        house = cls(installation, wire)
        house.restart()
        return house

    def restart(self) -> None:
        """Another process, as far as anybody can tell: nothing is left but the books."""
        self.installation.engine.close()
        self.installation.engine = self.another_engine()

    def another_engine(self) -> Engine:
        """One more engine over the same books and the same wire."""
        return Engine.open(self.installation.settings, clock=self.installation.clock, transport=self.wire)

    def just_before(self, which: Which, fault: str, **how: str | int) -> None:
        """Order `fault` when the first call that `which` picks is already on its way."""
        self.wire.strikes = which
        self.wire.meanwhile = lambda: self.installation.fault(fault, **how)

    def draft(self, words: str) -> Card:
        """The card for `words`, and a wire that forgot how it came about."""
        card = self.installation.ask(words)
        assert card.draft_hash is not None, card
        self.wire.sent.clear()
        return card


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A founded household on the simulator."""
    opened = House.open(tmp_path / "home")
    yield opened
    opened.installation.engine.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world that begins now."""
    return World.open(tmp_path / "world.db", FakeClock(NOW))


@pytest.fixture
def vendors(world: World) -> Iterator[Vendors]:
    """Adapters over it."""
    with closing(SimTransport(world)) as transport:
        yield adapters(transport, world.clock if isinstance(world.clock, FakeClock) else None)
