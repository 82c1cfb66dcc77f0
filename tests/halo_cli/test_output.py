"""Two streams, three forms: drawn, plain and JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console, RenderableType

from halo_cli import drawing
from halo_cli.output import Heading, Lines, Output, Table, write_error, write_object
from tests.cards.examples import CARDS, HOSTILE, RECEIPT

FEED = Table(
    columns=("When", "What", "Status", "Amount", "Who", "Id"),
    rows=(("Fri 6 Mar 10:31", "Order a very long list of paper towels and soap", "terms changed", "$1,036.91", "Alex", "exe_" + "0" * 26),),
    ids=True,
)


def drawn(what: RenderableType, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, _environ={}).print(what)
    return out.getvalue()


class TestResult:
    def test_is_the_object_alone_with_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        Output(json=True).result({"a": 1}, CARDS["draft_order"])
        assert capsys.readouterr().out == '{"a": 1}\n'

    def test_is_plain_text_on_a_pipe(self, capsys: pytest.CaptureFixture[str]) -> None:
        Output(json=False).result({"a": 1}, Heading("Part"), CARDS["draft_order"], RECEIPT, FEED, Lines(("one", "two")))
        printed = capsys.readouterr()
        assert "Part" in printed.out
        assert "Draft: Order" in printed.out
        assert "exe_" + "0" * 26 in printed.out
        assert "\x1b" not in printed.out
        assert printed.err == ""

    def test_talk_goes_to_stderr_also_with_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = Output(json=True)
        out.say("hello")
        out.say_if(None)
        with out.working("busy") as say:
            say("1 of 2")
        assert capsys.readouterr() == ("", "hello\nbusy\n")

    def test_nothing_hostile_comes_through(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = Output(json=False)
        out.say(HOSTILE)
        out.show(Heading(HOSTILE), Lines((HOSTILE,)), Table(columns=("A",), rows=((HOSTILE,),)))
        printed = capsys.readouterr()
        assert (printed.out + printed.err).replace("\n", "").isprintable()


class TestObject:
    @pytest.mark.parametrize("value", ["é•🧻", HOSTILE, "\x9b2J\u202e", "\ud800", "\U000e0041", 'quote " back \\ slash', "\x7f"])
    def test_reads_back_as_it_was_and_is_harmless_to_look_at(self, value: str, capsys: pytest.CaptureFixture[str]) -> None:
        write_object({"text": value})
        line = capsys.readouterr().out
        assert json.loads(line) == {"text": value}
        assert line[:-1].isprintable()

    def test_can_be_laid_out(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_object({"text": "\x9b", "b": [1]}, indent=2)
        printed = capsys.readouterr().out
        assert printed.splitlines()[0] == "{"
        assert json.loads(printed) == {"text": "\x9b", "b": [1]}


class TestError:
    def test_is_two_lines_on_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_error("not_found", "No such\nthing \x1b[31m", "Look", as_json=False)
        assert capsys.readouterr() == ("", "error: No such thing\nhint: Look\n")

    def test_is_one_object_on_stdout_with_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_error("not_found", "No", "", as_json=True, extra={"draft": None})
        assert json.loads(capsys.readouterr().out) == {"error": {"code": "not_found", "message": "No", "hint": ""}, "draft": None}


class TestTable:
    @pytest.mark.parametrize("width", [40, 60, 79, 80, 120])
    def test_never_breaks_an_id_nor_leaves_the_screen(self, width: int) -> None:
        picture = drawn(drawing.table(FEED.columns, FEED.rows, ids=True, empty="", width=width), width)
        assert "exe_" + "0" * 26 in picture
        assert max(map(len, picture.splitlines())) <= width
        assert all(word in picture.replace("\n", " ") for word in ("Alex", "$1,036.91", "soap"))

    def test_says_when_it_is_empty(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "None yet" in drawn(drawing.table(("A",), (), ids=False, empty="None yet", width=80), 80)
        Output(json=False).show(Table(columns=("A",), rows=(), empty="None yet"))
        assert capsys.readouterr().out == "None yet\n"

    @pytest.mark.parametrize("width", [20, 80])
    def test_a_heading_keeps_all_its_words(self, width: int) -> None:
        words = "Halo executes, once, and keeps the receipt"
        assert drawn(drawing.heading(words, width=width), width).replace("─", "").split() == words.split()
