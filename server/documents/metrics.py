"""The household's figures: how often it worked, how long it took and what it cost."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from typing_extensions import TypeAliasType

from halo_engine.metrics.values import Cost, CostIn, Count, DayFigures, Figures, MetricsReport, Series, Spread
from halo_engine.metrics.values import Figure as AFigure
from halo_engine.model import money
from server.documents.base import Document, Money, known

FigureUnit = TypeAliasType("FigureUnit", Annotated[str, known(("count", "share", "each", "ms", "cents"), "What a figure counts.")])
Dimension = TypeAliasType("Dimension", Annotated[str, known(("verb", "vendor", "member", "month"), "What the rows are of.")])


class CostInCurrency(Document):
    """What was charged, beside what was quoted and what was confirmed at most; `counted` executions are in it."""

    charged: Money
    quoted: Money
    confirmed: Money
    counted: int
    over_quote: int
    over_confirmed: int

    @classmethod
    def of(cls, value: CostIn) -> Self:
        def amount(cents: int) -> Money:
            return Money.of(money.Money(cents=cents, currency=value.currency))

        return cls(
            charged=amount(value.charged_cents),
            quoted=amount(value.quoted_cents),
            confirmed=amount(value.confirmed_cents),
            counted=value.counted,
            over_quote=value.over_quote,
            over_confirmed=value.over_confirmed,
        )


class Figure(Document):
    """One figure. `count` has `value`; `share` and `each` have `part` and `whole`; `ms` has quantiles of `counted` rows; `cents` has `currencies`.

    What has no value is absent. `left_out` rows should have one and do not.
    """

    unit: FigureUnit
    value: int | None = None
    part: int | None = None
    whole: int | None = None
    p50_ms: int | None = None
    p95_ms: int | None = None
    counted: int | None = None
    currencies: tuple[CostInCurrency, ...] | None = None
    left_out: int | None = None

    @classmethod
    def of(cls, value: AFigure) -> Self:
        match value:
            case Count():
                return cls(unit=value.unit, value=value.value)
            case Spread():
                return cls(unit=value.unit, p50_ms=value.p50_ms, p95_ms=value.p95_ms, counted=value.counted, left_out=value.left_out)
            case Cost():
                return cls(unit=value.unit, currencies=tuple(map(CostInCurrency.of, value.currencies)), left_out=value.left_out)
            case _:
                return cls(unit=value.unit, part=value.part, whole=value.whole)


class FiguresOf(Document):
    """Every figure by its name: of everything, or of one `key`, which is a verb, a vendor, a member or a month. Without one where there is none."""

    key: str | None = None
    figures: dict[str, Figure]

    @classmethod
    def of(cls, value: Figures) -> Self:
        return cls(key=value.key, figures={name: Figure.of(each) for name, each in value.figures.items()})


class Day(Document):
    """One day of the household. Executions stand at the day of their yes."""

    day: date
    requests: int
    executions: int
    done: int
    failed: int
    unknown: int
    charged: Money
    p50_execute_ms: int | None = None
    p95_execute_ms: int | None = None

    @classmethod
    def of_currency(cls, value: DayFigures, currency: str) -> Self:
        charged = Money.of(money.Money(cents=value.charged_cents, currency=currency))
        return cls(**value.model_dump(exclude={"charged_cents"}), charged=charged)


class Metrics(Document):
    """Figures of the days from `since` to `until`, both included, and the last days one by one."""

    time_zone: str
    today: date
    since: date | None = None
    until: date | None = None
    by: Dimension | None = None
    total: FiguresOf
    rows: tuple[FiguresOf, ...]
    days: tuple[Day, ...]

    @classmethod
    def of_report(cls, report: MetricsReport, series: Series) -> Self:
        return cls(
            time_zone=report.time_zone,
            today=report.today,
            since=report.since,
            until=report.until,
            by=report.by,
            total=FiguresOf.of(report.total),
            rows=tuple(map(FiguresOf.of, report.rows)),
            days=tuple(Day.of_currency(day, series.currency) for day in series.days),
        )
