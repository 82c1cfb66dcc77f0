"""The execution's state machine: every move that is allowed, and no other."""

from __future__ import annotations

import pytest

from halo_engine.model.errors import IllegalMove
from halo_engine.model.execution import FINAL, TRANSITIONS, ExecutionStatus
from tests.halo_engine.model.samples import execution

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
