"""The killer kills, exactly where it was told to; its rows can fail; and every release has left something to be taken over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import halo_engine
from halo_engine.model.canonical import canonical_json
from halo_engine.stages.execute import Executing
from halo_engine.store import schema
from tests.torture.bugs import BUGS, Near
from tests.torture.crash import Broken, Killed, Lines, Said, in_child
from tests.torture.crash_rows import ROWS, lines_of
from tests.torture.harness import Kind, tried
from tests.torture.upgrade import RELEASES, STATES

R01 = ROWS[0]


def _count(die_at: int | None) -> int:
    with Lines(halo_engine, die_at=die_at) as lines:
        canonical_json({"a": [1, 2]})
    return lines.count


class TestAChild:
    def test_says_what_it_came_to(self) -> None:
        """From a process of its own."""
        parent = os.getpid()
        assert in_child(os.getppid) == Said(parent)

    def test_that_fails_says_why(self) -> None:
        """With the traceback: its error is nobody else's."""
        ended = in_child(lambda: 1 // 0)
        assert isinstance(ended, Broken)
        assert "ZeroDivisionError" in ended.why

    @pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc")
    def test_leaves_no_zombie(self) -> None:
        """Whether it said something or was killed."""
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        before = children.read_text()
        in_child(os.getpid)
        in_child(lambda: _count(die_at=1))
        assert children.read_text() == before


class TestAKill:
    def test_comes_at_the_line_it_was_told(self) -> None:
        """At the last line that is executed there is a kill, one line further there is none."""
        match in_child(lambda: _count(None)):
            case Said(count):
                assert count > 1
        assert in_child(lambda: _count(die_at=count)) == Killed()
        assert in_child(lambda: _count(die_at=count + 1)) == Said(count)

    def test_is_counted_alike_each_time(self) -> None:
        """Or a point would not be the same fault again."""
        assert lines_of.__wrapped__("order", "sqlite", "execute") == lines_of("order", "sqlite", "execute")

    def test_at_a_line_that_is_never_reached_is_a_problem(self) -> None:
        """A row whose points killed nobody would prove nothing."""
        (problem,) = tried(R01, "order-sqlite-10000000")
        assert problem.kind is Kind.WRONG
        assert "no such point" in problem.what

    def test_between_the_effect_and_its_record_ends_well(self) -> None:
        """The order is there, nobody has written it down, and it is found."""
        for point in Near("order", Executing._record.__code__, after=300, every=100):
            assert tried(R01, point) == []

    @pytest.mark.parametrize("name", ["random-vendor-key", "receipt-in-second-transaction"])
    def test_finds_a_planted_bug(self, name: str) -> None:
        """Two of them here, where the killer lives; every one in `test_rows.py`."""
        bug = next(bug for bug in BUGS if bug.name == name)
        assert not isinstance(bug.points, int)
        with bug.plant():
            assert any(problem.kind in (Kind.DOUBLE, Kind.LOST) for point in bug.points for problem in tried(R01, point))


class TestAReleaseThatIsTakenOver:
    def test_is_there_for_every_revision(self) -> None:
        """Before a new migration is written, the books of the old release are kept: python -m tests.torture.upgrade."""
        revisions = {path.name.split("_")[0] for path in (schema.MIGRATIONS / "versions").glob("[0-9]*.py")}
        assert {path.name for path in RELEASES.iterdir() if path.name.isdigit()} == revisions

    @pytest.mark.parametrize("release", sorted(path.name for path in RELEASES.iterdir() if path.name.isdigit()))
    def test_was_under_way_in_every_state(self, release: str) -> None:
        """Each file holds executions in the state that it is named after."""
        for state in STATES:
            moving = (RELEASES / release / f"{state}.sql").read_text()
            assert f"'{'confirmed' if state == 'again' else state}'" in moving
            assert ("'commit'" in moving) is (state != "confirmed")
