"""What a report is made of: frozen values that the terminal, `--json`, the dashboard and a server show. What has no value is None, never 0."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from halo_engine.model.value import Value

Dimension = Literal["verb", "vendor", "member", "month"]


class Count(Value):
    unit: Literal["count"] = "count"
    value: int


class Share(Value):
    """`part` of `whole`."""

    unit: Literal["share"] = "share"
    part: int
    whole: int

    @property
    def permille(self) -> int | None:
        return _rounded(1000 * self.part, self.whole)


class Each(Value):
    """`part` things to `whole` others."""

    unit: Literal["each"] = "each"
    part: int
    whole: int

    @property
    def hundredths(self) -> int | None:
        return _rounded(100 * self.part, self.whole)


class Spread(Value):
    """The values of `counted` rows, in milliseconds. `left_out` rows are due one and have none."""

    unit: Literal["ms"] = "ms"
    p50_ms: int | None
    p95_ms: int | None
    counted: int
    left_out: int


class CostIn(Value):
    """What was charged in one currency, in cents; `counted` executions are in the sums, `over_quote` of them cost more than was quoted."""

    currency: str
    charged_cents: int
    quoted_cents: int
    confirmed_cents: int
    counted: int
    over_quote: int
    over_confirmed: int

    @property
    def difference_cents(self) -> int:
        return self.charged_cents - self.quoted_cents

    @property
    def basis_points(self) -> int | None:
        """The difference in hundredths of a per cent of what was quoted."""
        return _rounded(10_000 * self.difference_cents, self.quoted_cents)


class Cost(Value):
    """By currency, the one with the most executions first."""

    unit: Literal["cents"] = "cents"
    currencies: tuple[CostIn, ...]
    left_out: int


Figure = Annotated[Count | Share | Each | Spread | Cost, Field(discriminator="unit")]


class Figures(Value):
    """Every figure by its name, of everything or of one `key`: a verb, a vendor, a member or a month. The key is None where there is none of it."""

    key: str | None
    figures: dict[str, Figure]


class MetricsReport(Value):
    """`today`, `since` and `until` are days of the household, the latter two both included."""

    household: str
    time_zone: str
    today: date
    since: date | None
    until: date | None
    by: Dimension | None
    total: Figures
    rows: tuple[Figures, ...]


class DayFigures(Value):
    """One day of the household. Executions stand at the day of their yes; the times are None where none of them has ended."""

    day: date
    requests: int
    executions: int
    done: int
    failed: int
    unknown: int
    charged_cents: int
    p50_execute_ms: int | None
    p95_execute_ms: int | None


class Series(Value):
    """Every day up to today, oldest first, those without anything too. Costs are those in `currency`, which is the one used most."""

    currency: str
    days: tuple[DayFigures, ...]


class QueryResult(Value):
    """What a free query answered; `truncated` says that there was more. Cells are None, bool, int, float, or text of anything else."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


def _rounded(part: int, whole: int) -> int | None:
    """Half away from zero, in integers; None for nothing over nothing."""
    if whole == 0:
        return None
    magnitude = (2 * abs(part) + abs(whole)) // (2 * abs(whole))
    return magnitude if (part < 0) == (whole < 0) else -magnitude
