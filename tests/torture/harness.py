"""What every row shares: points, problems, how a row is run, and the judge.

The judge asks the vendors' own ledger what really happened, and compares it with what Halo's books say: at most one effect for a confirmation
(I1), an effect and its receipt together (I2), never more than was confirmed (I4), and everything ended (I12); `halo audit verify` proves the
rest from the log.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from halo_engine.clock import SystemClock
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.queries import ExecutionDetail
from halo_sim.ledger import Entry
from tests.installation import Installation


class Kind(StrEnum):
    """What broke. The first two are what a household would lose money by."""

    #: More than one effect for one confirmation, or an effect without one.
    DOUBLE = "double"
    #: An effect that the books deny, or one they claim that never was.
    LOST = "lost"
    #: Not ended, though the faults have stopped.
    STUCK = "stuck"
    #: The log does not prove what happened.
    UNPROVED = "unproved"
    #: Anything else that must not be: a traceback, a wrong answer, a time or a size out of bounds.
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that broke at a point."""

    kind: Kind
    what: str


@dataclass(frozen=True)
class Row:
    """One row of the matrix. A point is one word without blanks, so that it can be typed: `order-sqlite-137`."""

    id: str
    title: str
    #: How many points are tried on every commit; None is all there are.
    ci: int | None
    #: Every point that there is, or an endless supply of them, drawn with the given chance.
    points: Callable[[Random], Iterable[str]]
    #: Tries one point in an empty directory of its own.
    attempt: Callable[[str, Path], Iterable[Problem]]
    #: Why the row cannot be run on this machine, None where it can.
    missing: Callable[[], str | None] = lambda: None


@dataclass
class Report:
    """How a row went."""

    row: Row
    seed: int
    points: int = 0
    seconds: int = 0
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    @property
    def doubles(self) -> int:
        return self._count(Kind.DOUBLE)

    @property
    def lost(self) -> int:
        return self._count(Kind.LOST)

    @property
    def other(self) -> int:
        return len(self.problems) - self.doubles - self.lost

    def _count(self, kind: Kind) -> int:
        return sum(problem.kind is kind for _, problem in self.problems)

    def replay(self, point: str) -> str:
        """The line that tries `point` again."""
        return f"halo torture --row {self.row.id} --seed {self.seed} --point {point}"


@dataclass(frozen=True)
class Bug:
    """A defect that is planted to prove that a row can fail."""

    name: str
    #: What is wrong with it, in a sentence.
    what: str
    #: Patches the one function that is to be wrong, for as long as the context lasts.
    plant: Callable[[], AbstractContextManager[None]]
    #: The row that has to catch it,
    row: str
    #: at one of these points, or at one of the first so many under any seed.
    points: Sequence[str] | int


def run(row: Row, *, seed: int, n: int | None, only: str | None = None) -> Report:
    """Try `n` points of a row (None: all of them), or the one named `only`."""
    report, began = Report(row, seed), SystemClock().now()
    for point in [only] if only is not None else chosen(row, seed=seed, n=n):
        report.problems += [(point, problem) for problem in tried(row, point)]
        report.points += 1
    report.seconds = round((SystemClock().now() - began).total_seconds())
    return report


