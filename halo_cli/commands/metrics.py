"""`halo metrics`: how often it worked, how long it took, what it cost; and free questions over the same views."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from datetime import date

    from rich.text import Text

    from halo_engine.metrics import Metrics


class By(StrEnum):
    VERB = "verb"
    VENDOR = "vendor"
    MEMBER = "member"
    MONTH = "month"


def metrics(
    by: Annotated[By | None, typer.Option("--by", help="Also for each of these.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="The first day: 2026-03-01.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="The last day.", show_default=False)] = None,
    sql: Annotated[
        str | None,
        typer.Option("--sql", metavar="QUERY", help="Ask the views of docs/metrics.md yourself, with one SELECT.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The most rows --sql answers.")] = 1000,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Show how often it worked, how long it took and what it cost."""
    from halo_cli import session
    from halo_engine.metrics import Metrics
    from halo_engine.model.day import read_day
    from halo_engine.model.errors import InvalidInput

    settings = session.settings_of(home)
    with Metrics.open(settings, clock=session.clock_of(settings)) as opened:
        if sql is None:
            first, last = (None if day is None else read_day(day) for day in (since, until))
            _report(opened, by, first, last, json=json)
        elif by or since or until:
            raise InvalidInput(
                "A query says itself what it is by and of which days.", hint="Leave --by, --since and --until out with --sql."
            )
        else:
            _query(opened, sql, limit, json=json)


def _report(opened: Metrics, by: By | None, since: date | None, until: date | None, *, json: bool) -> None:
    from halo_cli import figures
    from halo_cli.output import write_object
    from halo_engine.metrics import shapes

    report, series = opened.report(by.value if by else None, since=since, until=until), opened.series()
    if json:
        write_object(shapes.report(report, series))
    else:
        _print(figures.screen(report, series))


def _query(opened: Metrics, sql: str, limit: int, *, json: bool) -> None:
    from halo_cli import figures
    from halo_cli.output import Output, write_object
    from halo_engine.metrics import shapes

    result = opened.sql(sql, limit=limit)
    if json:
        write_object(shapes.query_result(result))
    else:
        _print(figures.answer(result))
    if result.truncated:
        Output(json=json).say(f"There is more: the answer was cut after {len(result.rows):,} rows, or in a long cell.")


def _print(lines: list[Text]) -> None:
    """Drawn on a terminal, and the same without colour in a pipe."""
    import sys

    from rich.console import Console

    from halo_cli.output import terminal

    console = terminal(sys.stdout) or Console(file=sys.stdout, no_color=True, color_system=None, highlight=False, markup=False, width=1000)
    for line in lines:
        # As one line: a terminal that is too narrow folds it, and nothing is cut.
        console.print(line, soft_wrap=True)
