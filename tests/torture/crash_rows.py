"""R-01, R-02 and R-03: Halo is killed at a line, and again while it recovers, and once more somebody carries on.

R-01 kills at a line of Halo's own, while an execution is carried out or a draft is confirmed: `order-sqlite-137` is the 137th line executed,
`order-postgres-confirm-12` the 12th of a confirmation. R-02 kills at a line of the HTTP client's, with the vendors in another process, where a
request that was sent goes on without its sender: `order-2711`. R-03 kills at a line of Halo's own and then, so many thousandths of the way through
the recovery, again: `order-sqlite-1375-620`.

The points are numbered from a run that was watched to its end, so every one is reached: a point of R-01 or R-03 at which nobody died is a problem of
its own. `python -m tests.torture.crash_rows` says how many there are.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType
from typing import TypeVar

import dbos  # noqa: F401 - so that no child spends half a second on it
import h11
import httpcore
import httpx

import halo_engine
from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.settings import load_settings
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import NOON, Installation, vendors_at
from tests.torture import jobs, postgres
from tests.torture.crash import Broken, Killed, Lines, Said, Unwatched, in_child
from tests.torture.forking import forks
from tests.torture.harness import Kind, Problem, Row, judge

T = TypeVar("T")

#: Every verb and every dialect.
_JOBS = (*jobs.JOBS, *jobs.DIALECTS)

_HALO = (halo_engine,)
_HTTP = (httpx, httpcore, h11)

#: A moment after what was prepared: two clocks that start alike give the same identifiers.
_SOON = NOON + timedelta(seconds=1)
#: By then no request that a dead process sent can be alive (`request_lives_s`), and the terms are still good.
_RECOVERED_AFTER = timedelta(seconds=301)
#: Longer than anything is waited for; sleeping moves the clock.
_TO_THE_END_S = 400_000
#: In R-02, long enough to hear that a vendor has taken something; that it ends is for the recovery, whose clock the vendors share.
_A_WHILE_S = 30
#: How many lines a run may differ by from the one that was counted, where the reading depends on how the network cuts what is read.
_SLACK = 0.05

#: How many children were to be killed, and how many were, by row.
tally: Counter[str] = Counter()


@dataclass(frozen=True)
class Start:
    """Where a point begins: a closed home with a draft in it, which is confirmed if there is an execution."""

    job: str
    home: Path
    #: The address of its books, None for SQLite in the home.
    url: str | None
    card: Card
    execution_id: str | None = None

    @contextmanager
    def copied(self, place: Path) -> Iterator[Start]:
        """The same again in `place`, for as long as the block runs."""
        shutil.copytree(self.home, place / "home")
        url = postgres.fresh_database(like=self.url) if self.url else None
        try:
            yield replace(self, home=place / "home", url=url)
        finally:
            if url:
                postgres.drop_database(url)

    def opened(self, clock: FakeClock) -> Installation:
        """The copy, as a process opens it: nothing that the vendors do in it is counted."""
        settings = load_settings(home=self.home, environ={"HALO_DATABASE_URL": self.url} if self.url else {})
        world = World.open(settings.simulator_file, clock)
        return Installation(settings, clock, world, Engine.open(settings, clock=clock, transport=Unwatched(SimTransport(world))))

    def live(self, url: str, clock: FakeClock) -> Engine:
        """The copy on SQLite, opened over the network, with the vendors at `url`."""
        return Engine.open(load_settings(home=self.home, environ=vendors_at(url)), clock=clock, transport=None)

    def confirm(self, engine: Engine) -> Execution:
        assert self.card.draft_id
        assert self.card.draft_hash
        return engine.confirm(self.card.draft_id, draft_hash=self.card.draft_hash, member=None)


@functools.cache
def start(job: str, books: str, phase: str) -> Start:
    """What is killed while it confirms (`confirm`) or executes (`execute`). Made once a process."""
    if books == "postgres":
        return _start_on_postgres(job, phase)
    if phase == "confirm":
        drafted = jobs.drafted(job)
        return Start(job, drafted.home, None, drafted.card)
    confirmed = jobs.confirmed(job)
    return Start(job, confirmed.home, None, confirmed.card, confirmed.execution_id)


def _start_on_postgres(job: str, phase: str) -> Start:
    if phase == "execute":
        drafted = start(job, "postgres", "confirm")
        made = replace(drafted, home=jobs.kept_place(f"halo-crash-{job}-") / "home", url=postgres.fresh_database(like=drafted.url))
        shutil.copytree(drafted.home, made.home)
        with made.opened(FakeClock(_SOON)).engine as engine:
            return replace(made, execution_id=made.confirm(engine).id)
    home, url = jobs.kept_place(f"halo-crash-{job}-") / "home", postgres.fresh_database()
    installation = Installation.open(home, clock=FakeClock(NOON), database_url=url)
    with installation.engine:
        return Start(job, home, url, installation.ask(jobs.JOBS[job]))


# What a process does that is to be killed, and what the next one does.


def _work(begin: Start, packages: tuple[ModuleType, ...], die_at: int | None) -> list[str]:
    """Confirm, or execute; the lines that it took, where it lived."""
    with begin.opened(FakeClock(_SOON, seed=2)).engine as engine, Lines(*packages, die_at=die_at) as lines:
        if begin.execution_id:
            engine.execute(begin.execution_id, wait_s=_TO_THE_END_S)
        else:
            begin.confirm(engine)
    return lines.seen


def _work_over_http(begin: Start, url: str, die_at: int | None) -> list[str]:
    assert begin.execution_id
    with begin.live(url, FakeClock(_SOON, seed=2)) as engine, Lines(*_HTTP, die_at=die_at) as lines:
        engine.execute(begin.execution_id, wait_s=_A_WHILE_S)
    return lines.seen


def _recover(begin: Start, *, after: int = 1, lines: Lines | None = None) -> list[Problem]:
    """What somebody does who finds the home as it was left: say the same yes again, carry it on to its end, and look what has become of it."""
    home = begin.opened(FakeClock(_SOON + after * _RECOVERED_AFTER, seed=2 + after))
    with home.engine as engine, lines or nullcontext():
        execution_id = begin.execution_id or begin.confirm(engine).id
        ended = engine.execute(execution_id, wait_s=_TO_THE_END_S)
    return [*judge(home), *_ended_badly(home, begin.job, ended)]


def _lines_of_recovery(begin: Start) -> int:
    _recover(begin, lines=(lines := Lines(*_HALO)))
    return lines.count


def _ended_badly(home: Installation, job: str, ended: Execution) -> Iterator[Problem]:
    """Nothing was in the way but the crash: it is done. Only a table, which nobody may order twice, is left to a person if it was not booked."""
    if ended.status is ExecutionStatus.DONE:
        return
    if home.ledger() or job != "book" or ended.status is not ExecutionStatus.NEEDS_ATTENTION:
        happened = "happened" if home.ledger() else "did not happen"
        yield Problem(Kind.LOST, f"it {happened} and ended {ended.status.value}: {ended.error_message}")


def _judged(ended: Said[list[Problem]] | Killed | Broken) -> list[Problem]:
    match ended:
        case Said(problems):
            return problems
        case Broken(why):
            return [Problem(Kind.WRONG, f"the recovery failed: {why}")]
        case Killed():
            return [Problem(Kind.WRONG, "the recovery was killed by somebody else")]


def _died(row: str, ended: object) -> Iterator[Problem]:
    """Counts, and complains where a child that was to be killed was not."""
    tally[f"{row} to be killed"] += 1
    match ended:
        case Killed():
            tally[f"{row} killed"] += 1
        case Broken(why):
            yield Problem(Kind.WRONG, f"it failed before it could be killed: {why}")
        case _:
            yield Problem(Kind.WRONG, "it ended before that line: there is no such point")


def _watched(work: Callable[[], T]) -> T:
    """What `work` comes to in a child that nobody kills."""
    match in_child(work):
        case Said(value):
            return value
        case other:
            raise AssertionError(f"a run that nobody killed did not end: {other}")


#


_SITES = tuple(
    (job, books, phase)
    for books, names in (("sqlite", _JOBS), ("postgres", jobs.VERBS))
    for job in names
    for phase in ("execute", "confirm")
)


@functools.cache
def lines_of(job: str, books: str, phase: str) -> tuple[str, ...]:
    """Every line that the undisturbed run executes, in order. Watched once a process."""
    with tempfile.TemporaryDirectory(prefix="halo-count-") as place, start(job, books, phase).copied(Path(place)) as begin:
        return tuple(_watched(lambda: _work(begin, _HALO, None)))


def _points_of_site(random: Random, job: str, books: str, phase: str) -> Iterator[str]:
    """Every line that is executed, those that were not tried yet before those that were tried at another of their turns."""
    name = f"{job}-{books}" if phase == "execute" else f"{job}-{books}-confirm"
    lines = lines_of(job, books, phase)
    tried: set[str] = set()
    later = []
    for number in random.sample(range(len(lines)), len(lines)):
        if lines[number] in tried:
            later.append(number)
            continue
        tried.add(lines[number])
        yield f"{name}-{number + 1}"
    yield from (f"{name}-{number + 1}" for number in later)


def _line_points(random: Random) -> Iterator[str]:
    """Every line of every site. Executions more often than confirmations, which are short; nothing is prepared before it is needed."""
    left = {site: _points_of_site(random, *site) for site in random.sample(_SITES, len(_SITES))}
    while left:
        for site in tuple(left):
            some = [*islice(left[site], 3 if site[2] == "execute" else 1)]
            yield from some
            if not some:
                del left[site]


def _attempt_line(point: str, place: Path) -> Iterator[Problem]:
    job, books, *confirm, line = point.split("-")
    with start(job, books, "confirm" if confirm else "execute").copied(place) as begin:
        yield from _died("R-01", in_child(lambda: _work(begin, _HALO, int(line))))
        yield from _judged(in_child(lambda: _recover(begin)))


#


@functools.cache
def lines_over_http(job: str) -> int:
    """How many lines of the HTTP client the undisturbed run executes, give or take what the network cuts differently."""
    with (
        tempfile.TemporaryDirectory(prefix="halo-count-") as place,
        start(job, "sqlite", "execute").copied(Path(place)) as begin,
        forks().selling(begin.home / "simulator" / "world.db") as url,
    ):
        return len(_watched(lambda: _work_over_http(begin, url, None)))


def _http_points(random: Random) -> Iterator[str]:
    left = {job: random.sample(range(1, lines + 1), lines) for job in _JOBS for lines in [lines_over_http(job)]}
    while any(left.values()):
        yield from (f"{job}-{numbers.pop()}" for job, numbers in left.items() if numbers)


def _attempt_http(point: str, place: Path) -> Iterator[Problem]:
    job, line = point.split("-")
    with start(job, "sqlite", "execute").copied(place) as begin:
        # Leaving the block lets the vendors finish what has reached them, as they do when a buyer is gone.
        with forks().selling(begin.home / "simulator" / "world.db") as url:
            ended = in_child(lambda: _work_over_http(begin, url, int(line)))
        missed = [*_died("R-02", ended)]
        if isinstance(ended, Broken) or int(line) < lines_over_http(job) * (1 - _SLACK):
            yield from missed
        yield from _judged(in_child(lambda: _recover(begin)))


#


_TWICE = tuple((job, "sqlite") for job in _JOBS)


def _pairs(random: Random) -> Iterator[str]:
    """Without end: the second line is drawn along a recovery that depends on the first."""
    while True:
        for job, books in _TWICE:
            line = random.randint(1, len(lines_of(job, books, "execute")))
            yield f"{job}-{books}-{line}-{random.randint(0, 999)}"


def _attempt_pair(point: str, place: Path) -> Iterator[Problem]:
    job, books, first, thousandths = point.split("-")
    with start(job, books, "execute").copied(place) as begin:
        yield from _died("R-03", in_child(lambda: _work(begin, _HALO, int(first))))
        again = 1 + _lines_to_recover(begin, place) * int(thousandths) // 1000
        yield from _died("R-03", in_child(lambda: _recover(begin, lines=Lines(*_HALO, die_at=again))))
        yield from _judged(in_child(lambda: _recover(begin, after=2)))


def _lines_to_recover(left: Start, place: Path) -> int:
    """How long the recovery of what was `left` is: asked of a copy."""
    (place / "twin").mkdir()
    with left.copied(place / "twin") as twin:
        return _watched(lambda: _lines_of_recovery(twin))


def summary() -> str:
    """How many points there are in all, by site."""
    counts = {"-".join(site): len(lines_of(*site)) for site in _SITES}
    over_http = {job: lines_over_http(job) for job in _JOBS}
    sites = "\n".join(f"  {count:7,} {name}" for name, count in counts.items())
    calls = "\n".join(f"  {count:7,} {name}" for name, count in over_http.items())
    return f"R-01: {sum(counts.values()):,} points\n{sites}\nR-02: {sum(over_http.values()):,} points\n{calls}"


ROWS = (
    Row(
        "R-01",
        "SIGKILL at every line that Halo executes, for each verb and dialect, on SQLite and on PostgreSQL",
        ci=300,
        points=_line_points,
        attempt=_attempt_line,
        missing=postgres.missing,
    ),
    Row(
        "R-02",
        "SIGKILL at every line of the HTTP client while vendors are asked, who go on without the buyer",
        ci=150,
        points=_http_points,
        attempt=_attempt_http,
    ),
    Row("R-03", "SIGKILL, and SIGKILL again in the midst of the recovery", ci=60, points=_pairs, attempt=_attempt_pair),
)


if __name__ == "__main__":
    print(summary())
