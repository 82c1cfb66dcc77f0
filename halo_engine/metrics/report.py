"""Figures over the views: a report of everything or by a dimension, and the series of days that charts are drawn from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from halo_engine.metrics.definitions import METRICS, Metric, Unit
from halo_engine.metrics.values import Cost, CostIn, Count, DayFigures, Each, Figure, Figures, Series, Share, Spread

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Rows of one key: whether they are of everything, and which key they are of.
_Key = tuple[bool, str | None]

_SERIES = """
SELECT days.day, coalesce(asked, 0), coalesce(executions, 0), coalesce(done, 0), coalesce(failed, 0), coalesce(unknown, 0),
       coalesce(charged, 0), p50, p95
  FROM (SELECT CAST(unnest(generate_series($first, $last, INTERVAL 1 DAY)) AS DATE) AS day) AS days
  LEFT JOIN (SELECT day, count(*) FILTER (NOT is_answer) AS asked FROM requests WHERE day >= $first GROUP BY 1) AS r ON r.day = days.day
  LEFT JOIN (
    SELECT day, count(*) AS executions, count(*) FILTER (status = 'done') AS done, count(*) FILTER (status = 'failed') AS failed,
           count(*) FILTER (was_unknown) AS unknown, CAST(sum(charged_cents) FILTER (charged_currency = $currency) AS BIGINT) AS charged,
           quantile_disc(execute_ms, 0.5) AS p50, quantile_disc(execute_ms, 0.95) AS p95
      FROM executions WHERE day >= $first GROUP BY 1
  ) AS e ON e.day = days.day
 ORDER BY 1
"""
_CURRENCY = "SELECT charged_currency FROM executions WHERE charged_currency IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
_NO_CURRENCY = "USD"


def figures(connection: DuckDBPyConnection, by: str | None, days: str, parameters: dict[str, Any]) -> tuple[Figures, tuple[Figures, ...]]:
    """Those of everything, and those by key. `days` is a condition on the views' `day`, with `parameters`."""
    found: dict[_Key, dict[str, Figure]] = defaultdict(dict)
    for view in dict.fromkeys(metric.view for metric in METRICS):
        metrics = [metric for metric in METRICS if metric.view == view and metric.unit is not Unit.CENTS]
        for key, row in _asked(connection, view, [column for metric in metrics for column in _columns(metric)], by, days, parameters):
            cells = iter(row)
            found[key].update({metric.name: _figure(metric, cells) for metric in metrics})
    for metric in METRICS:
        if metric.unit is Unit.CENTS:
            for key, cost in _costs(connection, metric, by, days, parameters).items():
                found[key][metric.name] = cost
    total = _whole(None, found.pop((True, None), {}))
    rows = [_whole(key, values) for (_, key), values in found.items()]
    # Months in their order; everything else by how much there was of it, and what has no key last.
    order = (lambda row: (row.key is None, row.key or "")) if by == "month" else _by_size
    return total, tuple(sorted(rows, key=order))


def series(connection: DuckDBPyConnection, *, today: date, days: int) -> Series:
    """The last `days` days."""
    found = connection.execute(_CURRENCY).fetchall()
    currency = found[0][0] if found else _NO_CURRENCY
    parameters = {"first": today - timedelta(days=days - 1), "last": today, "currency": currency}
    names = tuple(DayFigures.model_fields)
    rows = connection.execute(_SERIES, parameters).fetchall()
    return Series(currency=currency, days=tuple(DayFigures.model_validate(dict(zip(names, row, strict=True))) for row in rows))


def _by_size(row: Figures) -> tuple[bool, int, str]:
    size = sum(figure.value for figure in row.figures.values() if isinstance(figure, Count))
    return (row.key is None, -size, row.key or "")


def _columns(metric: Metric) -> tuple[str, ...]:
    match metric.unit:
        case Unit.COUNT:
            return (f"count(*) FILTER ({metric.part})",)
        case Unit.SHARE:
            return (f"count(*) FILTER (({metric.part}) AND ({metric.whole}))", f"count(*) FILTER ({metric.whole})")
        case Unit.EACH:
            return (f"CAST(coalesce({metric.part}, 0) AS BIGINT)", f"count(*) FILTER ({metric.whole})")
        case _:
            due = f"FILTER ({metric.whole})"
            quantiles = (f"quantile_disc({metric.part}, {at}) {due}" for at in ("0.5", "0.95"))
            return (*quantiles, f"count({metric.part}) {due}", f"count(*) {due}")


