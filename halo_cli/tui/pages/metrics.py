"""How well it goes: every figure with its definition, by verb, vendor, member or month; charts of the last days; and free queries.

What is measured is said in `halo_engine.metrics.definitions` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, get_args

from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Input, Static

from halo_cli.chat import drawing
from halo_cli.chat.asking import Trouble
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.pages import metrics_words as words
from halo_cli.tui.parts.rows import Listing, Row
from halo_cli.tui.parts.sections import Section, SectionPage
from halo_engine.metrics.values import Dimension, MetricsReport, QueryResult, Series
from halo_engine.metrics.views import VIEWS, WHOLE_LOG

if TYPE_CHECKING:
    from halo_cli.tui.pages.metrics_charts import Charts
    from halo_engine.metrics.opened import Metrics

KEYS: tuple[Key, ...] = (
    Key("b", "by", "B", "by verb, vendor, member, month, or of everything", "By"),
    Key("t", "time", "T", "of all time, of 30 days, of 7", "Time"),
    Key("n", "more", "N", "the next columns", "More"),
    Key("s", "query", "S", "ask in SQL", "SQL"),
)
_BY: tuple[Dimension | None, ...] = (None, *get_args(Dimension))
_DAYS: tuple[int | None, ...] = (None, 30, 7)
#: The figures' names and the column of everything, and each further one.
_NAMES, _COLUMN = 56, 22
_EMPTY = "Nothing was asked for yet, so there is nothing to measure. Ask with: halo ask"


class Found(NamedTuple):
    report: MetricsReport
    series: Series


class MetricsPage(SectionPage):
    """Figures, charts, queries."""

    title, short, key = "Metrics", "Stats", "7"
    help = "How well it goes, measured over the log. A dash is what has no value. Each figure's definition stands beneath the table."
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    MetricsPage #charts, MetricsPage #query, MetricsPage #shown { display: none; }
    MetricsPage.-charts #charts { display: block; }
    MetricsPage.-charts SectionTable, MetricsPage.-charts .under { display: none; }
    MetricsPage.-query #query { display: block; }
    MetricsPage #query { height: 1; border: none; background: $panel; padding: 0 1; }
    MetricsPage #query:focus { background: $primary 30%; background-tint: transparent; }
    MetricsPage #shown { height: auto; max-height: 3; color: $quiet; width: 100%; }
    MetricsPage.-figures #shown, MetricsPage.-query #shown { display: block; }
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._found: Found | None = None
        self._by, self._days, self._first = 0, 0, 0
        self._about_figures = "Reading the log…"
        self._note = "In SQL, over these views. It only reads. Enter asks."
        self._shown, self._query = Static("", id="shown", markup=False), Input(id="query", compact=True, max_length=4000)
        self._query.placeholder = "SELECT verb, count(*) FROM executions GROUP BY verb"
        self._charts: Charts | None = None

    @property
    def sections(self) -> tuple[Section, ...]:
        return (Section("Figures", {}), Section("Charts", {}), Section("Query", {}))

    def between(self) -> Iterable[Widget]:
        # Only who looks at figures waits for what draws them.
        from halo_cli.tui.pages.metrics_charts import Charts

        self._charts = Charts()
        return (self._query, self._shown, self._charts)

    # What there is

    def on_shown(self) -> None:
        self.ask(partial(self._read, _BY[self._by], _DAYS[self._days]), self._came, group="reading", exclusive=True)
        self.listings.setdefault("query", _views())
        self.show()

    def _read(self, by: Dimension | None, days: int | None) -> Found:
        with self._metrics() as metrics:
            since = None if days is None else self._today() - timedelta(days=days - 1)
            return Found(metrics.report(by, since=since), metrics.series(days=30))

    @contextmanager
    def _metrics(self) -> Iterator[Metrics]:
        # DuckDB takes a while to load: no other page needs it.
        from halo_engine.metrics import Metrics

        with Metrics.open(self.desk.settings, clock=self.desk.clock) as metrics:
            yield metrics

    def _today(self) -> date:
        return self.desk.clock.now().astimezone(self.zone).date()

    def _came(self, found: Found) -> None:
        self._found = found
        if self._charts:
            self._charts.show(found.series)
        self._fill()

    def _fill(self) -> None:
        if self._found is None:
            return
        report, room = self._found.report, self._room
        self._first = self._first if self._first < len(report.rows) else 0
        nothing = not any(day.requests or day.executions for day in self._found.series.days) and all(
            words.cell(figure) in ("0", words.NOTHING) for figure in report.total.figures.values()
        )
        self._about_figures = _EMPTY if nothing else self._reach(report, room)
        self.fill(figures=words.figures(report, first=self._first, room=room))

    def _reach(self, report: MetricsReport, room: int) -> str:
        """Of when, by what, and which of the keys are not on the screen."""
        when = f"of the last {_DAYS[self._days]} days" if _DAYS[self._days] else "of all time"
        if not report.by:
            return f"{when.capitalize()}."
        count = len(report.rows)
        part = "" if count <= room else f", {self._first + 1} to {min(self._first + room, count)} of {count} (N for the next)"
        return f"{when.capitalize()}, by {report.by}{part}."

    @property
    def _room(self) -> int:
        return max((self.app.size.width - _NAMES) // _COLUMN, 1)

    def on_resize(self) -> None:
        self._fill()

    # Sections

    def show(self, *, at: str | None = None) -> None:
        for section in self.sections:
            self.set_class(section.name == self.front.name, f"-{section.name.lower()}")
        self._shown.update(drawing.plain(self._note if self.front.name == "Query" else self._about_figures, max_chars=600))
        # What is not in front is no stop for the focus.
        self._query.can_focus = self.front.name == "Query"
        self.table.can_focus = self.front.name != "Charts"
        if self._charts:
            self._charts.can_focus = self.front.name == "Charts"
        super().show(at=at)

    def turn_to(self, name: str, *, at: str | None = None) -> None:
        super().turn_to(name, at=at)
        self.call_after_refresh(self._focus_front)

    def _focus_front(self) -> None:
        try:
            front = {"Charts": "#charts", "Query": "#query"}.get(self.front.name, "#listed")
            self.screen.set_focus(self.query_one(front))
        except NoMatches:
            return

    def on_charts_turned(self, event: Charts.Turned) -> None:
        event.stop()
        self.step(event.by)

    def open(self, identifier: str) -> None:
        """Nothing is named here."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("by", "time"):
            return self.front.name == "Figures"
        if action == "more":
            return self.front.name == "Figures" and self._found is not None and len(self._found.report.rows) > self._room
        return super().check_action(action, parameters)

    # What a person does

    def action_by(self) -> None:
        self._by, self._first = (self._by + 1) % len(_BY), 0
        self.on_shown()

    def action_time(self) -> None:
        self._days = (self._days + 1) % len(_DAYS)
        self.on_shown()

    def action_more(self) -> None:
        if self._found:
            self._first = self._first + self._room if self._first + self._room < len(self._found.report.rows) else 0
            self._fill()

    def action_query(self) -> None:
        self.turn_to("Query")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if query := event.value.strip():
            self._note = "Asking…"
            self.show()
            self.ask(partial(self._asked, query), self._answered, otherwise=self._not_answered, group="query", exclusive=True)

    def _asked(self, query: str) -> QueryResult:
        with self._metrics() as metrics:
            return metrics.sql(query)

    def _answered(self, result: QueryResult) -> None:
        self._note = words.note(result)
        self.fill(query=words.answer(result))
        self.screen.set_focus(self.table if result.rows else self._query)

    def _not_answered(self, trouble: Trouble) -> None:
        self._note = f"! {trouble.words}"
        self.show()


def _views() -> Listing:
    """What a query can be about, until there is an answer."""
    rows = tuple(
        Row(view.name, (view.name, view.about), tuple(f"{column.name}  {column.kind}: {column.means}" for column in view.columns))
        for view in (*VIEWS, *WHOLE_LOG)
    )
    return Listing(("View", "What its rows are"), rows, "", gives_way=1)
