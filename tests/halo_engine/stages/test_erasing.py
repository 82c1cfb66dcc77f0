"""What somebody said is forgotten: nowhere in the books is there a trace of it, and the log holds as before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotAuthorised, NotFound
from halo_engine.model.ids import Prefix
from halo_engine.stages.erasing import NOT_CLEAN
from halo_engine.store import sqlite
from halo_engine.store.requests import Requests
from tests.halo_engine.model.samples import an_id
from tests.halo_engine.store.raw import rows
from tests.installation import Installation

WORDS = "write a poem about Rumpelstiltskin"


@pytest.fixture
def home(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    url = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **url)
    with installation.engine:
        yield installation


def traces(home: Installation) -> list[str]:
    """The files, or on PostgreSQL the tables, in which the words still are."""
    if home.settings.database_url:
        tables = ("execution_request", "event_log", "event_opening", "draft_revision", "vendor_exchange")
        return [table for table in tables if "Rumpelstiltskin" in str(rows(home.engine._store, f"SELECT * FROM {table}"))]
    files = [path for path in home.settings.home.rglob("*") if path.is_file()]
    return [path.name for path in files if re.search(b"Rumpelstiltskin", path.read_bytes())]


@contextmanager
def reading(home: Installation) -> Iterator[None]:
    """Somebody reads the books as they were, and goes on reading."""
    if home.settings.database_url or sqlite.journal_mode() != "wal":
        pytest.skip("nobody's words wait in a journal there")
    with closing(sqlite.connect_read_only(home.settings.database_file)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM event_log").fetchall()
        yield


class TestErase:
    def test_leaves_no_trace_of_the_words_and_a_log_that_holds(self, home: Installation) -> None:
        """Not in the rows, the commitments, the free pages or the journal."""
        request_id = str(home.ask(WORDS).request_id)
        before = home.verify()
        assert traces(home)
        home.engine.erasing.erase(request_id, by=None)
        assert traces(home) == []
        after = home.verify()
        assert (after.ok, after.problems, after.events) == (True, (), before.events + 1)

    def test_says_so_while_a_reader_keeps_the_words_in_the_journal(self, home: Installation) -> None:
        """And does it the next time, although nothing else is left to erase by then."""
        request_id = str(home.ask(WORDS).request_id)
        with reading(home):
            erased = home.engine.erasing.erase(request_id, by=None)
            assert (erased.openings > 0, erased.is_clean, traces(home)) == (True, False, ["halo.db-wal"])
            with pytest.raises(Conflict) as still:
                home.engine.erasing.erase(request_id, by=None)
        assert still.value.hint == NOT_CLEAN
        home.ask("order paper towels")
        with pytest.raises(Conflict) as gone:
            home.engine.erasing.erase(request_id, by=None)
        assert gone.value.hint == "Nothing was done."
        assert traces(home) == []

    def test_forgets_what_was_said_to_vendors_because_of_it(self, home: Installation) -> None:
        """Of this request alone: names of products and places may stand in it."""
        card, other = home.ask("order paper towels"), home.ask("order 2 packs of AA batteries")
        done, kept = home.carry_out(card), home.carry_out(other)
        home.engine.erasing.erase(str(card.request_id), by=None)
        with home.queries() as queries:
            assert queries.execution(done.id).exchanges == ()
            assert queries.execution(kept.id).exchanges
        assert home.verify().ok

    def test_is_told_in_the_log(self, home: Installation) -> None:
        request_id = str(home.ask(WORDS).request_id)
        erased = home.engine.erasing.erase(request_id, by=None).openings
        (told,) = rows(home.engine._store, "SELECT * FROM event_log WHERE event_type = 'data.erased'")
        assert (told["entity_id"], told["event_payload_json"]) == (request_id, f'{{"openings":{erased}}}')

    def test_keeps_what_was_drafted_and_done(self, home: Installation) -> None:
        card = home.ask("order paper towels")
        execution = home.carry_out(card)
        home.engine.erasing.erase(str(card.request_id), by=None)
        with home.queries() as queries:
            assert queries.card(execution.id).title == f"Done: {card.subject}"
            assert queries.requests(limit=1)[0].text == ""

    def test_closes_a_question_that_waits(self, home: Installation) -> None:
        """Nobody knows any more what was asked."""
        asked = home.ask("book a table at nopa")
        home.engine.erasing.erase(str(asked.request_id), by=None)
        with home.queries() as queries:
            assert queries.card_of_request(str(asked.request_id)) is None

    def test_is_the_askers_and_an_owners_to_say(self, home: Installation) -> None:
        """Sam asked; Kim may not have it forgotten, Sam may."""
        request_id = str(home.ask(WORDS, member="Sam").request_id)
        with pytest.raises(NotAuthorised):
            home.engine.erasing.erase(request_id, by="Kim")
        assert home.engine.erasing.erase(request_id, by="Sam").openings > 0

    @pytest.mark.parametrize(
        ("of", "refused"),
        [
            (lambda home: home.ask("order paper towels").draft_id, InvalidInput),
            (lambda _: an_id(Prefix.REQUEST), NotFound),
            (lambda _: "Robert'); DROP TABLE", InvalidInput),
            (lambda home: gone(home), Conflict),
        ],
        ids=["a draft", "somebody else's", "no id", "erased already"],
    )
    def test_refuses_what_cannot_be_erased(self, home: Installation, of: Callable[[Installation], str], refused: type[HaloError]) -> None:
        with pytest.raises(refused):
            home.engine.erasing.erase(of(home), by=None)

    def test_would_leave_a_trace_if_the_words_were_only_closed(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug."""
        request_id = str(home.ask(WORDS).request_id)
        monkeypatch.setattr(Requests, "forget", lambda *_: None)
        home.engine.erasing.erase(request_id, by=None)
        assert traces(home)


def gone(home: Installation) -> str:
    request_id = str(home.ask(WORDS).request_id)
    home.engine.erasing.erase(request_id, by=None)
    return request_id
