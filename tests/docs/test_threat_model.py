"""docs/threat-model.md names what there is: every file, every test, every row of the torture; and no row stands for nothing."""

from __future__ import annotations

import re

from tests.docs.pages import Page
from tests.house.source import ROOT
from tests.torture.rows import ROWS

PAGE = Page(ROOT / "docs" / "threat-model.md")
TEXT = PAGE.path.read_text(encoding="utf-8")


def threats() -> list[list[str]]:
    """The cells of each threat."""
    lines = [line for line in TEXT.splitlines() if line.startswith("| ") and "`" in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


class TestTheThreatModel:
    def test_names_no_file_that_is_not_there(self) -> None:
        files = [code for code in PAGE.inline if re.fullmatch(r"[\w/.-]+\.(?:py|md|toml|json)", code)]
        assert len(files) > 50
        assert [file for file in files if not (ROOT / file).is_file()] == []

    def test_names_no_row_that_is_not_there(self) -> None:
        assert set(re.findall(r"\b[RCPALVT]-\d\d(?:-[a-z]+)?\b", TEXT)) <= set(ROWS)

    def test_has_a_threat_for_every_row(self) -> None:
        """The reason: a row that stands for no threat is kept up for nothing, or its threat was forgotten here."""
        assert set(ROWS) - set(re.findall(r"\b[RCPALVT]-\d\d(?:-[a-z]+)?\b", TEXT)) == set()

    def test_says_of_every_threat_what_stops_it_and_what_tries_it(self) -> None:
        """Each names a file or, where nothing of ours stops it, says so in words; and a row, a test, or `none`."""
        incomplete = [
            cells[1]
            for cells in threats()
            if len(cells) == 5 and not (cells[4] and (cells[3] == "none" or re.search(r"\b[RCPALVT]-\d\d|`tests/", cells[3])))
        ]
        assert incomplete == []

    def test_looks_at_each_step_by_every_letter_that_applies(self) -> None:
        """Somewhere on the page each of the six is answered."""
        letters = {cells[0] for cells in threats() if len(cells) == 5}
        assert letters == set("STRIDE")
