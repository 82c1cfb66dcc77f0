"""Figures as the JSON objects that `--json` prints and a server answers. Money is integer cents; what has no value is null, never 0."""

from __future__ import annotations

from typing import Any

from halo_engine.metrics.values import Cost, Count, Each, Figure, Figures, MetricsReport, QueryResult, Series, Share, Spread


def report(value: MetricsReport, series: Series) -> dict[str, Any]:
    head = value.model_dump(mode="json", exclude={"total", "rows"})
    return head | {
        "total": _figures(value.total),
        "rows": [{"key": row.key} | _figures(row) for row in value.rows],
        "series": series.model_dump(mode="json"),
    }


def query_result(value: QueryResult) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _figures(value: Figures) -> dict[str, Any]:
    return {"figures": {name: figure(each) for name, each in value.figures.items()}}


def figure(value: Figure) -> dict[str, Any]:
    told = value.model_dump(mode="json")
    match value:
        case Share() | Each():
            return told | {"value": round(value.part / value.whole, 4) if value.whole else None}
        case Cost(currencies=currencies):
            extra = [{"difference_cents": one.difference_cents, "difference_basis_points": one.basis_points} for one in currencies]
            return told | {"currencies": [one | more for one, more in zip(told["currencies"], extra, strict=True)]}
        case Count() | Spread():
            return told
