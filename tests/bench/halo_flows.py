"""Halo as a contestant: drafts of an ORDER, each confirmed and carried to its receipt; and the books it starts from, copied for every turn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.model.execution import ExecutionStatus
from halo_engine.settings import Settings, load_settings
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.bench.contestants import Flow
from tests.bench.instant_vendor import InstantVendor
from tests.installation import household_plan
from tests.torture import postgres

WORDS = "order 2 packs of AA batteries"

#: As long as a benchmark may take.
_DRAFTS_LIVE_S = 86_400


@dataclass(frozen=True)
class Drafted:
    """A home whose drafts wait for their yes: each an id and the hash of its terms. Nobody has it open."""

    home: Path
    database_url: str | None
    drafts: tuple[tuple[str, str], ...]
    clock: SystemClock
    vendor: InstantVendor

    @classmethod
    def make(cls, place: Path, *, kind: str, drafts: int) -> Drafted:
        """So many drafts on books of the given kind, `sqlite` or `postgres`."""
        clock = SystemClock()
        vendor = InstantVendor(SimTransport(World.open(place / "world.db", clock)))
        home, url = place / "home", postgres.fresh_database() if kind == "postgres" else None
        with Engine.open(_settings(home, url), clock=clock, transport=vendor) as engine:
            engine.found_household(household_plan())
            first, *waiting = [_ask(engine) for _ in range(1 + drafts)]
            # What is made on the first day is made, and the vendor has said everything once.
            confirm_and_execute(engine, *first)
        return cls(home, url, tuple(waiting), clock, vendor)

    @contextmanager
    def copied(self, place: Path) -> Iterator[tuple[Path, str | None]]:
        """The same in `place`: its home and its database."""
        shutil.copytree(self.home, place / "home")
        url = postgres.fresh_database(like=self.database_url) if self.database_url else None
        try:
            yield place / "home", url
        finally:
            if url:
                postgres.drop_database(url)

    @contextmanager
    def opened(self, place: Path) -> Iterator[Engine]:
        """The same in `place`, opened."""
        with self.copied(place) as (home, url), Engine.open(_settings(home, url), clock=self.clock, transport=self.vendor) as engine:
            yield engine


@dataclass(frozen=True)
class Halo:
    """The yes to a draft that was asked for beforehand, and everything after it up to the receipt."""

    drafted: Drafted
    name: str = "Halo, a whole flow"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        with self.drafted.opened(place) as engine:
            yield lambda number: confirm_and_execute(engine, *self.drafted.drafts[number])


@dataclass(frozen=True)
class HaloAsked:
    """The same from the words on."""

    drafted: Drafted
    name: str = "Halo, from the words on"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        with self.drafted.opened(place) as engine:
            yield lambda _: confirm_and_execute(engine, *_ask(engine))


def _ask(engine: Engine) -> tuple[str, str]:
    card = engine.draft(WORDS, member=None, channel="bench")
    if card.draft_id is None or card.draft_hash is None:
        raise RuntimeError(f"{WORDS!r} got no draft")
    return card.draft_id, card.draft_hash


def confirm_and_execute(engine: Engine, draft_id: str, draft_hash: str) -> None:
    """One flow. Done is done with its receipt: both are written in one transaction."""
    confirmed = engine.confirm(draft_id, draft_hash=draft_hash, member=None)
    ended = engine.execute(confirmed.id, wait_s=60)
    if ended.status is not ExecutionStatus.DONE:
        raise RuntimeError(f"{ended.id} ended {ended.status.value}: {ended.error_message}")


def _settings(home: Path, url: str | None) -> Settings:
    books = {"HALO_DATABASE_URL": url} if url else {}
    # A household would buy for a lifetime in a minute.
    unbounded = {"HALO_DAILY_SPENDING_LIMIT_CENTS": str(10**12), "HALO_HOUSEHOLD_DAILY_SPENDING_LIMIT_CENTS": str(10**12)}
    return load_settings(home=home, environ={"HALO_DRAFT_LIVES_S": str(_DRAFTS_LIVE_S), **unbounded, **books})
