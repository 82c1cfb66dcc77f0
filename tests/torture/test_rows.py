"""A little of every row on every commit, and every planted bug. `halo torture` runs them at any length."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.torture.harness import Bug, run
from tests.torture.rows import BUGS, ROWS, hunt

#: Another one tries other points.
SEED = int(os.environ.get("HALO_TORTURE_SEED", "1"))


def test_every_row_is_in_the_documentation() -> None:
    """By its id and its title, in the same order."""
    page = (Path(__file__).parents[2] / "docs" / "torture.md").read_text()
    table = [line for line in page.splitlines() if re.match(r"\| [A-Z]-\d", line)]
    assert table == [f"| {row.id} | {row.title} |" for row in ROWS.values()]


@pytest.mark.parametrize("row_id", ROWS)
def test_row(row_id: str) -> None:
    """Nothing is done twice, lost, stuck or unproved at any of the row's points."""
    row = ROWS[row_id]
    if reason := row.missing():
        pytest.skip(reason)
    report = run(row, seed=SEED, n=row.ci)
    assert report.points > 0
    assert [f"{problem.kind.value}: {problem.what} | {report.replay(point)}" for point, problem in report.problems] == []


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug(bug: Bug) -> None:
    """The row that has to catch it can fail."""
    if reason := ROWS[bug.row].missing():
        pytest.skip(reason)
    assert hunt(bug, seed=SEED) is not None
