"""The matrix: every row there is, by its id, and every bug that is planted to prove that a row can fail."""

from __future__ import annotations

from importlib import import_module

from tests.torture.harness import Bug, Problem, Row, chosen, run, tried

__all__ = ["BUGS", "ROWS", "hunt", "run"]

_MODULES = ("confirming", "workers")

_rows: list[Row] = [row for module in _MODULES for row in import_module(f"tests.torture.{module}").ROWS]

ROWS: dict[str, Row] = {row.id: row for row in sorted(_rows, key=lambda row: ("RCVT".index(row.id[0]), row.id))}

BUGS: tuple[Bug, ...] = ()


def hunt(bug: Bug, *, seed: int) -> tuple[str, Problem] | None:
    """The point at which its row catches a planted bug, and what broke there; None where it gets away."""
    row = ROWS[bug.row]
    with bug.plant():
        for point in chosen(row, seed=seed, n=bug.points) if isinstance(bug.points, int) else bug.points:
            if broken := tried(row, point):
                return point, broken[0]
    return None
