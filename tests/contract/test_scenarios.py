"""The stories of `fixtures/scenarios`, told by the commands a person would type. Another one is another file there, and nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_cli.main import run
from halo_cli.scenarios import Scenario, play, read, shipped
from halo_engine.model.errors import InvalidInput

STORIES = shipped()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_goes_as_it_is_told(story: Scenario) -> None:
    """Cards, statuses, exit codes, the vendors' books and the audit."""
    assert play(story, run).problems == ()


def test_there_are_the_flows_and_the_troubles() -> None:
    """The five flows, and what the design names by name."""
    names = {story.name for story in STORIES}
    assert len(names) >= 10
    assert {"order", "reorder", "cancel", "book", "modify"} <= names
    assert {"price_drift", "lost_after", "lost_before", "slot_gone", "token_expired", "sold_out"} <= names


def test_one_that_goes_otherwise_says_where() -> None:
    """A scenario that cannot fail would be worth nothing."""
    story = next(story for story in STORIES if story.name == "order")
    wrong = story.model_copy(update={"ledger": ("order $0.01",)})
    assert play(wrong, run).problems == ("the ledger says ['order $49.95'], not ['order $0.01']",)


def test_one_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A misspelt key is an error and not a step without an expectation."""
    file = tmp_path / "mine.yaml"
    file.write_text("about: x\nnow: 2026-03-03T17:00:00Z\nsteps: [{halo: activity, exits: 0}]\nledger: []\n")
    with pytest.raises(InvalidInput, match=r"steps\.0\.exits"):
        read(file)
