"""The metrics page: figures that are those of the report, charts with titles and units, and free queries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from halo_cli.tui.pages import metrics_words as words
from halo_cli.tui.pages.metrics_charts import CHARTS, ticks
from halo_cli.tui.parts.sections import SectionTable
from halo_engine.metrics import Metrics
from halo_engine.metrics.definitions import METRICS
from halo_engine.metrics.values import Count, Each, Share, Spread
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.looks import SIZES, Screen, screen
from tests.installation import Installation

PAGE = "7"


def month(home: Installation) -> Installation:
    """A few days with one of everything."""
    for text, member in (("order 2 packs of AA batteries", None), ("order 3 packs of AA batteries", "Sam"), ("cancel streamly", "Sam")):
        card = home.ask(text, member=member)
        home.later(seconds=20)
        home.carry_out(card)
        home.later(days=1)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return month(Installation.open(tmp_path))


def table(at: Tui) -> SectionTable:
    return at.page.query_one(SectionTable)


class TestFigures:
    def test_are_those_of_the_report_by_each_dimension(self, home: Installation) -> None:
        async def look(at: Tui) -> dict[str, tuple[str, ...]]:
            seen = {"": table(at).listing.columns}
            for by in ("verb", "vendor", "member", "month"):
                await at.press("b")
                assert f"by {by}" in at.text
                seen[by] = table(at).listing.columns
                shown = {row.key: row.cells[1:-1] for row in table(at).listing.rows}
                with Metrics.open(home.settings, clock=home.clock) as metrics:
                    report = metrics.report(by)
                for metric in METRICS:
                    expected = [words.cell(each.figures.get(metric.name)) for each in (report.total, *report.rows)]
                    assert list(shown[metric.name]) == expected[: len(shown[metric.name])]
            return seen

        seen = tui(home, look, page=PAGE, size=(200, 50))
        assert seen[""] == ("Figure", "Everything", "")
        assert set(seen["verb"][2:-1]) == {"ORDER", "CANCEL"}
        assert set(seen["member"][2:-1]) == {"Alex", "Sam"}
        assert seen["month"][2:-1] == ("2026-03",)

    def test_go_on_where_there_is_no_room_for_all(self, home: Installation) -> None:
        async def look(at: Tui) -> list[tuple[str, ...]]:
            await at.press("b")
            first = table(at).listing.columns
            await at.press("n")
            return [first, table(at).listing.columns]

        first, second = tui(home, look, page=PAGE, size=(80, 24))
        assert {first[2], second[2]} == {"ORDER", "CANCEL"}

    def test_tell_what_is_measured_and_of_how_many(self, home: Installation) -> None:
        async def look(at: Tui) -> str:
            at.page.set_filter("success")
            await at.settle()
            return at.text

        shown = tui(home, look, page=PAGE)
        assert "Executions that ended as done, of all that have ended." in shown
        assert "3 of 3" in shown
        assert "100.0" in shown

    def test_are_a_dash_where_there_is_nothing_to_measure(self, tmp_path: Path) -> None:
        async def look(at: Tui) -> str:
            return at.text

        shown = tui(Installation.open(tmp_path), look, page=PAGE)
        assert "nothing to measure" in shown
        assert words.NOTHING in shown

    @pytest.mark.parametrize(
        ("figure", "cell"),
        [
            (Count(value=1234), "1,234"),
            (Share(part=1, whole=3), "33.3"),
            (Share(part=0, whole=0), words.NOTHING),
            (Each(part=1, whole=8), "0.13"),
            (Spread(p50_ms=840, p95_ms=4_450, counted=9, left_out=0), "840 ms / 4.5 s"),
            (Spread(p50_ms=None, p95_ms=None, counted=0, left_out=0), words.NOTHING),
            (None, words.NOTHING),
        ],
    )
    def test_are_written_without_a_guess(self, figure: Count | Share | Each | Spread | None, cell: str) -> None:
        assert words.cell(figure) == cell


class TestCharts:
    @pytest.mark.parametrize("size", [(80, 24), (120, 40)])
    def test_have_titles_and_units(self, home: Installation, size: tuple[int, int]) -> None:
        async def look(at: Tui) -> str:
            await at.press("right")
            shown = at.text
            for _ in CHARTS:
                await at.press("down")
                shown += at.text
            return shown

        shown = tui(home, look, page=PAGE, size=size)
        for chart in CHARTS:
            assert f"{chart.title}, 30 days" in shown
        assert "$" in shown
        assert "Mar" in shown

    def test_have_a_few_round_values_at_their_axis(self) -> None:
        for chart in CHARTS:
            for highest in (0, 1, 3, 7, 49, 999, 12_345, 86_400_000, 10**12):
                marks = ticks(highest, chart.steps)
                assert 1 <= len(marks) <= 10
                assert marks[0] == 0
                assert marks[-1] <= max(highest, 1)


class TestQueries:
    def test_show_what_can_be_asked_and_then_the_answer(self, home: Installation) -> None:
        async def ask(at: Tui) -> tuple[str, str]:
            await at.press("s")
            views = at.text
            await at.type("SELECT verb, count(*) AS how_many FROM executions GROUP BY verb ORDER BY verb")
            await at.press("enter")
            return views, at.text

        views, answered = tui(home, ask, page=PAGE)
        assert "executions" in views
        assert "how_many" in answered
        assert re.search(r"CANCEL +1", answered)
        assert re.search(r"ORDER +2", answered)
        assert "2 rows." in answered

    def test_change_and_reach_nothing(self, home: Installation) -> None:
        async def ask(at: Tui) -> str:
            await at.press("s")
            await at.type("SELECT * FROM read_csv('/etc/passwd')")
            await at.press("enter")
            return at.text

        shown = tui(home, ask, page=PAGE)
        assert "root:" not in shown
        assert "! " in shown

    def test_answer_with_text_that_stays_text(self, home: Installation) -> None:
        async def ask(at: Tui) -> str:
            await at.press("s")
            await at.type("SELECT '[@click=app.leave]x[/]' || chr(27) || '[2J' || chr(10) || 'y' AS z")
            await at.press("enter")
            return at.text

        shown = tui(home, ask, page=PAGE)
        assert "[@click=app.leave]x[/]" in shown
        assert "\x1b" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_looks_as_agreed(home: Installation, snapshot: SnapshotAssertion, size: str) -> None:
    pictures: dict[str, str] = {}

    async def look(at: Tui) -> None:
        pictures["figures"] = screen(at)
        await at.press("right")
        pictures["charts"] = screen(at)
        await at.press("right")
        pictures["query"] = screen(at)

    tui(home, look, page=PAGE, size=SIZES[size])
    for name, drawn in pictures.items():
        # How long this machine took to read the words.
        assert re.sub(r"(parse p50 / p95) .*", r"\1 …", drawn) == snapshot(name=name, extension_class=Screen)
