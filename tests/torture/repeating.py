"""C-03 and C-07: whatever was said is said again: by the same person, by another, to another draft, late, twice, out of order, from two processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from halo_engine.clock import FakeClock, OffsetClock, SystemClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.settings import load_settings
from halo_engine.store import tables
from halo_sim.faults import clear_faults
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import NOON, Installation
from tests.torture.crowd import Meet, together
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, confirmed, drafted
from tests.torture.model import told

_A_DAY_S = 86_400

#: What each job's draft is changed with; a cancellation is changed by when it is to be.
_CHANGES = {
    "order": "make it 3",
    "zinc": "make it 3",
    "reorder": "without the dog treats",
    "cancel": "right away",
    "book": "make it for 4 people",
    "haircut": "at 4pm instead",
}


# C-03


@dataclass
class _Replay:
    """A draft in a home of its own, and what may be done before its yes is said once more."""

    home: Installation
    card: Card
    job: str

    def say(self, *, draft_id: str | None = None, draft_hash: str | None = None, member: str | None = "Alex") -> tuple[str, Any]:
        """A yes to this draft with its hash, but for what is given."""
        asked, presented = draft_id or str(self.card.draft_id), draft_hash or str(self.card.draft_hash)
        return told(lambda: self.home.engine.confirm(asked, draft_hash=presented, member=member))

    def do(self) -> Execution:
        """Confirm and see it through."""
        return self.home.carry_out(self.card, member="Alex")

    def change(self) -> Card:
        """Another revision."""
        return self.home.engine.modify(str(self.card.draft_id), _CHANGES[self.job], member="Sam")

    def drop(self) -> None:
        self.home.engine.cancel(str(self.card.draft_id), member="Sam")

    def of_another_home(self, household: str) -> str:
        """A draft that waits in `household`: of another installation, or beside this one in the same books."""
        other = drafted("order")
        if household == "elsewhere":
            return str(other.card.draft_id).replace("dft_0", "dft_1", 1)
        with self.home.engine._store._engine.begin() as books:
            books.exec_driver_sql(
                "INSERT INTO household SELECT 'hsh_other', 'Other', time_zone, '2026-04-01T00:00:00.000000Z' FROM household"
            )
            same = ", ".join(name for name in tables.Draft.model_fields if name not in ("id", "household_id"))
            own, theirs = str(self.card.draft_id), str(self.card.draft_id).replace("dft_0", "dft_1", 1)
            statement = f"INSERT INTO draft (id, household_id, {same}) SELECT '{theirs}', 'hsh_other', {same} FROM draft WHERE id = '{own}'"
            books.exec_driver_sql(statement)
        return theirs


#: What is done before, what is said, and what must be answered; "same" is the execution of the first yes.
Situation = Callable[[_Replay], tuple[tuple[str, Any], str]]


def _again(replay: _Replay, *, member: str, first: Callable[[_Replay], Execution] = _Replay.do) -> tuple[tuple[str, Any], str]:
    before = first(replay)
    code, said = replay.say(member=member)
    return (("same" if code == "ok" and said.id == before.id else f"{code} {said}"), said), "same"


def _before_it_is_sent(replay: _Replay) -> Execution:
    return replay.home.confirm(replay.card, member="Alex")


def _after_its_time(replay: _Replay) -> Execution:
    before = replay.do()
    replay.home.later(days=2)
    return before


def _stopped(replay: _Replay) -> Execution:
    """The terms moved after the yes: it ended without an effect, and the revised draft is another one's to confirm."""
    before = _before_it_is_sent(replay)
    replay.home.later(seconds=4000)
    return replay.home.engine.execute(before.id, wait_s=600)


def _failed(replay: _Replay) -> Execution:
    before = _before_it_is_sent(replay)
    replay.home.fault("unavailable", times=99)
    ended = replay.home.engine.execute(before.id, wait_s=600)
    clear_faults(replay.home.world)
    return ended


def _refused(expected: str, *before: Callable[[_Replay], Any], **said: Any) -> Situation:
    """A yes that gets an error, after `before`."""

    def situation(replay: _Replay) -> tuple[tuple[str, Any], str]:
        for step in before:
            step(replay)
        return replay.say(**{name: value(replay) if callable(value) else value for name, value in said.items()}), expected

    return situation


def _other_draft(replay: _Replay) -> str:
    return str(replay.home.ask(JOBS["haircut" if replay.job != "haircut" else "book"]).draft_hash)


def _late(replay: _Replay) -> None:
    replay.home.later(days=1)


