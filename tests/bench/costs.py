"""What one flow costs, step by step: `just bench-costs` (flows of each kind, seed). The figures of docs/capacity.md come from here.

Processor time and not the clock on the wall, so that a busy machine says nearly the same as a quiet one; what the simulated vendors use is taken out.
Round trips are counted in the protocol itself, as libpq traces it; rows and bytes are what PostgreSQL says of its tables and their indexes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import IO

import httpx
from sqlalchemy import event

from halo_engine.audit import Audit
from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card, CardKind
from halo_engine.settings import Settings, load_settings
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.bench.carrying import at_rest, carried
from tests.installation import household_plan
from tests.soak.tables import table
from tests.torture import postgres

_UNLIMITED = {
    "HALO_DAILY_SPENDING_LIMIT_CENTS": str(10**12),
    "HALO_HOUSEHOLD_DAILY_SPENDING_LIMIT_CENTS": str(10**12),
    "HALO_DRAFT_LIVES_S": "86400",
}
_VENUES = ("Nopa", "Bar Salinas", "Osteria Lunetta", "The Copper Lantern", "Trattoria Bellini", "The Oyster Room")
_IDLE_S = 20


class Aside(httpx.BaseTransport):
    """The vendors, and how much of this thread's time they took."""

    def __init__(self, vendors: httpx.BaseTransport) -> None:
        self._vendors = vendors
        self.cpu_s, self.calls = 0.0, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.thread_time()
        try:
            return self._vendors.handle_request(request)
        finally:
            self.cpu_s += time.thread_time() - began
            self.calls += 1


class Trips:
    """The round trips of every connection of an engine to PostgreSQL."""

    def __init__(self, engine: Engine, place: Path) -> None:
        self._file: IO[str] = (place / "trace").open("w+")
        self._read_to = 0
        pool = engine._store._engine
        event.listen(pool, "connect", lambda connection, _: connection.pgconn.trace(self._file.fileno()))
        pool.dispose()

    def since(self) -> int:
        """How many since this was last asked."""
        with Path(self._file.name).open() as read:
            read.seek(self._read_to)
            lines = read.readlines()
            self._read_to = read.tell()
        # A client waits after a `Query`, and after the `Sync` that ends a group of other messages.
        return sum(1 for line in lines if line.split("\t")[1:2] == ["F"] and line.split("\t")[3:4] in (["Query"], ["Sync"], ["Sync\n"]))


@dataclass
class Step:
    """What a step of a flow used, altogether."""

    times: int = 0
    cpu_s: float = 0
    trips: int = 0
    calls: int = 0

    def cells(self) -> tuple[str, ...]:
        return (
            str(self.times),
            f"{1000 * self.cpu_s / self.times:.1f}",
            f"{self.trips / self.times:.1f}",
            f"{self.calls / self.times:.1f}",
        )


@dataclass
class Bench:
    """One household on PostgreSQL, and what its flows have cost so far."""

    engine: Engine
    vendors: Aside
    world: World
    trips: Trips
    random: Random
    steps: dict[tuple[str, str], Step] = field(default_factory=lambda: defaultdict(Step))

    @contextmanager
    def measured(self, flow: str, step: str) -> Iterator[None]:
        self.trips.since()
        before = (time.process_time(), self.vendors.cpu_s, self.vendors.calls)
        yield
        kept = self.steps[flow, step]
        kept.times += 1
        kept.cpu_s += time.process_time() - before[0] - (self.vendors.cpu_s - before[1])
        kept.calls += self.vendors.calls - before[2]
        kept.trips += self.trips.since()

    def asked(self, flow: str, text: str) -> Card:
        with self.measured(flow, "words to card"):
            card = self.engine.draft(text, member=None, channel="bench")
        while card.options:
            card = self.engine.draft("1", member=None, channel="bench", answers=card.request_id)
        return card

    def carried_out(self, flow: str, card: Card) -> bool:
        if card.draft_id is None or card.draft_hash is None:
            return False
        with self.measured(flow, "yes"):
            execution = self.engine.confirm(card.draft_id, draft_hash=card.draft_hash, member=None)
        with self.measured(flow, "execution"):
            self.engine.execute(execution.id, wait_s=60)
        return True

    def order(self) -> bool:
        return self.carried_out("ORDER", self.asked("ORDER", "order 2 packs of AA batteries"))

    def reorder(self) -> bool:
        return self.carried_out("REORDER", self.asked("REORDER", "reorder the dog supplies"))

    def cancel(self) -> bool:
        return self.carried_out("CANCEL", self.asked("CANCEL", "cancel streamly"))

    def book(self) -> bool:
        day = (SystemClock().now() + timedelta(days=self.random.randint(1, 13))).date()
        at = self.random.choice(("6pm", "7pm", "8pm", "8:30pm"))
        card = self.asked("BOOK", f"book a table for 4 at {self.random.choice(_VENUES)} on {day:%B} {day.day} at {at}")
        if card.draft_id is None:
            return False
        with self.measured("BOOK", "modify"):
            card = self.engine.modify(card.draft_id, "for two people", member=None)
        return self.carried_out("BOOK", card)

    def unsupported(self) -> bool:
        return self.asked("UNSUPPORTED", "remind me to call mom").kind is CardKind.NOT_SUPPORTED

    def confirm(self, times: int) -> None:
        """So many orders, and no more. Of several things, or they would be sold out before they are carried out."""
        self.refill()
        for number in range(times):
            card = self.asked("", ("order bananas", "order oat milk", "order dish soap", "order toilet paper")[number % 4])
            self.engine.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=None)

    def refill(self) -> None:
        """What was sold is there again, and what was ended is wanted again."""
        with self.world.transaction() as tx:
            tx.run("DELETE FROM sold")
            tx.run("DELETE FROM cancellations")


