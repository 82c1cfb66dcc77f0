"""What the server speaks for: the books of one data directory, opened by the first call that needs them, and each household in them.

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
from halo_engine.model.card import Card
from halo_engine.model.errors import StoreDamaged, StoreNotWritable
from halo_engine.model.intent import Intent
from halo_engine.open_parse import words_reader
from halo_engine.queries import Queries
from halo_engine.settings import Settings
from halo_engine.store.directory import prepare_directory
from halo_engine.store.reader import Readers
from halo_engine.thread import LocalDoor
from halo_sim.http import SimTransport
from halo_sim.world import World, moved_clock


class Installation:
    """One data directory, shared by all calls, with the engine of each household that has called."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self._base = settings, clock
        self._opening = threading.Lock()
        self.readers = Readers(database_file=settings.database_file, database_url=settings.database_address)
        self._engine: Engine | None = None
        self._of: dict[str, Engine] = {}

    @cached_property
    def clock(self) -> Clock:
        """The time in this installation: moved as the simulated vendors' clock was moved."""
        if self.settings.vendors == "live":
            return self._base
        return moved_clock(self._base, self.settings.simulator_file)

    @cached_property
    def words(self) -> Callable[..., Intent]:
        """A reader of words that belong to no household."""
        return words_reader(self.settings, self.clock)

    @property
    def engine(self) -> Engine:
        """Speaks for the first household. Raises `StoreFailed` and its kinds where the books cannot be opened; the next call tries again."""
        with self._opening:
            if self._engine is None:
                self._engine = Engine.open(self.settings, clock=self.clock, transport=self._transport())
            return self._engine

    def engine_of(self, household_id: str) -> Engine:
        """Speaks for that household, which is one of these books."""
        engine = self.engine
        with self._opening:
            if household_id not in self._of:
                self._of[household_id] = engine.of(household_id)
            return self._of[household_id]

    def home(self, household_id: str | None = None) -> Home:
        """The home of a household of these books; without an id, of the first."""
        return Home(self, household_id)

    def close(self) -> None:
        with self._opening:
            # Before the last who writes: that one folds the journal into the file.
            self.readers.close()
            if self._engine is not None:
                self._engine.close()
            self._engine, self._of = None, {}

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


class Home:
    """One household of an installation: everything a route may see and do. Nothing of another household can be reached from here.

    The data directory is `settings.home`, and something else.
    """

    def __init__(self, installation: Installation, household_id: str | None) -> None:
        self._installation, self._household_id = installation, household_id
        self.settings, self.clock = installation.settings, installation.clock

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def engine(self) -> Engine:
        """Raises `StoreFailed` and its kinds where the books cannot be opened."""
        return self._installation.engine if self._household_id is None else self._installation.engine_of(self._household_id)

    def queries(self) -> Queries:
        """The read-only views; a context manager."""
        return Queries.open(self.settings, clock=self.clock, household_id=self._household_id, readers=self._installation.readers)

    @property
    def door(self) -> LocalDoor:
        """What a thread asks of Halo."""
        return LocalDoor(self.engine, self.queries)

    def link(self, card: Card) -> str | None:
        """Where `card` can be read on the web, where it can."""
        return self.engine.link(card)

    @property
    def words(self) -> Callable[..., Intent]:
        """A reader of words that belong to no household."""
        return self._installation.words