SITUATIONS: Mapping[str, Situation] = {
    "same-member-before-it-is-sent": partial(_again, member="Alex", first=_before_it_is_sent),
    "other-member-before-it-is-sent": partial(_again, member="Sam", first=_before_it_is_sent),
    "same-member-after-it-ended": partial(_again, member="Alex"),
    "other-member-after-it-ended": partial(_again, member="Sam"),
    # Not a yes of the child's: it is told what the grown-up's yes has done.
    "child-after-it-ended": partial(_again, member="Kim"),
    "after-it-ended-and-expired": partial(_again, member="Sam", first=_after_its_time),
    "after-it-was-stopped": partial(_again, member="Sam", first=_stopped),
    "after-it-failed": partial(_again, member="Sam", first=_failed),
    "child": _refused("not_authorised", member="Kim"),
    "stranger": _refused("not_found", member="Mallory"),
    "after-its-time": _refused("draft_expired", _late),
    "after-a-no": _refused("already_cancelled", _Replay.drop),
    "after-a-no-and-its-time": _refused("already_cancelled", _Replay.drop, _late),
    "after-a-change": _refused("terms_changed", _Replay.change),
    "after-a-change-and-its-time": _refused("draft_expired", _Replay.change, _late),
    "with-another-drafts-hash": _refused("terms_changed", draft_hash=_other_draft),
    "with-another-drafts-hash-after-it-ended": _refused("already_confirmed", _Replay.do, draft_hash=_other_draft),
    "with-a-wrong-hash-after-it-ended": _refused("already_confirmed", _Replay.do, draft_hash="0" * 64),
    "with-the-execution-for-the-draft": _refused("not_found", draft_id=lambda replay: _before_it_is_sent(replay).id),
    "of-a-home-elsewhere": _refused("not_found", draft_id=lambda replay: replay.of_another_home("elsewhere")),
    "of-a-home-in-the-same-books": _refused("not_found", draft_id=lambda replay: replay.of_another_home("beside")),
}


def _replays(random: Random) -> list[str]:
    return sample(random, [f"{job}.{name}" for job, name in product(JOBS, SITUATIONS)])


def _said_again(point: str, place: Path) -> Iterator[Problem]:
    job, name = point.split(".")
    home = drafted(job).copy(place)
    replay = _Replay(home, drafted(job).card, job)
    (code, said), expected = SITUATIONS[name](replay)
    if code != expected:
        yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"answered with {code} ({said}) instead of {expected}")
    if expected == "terms_changed" and code == expected and said.current.id != replay.card.draft_id:
        yield Problem(Kind.WRONG, "another draft than the one that stands was shown with the refusal")
    yield from _all_ended(home, replay)
    home.engine.close()


def _all_ended(home: Installation, replay: _Replay) -> Iterator[Problem]:
    """Whatever was confirmed is carried out twice more; then the judge looks, and who confirmed was grown."""
    with home.queries() as queries:
        executions = [line.id for line in queries.activity(limit=99) if line.kind == "execution"]
        by = {queries.execution(execution_id).confirmed_by for execution_id in executions}
    if len(executions) > 1 or not by <= {"Alex"}:
        yield Problem(Kind.DOUBLE, f"{len(executions)} executions, confirmed by {sorted(by)}")
    for execution_id in [*executions, *executions]:
        home.engine.execute(execution_id, wait_s=600)
    yield from judge(home)


# C-07


@dataclass(frozen=True)
class _Call:
    """One call of the door, as it would be delivered. A call that refers to what another one made is told it by its name."""

    name: str
    make: Callable[[Installation, Mapping[str, Any]], Any]


def _calls(job: str, card: Card) -> Sequence[_Call]:
    """Everything that a household and its workers say about one draft."""
    draft_id, draft_hash = str(card.draft_id), str(card.draft_hash)

    def execution(known: Mapping[str, Any]) -> str:
        return known["confirm"].id if "confirm" in known else "exe_unknown"

    return (
        _Call("confirm", lambda home, _: home.engine.confirm(draft_id, draft_hash=draft_hash, member="Alex")),
        _Call("execute", lambda home, known: home.engine.execute(execution(known), wait_s=600)),
        _Call("modify", lambda home, _: home.engine.modify(draft_id, _CHANGES[job], member="Sam")),
        _Call("cancel", lambda home, _: home.engine.cancel(draft_id, member="Sam")),
        _Call("draft", lambda home, _: home.ask(JOBS[job], member="Sam")),
        _Call("retry", lambda home, known: home.engine.retry(execution(known), member="Sam")),
    )


