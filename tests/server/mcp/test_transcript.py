"""The conversation that `just mcp-transcript` prints, and docs/mcp.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.server.mcp import transcript

PAGE = Path(__file__).parents[3] / "docs" / "mcp.md"


def shape(lines: str) -> list[str]:
    """Who says what about, without what is another each time."""
    return re.findall(r"^(?:program: \w+|halo:    [a-z ]+|\(.*|         \w+:)", lines, re.MULTILINE)


class TestTheTranscript:
    def test_is_what_the_page_shows(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A draft, a change, a question to a person, their yes by another way, and the receipt."""
        transcript.main()
        said = capsys.readouterr().out
        assert "open this page for a person: https://halo.example/m/dft_" in said
        shown = re.search(r"```text\n(program: halo mcp.*?)```", PAGE.read_text(), re.DOTALL)
        assert shown
        assert shape(said) == shape(shown[1])
