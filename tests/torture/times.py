"""T-01 and T-03: clocks that are wrong, and drafts at the very end of their time.

In T-01 Halo's clock steps and the vendors' does not; when it is right again, whatever was confirmed must come to an end in days, not in years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import httpx

from halo_engine.clock import FakeClock, OffsetClock
from halo_engine.engine import Engine
from halo_engine.model.execution import Execution
from halo_engine.settings import load_settings
from halo_sim.faults import clear_faults
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import NOON, Installation
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, drafted
from tests.torture.model import told

_A_YEAR = timedelta(days=365)
#: Together longer than Zinc may take, which is the longest that anything waits for.
_WAITS_S = (300, 3_600, 86_400, 86_400, 86_400)


# T-01


class _Died(BaseException):
    """Whoever carried it out is gone."""


@dataclass
class _Vendors(httpx.BaseTransport):
    """The simulated vendors; the worker dies when they have done it, or hears a leap second in every time they tell."""

    world: World
    dies: bool = False
    leaps: bool = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        before = self._effects()
        response = SimTransport(self.world).handle_request(request)
        if self.dies and self._effects() > before:
            raise _Died
        if not self.leaps:
            return response
        text = re.sub(rb"(\d\d:\d\d):\d\d(?=[\"Z.+-])", rb"\1:60", response.content)
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
        return httpx.Response(response.status_code, headers=headers, content=text)

    def _effects(self) -> int:
        with self.world.transaction() as tx:
            return len(tx.rows("SELECT seq FROM ledger"))


@dataclass
class _House:
    """A home whose clock can be wrong while the vendors' is right."""

    home: Installation
    vendors: _Vendors
    #: By how much Halo's clock is ahead.
    wrong: list[timedelta]

    @classmethod
    def open(cls, job: str, place: Path, at: datetime) -> _House:
        """The job, drafted, at the time `at`."""
        drafted(job).copy(place, FakeClock(at)).engine.close()
        clock, wrong = FakeClock(at, seed=7), [timedelta(0)]
        settings = load_settings(home=place / "home", environ={})
        world = World.open(settings.simulator_file, OffsetClock(clock, lambda: -wrong[0]))
        vendors = _Vendors(world)
        return cls(Installation(settings, clock, world, Engine.open(settings, clock=clock, transport=vendors)), vendors, wrong)

    def step(self, by: timedelta) -> None:
        """Halo's clock jumps; the vendors' does not."""
        self.home.clock.advance(by)
        self.wrong[0] += by


#: What the execution stands at when the clock steps.
_STATES = ("drafted", "confirmed", "submitting", "unknown", "accepted", "done")
#: Hours and years by which it steps; `wrong-then-right`: the state was reached on a clock that was ahead, and is right now.
_STEPS = ("back-an-hour", "ahead-a-year", "wrong-then-right", "an-hour-wrong-then-right", "to-and-fro", "2038", "leap-second")


def _clock_steps(random: Random) -> list[str]:
    return sample(random, [f"{job}.{state}.{step}" for job, state, step in product(JOBS, _STATES, _STEPS)])


def _on_a_wrong_clock(point: str, place: Path) -> Iterator[Problem]:
    job, state, step = point.split(".")
    house = _House.open(job, place, NOON)
    try:
        yield from _through(house, job, state, step)
    except Exception as error:  # noqa: BLE001 - that it is one is the finding
        yield Problem(Kind.WRONG, f"a traceback: {type(error).__name__}: {error}"[:300])
    house.home.engine.close()


def _through(house: _House, job: str, state: str, step: str) -> Iterator[Problem]:
    home = house.home
    ahead = {"wrong-then-right": _A_YEAR, "an-hour-wrong-then-right": timedelta(hours=1)}.get(step, timedelta(0))
    if step == "2038":
        # Everybody's clock: the second in which a 32-bit one starts again.
        home.clock.advance(datetime(2038, 1, 19, 3, 13, 58, tzinfo=UTC) - home.clock.now())
    house.step(ahead)
    card = home.ask(JOBS[job]) if ahead or step == "2038" else drafted(job).card
    if card.draft_id is None:
        # Not to be had at that time: there is nothing to confirm.
        return
    execution = None if state == "drafted" else home.confirm(card)
    if execution is not None:
        execution = _brought(house, execution, state)
    house.step(-ahead)
    house.step({"back-an-hour": timedelta(hours=-1), "ahead-a-year": _A_YEAR}.get(step, timedelta(0)))
    house.vendors.leaps = step == "leap-second"
    if execution is None:
        code, said = told(lambda: home.confirm(card))
        if code not in ("ok", "draft_expired"):
            yield Problem(Kind.WRONG, f"the yes was answered with {code}")
        execution = said if isinstance(said, Execution) else None
    if execution is not None:
        _carried_on(house, execution, step)
    yield from judge(home)


