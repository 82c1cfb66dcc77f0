"""One soak from its beginning to the judge: people live, things go wrong, then nothing does any more and everything is carried to its end."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.soak.books import Books, executions, judged, read
from tests.soak.people import Evenings, Notes, Person, Subscriptions
from tests.soak.scene import Part, Scene, Use, scene
from tests.soak.trouble import Trouble
from tests.soak.watch import Watch
from tests.soak.worker import move
from tests.torture.harness import Kind, Problem

#: The last slow answer has come by then, and the last member has looked away.
_CALM_S = 3.0
#: Less than the time in which a call may leave, and so slowly that a call is over before its time is.
_MOVE, _MOVE_EVERY_S = timedelta(seconds=70), 0.25
#: All waits of an execution are over by then.
_MOVES = 240


@dataclass(frozen=True)
class Soaked:
    """How it went."""

    seed: int
    households: int
    seconds: float
    drained_s: float
    killed: int
    faults: int
    load: float
    notes: Notes
    books: Books
    use: Mapping[str, Use]
    #: What the database has counted.
    database: Mapping[str, float]
    problems: tuple[Problem, ...]

    @property
    def cores(self) -> int:
        return os.cpu_count() or 1

    @property
    def statuses(self) -> Counter[str]:
        return Counter(f"{detail.execution.verb} {detail.execution.status.value}" for detail in self.books.details)

    @property
    def reasons(self) -> Counter[str]:
        """What is said of those that were not done. Days, times and numbers are left out, so that the same reason is counted once."""
        said = (detail.execution for detail in self.books.details if detail.execution.error_message)
        return Counter(re.sub(r"[\d:-]*\d", "…", f"{each.verb} {each.status.value}: {each.error_message}") for each in said)

    @property
    def attempts(self) -> int:
        return sum(len(detail.attempts) for detail in self.books.details)

    @property
    def taken_over(self) -> int:
        return sum(attempt.step == "take_over" for detail in self.books.details for attempt in detail.attempts)


def soak(place: Path, *, seconds: float, seed: int, database_url: str, households: int, bug: str | None = None) -> Soaked:
    """Live so long in `place` on the empty database at `database_url`; then judge."""
    random, notes = Random(seed), Notes()
    with scene(place, database_url=database_url, households=households, bug=bug) as where:
        trouble, watch = Trouble(where, random), Watch(database_url, where.parts)
        began = time.monotonic()
        _live(where, trouble, watch, notes, random, seconds)
        lived = time.monotonic() - began
        _drain(where, [member.household_id for member in where.members])
        watch.end()
        ended_badly = list(_ended(where))
        books = read(where.settings, sorted({member.household_id for member in where.members}))
        problems = [*ended_badly, *(Problem(Kind.WRONG, what) for what in notes.wrong), *judged(books, notes.yeses)]
    return Soaked(
        seed=seed,
        households=households,
        seconds=lived,
        drained_s=time.monotonic() - began - lived,
        killed=where.workers[-1].use.kills,
        faults=trouble.faults,
        load=os.getloadavg()[0],
        notes=notes,
        books=books,
        use={part.name: part.use for part in where.parts} | {"PostgreSQL": Use(starts=1, cpu_s=watch.database_cpu_s)},
        database=watch.counted,
        problems=tuple(problems),
    )


def _live(where: Scene, trouble: Trouble, watch: Watch, notes: Notes, random: Random, seconds: float) -> None:
    with _meanwhile(trouble.kill, trouble.strike, trouble.restock, watch.look):
        people, subscriptions = list[threading.Thread](), Subscriptions(where.settings.simulator_file)
        evenings, over = Evenings(random), threading.Event()
        pairs = zip(where.members[::2], where.members[1::2], strict=True)
        for member, partner in (each for pair in pairs for each in (pair, pair[::-1])):
            person = Person(member, partner, where.api_url, Random(random.random()), notes, subscriptions, evenings)
            people.append(threading.Thread(target=person.live, args=(over,)))
        try:
            for each in people:
                each.start()
            over.wait(seconds)
        finally:
            over.set()
            for each in people:
                each.join()


@contextmanager
def _meanwhile(*works: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do these beside it, each in a thread, and tell them in the end to stop."""
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(stop,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _drain(where: Scene, households: Sequence[str]) -> None:
    """Move the time of the workers until every execution has ended, or nobody would wait any longer."""
    pause = threading.Event()
    pause.wait(_CALM_S)
    for _ in range(_MOVES):
        if all(execution.is_final for household in set(households) for execution in executions(where.settings, household)):
            return
        move(where.home, _MOVE)
        pause.wait(_MOVE_EVERY_S)


def _ended(where: Scene) -> Iterator[Problem]:
    """Everybody is asked to stop, the last tickets are worked off, and the vendors go on, as vendors do."""
    assert where.api is not None
    for part in (where.api, *where.workers):
        if part.is_gone:
            yield Problem(Kind.WRONG, f"{part.name} ended by itself: {part.errors.read_text()[-500:]}")
        elif code := part.stop():
            yield Problem(Kind.WRONG, f"{part.name} was asked to stop and ended with {code}")
    last = _until_idle(where.workers[0])
    if last.returncode:
        yield Problem(Kind.WRONG, f"the last worker ended with {last.returncode}: {last.stderr[-500:]!r}")
    where.vendors.use.cpu_s = where.vendors.cpu_s()
    where.vendors.looked_at()
    if said := where.traceback():
        yield Problem(Kind.WRONG, f"a traceback stands in {said}")


def _until_idle(worker: Part) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*worker.command, "--until-idle"], env=worker.environ, capture_output=True, timeout=120, check=False)
