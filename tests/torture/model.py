"""C-08: the whole door against a pure model of it. Hypothesis asks, changes, confirms, executes, breaks and restarts; the two must never disagree.

A point is a seed. The model knows nothing of Halo but its promises: what a draft may become, and who is told what. What the vendors did is
not modelled: for that there is their ledger, which the judge compares with the books when everything has ended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, invariant, precondition, rule

from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError, VendorFailed
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_sim.faults import clear_faults
from tests.torture.harness import Kind, Problem, Row, judge
from tests.torture.jobs import JOBS, drafted

#: How a program is tried at one point: so many programs, of so many steps.
PROGRAMS, STEPS = 6, 30


class Stands(StrEnum):
    """What a draft is, in the model."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


@dataclass
class PureDraft:
    """One draft as it must behave. Every method says what the door must answer: `ok`, or the code of the error."""

    expires_at: datetime
    #: Of every revision, oldest first.
    hashes: list[str]
    status: Stands = Stands.OPEN
    confirmed_hash: str | None = None

    def confirm(self, presented: str, *, grown: bool, now: datetime) -> str:
        """A yes to `presented`; the same yes again is `ok`, also by somebody else and after the time."""
        if self.status is Stands.CONFIRMED:
            return "ok" if presented == self.confirmed_hash else "already_confirmed"
        if (over := self._over(now)) is not None:
            return over
        if presented != self.hashes[-1]:
            return "terms_changed"
        if not grown:
            return "not_authorised"
        self.status, self.confirmed_hash = Stands.CONFIRMED, presented
        return "ok"

    def cancel(self) -> str:
        """A no, which is final and can be said twice; also to what has expired."""
        if self.status is Stands.CONFIRMED:
            return "already_confirmed"
        self.status = Stands.CANCELLED
        return "ok"

    def modify(self, *, now: datetime) -> str:
        """Whether another revision may be written; the caller tells its hash with `revised`."""
        if self.status is Stands.CONFIRMED:
            return "already_confirmed"
        return self._over(now) or "ok"

    def revised(self, draft_hash: str, expires_at: datetime) -> None:
        """Another revision stands."""
        self.hashes.append(draft_hash)
        self.expires_at = expires_at

    def _over(self, now: datetime) -> str | None:
        if self.status is Stands.CANCELLED:
            return "already_cancelled"
        return "draft_expired" if now >= self.expires_at else None


def told(call: Callable[[], Any]) -> tuple[str, Any]:
    """`ok` and what was returned, or the error's code and the error. Anything that is no `HaloError` is let through: it is a bug."""
    try:
        return "ok", call()
    except HaloError as error:
        return error.code, error


#: Faults of honest vendors: none that says it did what it did not.
_FAULTS = (
    *("lose_answer", "drop_before", "error_after", "unavailable", "server_error", "rate_limited", "rate_limited_bare", "html_page"),
    *("empty_body", "malformed_json", "cut_mid_reply", "refuse_connection", "connect_timeout", "reset_on_headers", "reset_on_body"),
    *("token_expired", "price_up", "fee_changed", "slot_gone", "slow"),
)
_MEMBERS = ("Alex", "Sam", "Kim")
_CHANGES = ("make it 3", "make it 2", "make it for 4 people", "at 8pm instead", "for tomorrow", "mumble")
_A_DAY_S = 86_400


class Broken(AssertionError):
    """The model and the door disagree."""


@dataclass
class _Known:
    """What the model knows of an execution: whose it is, and how it ended, once it has."""

    draft_id: str
    ended: Execution | None = None