def _figure(metric: Metric, cells: Any) -> Figure:
    match metric.unit:
        case Unit.COUNT:
            return Count(value=next(cells))
        case Unit.SHARE:
            return Share(part=next(cells), whole=next(cells))
        case Unit.EACH:
            return Each(part=next(cells), whole=next(cells))
        case _:
            p50, p95, counted, due = next(cells), next(cells), next(cells), next(cells)
            return Spread(p50_ms=p50, p95_ms=p95, counted=counted, left_out=due - counted)


def _nothing(metric: Metric) -> Figure:
    """The figure of no rows at all."""
    if metric.unit is Unit.CENTS:
        return Cost(currencies=(), left_out=0)
    return _figure(metric, iter((0, 0) if metric.unit is not Unit.MILLISECONDS else (None, None, 0, 0)))


def _whole(key: str | None, values: dict[str, Figure]) -> Figures:
    return Figures(key=key, figures={metric.name: values.get(metric.name) or _nothing(metric) for metric in METRICS})


def _asked(
    connection: DuckDBPyConnection, view: str, columns: Sequence[str], by: str | None, days: str, parameters: dict[str, Any]
) -> Iterable[tuple[_Key, tuple[Any, ...]]]:
    """A row of `columns` for everything, and one for each key."""
    grouping = f"GROUPING SETS ((), ({by}))" if by else "()"
    key = f"grouping({by}) = 1, {by}" if by else "true, NULL"
    statement = f"SELECT {key}, {', '.join(columns)} FROM {view} WHERE {days} GROUP BY {grouping}"
    if not by:
        statement = f"SELECT {key}, {', '.join(columns)} FROM {view} WHERE {days}"
    for is_total, of, *cells in connection.execute(statement, parameters).fetchall():
        yield (is_total, of), tuple(cells)


def _costs(connection: DuckDBPyConnection, metric: Metric, by: str | None, days: str, parameters: dict[str, Any]) -> dict[_Key, Figure]:
    """Sums of each currency. An execution that cannot be compared is left out of them, and counted as such."""
    comparable = "charged_currency = currency AND quoted_cents IS NOT NULL"
    sums = ", ".join(f"CAST(sum({name}) FILTER ({comparable}) AS BIGINT)" for name in ("charged_cents", "quoted_cents", "maximum_cents"))
    counts = (
        f"count(*) FILTER ({comparable}), count(*) FILTER ({comparable} AND charged_cents > quoted_cents), "
        f"count(*) FILTER ({comparable} AND charged_cents > maximum_cents), count(*)"
    )
    sets = f"GROUPING SETS ((charged_currency), (charged_currency, {by}))" if by else "(charged_currency)"
    key = f"grouping({by}) = 1, {by}" if by else "true, NULL"
    statement = (
        f"SELECT {key}, charged_currency, {sums}, {counts} FROM {metric.view} WHERE ({days}) AND {metric.whole} "
        f"GROUP BY {sets} ORDER BY count(*) DESC, charged_currency"
    )
    currencies: dict[_Key, list[CostIn]] = defaultdict(list)
    left_out: dict[_Key, int] = defaultdict(int)
    for is_total, of, currency, charged, quoted, most, counted, over, over_most, every in connection.execute(
        statement, parameters
    ).fetchall():
        left_out[is_total, of] += every - counted
        if counted:
            names = ("currency", "charged_cents", "quoted_cents", "confirmed_cents", "counted", "over_quote", "over_confirmed")
            cells = (currency or "", charged, quoted, most, counted, over, over_most)
            currencies[is_total, of].append(CostIn.model_validate(dict(zip(names, cells, strict=True))))
    return {place: Cost(currencies=tuple(currencies[place]), left_out=left_out[place]) for place in left_out}
