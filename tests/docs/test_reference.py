"""What is written by a machine is as the machine would write it today, and whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from halo_engine.metrics import documentation as metrics
from halo_engine.settings import Settings
from server import error_table
from tests.docs.commands import unknown
from tests.docs.reference import cli, events, http, settings
from tests.docs.reference.examples import EXAMPLES
from tests.house.source import ROOT

DOCS = ROOT / "docs"

#: Each page, and what writes it: `just reference` writes all of them.
WRITTEN: dict[str, Callable[[], str]] = {
    "errors.md": error_table.documentation,
    "metrics.md": metrics.documentation,
    "reference/cli.md": cli.documentation,
    "reference/settings.md": settings.documentation,
    "reference/events.md": events.documentation,
    "reference/http.md": http.documentation,
}


class TestTheReference:
    @pytest.mark.parametrize("page", WRITTEN)
    def test_is_what_the_code_says_today(self, page: str) -> None:
        assert (DOCS / page).read_text(encoding="utf-8") == WRITTEN[page](), "write it anew with: just reference"

    def test_is_whole(self) -> None:
        """Every page beside the others is written by one of these."""
        pages = {str(Path("reference") / path.name) for path in (DOCS / "reference").glob("*.md")}
        assert pages == {page for page in WRITTEN if page.startswith("reference/")}

    def test_has_an_example_of_every_command(self) -> None:
        assert {path for path, _ in cli.commands()} == set(EXAMPLES)
        assert [why for example in EXAMPLES.values() if (why := unknown(example))] == []

    def test_has_a_reason_for_every_group_of_settings(self) -> None:
        """The reason: a knob whose why is lost is turned at random."""
        first_of_all = next(name for name in Settings.model_fields if name != "home")
        assert settings.reasons()[first_of_all]

    def test_says_who_appends_every_event(self) -> None:
        assert [kind.__name__ for kind in events.payloads() if not events.appended_by(kind)] == []
