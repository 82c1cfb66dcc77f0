"""`halo audit erase`: what it says of what is gone, and of what cannot go yet."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from halo_engine.stages.erasing import NOT_CLEAN
from halo_engine.store import sqlite
from tests.halo_cli.conftest import Halo
from tests.installation import Installation


@pytest.fixture
def request_id(home: Path) -> str:
    installation = Installation.open(home)
    with installation.engine:
        return str(installation.ask("write a poem about Rumpelstiltskin").request_id)


class TestErase:
    def test_says_that_the_words_are_gone(self, halo: Halo, request_id: str) -> None:
        ran = halo("audit", "erase", request_id, "--yes")
        assert ran.code == 0
        assert "are gone" in ran.out

    @pytest.mark.skipif(sqlite.journal_mode() != "wal", reason="nobody's words wait in a journal there")
    def test_says_that_they_are_not_while_somebody_reads(self, halo: Halo, home: Path, request_id: str) -> None:
        """Once to a person, and once to a program."""
        with closing(sqlite.connect_read_only(home / "halo.db")) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM event_log").fetchall()
            ran = halo("audit", "erase", request_id, "--yes")
            assert ran.code == 0
            assert "are gone" not in ran.out
            assert NOT_CLEAN in " ".join(ran.err.split())
        again = halo("audit", "erase", request_id, "--yes", "--json")
        assert again.json["error"]["code"] == "conflict"
        assert again.json["error"]["hint"] == "Nothing was done."
