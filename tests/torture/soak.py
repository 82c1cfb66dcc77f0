"""R-15: a household that does what chance tells it to, while the vendors, the clock and the process fail; then nothing fails any more.

One process, a clock that is moved, and one seed: it decides every word, every fault, every death and every wait, so `seed-17` is the same days each
time. Its members ask, change, confirm (also what does not stand any more, twice, and who may not), call off, try again and wait; now and then the
process dies in the middle of a call, before the vendor has heard it or after. In the end the faults stop, everything is carried on, and it is judged.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import httpx

from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError, IllegalMove, NotInitialised, StoreFailed
from halo_engine.model.execution import Execution
from halo_sim.fault_plan import FaultPlan
from halo_sim.faults import clear_faults
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import NOON, Installation
from tests.torture.harness import Kind, Problem, Row, judge
from tests.torture.jobs import JOBS

#: What is said, beside the jobs: names with a documented outcome, and words that ask back, change nothing or cannot be had.
_WORDS = (
    *JOBS.values(),
    *JOBS.values(),
    "order sku_price_up",
    "order sku_sells_out",
    "order place_then_timeout",
    "order place_dropped",
    "order place_unavailable",
    "order place_error_after",
    "book slot_gone for two tomorrow at 7pm",
    "book fee_changed for two tomorrow at 7pm",
    "book book_then_timeout for two tomorrow at 7pm",
    "book book_dropped for two tomorrow at 7pm",
    "cancel stratobox right away",
    "reorder",
    "get paper towels and dish soap under $40",
    "order coffee",
    "what is the weather",
)
_CHANGES = ("make it 3", "make it 1", "at 8pm instead", "for four people", "add dish soap", "under $10", "right away")
#: Alex and Sam may confirm, Kim may not; None is whoever is asked for nothing else.
_MEMBERS = (None, "Alex", "Sam", "Kim")

#: A vendor that says what is not so, which nothing but a statement of account finds out; V-07 tries those.
_LIES = ("phantom", "repeat_order_id")
#: What can last. A vendor that forgets its keys or the buyer's ceiling has broken the only promise Halo relies on; V-09 and C-06 try those.
_LASTING = ("price_up", "out_of_stock", "fee_changed", "late_orders", "refuse_duplicates")
_BATTERIES = "B035L4KKAX"

_STEPS = 24
#: Out of 10,000 calls so many are struck by a fault, and out of 100 so many are a process's last.
_STRUCK, _DEADLY = 2_000, 3
#: How often a card comes without any trouble.
_CALM = 0.8
_TO_THE_END_S = 400_000

#: What no household may ever be told.
_NEVER = (StoreFailed, IllegalMove, NotInitialised)


class _Died(BaseException):
    """The process is gone in the middle of a call. Not an `Exception`: nobody may go on after it."""


class _Mortal(httpx.BaseTransport):
    """The vendors, as seen by a process that may die before a call has reached them, or after. While it is `calm` nothing happens to anybody."""

    def __init__(self, vendors: httpx.BaseTransport, in_trouble: httpx.BaseTransport, random: Random) -> None:
        self._vendors, self._in_trouble, self._random = vendors, in_trouble, random
        self.calm = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.calm:
            return self._vendors.handle_request(request)
        number = self._random.randrange(100)
        if number < _DEADLY:
            raise _Died
        response = self._in_trouble.handle_request(request)
        if number < 2 * _DEADLY:
            raise _Died
        return response


@dataclass
class _Days:
    """What has happened so far, and what can happen next."""

    random: Random
    home: Installation
    plan: FaultPlan
    vendors: _Mortal
    cards: list[Card] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def live(self) -> None:
        """A few days."""
        acts: dict[Callable[[], None], int] = {
            self._ask: 6,
            self._modify: 3,
            self._confirm: 6,
            self._confirm_again: 2,
            self._cancel: 1,
            self._execute: 7,
            self._retry: 2,
            self._wait: 4,
            self._fail: 2,
            self.restart: 1,
        }
        for act in self.random.choices([*acts], weights=[*acts.values()], k=_STEPS):
            # Most of the trouble is kept for what spends money.
            self.vendors.calm = act in (self._ask, self._modify) and self.random.random() < _CALM
            self._do(act)

    def end_well(self) -> None:
        """The faults are over: somebody carries on whatever there is."""
        clear_faults(self.home.world)
        # No request of a process that died is alive any more: nobody has to sit that out.
        self.home.later(seconds=self.home.settings.request_lives_s)
        self.restart()
        self.vendors.calm = True
        for execution_id in self.executions:
            self._do(partial(self._carry_on, execution_id, _TO_THE_END_S))

    def restart(self) -> None:
        """Another process, with a chance of its own: nothing is left but the books."""
        self.home.engine.close()
        self.home.clock = FakeClock(self.home.clock.now() + timedelta(milliseconds=1), seed=self.random.randrange(1 << 30))
        self.home.world = World.open(self.home.settings.simulator_file, self.home.clock)
        self.vendors = _Mortal(SimTransport(self.home.world), SimTransport(self.home.world, self.plan), self.random)
        self.home.engine = Engine.open(self.home.settings, clock=self.home.clock, transport=self.vendors)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except _Died:
            self.restart()
        except HaloError as error:
            # A refusal is an answer; that the books failed is none, because nothing here has harmed them.
            if isinstance(error, _NEVER):
                self.problems.append(Problem(Kind.WRONG, f"{type(error).__name__}: {error}"))
        except Exception:  # noqa: BLE001 - whatever else comes out is what is looked for
            self.problems.append(Problem(Kind.WRONG, traceback.format_exc()))

    # What people do.

    def _ask(self) -> None:
        waiting = next((card for card in reversed(self.cards) if card.options and self.random.random() < 0.7), None)
        words = self.random.choice(waiting.options).label if waiting else self.random.choice(_WORDS)
        self._show(self.home.ask(words, member=self._member(), answers=waiting.request_id if waiting else None))

    def _modify(self) -> None:
        if card := self._card():
            self._show(self.home.engine.modify(str(card.draft_id), self.random.choice(_CHANGES), member=self._member()))

    def _confirm(self) -> None:
        """Of any card that was ever shown: many of them do not stand any more."""
        if card := self._card():
            self._confirmed(card, self.home.confirm(card, member=self._member()))

    def _confirm_again(self) -> None:
        """Two say yes to the same card: the second one gets what the first one started."""
        if card := self._card():
            for member in ("Alex", "Sam"):
                self._confirmed(card, self.home.confirm(card, member=member))

    def _confirmed(self, card: Card, execution: Execution) -> None:
        if execution.draft_hash != card.draft_hash:
            self.problems.append(Problem(Kind.WRONG, f"a yes to {card.draft_hash} started {execution.draft_hash}"))
        before = next((known for known in self.executions.values() if known.draft_id == execution.draft_id), execution)
        if before.id != execution.id:
            self.problems.append(Problem(Kind.DOUBLE, f"draft {execution.draft_id} started {before.id} and {execution.id}"))
        self.executions[execution.id] = execution

    def _cancel(self) -> None:
        if card := self._card():
            self.home.engine.cancel(str(card.draft_id), member=self._member())

    def _execute(self) -> None:
        if self.executions:
            self._carry_on(self.random.choice([*self.executions]), self.random.choice((0, 1, 10, 40)))

    def _carry_on(self, execution_id: str, wait_s: float) -> None:
        after = self.home.engine.execute(execution_id, wait_s=wait_s)
        before = self.executions[execution_id]
        if before.is_final and (after.status, after.version) != (before.status, before.version):
            self.problems.append(Problem(Kind.WRONG, f"{execution_id} had ended {before.status.value} and is {after.status.value}"))
        self.executions[execution_id] = after

    def _retry(self) -> None:
        if self.executions:
            self._show(self.home.engine.retry(self.random.choice([*self.executions]), member=self._member()))

    def _wait(self) -> None:
        most_s = self.random.choice((5, 5, 60, 600, 3_000, 86_400))
        self.home.later(seconds=self.random.randint(1, most_s))

    def _fail(self) -> None:
        """The world changes, or what had changed is as it was."""
        if self.random.random() < 0.3:
            clear_faults(self.home.world)
        else:
            name = self.random.choice(_LASTING)
            self.home.fault(name, target=_BATTERIES if name == "out_of_stock" else None)

    def _show(self, card: Card) -> None:
        self.cards.append(card)

    def _card(self) -> Card | None:
        """Most often a late one."""
        confirmable = [card for card in self.cards if card.draft_id and card.draft_hash]
        return self.random.choice(confirmable[-4:] if self.random.random() < 0.8 else confirmable) if confirmable else None

    def _member(self) -> str | None:
        return self.random.choices(_MEMBERS, weights=(6, 3, 3, 1))[0]


def _seeds(random: Random) -> Iterator[str]:
    while True:
        yield f"seed-{random.randrange(1 << 32)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    random = Random(point)
    merchant = random.choice(("amazon", "amazon", "zinc"))
    home = Installation.open(place / "home", clock=FakeClock(NOON), merchant=merchant)
    plan = FaultPlan.from_seed(random.randrange(1 << 32), share=_STRUCK, without=_LIES)
    days = _Days(random, home, plan, _Mortal(SimTransport(home.world), SimTransport(home.world, plan), random))
    days.restart()
    days.live()
    days.end_well()
    days.home.engine.close()
    yield from days.problems
    yield from judge(days.home)


ROWS = (
    Row(
        "R-15",
        "a household by seed: random days under faults, deaths and a moving clock, and then a quiet end",
        ci=80,
        points=_seeds,
        attempt=_attempt,
    ),
)
