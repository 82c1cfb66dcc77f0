"""Whoever types the pages notices what is not so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.docs.commands import unknown
from tests.docs.pages import Page
from tests.docs.shell import Bash, Meanings

DRAFT = "Draft: Batteries\nCost: $49.95\nDraft dft_01m834d17jextttcm6rqzhxwph\n"
OTHER = "dft_01m811frhbexttt0000qzhxwph"


class TestWhatIsShown:
    @pytest.mark.parametrize(
        "shown",
        [
            "Draft: Batteries\nCost: $49.95\n…",
            "…\nCost: $49.95\n…",
            f"Draft: …\n…\nDraft {OTHER}",
            "Draft: Batteries\nCost: $49.95\nDraft dft_…",
            "…",
        ],
    )
    def test_is_so_for_any_id(self, shown: str) -> None:
        assert Meanings().are_shown(shown, DRAFT)

    @pytest.mark.parametrize(
        "shown",
        [
            "Draft: Batteries\nCost: $49.96\n…",
            "Draft: Batteries\nCost: $49.95",
            "Cost: $49.95\n…",
            f"…\nDraft {OTHER.replace('dft', 'exe')}x",
            "Draft: Batteries …\nCost: $49.95\nDraft dft_…\nmore",
        ],
    )
    def test_is_not_so_for_anything_else(self, shown: str) -> None:
        """An amount, a line too few, a line too many."""
        assert not Meanings().are_shown(shown, DRAFT)

    def test_gives_commands_their_ids(self) -> None:
        """The one that the page showed; else the newest of its kind."""
        meanings = Meanings(printed=DRAFT)
        assert meanings.meant("halo confirm dft_… --wait 0") == "halo confirm dft_01m834d17jextttcm6rqzhxwph --wait 0"
        meanings.are_shown(f"…\nDraft {OTHER}", DRAFT)
        meanings.printed += "dft_00000000000000000000000000"
        assert meanings.meant(f"halo draft show {OTHER}") == "halo draft show dft_01m834d17jextttcm6rqzhxwph"


class TestACommand:
    @pytest.mark.parametrize(
        "text",
        [
            "halo ask TEXT",
            "halo usual list|add|remove",
            "HALO_HOME=x halo audit verify --against FILE",
            "just check",
            "halo --version",
            "ls -l",
        ],
    )
    def test_is_there(self, text: str) -> None:
        assert unknown(text) is None

    @pytest.mark.parametrize(
        "text", ["halo order", "halo usual list|drop", "halo audit verify --agains FILE", "just chekc", "halo sim faults"]
    )
    def test_is_not_there(self, text: str) -> None:
        assert unknown(text)


class TestAPage:
    def test_says_why_a_block_is_not_run(self, tmp_path: Path) -> None:
        path = tmp_path / "page.md"
        path.write_text(
            "<!-- not run: needs a Mac -->\n```sh\nhalo ask\n```\n\n```console\n$ echo 1 \\\n>   2\n1 2\n$ true\n```\n", encoding="utf-8"
        )
        first, second = Page(path).blocks
        assert (first.not_run, second.not_run) == ("needs a Mac", None)
        assert [(command.typed, command.shown) for command in second.commands] == [("echo 1 \\\n  2", "1 2"), ("true", None)]


class TestTheBash:
    def test_keeps_what_is_set_and_tells_how_each_command_ended(self, tmp_path: Path) -> None:
        place = tmp_path / "reader"
        place.mkdir()
        with Bash(place, path=tmp_path) as bash:
            assert bash.type("word=said").printed == ""
            assert bash.type('echo "$word" >&2; (exit 3)').code == 3
            done = bash.start("(echo begun; sleep 60; echo late) &", until=lambda said: "begun" in said)
            assert done.printed == "begun\n"
            began = time.monotonic()
            assert bash.type("kill $!; pwd").printed == f"{place}\n"
        assert time.monotonic() - began < 30

    def test_says_that_a_script_failed_in_its_midst(self, tmp_path: Path) -> None:
        place = tmp_path / "reader"
        place.mkdir()
        with Bash(place, path=tmp_path) as bash:
            bash.type("set -eo pipefail")
            assert bash.type("false | true\necho not reached").code != 0