class Door(RuleBasedStateMachine):
    """The door, with the model beside it. `steps` tells what was done, so that a problem can be read."""

    def __init__(self) -> None:
        super().__init__()
        self._place = tempfile.TemporaryDirectory(prefix="halo-door-", ignore_cleanup_errors=True)
        base = drafted("order")
        self.home = base.copy(Path(self._place.name))
        self.drafts: dict[str, PureDraft] = {}
        self.executions: dict[str, _Known] = {}
        self.steps: list[str] = []
        self.is_troubled = False
        self._know(base.card)

    # What can be done.

    @rule(words=st.sampled_from(sorted(JOBS.values())), member=st.sampled_from(_MEMBERS))
    def ask(self, words: str, member: str) -> None:
        code, said = self._do(f"{member} asks: {words}", lambda: self.home.ask(words, member=member))
        if code == VendorFailed("").code:
            self._must(self.is_troubled, "the vendor failed though nothing was the matter")
        else:
            self._must(code == "ok", f"asking was answered with {code}")
            self._know(said)

    @rule(which=st.integers(0, 99), words=st.sampled_from(_CHANGES), member=st.sampled_from(_MEMBERS))
    def modify(self, which: int, words: str, member: str) -> None:
        draft_id, draft = self._draft(which)
        code, said = self._do(f"{member} changes {draft_id}: {words}", lambda: self.home.engine.modify(draft_id, words, member=member))
        expected = draft.modify(now=self.home.clock.now())
        if code == "ok":
            self._must(expected == "ok", f"a draft was changed that is {expected}")
            self._must(said.draft_hash not in draft.hashes, "another revision has the hash of an earlier one")
            draft.revised(said.draft_hash, self._expiry(draft_id))
        elif expected == "ok":
            understood = code in ("invalid_input", "conflict") or (code == "vendor_failed" and self.is_troubled)
            self._must(understood, f"changing an open draft was answered with {code}")
        else:
            self._must(code == expected, f"{code} instead of {expected}")

    @rule(which=st.integers(0, 99), member=st.sampled_from(_MEMBERS))
    def cancel(self, which: int, member: str) -> None:
        draft_id, draft = self._draft(which)
        code, _ = self._do(f"{member} drops {draft_id}", lambda: self.home.engine.cancel(draft_id, member=member))
        expected = draft.cancel()
        self._must(code == expected, f"{code} instead of {expected}")

    @rule(
        which=st.integers(0, 99),
        member=st.sampled_from(_MEMBERS),
        presented=st.sampled_from(["right", "right", "right", "first", "other", "upper", "garbage"]),
    )
    def confirm(self, which: int, member: str, presented: str) -> None:
        draft_id, draft = self._draft(which)
        draft_hash = self._hash(draft, presented, which)
        code, said = self._do(
            f"{member} confirms {draft_id} with {presented} {draft_hash[:12]}",
            lambda: self.home.engine.confirm(draft_id, draft_hash=draft_hash, member=member),
        )
        expected = draft.confirm(draft_hash, grown=member != "Kim", now=self.home.clock.now())
        self._must(code == expected, f"{code} instead of {expected}")
        if code == "ok":
            earlier = [key for key, known in self.executions.items() if known.draft_id == draft_id]
            self._must(earlier in ([], [said.id]), "one draft has two executions")
            self._must(said.draft_hash == draft.confirmed_hash, "the execution carries other terms than were confirmed")
            self.executions.setdefault(said.id, _Known(draft_id))

    @precondition(lambda self: self.executions)
    @rule(which=st.integers(0, 99), wait_s=st.sampled_from([0, 1, 30, 600]))
    def execute(self, which: int, wait_s: int) -> None:
        key = self._execution(which)
        code, said = self._do(f"carry out {key} for {wait_s} s", lambda: self.home.engine.execute(key, wait_s=wait_s))
        self._must(code == "ok", f"carrying out was answered with {code}")
        self._note(said)

    @precondition(lambda self: self.executions)
    @rule(which=st.integers(0, 99))
    def retry(self, which: int) -> None:
        key = self._execution(which)
        ended = self.executions[key].ended
        code, said = self._do(f"try {key} again", lambda: self.home.engine.retry(key, member=None))
        may = ended is not None and ended.status in (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED)
        if may:
            self._must(code == "ok" or (code == "vendor_failed" and self.is_troubled), f"trying again was answered with {code}")
        else:
            self._must(code == "conflict", f"{code}: what has not failed was tried again")
        if code == "ok":
            self._know(said)

    # What can happen.

    @rule(name=st.sampled_from(_FAULTS), times=st.integers(1, 4))
    def trouble(self, name: str, times: int) -> None:
        self.steps.append(f"trouble: {name} × {times}")
        self.is_troubled = True
        self.home.fault(name, times=times)

    @rule()
    def calm(self) -> None:
        self.steps.append("the trouble is over")
        self.is_troubled = False
        clear_faults(self.home.world)

    @rule(seconds=st.sampled_from([1, 60, 299, 300, 1799, 1800, 3600, _A_DAY_S]))
    def later(self, seconds: int) -> None:
        self.steps.append(f"{seconds} s pass")
        self.home.later(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.steps.append("Halo is started anew")
        self.home.engine.close()
        # The same clock: another one with its seed would make the same identifiers once more.
        self.home = type(self.home).reopen(self.home.settings.home, clock=self.home.clock)

    # What must hold.

    @invariant()
    def drafts_stand_as_the_model_says(self) -> None:
        with self.home.queries() as queries:
            for draft_id, draft in self.drafts.items():
                found = queries.draft(draft_id)
                status = "expired" if draft.status is Stands.OPEN and self.home.clock.now() >= draft.expires_at else draft.status.value
                self._must(found.status.value == status, f"{draft_id} is {found.status.value} instead of {status}")
                self._must(found.draft_hash == draft.hashes[-1], f"{draft_id} has other terms than the model")

    @invariant()
    def nothing_is_done_without_a_yes(self) -> None:
        done = [entry for entry in self.home.ledger() if entry.kind in ("order", "booking", "cancellation")]
        self._must(len(done) <= len(self.executions), f"{len(done)} effects of {len(self.executions)} confirmations")

    def teardown(self) -> None:
        """The trouble is over, everybody carries on: then the judge looks."""
        try:
            clear_faults(self.home.world)
            for key in self.executions:
                self.home.later(seconds=1)
                self._note(self.home.engine.execute(key, wait_s=4 * _A_DAY_S))
            for problem in judge(self.home):
                self._must(False, f"{problem.kind.value}: {problem.what}")
        finally:
            self.home.engine.close()
            self._place.cleanup()

    # How.

    def _do(self, what: str, call: Callable[[], Any]) -> tuple[str, Any]:
        self.steps.append(what)
        try:
            code, said = told(call)
        except Exception as error:
            raise Broken(f"{type(error).__name__}: {error}, after: {'; '.join(self.steps)}") from error
        self.steps[-1] += f" → {code}"
        return code, said

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"{what}, after: {'; '.join(self.steps)}")

    def _know(self, card: Card) -> None:
        if card.draft_id is not None and card.draft_hash is not None and card.draft_id not in self.drafts:
            self.drafts[card.draft_id] = PureDraft(self._expiry(card.draft_id), [card.draft_hash])

    def _expiry(self, draft_id: str) -> datetime:
        with self.home.queries() as queries:
            return queries.draft(draft_id).expires_at

    def _draft(self, which: int) -> tuple[str, PureDraft]:
        """Mostly the newest ones: the old ones have ended."""
        known = sorted(self.drafts, reverse=True)
        chosen = known[which % len(known)]
        return chosen, self.drafts[chosen]

    def _execution(self, which: int) -> str:
        known = sorted(self.executions, reverse=True)
        return known[which % len(known)]

    def _hash(self, draft: PureDraft, presented: str, which: int) -> str:
        others = [other.hashes[-1] for other in self.drafts.values() if other is not draft]
        return {
            "right": draft.hashes[-1],
            "first": draft.hashes[0],
            "other": others[which % len(others)] if others else "0" * 64,
            "upper": draft.hashes[-1].upper(),
            "garbage": f"{draft.hashes[-1][:-1]}\x00",
        }[presented]

    def _note(self, execution: Execution) -> None:
        known = self.executions[execution.id]
        if known.ended is not None:
            self._must(execution == known.ended, f"{execution.id} had ended as {known.ended.status}, and is {execution.status}")
        if execution.is_final:
            known.ended = execution
            if execution.revised_draft_id:
                with self.home.queries() as queries:
                    revised = queries.draft(execution.revised_draft_id)
                self.drafts.setdefault(revised.id, PureDraft(revised.expires_at, [revised.draft_hash]))


def _points(random: Random) -> Iterator[str]:
    while True:
        yield f"{random.randrange(10**9)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    """`PROGRAMS` programs drawn from the seed that the point is."""
    how = settings(
        max_examples=PROGRAMS,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        # Not shrunk: the steps are told, and the seed replays them.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    try:
        seed(int(point))(get_state_machine_test(Door, settings=how))()
    except Broken as broken:
        yield Problem(Kind.WRONG, str(broken))


ROWS = (Row(id="C-08", title="the whole door against a pure model", ci=4, points=_points, attempt=_attempt),)
