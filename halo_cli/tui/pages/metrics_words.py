"""Figures as cells and sentences. Pure, and in integers: a figure is shown as exactly as it is known. What has no value is a dash, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halo_cli.tui.parts.rows import Listing, Row
from halo_engine.metrics.definitions import METRICS, Metric, Unit
from halo_engine.metrics.values import Cost, CostIn, Count, Each, Figure, Figures, MetricsReport, QueryResult, Share, Spread
from halo_engine.model.money import Money

NOTHING = "–"
#: What stands for the rows that have none of the dimension.
_NONE = "(none)"
_TIMES = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))
#: What is beside a metric's name, where two values stand in one cell.
_BESIDE = {Unit.MILLISECONDS: " p50 / p95", Unit.CENTS: " charged / over quote", Unit.SHARE: " %"}


def duration(ms: int | None) -> str:
    """`840 ms`, `4.5 s`, `12.0 min`: to a tenth, halves up."""
    if ms is None:
        return NOTHING
    size, name = next(((size, name) for size, name in _TIMES if ms >= size), (0, "ms"))
    return f"{ms} ms" if not size else f"{tenths((20 * ms + size) // (2 * size))} {name}"


def tenths(value: int) -> str:
    whole, tenth = divmod(abs(value), 10)
    return f"{'-' if value < 0 else ''}{whole}.{tenth}"


def hundredths(value: int) -> str:
    whole, rest = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{rest:02}"


def cell(figure: Figure | None) -> str:
    match figure:
        case Count(value=value):
            return f"{value:,}"
        case Share(permille=int(permille)):
            return tenths(permille)
        case Each(hundredths=int(value)):
            return hundredths(value)
        case Spread(p50_ms=int(p50), p95_ms=p95):
            return f"{duration(p50)} / {duration(p95)}"
        case Cost(currencies=(first, *_)):
            return _over(first)
        case _:
            return NOTHING


def _over(cost: CostIn) -> str:
    """What was charged, and how far that is from the quote."""
    points = cost.basis_points
    return _money(cost.charged_cents, cost) + ("" if points is None else f" {'+' if points >= 0 else ''}{hundredths(points)} %")


def _money(cents: int, cost: CostIn) -> str:
    return Money(cents=cents, currency=cost.currency).display


def exactly(figure: Figure | None) -> tuple[str, ...]:
    """What is behind a cell."""
    match figure:
        case Share(part=part, whole=whole):
            return (f"{part:,} of {whole:,}",)
        case Each(part=part, whole=whole):
            return (f"{part:,} to {whole:,}",)
        case Spread(counted=counted, left_out=left):
            return (f"{counted:,} counted" + (f", {left:,} left out: the log does not tell it of them" if left else ""),)
        case Cost(currencies=currencies, left_out=left):
            each = (
                f"charged {_money(one.charged_cents, one)}, quoted {_money(one.quoted_cents, one)}, confirmed up to "
                f"{_money(one.confirmed_cents, one)}; {one.over_quote:,} of {one.counted:,} over the quote, "
                f"{one.over_confirmed:,} over what was confirmed"
                for one in currencies
            )
            return (*each, *((f"{left:,} left out",) if left else ()))
        case _:
            return ()


def keys(report: MetricsReport) -> tuple[str, ...]:
    return tuple(row.key or _NONE for row in report.rows)


def figures(report: MetricsReport, *, first: int, room: int) -> Listing:
    """Every figure of everything, and of as many keys as there is room for, from number `first` on."""
    shown = report.rows[first : first + room]
    rows = tuple(_row(metric, report.total, shown) for metric in METRICS)
    columns = ("Figure", "Everything", *(row.key or _NONE for row in shown))
    # The room that is left stays at the right: a figure stands beside its name.
    return Listing((*columns, ""), rows, "", gives_way=len(columns), numbers=frozenset(range(1, len(columns))))


def _row(metric: Metric, total: Figures, shown: Sequence[Figures]) -> Row:
    of = total.figures.get(metric.name)
    under = (metric.definition, *exactly(of))
    label = f"{metric.label}{_BESIDE.get(metric.unit, '')}"
    return Row(metric.name, (label, cell(of), *(cell(row.figures.get(metric.name)) for row in shown), ""), under)


def answer(result: QueryResult) -> Listing:
    """What a free query answered; the row under the cursor is told with the names of its columns."""
    rows = tuple(
        Row(
            str(number), tuple(map(_shown, row)), tuple(f"{name}: {_shown(value)}" for name, value in zip(result.columns, row, strict=True))
        )
        for number, row in enumerate(result.rows)
    )
    numbers = frozenset(place for place, kind in enumerate(result.types) if any(name in kind for name in ("INT", "DOUBLE", "DECIMAL")))
    return Listing(result.columns, rows, "The query answers no rows.", numbers=numbers)


def _shown(value: Any) -> str:
    return NOTHING if value is None else str(value)


def note(result: QueryResult) -> str:
    count = len(result.rows)
    rows = f"{count:,} row" + ("" if count == 1 else "s")
    return f"The first {rows}; there are more." if result.truncated else f"{rows}. {NOTHING} is no value."
