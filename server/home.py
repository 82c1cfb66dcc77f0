"""The installation that the server speaks for. It is opened by the first call that needs it, and closed with the application.

Like the terminal, the server plugs the simulated vendors in where the settings say so: neither face may import the other's way of doing it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cached_property

import httpx

from halo_engine.clock import Clock
from halo_engine.engine import Engine
from halo_engine.model.errors import StoreDamaged, StoreNotWritable
from halo_engine.model.intent import Intent
from halo_engine.open_parse import words_reader
from halo_engine.queries import Queries
from halo_engine.settings import Settings
from halo_engine.store.directory import prepare_directory
from halo_engine.thread import LocalDoor
from halo_sim.http import SimTransport
from halo_sim.world import World, moved_clock


class Home:
    """One data directory, shared by all calls."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self._base = settings, clock
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    @cached_property
    def clock(self) -> Clock:
        """The time in this home: moved as the simulated vendors' clock was moved."""
        if self.settings.vendors == "live":
            return self._base
        return moved_clock(self._base, self.settings.simulator_file)

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def engine(self) -> Engine:
        """Raises `StoreFailed` and its kinds where the books cannot be opened; the next call tries again."""
        with self._opening:
            if self._engine is None:
                self._engine = Engine.open(self.settings, clock=self.clock, transport=self._transport())
            return self._engine

    @property
    def household_id(self) -> str | None:
        """Whose home it is, for the log; None before anybody has called."""
        return self._engine.household_id if self._engine else None

    def queries(self) -> Queries:
        """The read-only views; a context manager."""
        return Queries.open(self.settings, clock=self.clock)

    @property
    def door(self) -> LocalDoor:
        """What a thread asks of Halo."""
        return LocalDoor(self.engine, self.queries)

    @cached_property
    def words(self) -> Callable[..., Intent]:
        """A reader of words that belong to no household."""
        return words_reader(self.settings, self.clock)

    def close(self) -> None:
        with self._opening:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def _transport(self) -> httpx.BaseTransport | None:
        if self.settings.vendors == "live":
            return None
        prepare_directory(self.settings.home)
        try:
            # The world moves its clock itself.
            return SimTransport(World.open(self.settings.simulator_file, self._base))
        except (OSError, sqlite3.OperationalError) as error:
            raise StoreNotWritable(f"The simulated vendors' books cannot be written: {type(error).__name__}.") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged("The simulated vendors' books are not a simulated world.") from error