def _deliveries(random: Random) -> Iterator[str]:
    """One after the other in an order of chance, or by two processes at the same moment."""
    while True:
        for job in sample(random, list(JOBS)):
            # Zinc buys later, and on a clock that really runs that takes as long as it takes.
            how = random.choice(("order", "order", "order", "order", "order", "order" if job == "zinc" else "at-once"))
            yield f"{job}.{how}.{random.randrange(10**6)}"


def _delivered(point: str, place: Path) -> Iterator[Problem]:
    job, how, number = point.split(".")
    if how == "at-once":
        yield from _delivered_at_once(job, place)
        return
    random = Random(number)
    home = drafted(job).copy(place)
    if random.random() < 0.5:
        home.fault(random.choice(("unavailable", "lose_answer", "drop_before", "rate_limited")), times=random.randint(1, 9))
    # A confirmation first, or nothing would come of most orders; the twins of it and of the rest come when they come.
    first, *rest = _calls(job, drafted(job).card)
    late = [*rest, *rest, first]
    trace = [*random.sample([first], random.randint(0, 1)), *random.sample(late, len(late))]
    yield from _deliver(home, trace, random)
    clear_faults(home.world)
    for execution_id in _executions(home):
        home.later(seconds=1)
        home.engine.execute(execution_id, wait_s=4 * _A_DAY_S)
    yield from _counted(home)
    home.engine.close()


def _deliver(home: Installation, trace: Sequence[_Call], random: Random) -> Iterator[Problem]:
    """Each call in turn, some of them a day late. An answer that was got once stays the same."""
    known: dict[str, Any] = {}
    for call in trace:
        home.later(seconds=random.choice((0, 0, 0, 0, 60, _A_DAY_S)))
        code, said = told(lambda: call.make(home, known))  # noqa: B023 - called at once
        if code == "ok" and call.name == "confirm" and known.setdefault("confirm", said).id != said.id:
            yield Problem(Kind.DOUBLE, "one yes has two executions")
        if code not in _ANSWERS:
            yield Problem(Kind.WRONG, f"{call.name} was answered with {code}")


_ANSWERS = {
    *("ok", "invalid_input", "not_found", "conflict", "already_confirmed", "already_cancelled", "terms_changed", "draft_expired"),
    "vendor_failed",
}


def _executions(home: Installation) -> list[str]:
    with home.queries() as queries:
        return [line.id for line in queries.activity(limit=99) if line.kind == "execution"]


def _counted(home: Installation) -> Iterator[Problem]:
    effects = [entry for entry in home.ledger() if entry.kind in ("order", "booking", "cancellation")]
    if len(effects) > len(_executions(home)) or len(_executions(home)) > 1:
        yield Problem(Kind.DOUBLE, f"{len(effects)} effects and {len(_executions(home))} executions of one yes")
    yield from judge(home)


def _delivered_at_once(job: str, place: Path) -> Iterator[Problem]:
    """Two processes are told to carry out the same execution at the same moment. On a clock that really runs: one of them waits for the other."""
    base = confirmed(job)
    base.copy(place).engine.close()
    ended = together([partial(_carry_out, place / "home", base.execution_id) for _ in range(2)])
    home = Installation.reopen(place / "home", clock=_later_clock())
    with home.queries() as queries:
        stands = queries.execution(base.execution_id).execution
    if not {ExecutionStatus.SUBMITTING.value, stands.status.value} >= set(ended) or not stands.is_final:
        yield Problem(Kind.WRONG, f"it stands {stands.status.value}, and the two were told {ended}")
    yield from _counted(home)
    home.engine.close()


def _carry_out(home: Path, execution_id: str, meet: Meet) -> str:
    clock = OffsetClock(SystemClock(), partial(timedelta, seconds=(NOON - SystemClock().now()).total_seconds()))
    settings = load_settings(home=home, environ={})
    with Engine.open(settings, clock=clock, transport=SimTransport(World.open(settings.simulator_file, clock))) as engine:
        meet()
        return engine.execute(execution_id, wait_s=30).status.value


def _later_clock() -> FakeClock:
    return FakeClock(NOON + timedelta(minutes=5), seed=9)


ROWS = (
    Row(id="C-03", title="the same yes once more, by whom and when it may not be", ci=None, points=_replays, attempt=_said_again),
    Row(
        id="C-07",
        title="every call twice, out of order, a day late, and from two processes",
        ci=100,
        points=_deliveries,
        attempt=_delivered,
    ),
)