def tried(row: Row, point: str) -> list[Problem]:
    """What broke at a point, in a directory of its own. An error that comes out is what broke."""
    with tempfile.TemporaryDirectory(prefix="halo-torture-", ignore_cleanup_errors=True) as place:
        try:
            return list(row.attempt(point, Path(place)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the line that tries the point again has to be printed
            last = str(error).strip().rpartition("\n")[2]
            return [Problem(Kind.WRONG, f"{point!r} could not be tried to its end: {type(error).__name__}: {last}")]


def chosen(row: Row, *, seed: int, n: int | None) -> Iterator[str]:
    """The first `n` points of a row under `seed`."""
    for number, point in enumerate(row.points(Random(f"{row.id}/{seed}"))):
        if number == n:
            return
        yield point


def sample(random: Random, points: Sequence[str]) -> list[str]:
    """All `points` in an order of chance: the first n of them are a sample."""
    return random.sample(points, len(points))


#: Where a household would be told that nothing was done.
_DENIED = {ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED, ExecutionStatus.HANDED_OFF}
_CLAIMED = {ExecutionStatus.DONE, ExecutionStatus.PARTIAL}


def judge(home: Installation) -> Iterator[Problem]:
    """Everything about `home` that must not be, when the faults have stopped and everybody has done what they could."""
    yield from compared(_details(home), home.ledger())
    verified = home.verify()
    yield from (Problem(Kind.UNPROVED, problem) for problem in verified.problems)


def compared(details: Sequence[ExecutionDetail], ledger: Iterable[Entry]) -> Iterator[Problem]:
    """Everything in which the executions and what the vendors did are not the same story."""
    effects = [entry for entry in ledger if entry.kind in ("order", "booking", "cancellation")]
    of: dict[str, list[Entry]] = {detail.execution.id: [] for detail in details}
    for entry in effects:
        owner = _owner(entry, details)
        if owner is None:
            yield Problem(Kind.DOUBLE, f"{entry.vendor} did {entry.reference}, which nothing in the books stands for")
        else:
            of[owner.id].append(entry)
    cancelled = {entry.reference for entry in effects if entry.kind == "cancellation"}
    for detail in details:
        yield from _judged(detail, of[detail.execution.id], cancelled)


def _details(home: Installation) -> list[ExecutionDetail]:
    with home.queries() as queries:
        return [queries.execution(line.id) for line in queries.activity(limit=1000) if line.kind == "execution"]


def _owner(entry: Entry, details: Sequence[ExecutionDetail]) -> Execution | None:
    """The execution whose key or vendor's reference the entry carries."""
    executions = [detail.execution for detail in details]
    by_key = [e for e in executions if entry.client_reference == e.vendor_key]
    by_reference = [e for e in executions if e.vendor_reference == entry.reference]
    # A vendor that takes no key, and an execution that never heard the answer: the one for that very table which may have been sent.
    sent = [d.execution for d in details if entry.client_reference is None and _may_have_done(d, entry)]
    return next(iter([*by_key, *by_reference, *sent]), None)


def _may_have_done(detail: ExecutionDetail, entry: Entry) -> bool:
    execution, asked = detail.execution, detail.draft.terms.instruction
    was_sent = execution.submitted_at is not None and execution.vendor_reference is None and execution.vendor == entry.vendor
    return was_sent and all(str(entry.detail.get(name)).startswith(str(asked.get(name))) for name in ("venue_id", "day", "time"))


def _judged(detail: ExecutionDetail, effects: Sequence[Entry], cancelled: Container[str | None]) -> Iterator[Problem]:
    execution = detail.execution
    # Two who cancel the same thing: the second finds it so, and nothing more is sent.
    is_so_already = execution.verb == "CANCEL" and execution.vendor_reference in cancelled
    name = f"{execution.verb} {execution.id} ({execution.status.value})"
    if len(effects) > 1:
        yield Problem(Kind.DOUBLE, f"{name} has {len(effects)} effects: {', '.join(entry.reference for entry in effects)}")
    if effects and execution.status in _DENIED:
        yield Problem(Kind.LOST, f"{name} was done as {effects[0].reference}, and the books deny it")
    if not effects and execution.status in _CLAIMED and not is_so_already:
        yield Problem(Kind.LOST, f"{name} was never done, and the books claim it")
    if not execution.is_final:
        yield Problem(Kind.STUCK, f"{name} has not ended")
    if execution.status in _CLAIMED and detail.receipt is None:
        yield Problem(Kind.LOST, f"{name} has no receipt")
    if sum(entry.charged.cents for entry in effects) > detail.draft.terms.maximum.cents:
        yield Problem(Kind.WRONG, f"{name} was charged more than was confirmed")
