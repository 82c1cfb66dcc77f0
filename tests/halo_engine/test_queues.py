"""What the dashboard asks every few seconds is found by an index that does not grow with the log."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from halo_engine import queries
from tests.halo_cli.tui.homes import happened_after_all, with_drafts

_PARAMETERS = {"now": "", "week_ago": "", "recent": "", "limit": 9, "id": "", "at": "", "first": "", "second": "", "household_id": ""}


class TestTheQueues:
    @pytest.mark.parametrize("name", ["_OPEN_DRAFTS", "_EXPIRED_DRAFTS", "_QUESTIONS", "_IN_NEED", "_SETTLED", "_EVENTS_OF"])
    def test_are_not_found_by_walking_through_all_a_household_has(self, tmp_path: Path, name: str) -> None:
        """SQLite would, where an index has that in the order that is asked for."""
        home = with_drafts(tmp_path)
        with sqlite3.connect(home.settings.database_file) as books:
            steps = [row[3] for row in books.execute(f"EXPLAIN QUERY PLAN {getattr(queries, name)}", _PARAMETERS)]
        assert not [step for step in steps if "SCAN" in step or "household_id=?" in step]

    def test_hold_what_waits_and_no_more(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)
        with home.queries() as read:
            inbox, counts = read.inbox(limit=9), read.counts()
        assert (len(inbox.drafts), len(inbox.questions), len(inbox.expired)) == (2, 1, 1)
        assert (counts.drafts, counts.questions, counts.attention) == (2, 1, 0)
        home.clock.advance(timedelta(days=9))
        with home.queries() as read:
            inbox, counts = read.inbox(limit=9), read.counts()
        assert (inbox.drafts, inbox.questions, inbox.expired) == ((), (), ())
        assert (counts.drafts, counts.questions) == (0, 0)

    def test_keep_what_needs_attention_however_long_it_takes(self, tmp_path: Path) -> None:
        home, execution_id = happened_after_all(tmp_path)
        home.clock.advance(timedelta(days=90))
        with home.queries() as read:
            assert [item.execution.id for item in read.attention(limit=9)] == [execution_id]
            assert read.counts().attention == 1
