"""Figures against journeys counted by hand, on both kinds of books."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from halo_engine.clock import FakeClock
from halo_engine.metrics import METRICS, Cost, CostIn, Count, Dimension, Each, MetricsReport, Share, Spread, definitions, report
from halo_engine.metrics.connecting import connect
from halo_engine.metrics.documentation import documentation
from halo_engine.metrics.loading import Books
from halo_engine.metrics.views import VIEWS, WHOLE_LOG
from halo_engine.model.errors import InvalidInput, NotInitialised
from tests.halo_engine.metrics.journeys import metrics
from tests.installation import NOON, Installation

#: Counted by hand in `journeys`, but for the times of the attempts: a vendor that is down is asked three times a step, over a second and a half.
BY_HAND: dict[str, Any] = {
    "requests": Count(value=10),
    "questions_per_request": Each(part=1, whole=10),
    "drafts": Count(value=10),
    "draft_latency": Spread(p50_ms=0, p95_ms=0, counted=9, left_out=0),
    "confirmation_rate": Share(part=9, whole=10),
    "confirmation_latency": Spread(p50_ms=5000, p95_ms=60_000, counted=9, left_out=0),
    "confirm_latency": Spread(p50_ms=0, p95_ms=0, counted=9, left_out=0),
    "executions": Count(value=9),
    "success_rate": Share(part=6, whole=9),
    "failed": Count(value=1),
    "retry_rate": Share(part=2, whole=9),
    "unknown_outcomes": Share(part=2, whole=7),
    "unknown_settled": Share(part=1, whole=2),
    "waiting": Count(value=0),
    "needs_attention": Count(value=1),
    "terms_changed_rate": Share(part=1, whole=9),
    "reconfirm_rate": Share(part=1, whole=1),
    "attempt_latency": Spread(p50_ms=0, p95_ms=1500, counted=19, left_out=0),
    "cost_variance": Cost(
        currencies=(
            CostIn(
                currency="USD",
                charged_cents=20_305,
                quoted_cents=20_305,
                confirmed_cents=20_305,
                counted=4,
                over_quote=0,
                over_confirmed=0,
            ),
        ),
        left_out=0,
    ),
}


def reported(house: Installation, by: Dimension | None = None, **days: date) -> MetricsReport:
    with metrics(house) as opened:
        return opened.report(by, **days)


def figures_of(house: Installation, name: str, by: Dimension) -> dict[str | None, Any]:
    return {row.key: row.figures[name] for row in reported(house, by).rows}


class TestTheReport:
    def test_says_what_was_counted_by_hand(self, house: Installation) -> None:
        """Ten requests: done, cancelled, booked after a question, retried, failed, changed and confirmed again, lost and found, lost for good."""
        found = reported(house).total.figures
        assert {name: found[name] for name in BY_HAND} == BY_HAND

    def test_takes_the_time_of_an_execution_from_the_yes_to_the_end(self, house: Installation) -> None:
        """Six at once, one after a retry, one when the look-ups were used up, one when the retries were."""
        execute = reported(house).total.figures["execute_latency"]
        assert isinstance(execute, Spread)
        assert (execute.p50_ms, execute.counted) == (0, 9)
        # 5 s + 30 s + 120 s with jitter, and four tries of a second and a half.
        assert 155_000 < (execute.p95_ms or 0) < 200_000

    def test_reads_every_request_that_had_words_to_read(self, house: Installation) -> None:
        parse = reported(house).total.figures["parse_latency"]
        assert isinstance(parse, Spread)
        assert (parse.counted, parse.left_out) == (11, 0)

    def test_by_verb(self, house: Installation) -> None:
        assert figures_of(house, "executions", "verb") == {
            "ORDER": Count(value=6),
            "BOOK": Count(value=2),
            "CANCEL": Count(value=1),
            "UNSUPPORTED": Count(value=0),
        }
        assert figures_of(house, "success_rate", "verb")["BOOK"] == Share(part=1, whole=2)
        assert figures_of(house, "success_rate", "verb")["UNSUPPORTED"] == Share(part=0, whole=0)

    def test_by_vendor_counts_what_has_none_last(self, house: Installation) -> None:
        assert figures_of(house, "requests", "vendor") == {
            "amazon": Count(value=6),
            "resy": Count(value=2),
            "subscriptions": Count(value=1),
            None: Count(value=1),
        }
        assert reported(house, "vendor").rows[-1].key is None

    def test_by_member_is_whoever_said_yes(self, house: Installation) -> None:
        assert figures_of(house, "executions", "member") == {"Alex": Count(value=7), "Sam": Count(value=2)}
        assert figures_of(house, "requests", "member") == {"Alex": Count(value=9), "Sam": Count(value=1)}

    def test_by_month_is_the_household_s(self, house: Installation) -> None:
        assert figures_of(house, "executions", "month") == {"2026-03": Count(value=9)}

    def test_by_something_adds_up_to_the_whole(self, house: Installation) -> None:
        """Each row stands under one key of each dimension."""
        for by in definitions.DIMENSIONS:
            told = reported(house, by)  # type: ignore[arg-type]
            for name, total in told.total.figures.items():
                if isinstance(total, Share | Each):
                    parts: list[Any] = [row.figures[name] for row in told.rows]
                    assert sum(each.part for each in parts) == total.part
                    assert sum(each.whole for each in parts) == total.whole

    def test_of_one_day_leaves_the_other_out(self, house: Installation) -> None:
        first, second = date(2026, 3, 3), date(2026, 3, 4)
        assert reported(house, until=first).total.figures["executions"] == Count(value=3)
        assert reported(house, since=second).total.figures["executions"] == Count(value=6)
        assert reported(house, since=first, until=second).total == reported(house).total

    def test_of_days_without_anything_has_no_values(self, house: Installation) -> None:
        """Nothing over nothing is not nothing."""
        found = reported(house, "verb", until=date(2026, 1, 1))
        assert found.rows == ()
        assert found.total.figures["success_rate"] == Share(part=0, whole=0)
        assert Share(part=0, whole=0).permille is None
        assert Each(part=0, whole=0).hundredths is None
        assert found.total.figures["execute_latency"] == Spread(p50_ms=None, p95_ms=None, counted=0, left_out=0)
        assert found.total.figures["cost_variance"] == Cost(currencies=(), left_out=0)

    def test_refuses_days_in_the_wrong_order(self, house: Installation) -> None:
        with pytest.raises(InvalidInput):
            reported(house, since=date(2026, 3, 4), until=date(2026, 3, 3))

    def test_of_a_home_without_a_household_says_so(self, tmp_path: Path) -> None:
        from halo_engine.metrics import Metrics
        from halo_engine.settings import Settings

        with pytest.raises(NotInitialised):
            Metrics.open(Settings(home=tmp_path))

    def test_of_a_fresh_home_is_empty(self, tmp_path: Path) -> None:
        fresh = Installation.open(tmp_path / "home", clock=FakeClock(NOON))
        found = reported(fresh)
        assert {figure.value for figure in found.total.figures.values() if isinstance(figure, Count)} == {0}
        with metrics(fresh) as opened:
            assert [day.requests for day in opened.series(days=7).days] == [0] * 7


class TestTheSeries:
    def test_has_every_day_up_to_today(self, house: Installation) -> None:
        with metrics(house) as opened:
            series = opened.series(days=4)
        assert series.currency == "USD"
        assert [day.day.isoformat() for day in series.days] == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
        assert [day.requests for day in series.days] == [0, 0, 4, 6]
        assert [(day.executions, day.done, day.failed, day.unknown) for day in series.days[2:]] == [(3, 3, 0, 0), (6, 3, 1, 2)]
        assert [day.charged_cents for day in series.days] == [0, 0, 4995, 15_310]
        assert series.days[0].p50_execute_ms is None


class TestEveryFigure:
    """A definition that is wrong is noticed: each of these is a bug that somebody could write."""

    @pytest.mark.parametrize(
        ("name", "part", "whole"),
        [
            ("requests", "true", "true"),
            ("questions_per_request", "sum(questions)", "true"),
            ("confirmation_rate", "status = 'confirmed'", "is_asked"),
            ("success_rate", "status IN ('done', 'terms_changed')", "has_ended"),
            ("retry_rate", "tries + look_ups > 1", "tries > 0"),
            ("unknown_outcomes", "was_unknown", "true"),
            ("unknown_settled", "was_unknown", "was_unknown AND has_ended"),
            ("needs_attention", "was_unknown", "true"),
            ("terms_changed_rate", "status = 'terms_changed'", "was_sent"),
            ("reconfirm_rate", "is_confirmed_again", "has_ended"),
            ("draft_latency", "draft_ms", "true"),
            ("attempt_latency", "took_ms", "step = 'commit'"),
        ],
    )
    def test_told_wrong_is_not_what_was_counted(
        self, on_sqlite: Installation, monkeypatch: pytest.MonkeyPatch, name: str, part: str, whole: str
    ) -> None:
        from dataclasses import replace

        wrong = tuple(replace(metric, part=part, whole=whole) if metric.name == name else metric for metric in METRICS)
        monkeypatch.setattr(report, "METRICS", wrong)
        assert reported(on_sqlite).total.figures[name] != BY_HAND[name]


class TestTheDocumentation:
    def test_is_what_the_code_says(self) -> None:
        """Written anew with: just docs-metrics."""
        assert (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8") == documentation()

    def test_names_every_column_that_there_is(self, on_sqlite: Installation) -> None:
        """And no other, with its type."""
        with connect() as connection:
            Books.open(on_sqlite.settings, on_sqlite.clock).load(connection, whole_log=WHOLE_LOG)
            for view in (*VIEWS, *WHOLE_LOG):
                found = connection.execute(f"DESCRIBE {view.name}").fetchall()
                assert [(name, kind) for name, kind, *_ in found] == [(column.name, column.kind) for column in view.columns]
