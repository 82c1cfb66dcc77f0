"""The matrix: every row there is, by its id, and every bug that is planted to prove that a row can fail."""

from __future__ import annotations

from importlib import import_module

from tests.torture import bugs
from tests.torture.harness import Bug, Problem, Row, chosen, run, tried

__all__ = ["BUGS", "ROWS", "hunt", "run"]

_MODULES = (
    "crash_rows",
    "syscalls",
    "write_ahead",
    "power",
    "storage",
    "restored",
    "corruption",
    "postgres_faults",
    "upgrade",
    "workers",
    "soak",
    "confirming",
    "repeating",
    "tampering",
    "signed",
    "amounts",
    "model",
    "times",
    "daylight",
    "canaries",
    "api_races",
    "api_deliveries",
    "api_walk",
    "api_limits",
    "api_words",
    "attacked_model",
    "api_schema",
    "api_bytes",
    "api_strangers",
    "log_tampering",
    "log_writes",
    "log_canonical",
    "log_proofs",
    "log_books",
    "vendor_rows",
)

_modules = [import_module(f"tests.torture.{module}") for module in _MODULES]
_rows: list[Row] = [row for module in _modules for row in module.ROWS]

ROWS: dict[str, Row] = {row.id: row for row in sorted(_rows, key=lambda row: ("RCPALVT".index(row.id[0]), row.id))}

#: The ones that are planted in one place only stand beside the row that catches them.
BUGS: tuple[Bug, ...] = (*bugs.BUGS, *(bug for module in _modules for bug in getattr(module, "BUGS", ())))


def hunt(bug: Bug, *, seed: int) -> tuple[str, Problem] | None:
    """The point at which its row catches a planted bug, and what broke there; None where it gets away."""
    row = ROWS[bug.row]
    with bug.plant():
        for point in chosen(row, seed=seed, n=bug.points) if isinstance(bug.points, int) else bug.points:
            if broken := tried(row, point):
                return point, broken[0]
    return None
