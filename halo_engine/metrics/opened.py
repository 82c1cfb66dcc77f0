"""`Metrics`: one installation's figures. Faces open it; it reads the books when the first figure is asked for, and is that moment's picture of them.

A `Metrics` belongs to the thread that opened it. DuckDB is only ever in memory here, and is never where anything is kept.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from halo_engine.clock import Clock, SystemClock
from halo_engine.metrics import free_query, report
from halo_engine.metrics.connecting import connect
from halo_engine.metrics.loading import Books
from halo_engine.metrics.values import Dimension, MetricsReport, QueryResult, Series
from halo_engine.model.errors import InvalidInput
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Metrics:
    """A context manager."""

    def __init__(self, settings: Settings, books: Books, clock: Clock) -> None:
        self._settings, self._books, self._clock = settings, books, clock

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None, household_id: str | None = None) -> Self:
        """Of the household with that id, without one of the first.

        Raises `NotInitialised` when there is no household, `StoreFailed` and its kinds when the books cannot be read.
        """
        clock = clock or SystemClock()
        return cls(settings, Books.open(settings, clock, household_id=household_id), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was read."""
        if "_views" in self.__dict__:
            self._views.close()

    @property
    def today(self) -> date:
        """The household's."""
        return self._clock.now().astimezone(ZoneInfo(self._books.household.time_zone)).date()

    def report(self, by: Dimension | None = None, *, since: date | None = None, until: date | None = None) -> MetricsReport:
        """Every figure, of everything and by `by`; only of what began on the household's days from `since` to `until`, both included."""
        if since and until and since > until:
            raise InvalidInput("The first day comes after the last one.")
        days = " AND ".join(["true", *(["day >= $since"] if since else []), *(["day <= $until"] if until else [])])
        given = {name: day for name, day in (("since", since), ("until", until)) if day}
        total, rows = report.figures(self._views, by, days, given)
        return MetricsReport(
            household=self._books.household.name,
            time_zone=self._books.household.time_zone,
            today=self.today,
            since=since,
            until=until,
            by=by,
            total=total,
            rows=rows,
        )

    def series(self, *, days: int = 30) -> Series:
        """The household's last `days` days, one by one."""
        return report.series(self._views, today=self.today, days=days)

    def sql(self, query: str, *, limit: int = free_query.LIMIT) -> QueryResult:
        """The first `limit` rows of a free query over the views (docs/metrics.md).

        Raises `InvalidInput` for anything but one that only reads them, `QueryStopped` for one that takes too much time or memory.
        """
        return free_query.ask(self._settings, self._clock, query, limit=limit)

    @cached_property
    def _views(self) -> DuckDBPyConnection:
        connection = connect()
        try:
            self._books.load(connection)
        except BaseException:
            connection.close()
            raise
        return connection
