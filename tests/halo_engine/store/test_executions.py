"""Executions are written by compare-and-set: a writer who was overtaken writes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from halo_engine.model.errors import Conflict
from halo_engine.model.event import ExecutionMoved
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.store import executions as executions_module
from halo_engine.store import tables
from halo_engine.store.executions import Executions
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import at_once, log_of


def moved(before: Execution, after: Execution) -> ExecutionMoved:
    return ExecutionMoved(draft_id=after.draft_id, draft_hash=after.draft_hash, came_from=before.status, version=after.version)


def moving(family: Family, before: Execution, to: ExecutionStatus) -> Callable[[], object]:
    """One move with its event, as the engine writes it; the event first, so that a late refusal has something to take back."""

    def work() -> str:
        after = before.move(to)
        with family.store.transaction() as books:
            books.events.append_move(
                moved(before, after), household_id=family.household.id, entity_id=after.id, status=to.value, user_id=family.owner.id
            )
            books.executions.replace(before, after)
        return "won"

    return work


def stored(family: Family, execution: Execution) -> Execution:
    with family.store.transaction() as books:
        return books.executions.get(execution.id)


def is_fenced(family: Family) -> bool:
    """Whether a writer who holds an old version is kept out, although the status is the one it saw."""
    old = family.execution()
    going = old.move(ExecutionStatus.SUBMITTING)
    back = going.move(ExecutionStatus.CONFIRMED)
    for before, after in ((old, going), (going, back)):
        with family.store.transaction() as books:
            books.executions.replace(before, after)
    try:
        moving(family, old, ExecutionStatus.SUBMITTING)()
    except Conflict:
        return stored(family, old) == back
    return False


def without_version(self: Executions, before: Execution, after: Execution) -> None:
    """The planted bug: compare-and-set on the status alone."""
    stands = (tables.Execution.id == before.id, tables.Execution.status == before.status.value)
    self._connection.execute(
        update(tables.Execution).where(*stands).values(**executions_module._columns(after))  # type: ignore[arg-type]
    )


class TestReplace:
    def test_writes_what_follows(self, family: Family) -> None:
        """One version on."""
        before = family.execution()
        moving(family, before, ExecutionStatus.SUBMITTING)()
        assert stored(family, before) == before.move(ExecutionStatus.SUBMITTING)

    def test_keeps_out_a_stale_version(self, family: Family) -> None:
        """Also where the status came back to what the writer saw."""
        assert is_fenced(family)

    def test_without_the_version_would_be_found_out(self, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug fails the test above."""
        monkeypatch.setattr(Executions, "replace", without_version)
        assert not is_fenced(family)

    def test_takes_the_event_back_with_it(self, family: Family) -> None:
        """A move that was refused has not happened, and the log does not tell of it."""
        before = family.execution()
        moving(family, before, ExecutionStatus.SUBMITTING)()
        log = log_of(family.store, family.household.id)
        with pytest.raises(Conflict):
            moving(family, before, ExecutionStatus.FAILED)()
        assert log_of(family.store, family.household.id) == log

    def test_refuses_an_execution_that_is_not_there(self, family: Family) -> None:
        """Nothing to compare with."""
        ghost = family.execution().model_copy(update={"id": "exe_ghost"})
        with pytest.raises(Conflict):
            moving(family, ghost, ExecutionStatus.SUBMITTING)()

    def test_lets_one_of_many_at_once_win(self, family: Family) -> None:
        """Four workers with the same version in hand: one moves it, and the log tells of one move."""
        before = family.execution()
        answers = at_once(*(moving(family, before, ExecutionStatus.SUBMITTING) for _ in range(4)))
        assert sorted(type(answer).__name__ for answer in answers) == ["FencedOff", "FencedOff", "FencedOff", "str"]
        told = [event for event in log_of(family.store, family.household.id) if event.event_type == "execution.submitting"]
        assert (stored(family, before).version, len(told)) == (1, 1)