def sizes(settings: Settings) -> Mapping[str, tuple[int, int]]:
    """Rows and bytes of each table that grows, indexes included."""
    import psycopg

    with psycopg.connect(str(settings.database_address), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        question = "SELECT relname, n_live_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables"
        return {name: (rows, size) for name, rows, size in connection.execute(question).fetchall()}


def grown(settings: Settings, do: Callable[[], bool], times: int, refill: Callable[[], None]) -> tuple[int, list[tuple[str, float, float]]]:
    """How often it was done, and rows and bytes that each time left, by table: the greatest first."""
    before, done = sizes(settings), 0
    for _ in range(times):
        done += do()
        refill()
    after = sizes(settings)
    # Whatever happened before has left its pages: only a difference that is there every time counts.
    left = [
        (name, (rows - before[name][0]) / done, (size - before[name][1]) / done) for name, (rows, size) in after.items() if name in before
    ]
    return done, sorted((each for each in left if each[2] > 0), key=lambda each: -each[2])


def verified(settings: Settings) -> str:
    """What it costs to verify the log of all that, an event."""
    with Audit.open(settings) as audit:
        began = _all_cpu_s()
        found = audit.verify()
    return (
        f"halo audit verify: {found.events} events, {1_000_000 * (_all_cpu_s() - began) / found.events:.0f} µs of CPU each, ok: {found.ok}"
    )


def _all_cpu_s() -> float:
    return sum(os.times()[:4])


def workers_cost(settings: Settings, confirm: Callable[[int], None], times: int) -> str:
    """Workers at rest, and workers with a queue to work off."""
    rows = [at_rest(settings, workers=workers, seconds=_IDLE_S) for workers in (1, 4)]
    for workers in (1, 2):
        confirm(times)
        rows.append(carried(settings, workers=workers, executions=times))
    return table(("workers", "own CPU ms", "PostgreSQL CPU ms", "transactions", "sessions, or done"), rows)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("flows", nargs="?", type=int, default=100)
    told.add_argument("seed", nargs="?", type=int, default=1)
    asked = told.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        url = postgres.fresh_database()
        settings = load_settings(home=place / "home", environ={**_UNLIMITED, "HALO_DATABASE_URL": url})
        world = World.open(settings.simulator_file, SystemClock())
        vendors = Aside(SimTransport(world))
        with Engine.open(settings, clock=SystemClock(), transport=vendors) as engine:
            engine.found_household(household_plan())
            bench = Bench(engine, vendors, world, Trips(engine, place), Random(asked.seed))
            flows = (bench.order, bench.reorder, bench.cancel, bench.book, bench.unsupported)
            for flow in flows:
                # The first of each loads and makes what all later ones have.
                flow()
            bench.refill()
            bench.steps.clear()
            stored = []
            for flow in flows:
                done, tables = grown(settings, flow, asked.flows, bench.refill)
                rows, size = sum(each[1] for each in tables), sum(each[2] for each in tables)
                greatest = ", ".join(f"{name} {each:,.0f}" for name, _, each in tables[:4])
                stored.append((flow.__name__.upper(), str(done), f"{rows:.1f}", f"{size:,.0f}", greatest))
            print(f"{asked.flows} flows of each kind under seed {asked.seed}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
            used = [(f"{flow_name}, {name}", *step.cells()) for (flow_name, name), step in bench.steps.items()]
            print(table(("flow, step", "times", "CPU ms", "round trips", "calls"), used), end="\n\n")
            print(table(("flow", "times", "rows", "bytes", "most of it in"), stored), end="\n\n")
            print(verified(settings), end="\n\n", flush=True)
            print(workers_cost(settings, bench.confirm, asked.flows))


if __name__ == "__main__":
    main()
