"""How many confirmed ORDERs Halo carries to their receipts in a second, beside what the database allows and what others need: `just bench-flows`.

Beside it run the same writes bare (`raw`), and two libraries for durable execution with nothing to do (`peers`). Everybody has a turn in every round,
in an order of chance, so that a machine that gets slower or faster meanwhile does so for all of them; a ratio is that of two turns of one round.
Nothing is asserted: a speed belongs to a machine and a day, and only ratios travel.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

from halo_engine.store import sqlite
from tests.bench import recovery, syncs
from tests.bench.contestants import WARM_UP, Contestant, Turn, file_system, turn
from tests.bench.halo_flows import Drafted, Halo, HaloAsked
from tests.bench.peers import DbosAlone, DbosAsShipped, LangGraph, versions
from tests.bench.raw import Capture, Raw, captured
from tests.torture import postgres

#: On disk everywhere; /tmp is in memory on many machines, where a sync costs nothing.
_PLACE = "/var/tmp"
_THREADS = (1, 8)
_ASKED = 20
_KILLS = 5


@dataclass
class Race:
    """Everybody on one kind of books, and how their turns went."""

    title: str
    raw: Contestant
    halo: Contestant
    dbos: Contestant
    others: Sequence[Contestant]
    capture: Capture
    #: By name and number of threads, a turn a round.
    turns: dict[tuple[str, int], list[Turn]] = field(default_factory=dict)
    syncs: dict[str, float] = field(default_factory=dict)
    asked: float = 0

    @property
    def everybody(self) -> tuple[Contestant, ...]:
        return (self.raw, self.halo, self.dbos, *self.others)

    def ratio(self, name: str, to: str, threads: int) -> float:
        """The median of the ratios of each round."""
        pairs = zip(self.turns[name, threads], self.turns[to, threads], strict=True)
        return median(one.flows_per_s / other.flows_per_s for one, other in pairs)


def main() -> None:
    """Measure and print."""
    options = _options()
    tempfile.tempdir = _PLACE
    place = Path(tempfile.mkdtemp(prefix="halo-bench-"))
    try:
        print("\n".join(_heading(options, place)))
        for kind, why_not in (("sqlite", None), ("postgres", postgres.missing())):
            print(f"\n{kind}: {why_not}" if why_not else "\n" + "\n".join(_table(_measured(kind, place / kind, options))))
        print("\n" + "\n".join(_recoveries(place)))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-flows", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flows", nargs="?", type=int, default=100, help="flows in a turn (100)")
    parser.add_argument("rounds", nargs="?", type=int, default=5, help="rounds (5)")
    parser.add_argument("seed", nargs="?", type=int, default=1, help="chooses the order of the turns (1)")
    options = parser.parse_args()
    if options.flows < 2 or options.rounds < 1:
        parser.error("at least two flows and one round")
    return options


# Measuring.


def _measured(kind: str, place: Path, options: argparse.Namespace) -> Race:
    title = _title(kind)
    _say(f"{kind}: asking for {WARM_UP + options.flows} drafts")
    drafted = Drafted.make(place / "drafted", kind=kind, drafts=WARM_UP + options.flows)
    race = _entered(kind, title, drafted, captured(drafted, place / "captured"))
    # First, because the children that are counted are forked, and must not inherit anybody's threads.
    _count_syncs(kind, race, place / "syncs", options.flows // 2)
    random = Random(options.seed)
    for number in range(options.rounds):
        for threads in _THREADS:
            for contestant in random.sample(race.everybody, len(race.everybody)):
                _say(f"{kind}: round {number + 1} of {options.rounds}, {threads} at once: {contestant.name}")
                taken = turn(contestant, place / "turn", flows=options.flows, threads=threads)
                race.turns.setdefault((contestant.name, threads), []).append(taken)
                shutil.rmtree(place / "turn")
    race.asked = turn(HaloAsked(drafted), place / "asked", flows=_ASKED, threads=1).flows_per_s
    return race


def _title(kind: str) -> str:
    if kind == "postgres":
        return f"PostgreSQL {_synced_postgres()}, fsync on, synchronous_commit on"
    return f"SQLite {sqlite.driver.sqlite_version}, journal {sqlite.journal_mode()}, synchronous full"


def _entered(kind: str, title: str, drafted: Drafted, capture: Capture) -> Race:
    raw, halo, dbos = Raw(drafted, capture), Halo(drafted), DbosAlone(kind)
    langgraph = [] if LangGraph.missing() else [LangGraph()]
    return Race(title, raw, halo, dbos, [*langgraph, DbosAsShipped()] if kind == "sqlite" else [], capture)


def _synced_postgres() -> str:
    """Which PostgreSQL it is. From here on it syncs as it does for everybody, which the torture has no use for."""
    import psycopg

    own = postgres.fresh_database()
    try:
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET fsync")
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute("SHOW fsync").fetchone() != ("on",):
                time.sleep(0.01)
            return connection.info.parameter_status("server_version") or "?"
    finally:
        postgres.drop_database(own)


def _count_syncs(kind: str, race: Race, place: Path, flows: int) -> None:
    if kind == "sqlite" and syncs.missing():
        return
    count = syncs.on_sqlite if kind == "sqlite" else syncs.on_postgres
    for contestant in race.everybody:
        _say(f"{kind}: counting syncs: {contestant.name}")
        race.syncs[contestant.name] = count(contestant, place / contestant.name, flows=flows)


# Printing.


def _heading(options: argparse.Namespace, place: Path) -> Iterator[str]:
    yield "Confirmed ORDERs, from the yes to the receipt, with a vendor in the process that answers at once."
    yield f"{options.flows} flows a turn after {WARM_UP} to warm up; {options.rounds} rounds, seed {options.seed}; medians."
    yield "Meant on SQLite: a quarter of raw or more, ahead of DBOS and of LangGraph, at most six commits a flow; recovery under 2 s."
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores{load}"
    yield " · ".join([machine, f"{place.parent} on {file_system(place)}", f"Python {platform.python_version()}", *versions()])
    if why_not := LangGraph.missing():
        yield why_not
    if why_not := syncs.missing():
        yield f"Syncs on SQLite are not counted: {why_not}."


def _table(race: Race) -> Iterator[str]:
    yield race.title
    yield f"{'':<32}" + "".join(f"{_at_once(threads):^28}" for threads in _THREADS) + f"{'CPU ms':>9}{'fsyncs':>9}"
    yield f"{'':<32}" + f"{'flows/s':>10}{'x raw':>8}{'x DBOS':>8}  " * len(_THREADS) + f"{'a flow':>9}{'a flow':>9}"
    for contestant in race.everybody:
        cells = "".join(_cells(race, contestant.name, threads) for threads in _THREADS)
        cpu_ms = median(taken.cpu_ms for taken in race.turns[contestant.name, 1])
        yield f"  {contestant.name:<30}{cells}{cpu_ms:>9.1f}{_syncs(race.syncs, contestant.name)}"
    commits, statements = race.capture.a_flow()
    yield f"  A flow of Halo's is {commits:.1f} commits with {statements:.1f} statements that write."
    yield f"  From the words on, asked and drafted too, measured once: {race.asked:.1f} flows/s."


def _at_once(threads: int) -> str:
    return "one after the other" if threads == 1 else f"{threads} at once"


def _cells(race: Race, name: str, threads: int) -> str:
    rate = median(taken.flows_per_s for taken in race.turns[name, threads])
    return f"{rate:>10.1f}{race.ratio(name, race.raw.name, threads):>8.2f}{race.ratio(name, race.dbos.name, threads):>8.2f}  "


def _syncs(counted: Mapping[str, float], name: str) -> str:
    return f"{counted[name]:>9.1f}" if name in counted else f"{'-':>9}"


def _recoveries(place: Path) -> Iterator[str]:
    yield f"{f'After a worker was killed (SQLite, {_KILLS} times each)':<60}{'median':>9}{'worst':>9}"
    recovery.compile_everything()
    _say("recovery: beside another worker")
    beside = recovery.beside_another(place, times=_KILLS)
    yield _seconds("  another one was running: it has taken over", [one.at_work_s for one in beside])
    yield _seconds("  another one was running: the receipt is there", [one.done_s for one in beside])
    _say("recovery: with a new worker")
    anew = recovery.started_anew(place, times=_KILLS)
    yield _seconds("  a new one was started at once: it is at work", [one.at_work_s for one in anew])
    yield _seconds("  a new one was started at once: the receipt is there", [one.done_s for one in anew])
    yield _seconds("  of which after it was at work", [one.done_s - one.at_work_s for one in anew])


def _seconds(what: str, taken: Sequence[float]) -> str:
    return f"{what:<60}{median(taken):>7.2f} s{max(taken):>7.2f} s"


def _say(what: str) -> None:
    """Who is at it now, for a person who waits."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