def _brought(house: _House, execution: Execution, state: str) -> Execution:
    """The execution in `state`, as far as its vendor has that state."""
    if state == "confirmed":
        return execution
    if state == "submitting":
        house.vendors.dies = True
    if state == "unknown":
        house.home.fault("lose_answer")
        house.home.fault("hide_orders", times=2)
    try:
        reached = house.home.engine.execute(execution.id, wait_s=600 if state == "done" else 0)
    except _Died:
        return execution
    finally:
        house.vendors.dies = False
        clear_faults(house.home.world)
    return reached


def _carried_on(house: _House, execution: Execution, step: str) -> None:
    """In the middle of a wait the clock may step once more, there and back; then there is all the time."""
    house.home.engine.execute(execution.id, wait_s=1)
    house.vendors.leaps = False
    for by in (-3600, 7200, -3600) if step == "to-and-fro" else ():
        house.step(timedelta(seconds=by))
        house.home.engine.execute(execution.id, wait_s=1)
    for seconds in _WAITS_S:
        # Moved and not waited for: who waits for another one's answer looks four times a second.
        house.home.later(seconds=seconds)
        if house.home.engine.execute(execution.id, wait_s=90).is_final:
            return


# T-03

_OFFSETS_US = (-600_000_000, -1_000_000, -1_000, -1, 0, 1, 1_000, 1_000_000, 600_000_000)
#: By how much the clock of whoever confirms is wrong, and the part of a second at which the draft was written.
_SKEWS_S = (-600, -1, 0, 1, 600)
_WRITTEN_US = (0, 1, 500_000, 999_999)
_LIVES = timedelta(seconds=1800)
_SENT_LATE = timedelta(seconds=900)


def _boundaries(random: Random) -> list[str]:
    confirms = [f"confirm.{written}.{skew:+}.{offset:+}" for written, skew, offset in product(_WRITTEN_US, _SKEWS_S, _OFFSETS_US)]
    return sample(random, [*confirms, *(f"send.{written}.+0.{offset:+}" for written, offset in product(_WRITTEN_US, _OFFSETS_US))])


def _at_the_end(point: str, place: Path) -> Iterator[Problem]:
    kind, written, skew, offset = point.split(".")
    writer = drafted("order").copy(place, FakeClock(NOON + timedelta(microseconds=int(written)), seed=3))
    card = writer.ask(JOBS["order"])
    writer.engine.close()
    with writer.queries() as queries:
        expires_at = queries.draft(str(card.draft_id)).expires_at
    if expires_at != NOON + _LIVES:
        yield Problem(Kind.WRONG, f"it expires at {expires_at}")
    at = timedelta(microseconds=int(offset))
    yield from _confirmed_at(place, card, expires_at, at, int(skew)) if kind == "confirm" else _sent_at(place, card, expires_at, at)


def _confirmed_at(place: Path, card: Any, expires_at: datetime, offset: timedelta, skew_s: int) -> Iterator[Problem]:
    """By somebody whose clock shows that: it is theirs that is written beside the yes, and theirs that the log is checked by."""
    now = expires_at + offset + timedelta(seconds=skew_s)
    theirs = Installation.reopen(place / "home", clock=FakeClock(now, seed=4))
    code, said = told(lambda: theirs.confirm(card))
    expected = "ok" if now < expires_at else "draft_expired"
    if code != expected:
        yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"at {now:%H:%M:%S.%f} the yes was answered with {code}")
    if code == "draft_expired" and "expired" not in said.message:
        yield Problem(Kind.WRONG, f"no clear error: {said.message}")
    if isinstance(said, Execution):
        theirs.engine.execute(said.id, wait_s=600)
    yield from judge(theirs)
    theirs.engine.close()


def _sent_at(place: Path, card: Any, expires_at: datetime, offset: timedelta) -> Iterator[Problem]:
    """Confirmed in time, and sent about the last moment at which it may still be sent."""
    theirs = Installation.reopen(place / "home", clock=FakeClock(expires_at - timedelta(seconds=1), seed=4))
    execution = theirs.confirm(card)
    theirs.clock.advance(expires_at + _SENT_LATE + offset - theirs.clock.now())
    ended = theirs.engine.execute(execution.id, wait_s=600)
    expected = "terms_changed" if offset > timedelta(0) else "done"
    if ended.status.value != expected:
        yield Problem(Kind.DOUBLE if theirs.ledger() else Kind.WRONG, f"{offset} after the last moment it ended {ended.status.value}")
    yield from judge(theirs)
    theirs.engine.close()


ROWS = (
    Row(id="T-01", title="the clock steps, at every state of an execution", ci=150, points=_clock_steps, attempt=_on_a_wrong_clock),
    Row(
        id="T-03", title="a draft at the end of its time, and clocks that disagree about it", ci=90, points=_boundaries, attempt=_at_the_end
    ),
)
