"""`halo metrics`: figures and charts on stdout, one object with `--json`, and free queries that cannot get out."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from halo_cli import charts, figures
from halo_engine.metrics import QueryResult
from tests.halo_cli.conftest import Halo


@pytest.fixture
def bought(halo: Halo) -> Halo:
    """One order, done."""
    assert halo("init").code == 0
    card = halo("ask", "order 2 packs of AA batteries", "--json").json
    assert halo("confirm", card["draft_id"], "--hash", card["draft_hash"], "--json").code == 0
    return halo


class TestMetrics:
    def test_of_a_fresh_home_says_that_there_is_nothing_yet(self, halo: Halo) -> None:
        halo("init")
        ran = halo("metrics")
        assert (ran.code, ran.err) == (0, "")
        assert "Nothing was asked for yet" in ran.out

    def test_of_no_home_says_how_to_make_one(self, halo: Halo) -> None:
        ran = halo("metrics")
        assert (ran.code, "halo init" in ran.err) == (1, True)

    def test_shows_figures_that_fit_a_terminal(self, bought: Halo) -> None:
        """By each dimension, and every line within eighty columns."""
        for by in ((), ("--by", "verb"), ("--by", "vendor"), ("--by", "member"), ("--by", "month")):
            ran = bought("metrics", *by)
            assert ran.code == 0
            assert "1 of 1" in ran.out
            assert "100%" in ran.out
            assert max(map(len, ran.out.splitlines())) <= 80

    def test_as_json_is_one_object_with_cents_and_nulls(self, bought: Halo) -> None:
        told = bought("metrics", "--by", "verb", "--json").json
        total = told["total"]["figures"]
        assert total["success_rate"] == {"unit": "share", "part": 1, "whole": 1, "value": 1.0}
        assert total["reconfirm_rate"] == {"unit": "share", "part": 0, "whole": 0, "value": None}
        (cost,) = total["cost_variance"]["currencies"]
        assert (cost["charged_cents"], cost["difference_cents"], cost["difference_basis_points"]) == (4995, 0, 0)
        assert [row["key"] for row in told["rows"]] == ["ORDER"]
        assert len(told["series"]["days"]) == 30

    def test_of_other_days_has_nothing(self, bought: Halo) -> None:
        assert "Nothing was asked for" in bought("metrics", "--until", "2020-01-01").out

    @pytest.mark.parametrize(
        "days", [("--since", "yesterday"), ("--until", "2026-02-30"), ("--since", "2026-02-02", "--until", "2026-02-01")]
    )
    def test_refuses_what_is_no_day(self, bought: Halo, days: tuple[str, ...]) -> None:
        assert bought("metrics", *days).code == 2


class TestAQuery:
    def test_answers_in_columns_and_as_one_object(self, bought: Halo) -> None:
        query = "SELECT verb, status, sum(charged_cents) AS cents FROM executions GROUP BY ALL"
        assert bought("metrics", "--sql", query).out.split() == ["verb", "status", "cents", "ORDER", "done", "4995"]
        told = bought("metrics", "--sql", query, "--json").json
        assert told == {
            "columns": ["verb", "status", "cents"],
            "types": ["VARCHAR", "VARCHAR", "HUGEINT"],
            "rows": [["ORDER", "done", 4995]],
            "truncated": False,
        }

    def test_that_is_cut_says_so_on_stderr(self, bought: Halo) -> None:
        ran = bought("metrics", "--sql", "SELECT * FROM range(50)", "--limit", "3")
        assert (ran.code, len(ran.out.splitlines())) == (0, 4)
        assert "cut" in ran.err

    def test_that_wants_out_is_one_sentence_and_a_hint(self, bought: Halo, home: Path) -> None:
        for query in (f"SELECT * FROM read_csv('{home / 'config.toml'}')", "DROP VIEW executions", "SELECT 1; SELECT 2", "SELECT nope"):
            ran = bought("metrics", "--sql", query)
            assert (ran.code, ran.out) == (2, "")
            assert ran.err.startswith("error: ")
            assert "docs/metrics.md" in ran.err
            assert len(ran.err.splitlines()) == 2

    def test_says_itself_what_it_is_by(self, bought: Halo) -> None:
        assert bought("metrics", "--sql", "SELECT 1", "--by", "verb").code == 2


class TestTheDrawing:
    def test_of_text_from_people_is_inert(self) -> None:
        """A cell and a column's name are data."""
        evil = "\x1b]0;owned\x07[red]a\u202eb\nc"
        lines = figures.answer(QueryResult(columns=(evil,), types=("VARCHAR",), rows=((evil,),), truncated=False))
        drawn = "\n".join(line.plain for line in lines)
        assert not {"\x1b", "\u202e", "\x07"} & set(drawn)
        assert len(drawn.splitlines()) == 2
        assert "[red]" in drawn

    def test_of_a_bar_shows_whatever_there_is_some_of(self) -> None:
        assert charts.bar(0, 5, width=4).plain == "░░░░"
        assert charts.bar(1, 10_000, width=4).plain == "▏░░░"
        assert charts.bar(5, 5, width=4).plain == "████"
        assert charts.bar(0, 0, width=4).plain == "    "
        assert charts.bar(1, 2, width=4).plain == "██░░"

    def test_of_a_spark_has_a_column_a_day(self) -> None:
        assert charts.spark([0, 1, 4, 8]).plain == "·▁▄█"
        assert charts.spark([]).plain == ""
        assert charts.spark([0, 0]).plain == "··"

    def test_of_a_span_lies_on_the_scale(self) -> None:
        """100 ms is where its mark is."""
        assert charts.scale().plain.index("│100ms") == len(charts.span(100, 100).plain.rstrip())
        assert charts.span(None, None).plain.strip() == ""
        assert charts.span(0, 10**9).plain.strip() == "█" + "▒" * 20

    @pytest.mark.parametrize(
        ("ms", "said"),
        [
            (None, "–"),
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (59_999, "59.9 s"),
            (60_000, "1m 0s"),
            (7_260_000, "2h 1m"),
            (200_000_000, "2d 7h"),
        ],
    )
    def test_of_a_time_is_short(self, ms: int | None, said: str) -> None:
        assert charts.duration(ms) == said

    def test_of_shares_does_not_round_to_all_or_nothing_by_itself(self) -> None:
        assert [charts.percent(each) for each in (None, 0, 5, 667, 1000)] == ["–", "0.0%", "0.5%", "66.7%", "100%"]
        assert [charts.signed_percent(each) for each in (None, 0, -8, 1234)] == ["–", "±0.00%", "−0.08%", "+12.34%"]

    def test_needs_no_colour(self) -> None:
        """What the colours say, the marks say too."""
        console = Console(no_color=True, width=80)
        with console.capture() as capture:
            console.print(Text.assemble(charts.bar(1, 2, width=4)))
        assert capture.get().strip() == "██░░"
