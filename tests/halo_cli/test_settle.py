"""`halo settle`: what a person found, from the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from halo_cli.app import app
from halo_engine.model.errors import Conflict, InvalidInput
from tests.halo_cli.tui.homes import in_need


def run(home: Path, *words: str) -> tuple[str, BaseException | None]:
    outcome = CliRunner().invoke(app, ["settle", *words, "--home", str(home), "--json"])
    return outcome.stdout, outcome.exception


class TestHaloSettle:
    def test_records_it_once(self, tmp_path: Path) -> None:
        """The second time is a conflict."""
        home, execution_id = in_need(tmp_path)
        home.engine.close()
        said, _ = run(tmp_path, execution_id, "--happened", "--reference", "RES-77", "--charged", "20")
        assert json.loads(said)["reference"] == "RES-77"
        assert json.loads(said)["charged"] == {"cents": 2000, "currency": "USD"}
        assert isinstance(run(tmp_path, execution_id, "--did-not-happen")[1], Conflict)
        shown = CliRunner().invoke(app, ["show", execution_id, "--home", str(tmp_path)]).stdout
        assert "found: it happened, as RES-77, for $20.00" in shown

    def test_wants_to_know_what_was_found(self, tmp_path: Path) -> None:
        """And the vendor's number of what happened; none of what did not."""
        home, execution_id = in_need(tmp_path)
        home.engine.close()
        for words in (
            [],
            ["--happened"],
            ["--did-not-happen", "--reference", "7"],
            ["--happened", "--reference", "7", "--charged", "much"],
        ):
            assert isinstance(run(tmp_path, execution_id, *words)[1], InvalidInput), words
