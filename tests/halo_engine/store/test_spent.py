"""What counts against the limits of a day, of one household."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from halo_engine.model.draft import DraftStatus
from halo_engine.model.execution import Execution, ExecutionStatus
from tests.halo_engine.model import samples
from tests.halo_engine.model.samples import usd
from tests.halo_engine.store.family import Family

#: What the draft of a family costs.
COST = 3691


def spent(family: Family) -> int:
    with family.store.transaction() as books:
        found = books.approvals.spent(family.household.id, now=books.now)
    assert set(found.by_member) <= {family.owner.id}
    return found.by_household


def ending(family: Family, execution: Execution, **fields: Any) -> None:
    with family.store.transaction() as books:
        books.executions.replace(execution, execution.model_copy(update={"version": 1, **fields}))


class TestADay:
    def test_counts_whatever_may_have_had_an_effect(self, family: Family) -> None:
        """What a person has to look at may have happened."""
        counted: dict[ExecutionStatus, int] = {}
        for status in ExecutionStatus:
            before = spent(family)
            ending(family, family.execution(), status=status)
            counted[status] = spent(family) - before
        without_effect = {ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED, ExecutionStatus.HANDED_OFF}
        assert counted == {status: 0 if status in without_effect else COST for status in ExecutionStatus}

    def test_counts_what_it_came_to_and_before_that_what_it_may_come_to(self, family: Family) -> None:
        """One from before the maximum was kept: what it was said to cost."""
        draft = family.draft()
        with family.store.transaction() as books:
            books.drafts.close(draft, DraftStatus.CONFIRMED)
            confirmation = family.confirmation(draft, books.now).model_copy(update={"maximum_cents": COST + 9})
            execution = samples.execution(draft, started_at=books.now)
            books.executions.add(confirmation, execution)
        assert spent(family) == COST + 9
        ending(family, execution, status=ExecutionStatus.DONE, final_cost=usd(1))
        assert spent(family) == 1

    def test_is_one_households(self, family: Family, strangers: Family) -> None:
        strangers.execution()
        assert (spent(family), spent(strangers)) == (0, COST)

    def test_ends_after_24_hours(self, family: Family) -> None:
        """To the microsecond."""
        execution = family.execution()
        for later, counted in ((timedelta(hours=24, microseconds=-1), COST), (timedelta(hours=24), 0)):
            with family.store.transaction() as books:
                found = books.approvals.spent(family.household.id, now=execution.started_at + later)
            assert found.by_household == counted
