"""The execution's state machine: every move that is allowed, and no other."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halo_engine.model.errors import IllegalMove
from halo_engine.model.execution import FINAL, TRANSITIONS, Attempt, Classification, ExecutionStatus
from halo_engine.model.ids import Prefix
from tests.halo_engine.model.samples import NOON, an_id, execution

#: The table once more, as it is drawn: what a status may become. Whoever changes one changes both.
MOVES = {
    "confirmed": "submitting failed terms_changed needs_attention",
    "submitting": "confirmed unknown accepted done partial failed terms_changed handed_off needs_attention",
    "unknown": "confirmed accepted done partial failed terms_changed needs_attention",
    "accepted": "done partial failed terms_changed needs_attention",
    "done": "",
    "partial": "",
    "failed": "",
    "terms_changed": "",
    "handed_off": "",
    "needs_attention": "",
}
EVERY_PAIR = [(before, after) for before in ExecutionStatus for after in ExecutionStatus]


class TestMove:
    @pytest.mark.parametrize(("before", "after"), [pair for pair in EVERY_PAIR if pair[1] in TRANSITIONS[pair[0]]])
    def test_goes_where_the_table_says(self, before: ExecutionStatus, after: ExecutionStatus) -> None:
        """Every move in the table can be made, is one version on, and leaves the old value as it was."""
        stands = execution(status=before, version=4)
        moved = stands.move(after, error_message="why")
        assert (moved.status, moved.version, moved.error_message) == (after, 5, "why")
        assert (stands.status, stands.version, stands.error_message) == (before, 4, None)

    @pytest.mark.parametrize(("before", "after"), [pair for pair in EVERY_PAIR if pair[1] not in TRANSITIONS[pair[0]]])
    def test_goes_nowhere_else(self, before: ExecutionStatus, after: ExecutionStatus) -> None:
        """Every other pair is a conflict, staying in place among them."""
        with pytest.raises(IllegalMove):
            execution(status=before).move(after)


class TestTransitions:
    def test_are_these_and_no_others(self) -> None:
        """By the names that stand in the books, which no later Halo may read otherwise."""
        assert {status.value: {move.value for move in moves} for status, moves in TRANSITIONS.items()} == {
            status: set(moves.split()) for status, moves in MOVES.items()
        }

    def test_know_every_status(self) -> None:
        """A status that was forgotten could neither be left nor be final."""
        assert set(TRANSITIONS) == set(ExecutionStatus)

    def test_leave_no_end(self) -> None:
        """I5: the ends are exactly these, and nothing leads out of them."""
        assert {status.value for status in FINAL} == {"done", "partial", "failed", "terms_changed", "handed_off", "needs_attention"}
        assert not any(TRANSITIONS[end] for end in FINAL)

    def test_lead_to_an_end_from_everywhere(self) -> None:
        """I12: no status is a trap."""
        reach = set(FINAL)
        for _ in ExecutionStatus:
            reach |= {status for status, moves in TRANSITIONS.items() if moves & reach}
        assert reach == set(ExecutionStatus)

    def test_send_nothing_before_the_intention_is_written(self) -> None:
        """An effect is reached through SUBMITTING alone, so a crash before it has sent nothing."""
        effects = {ExecutionStatus.UNKNOWN, ExecutionStatus.ACCEPTED, ExecutionStatus.DONE, ExecutionStatus.PARTIAL}
        assert not TRANSITIONS[ExecutionStatus.CONFIRMED] & effects

    def test_never_send_an_unknown_outcome_without_a_look_up(self) -> None:
        """I7: from UNKNOWN the way to SUBMITTING goes back through CONFIRMED."""
        assert ExecutionStatus.SUBMITTING not in TRANSITIONS[ExecutionStatus.UNKNOWN]

    @pytest.mark.parametrize("status", ExecutionStatus)
    def test_say_whether_an_execution_is_final(self, status: ExecutionStatus) -> None:
        """`is_final` reads the table and nothing else."""
        assert execution(status=status).is_final == (not TRANSITIONS[status])


class TestAnExecution:
    def test_counts_its_moves_from_none(self) -> None:
        """A version below zero fences nothing."""
        assert execution(version=0).version == 0
        with pytest.raises(ValidationError):
            execution(version=-1)


class TestAnAttempt:
    def test_counts_from_one(self) -> None:
        """The first one is number 1."""
        assert attempt(1).attempt_number == 1
        with pytest.raises(ValidationError):
            attempt(0)

    def test_was_of_a_kind_that_is_written_as_it_always_was(self) -> None:
        """In the log, in the books and on the wire."""
        kinds = [kind.value for kind in Classification]
        assert kinds == ["transient", "auth", "price_or_inventory_change", "ambiguous", "permanent"]


def attempt(number: int) -> Attempt:
    return Attempt(
        id=an_id(Prefix.ATTEMPT), execution_id=an_id(Prefix.EXECUTION), attempt_number=number, step="place", started_at=NOON, status="sent"
    )
