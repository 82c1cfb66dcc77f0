"""`halo torture`: what goes wrong, done on purpose, and the vendors' own ledger as the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from halo_cli.output import Output

#: More than this of one row tells nothing new.
_MOST_SHOWN = 10


def torture(
    rows: Annotated[
        list[str] | None, typer.Option("--row", metavar="R", help="A row such as R-01; default: all.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Chooses the points.")] = 1,
    n: Annotated[
        int | None,
        typer.Option("--n", metavar="N", min=0, help="Points of each row; 0: all. Default: as on every commit.", show_default=False),
    ] = None,
    point: Annotated[str | None, typer.Option("--point", metavar="P", help="Try this one point again.", show_default=False)] = None,
    bugs: Annotated[bool, typer.Option("--bugs", help="Plant each known bug, and say which row catches it.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Run the fault matrix: kill, cut, lie and race, then ask the vendors' ledger whether anything was done twice or lost.

    It happens in throw-away homes, whatever --home says. Exit code 1 when something broke; each failure comes with the line that tries it again.
    """
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Output
    from halo_engine.model.errors import InvalidInput

    out, matrix = Output(json=json), _matrix()
    unknown = sorted(set(rows or ()) - set(matrix.ROWS))
    if unknown:
        raise InvalidInput(f"There is no row {unknown[0]}.", hint=f"There are: {', '.join(matrix.ROWS)}")
    wanted = [matrix.ROWS[row] for row in rows or matrix.ROWS]
    if point is not None and len(wanted) != 1:
        raise InvalidInput("A point belongs to one row.", hint="Name it with --row.")
    held = _hunt(wanted if rows else None, matrix, out, seed) if bugs else _run(wanted, matrix, out, seed=seed, n=n, point=point)
    raise typer.Exit(ExitCode.DONE if held else ExitCode.FAILED)


def _matrix() -> Any:
    """The rows. They are part of the source and not of the product: they need what the tests need."""
    from importlib import import_module

    from halo_engine.model.errors import InvalidInput

    try:
        return import_module("tests.torture.rows")
    except ModuleNotFoundError as error:
        raise InvalidInput("The torture is part of the source.", hint="In a checkout of it: pip install -e '.[dev]'") from error


def _run(rows: Iterable[Any], matrix: Any, out: Output, *, seed: int, n: int | None, point: str | None) -> bool:
    """Run rows and print each as it ends; whether nothing broke."""
    from halo_cli.output import Lines

    held = True
    for row in rows:
        if reason := row.missing():
            out.result({"row": row.id, "skipped": reason}, Lines((f"{row.id}: skipped, {reason}",)))
            continue
        with out.working(f"{row.id}: {row.title} …"):
            report = matrix.run(row, seed=seed, n=row.ci if n is None else n or None, only=point)
        held = held and not report.problems
        out.result(_shape(report), Lines((_line(report), *_failures(report))))
    return held


def _shape(report: Any) -> dict[str, Any]:
    problems = [{"point": at, "kind": what.kind.value, "what": what.what, "replay": report.replay(at)} for at, what in report.problems]
    counts = {"points": report.points, "doubles": report.doubles, "lost": report.lost, "other": report.other}
    return {"row": report.row.id, "title": report.row.title, "seed": report.seed, **counts, "seconds": report.seconds, "problems": problems}


def _line(report: Any) -> str:
    counts = f"doubles {report.doubles}, lost {report.lost}, other {report.other}"
    return f"{report.row.id}: {report.points:,} points, {counts} in {report.seconds} s: {report.row.title}"


def _failures(report: Any) -> list[str]:
    shown = [f"  {problem.kind.value}: {problem.what}\n    {report.replay(point)}" for point, problem in report.problems[:_MOST_SHOWN]]
    more = len(report.problems) - _MOST_SHOWN
    return [*shown, f"  and {more} more"] if more > 0 else shown


def _hunt(rows: list[Any] | None, matrix: Any, out: Output, seed: int) -> bool:
    """Plant every bug in turn, and run the row that has to catch it; whether all were caught."""
    from halo_cli.output import Lines

    held = True
    for bug in matrix.BUGS:
        if rows and bug.row not in {row.id for row in rows}:
            continue
        with out.working(f"{bug.row}: {bug.what} …"):
            caught = matrix.hunt(bug, seed=seed)
        held = held and caught is not None
        verdict = f"caught by {bug.row} at {caught[0]}: {caught[1].kind.value}" if caught else f"NOT caught by {bug.row}"
        payload = {"bug": bug.name, "what": bug.what, "row": bug.row, "caught_at": caught[0] if caught else None}
        out.result(payload, Lines((f"{bug.name}: {verdict}",)))
    return held
