"""The last thirty days as charts: one at a time where there is little room, four where there is more.

Two values in one chart differ by their marks, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.color import Color
from textual.containers import Grid
from textual.message import Message
from textual_plotext import PlotextPlot

from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.pages.metrics_words import duration
from halo_engine.metrics.values import DayFigures, Series
from halo_engine.model.money import Money

KEYS: tuple[Key, ...] = (
    Key("left", "turn(-1)", "←", "the section before"),
    Key("right", "turn(1)", "→", "the section after", "Sections"),
    Key("up", "chart(-1)", "↑", "the chart before"),
    Key("down", "chart(1)", "↓", "the chart after", "Charts"),
)
#: So many lines and columns show all of them.
_ALL_LINES, _ALL_COLUMNS = 28, 110


_BAR = "█"
_STEPS = tuple(size * 10**power for power in range(15) for size in (1, 2, 5))
#: In milliseconds: to half a second by tens, then as clocks have it, then days.
_TIME_STEPS = (
    *(size * 10**power for power in range(3) for size in (1, 2, 5)),
    *(1000 * seconds for seconds in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200)),
    *(86_400_000 * days for days in (1, 2, 5, 10, 30)),
)


class Line(NamedTuple):
    """One value a day, None where there is none. `mark` tells it from another in the same chart, whose title says it."""

    mark: str
    #: Of the theme.
    colour: str
    value: Callable[[DayFigures], int | None]


class Chart(NamedTuple):
    title: str
    lines: tuple[Line, ...]
    #: A value as it stands at the axis.
    shown: Callable[[int, str], str]
    steps: Sequence[int]


CHARTS = (
    Chart("Executions done a day", (Line(_BAR, "primary", lambda day: day.done),), lambda value, _: str(value), _STEPS),
    Chart(
        "Failed ×, outcome unknown ? a day",
        (Line("×", "error", lambda day: day.failed), Line("?", "warning", lambda day: day.unknown)),
        lambda value, _: str(value),
        _STEPS,
    ),
    Chart(
        "Yes to end: p50 •, p95 ×",
        (Line("×", "warning", lambda day: day.p95_execute_ms), Line("•", "primary", lambda day: day.p50_execute_ms)),
        lambda value, _: duration(value),
        _TIME_STEPS,
    ),
    Chart(
        "Charged a day",
        (Line(_BAR, "primary", lambda day: day.charged_cents),),
        lambda value, currency: Money(cents=value, currency=currency).display,
        _STEPS,
    ),
)


class Plot(PlotextPlot):
    """One chart."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(classes="chart")
        self._chart, self._series = chart, Series(currency="USD", days=())

    def show(self, series: Series) -> None:
        self._series = series
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def render(self) -> RenderResult:
        try:
            return super().render()
        except Exception:  # noqa: BLE001 - what the library cannot draw must not end the dashboard
            return Text("There is no room for this chart.")

    def _colour(self, name: str) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables[name]).rgb

    def _draw(self) -> None:
        chart, days, plot = self._chart, self._series.days, self.plt
        plot.clear_figure()
        values = [(line, [line.value(day) for day in days]) for line in chart.lines]
        highest = max((value for _, of in values for value in of if value is not None), default=0)
        nothing = "" if any(value for _, of in values for value in of) else ": none yet"
        plot.title(f"{chart.title}, {len(days)} days{nothing}" if days else f"{chart.title}: reading the log…")
        for line, of in values:
            there = [(place, value) for place, value in enumerate(of) if value]
            # A bar is a mark with all beneath it: the library's own bars grow wider the fewer there are.
            days_at, heights = [place for place, _ in there], [value for _, value in there]
            plot.scatter(days_at, heights, marker=line.mark, color=self._colour(line.colour), fillx=line.mark == _BAR)
        plot.ylim(0, max(highest, 1))
        plot.xlim(-1, max(len(days), 1))
        # Whole numbers: what is at the axis are cents, milliseconds, executions.
        marks: list[Any] = list(ticks(highest, chart.steps))
        plot.yticks(marks, [chart.shown(value, self._series.currency) for value in marks])
        shown: list[Any] = list(range(len(days) - 1, -1, -max(len(days) // max(self.size.width // 14, 1), 1)))[::-1]
        plot.xticks(shown, [f"{days[place].day.day} {days[place].day:%b}" for place in shown])
        self.refresh()


def ticks(highest: int, steps: Sequence[int]) -> Sequence[int]:
    """A few round values from 0 to `highest`."""
    step = next((step for step in steps if highest <= 4 * step), steps[-1])
    return range(0, max(highest, 1) + 1, max(step, highest // 8))


class Charts(Grid, can_focus=True):
    """All, or the one in front."""

    HELP = "The last thirty days. Where there is little room, one chart at a time: ↑ and ↓ go on."
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    Charts { height: 1fr; grid-size: 1 1; grid-gutter: 1 2; }
    Charts.-all { grid-size: 2 2; }
    Charts .chart { display: none; }
    Charts .chart.-front, Charts.-all .chart { display: block; }
    """

    class Turned(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(id="charts")
        self._plots = [Plot(chart) for chart in CHARTS]
        self._front = 0

    def compose(self) -> ComposeResult:
        yield from self._plots

    def on_mount(self) -> None:
        self._show_front()

    def on_resize(self) -> None:
        self.set_class(self.app.size.height >= _ALL_LINES and self.app.size.width >= _ALL_COLUMNS, "-all")

    def show(self, series: Series) -> None:
        for plot in self._plots:
            plot.show(series)

    def _show_front(self) -> None:
        for place, plot in enumerate(self._plots):
            plot.set_class(place == self._front, "-front")

    @property
    def title(self) -> str:
        """What is in front, where not all is."""
        return "" if self.has_class("-all") else f"{CHARTS[self._front].title} ({self._front + 1} of {len(CHARTS)})"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "chart" or not self.has_class("-all")

    def action_turn(self, by: int) -> None:
        self.post_message(self.Turned(by))

    def action_chart(self, by: int) -> None:
        self._front = (self._front + by) % len(CHARTS)
        self._show_front()
