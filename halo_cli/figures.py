"""The first screen of `halo metrics`: a report as lines of text. Everything of people in it is made inert in `charts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from rich.cells import cell_len
from rich.text import Text

from halo_cli import charts
from halo_cli.charts import bar, duration, left, line, percent, right
from halo_engine.metrics import METRICS, Cost, CostIn, Count, Each, Figures, MetricsReport, QueryResult, Series, Share, Spread, Unit
from halo_engine.model.money import Money
from halo_engine.model.text import inert

_F = TypeVar("_F", Count, Share, Each, Spread, Cost)
_LABELS = {metric.name: metric.label for metric in METRICS}
_SHARES = ("success_rate", "retry_rate", "unknown_outcomes", "unknown_settled", "terms_changed_rate", "reconfirm_rate", "confirmation_rate")
_TIMES = tuple(metric.name for metric in METRICS if metric.unit is Unit.MILLISECONDS)
_LABEL, _BAR = 24, 20
_ONLY_IF_ANY = (("waiting", "not ended yet", "not ended yet"), ("needs_attention", "needs attention", "need attention"))
_NOTHING = 'Nothing was asked for yet, so there is nothing to measure. Begin with: halo ask "order AA batteries"'
_NOTHING_THEN = "Nothing was asked for on those days."
_NOT_YET = "Nothing was confirmed yet: what is carried out is measured from the first yes on."


def screen(report: MetricsReport, series: Series) -> list[Text]:
    """Everything, and by what was asked for."""
    lines = [Text(), line(left(report.household, 40, "bold"), Text(_days(report), style="dim")), Text()]
    if not _get(report.total, "requests", Count).value:
        return [*lines, Text(_NOTHING_THEN if report.since or report.until else _NOTHING, style="yellow")]
    lines += [*_counts(report.total), *_shares(report.total), *_times(report.total), *_costs(report.total)]
    if report.by:
        caption = Text.assemble((f"By {report.by}", "bold"), ("  p50 and p95 are from the yes to the end", "dim"))
        lines += [Text(), caption, *_by(report)]
    if report.until is None or report.until >= report.today:
        lines += _charts(series)
    return lines


def _days(report: MetricsReport) -> str:
    match report.since, report.until:
        case None, None:
            return "all there is"
        case None, until:
            return f"until {until}"
        case since, None:
            return f"since {since}"
        case since, until:
            return f"{since} to {until}"


def _get(row: Figures, name: str, kind: type[_F]) -> _F:
    figure = row.figures[name]
    assert isinstance(figure, kind)  # noqa: S101 - a metric has one unit
    return figure


def _counts(total: Figures) -> Iterator[Text]:
    counts = [("requests", "request", "requests"), ("drafts", "draft", "drafts"), ("executions", "execution", "executions")]
    counts += [("failed", "failed", "failed")]
    counts += [each for each in _ONLY_IF_ANY if _get(total, each[0], Count).value]
    said = [f"{(many := _get(total, name, Count).value):,} {one if many == 1 else more}" for name, one, more in counts]
    questions = charts.hundredths(_get(total, "questions_per_request", Each).hundredths)
    yield Text(" · ".join(said))
    yield Text(f"{questions} questions asked back per request", style="dim")
    if not _get(total, "executions", Count).value:
        yield Text(_NOT_YET, style="yellow")
    yield Text()


def _shares(total: Figures) -> Iterator[Text]:
    yield Text("How often", style="bold")
    for name in _SHARES:
        share = _get(total, name, Share)
        of = f"{share.part:,} of {share.whole:,}" if share.whole else "not enough yet"
        yield line(
            f"  {_LABELS[name]:<{_LABEL}}", right(percent(share.permille), 6), bar(share.part, share.whole, width=_BAR), Text(of, "dim")
        )
    yield Text()


def _times(total: Figures) -> Iterator[Text]:
    heads = (right("p50", 10, "dim"), right("p95", 10, "dim"))
    yield line(left("How long", _LABEL - 2, "bold"), *heads, charts.scale())
    for name in _TIMES:
        spread = _get(total, name, Spread)
        times = (right(duration(spread.p50_ms), 10), right(duration(spread.p95_ms), 10))
        yield line(f"  {_LABELS[name]:<{_LABEL - 4}}", *times, charts.span(spread.p50_ms, spread.p95_ms), Text(_counted(spread), "dim"))
    yield Text()


def _counted(spread: Spread) -> str:
    if not spread.counted and not spread.left_out:
        return "not yet"
    return f"{spread.counted:,}" + (f" +{spread.left_out:,} old" if spread.left_out else "")


def _costs(total: Figures) -> Iterator[Text]:
    cost = _get(total, "cost_variance", Cost)
    yield Text("What it cost", style="bold")
    if not cost.currencies and not cost.left_out:
        yield line(f"  {charts.NONE}", Text("nothing was charged yet", "dim"))
    for one in cost.currencies:
        yield line("  charged", _money(one, one.charged_cents), "for", _money(one, one.quoted_cents), "quoted", _variance(one))
        over = f"  above the quote: {one.over_quote:,} of {one.counted:,} · above what was confirmed: {one.over_confirmed:,}"
        yield Text(over, style="bold red" if one.over_confirmed else "dim")
    if cost.left_out:
        yield Text(f"  {cost.left_out:,} left out: charged in another currency, or the quote is not in the log", style="dim")


def _money(one: CostIn, cents: int) -> str:
    return Money(cents=cents, currency=one.currency).display


def _variance(one: CostIn) -> Text:
    return Text(f"({charts.signed_percent(one.basis_points)})", style="bold")


_HEADS = (("asked", 7), ("begun", 7), ("success", 7), ("retried", 7), ("unknown", 7), ("p50", 9), ("p95", 9), ("quote", 8))
_KEY = 11


def _by(report: MetricsReport) -> Iterator[Text]:
    yield line(" " * _KEY, *(right(head, width, "dim") for head, width in _HEADS))
    for row in report.rows:
        execute, cost = _get(row, "execute_latency", Spread), _get(row, "cost_variance", Cost)
        cells = (
            f"{_get(row, 'requests', Count).value:,}",
            f"{_get(row, 'executions', Count).value:,}",
            *(percent(_get(row, name, Share).permille) for name in ("success_rate", "retry_rate", "unknown_outcomes")),
            duration(execute.p50_ms),
            duration(execute.p95_ms),
            charts.signed_percent(cost.currencies[0].basis_points) if cost.currencies else charts.NONE,
        )
        yield line(left(row.key or "(none)", _KEY), *(right(cell, width) for cell, (_, width) in zip(cells, _HEADS, strict=True)))
    if not report.rows:
        yield Text("  Nothing yet.", style="dim")


def _charts(series: Series) -> Iterator[Text]:
    days = series.days
    yield Text()
    first, last = days[0].day, days[-1].day
    yield Text.assemble(("Day by day", "bold"), (f"  {first:%d %b} to {last:%d %b %Y}", "dim"))
    kinds: tuple[tuple[str, list[int]], ...] = (
        ("requests", [day.requests for day in days]),
        ("done", [day.done for day in days]),
        ("failed", [day.failed for day in days]),
        ("outcome unknown", [day.unknown for day in days]),
    )
    for label, values in kinds:
        yield line(f"  {label:<{_LABEL}}", charts.spark(values), right(f"{sum(values):,}", 9))
    cents = [day.charged_cents for day in days]
    charged = Money(cents=sum(cents), currency=series.currency).display
    yield line(f"  {f'charged, {series.currency}':<{_LABEL}}", charts.spark(cents), right(charged, 9))
    slow = [day.p95_execute_ms or 0 for day in days]
    yield line(f"  {'execute, p95':<{_LABEL}}", charts.spark(slow), right(duration(max(slow)) if any(slow) else charts.NONE, 9))


def answer(result: QueryResult) -> list[Text]:
    """The rows of a free query in columns; a line that is too long is left to the terminal."""
    numeric = [any(isinstance(row[column], int) for row in result.rows) for column in range(len(result.columns))]
    heads, rows = [_shown(name) for name in result.columns], [[_shown(cell) for cell in row] for row in result.rows]
    widths = [max(cell_len(cells[column]) for cells in (heads, *rows)) for column in range(len(heads))]
    return [_row(heads, widths, numeric, "bold"), *(_row(row, widths, numeric, "") for row in rows)]


def _row(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool], style: str) -> Text:
    columns = zip(cells, widths, numeric, strict=True)
    row = line(*(right(cell, width, style) if number else left(cell, width, style) for cell, width, number in columns))
    row.rstrip()
    return row


def _shown(cell: Any) -> str:
    return charts.NONE if cell is None else inert(str(cell).lower() if isinstance(cell, bool) else str(cell))
