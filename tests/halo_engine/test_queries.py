"""The read side: the same answers as the write side, from plain SQL, on both kinds of books, and to the household alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.draft import DraftStatus
from halo_engine.model.errors import NotFound, NotInitialised, StoreDamaged, StoreFailed
from halo_engine.model.ids import Prefix
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.queries import Queries
from halo_engine.settings import Settings, load_settings
from halo_engine.store.session import Store, open_store
from tests.halo_engine.model.samples import NOON, UNTIL
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import sql
from tests.installation import Installation

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(database_url: str | None, tmp_path: Path) -> Settings:
    """Those of the books that `store` opens."""
    return load_settings(home=tmp_path / "home", environ={"HALO_DATABASE_URL": database_url} if database_url else {})


@pytest.fixture
def family(store: Store, clock: FakeClock) -> Family:
    return Family.found(store, clock)


@pytest.fixture
def queries(settings: Settings, family: Family, clock: FakeClock) -> Iterator[Queries]:
    del family  # somebody has to live there
    with Queries.open(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def lived(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """A whole installation, on each kind of books."""
    url = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **url)
    yield installation
    installation.engine.close()


class TestOpen:
    def test_finds_nobody_in_an_empty_home(self, settings: Settings) -> None:
        """Nothing is there, and nothing is made by looking."""
        with pytest.raises(NotInitialised):
            Queries.open(settings)
        assert not settings.home.exists()

    def test_finds_nobody_in_empty_books(self, settings: Settings, store: Store) -> None:
        """Books without a household, and a file that another process has only just made."""
        with pytest.raises(NotInitialised):
            Queries.open(settings)
        store.close()

    def test_finds_a_household_after_its_writer_has_gone(self, settings: Settings, family: Family) -> None:
        """Also where the writer took its journals along."""
        family.store.close()
        with Queries.open(settings) as queries:
            assert queries.household() == family.household

    def test_says_what_is_wrong_with_a_file(self, tmp_path: Path) -> None:
        """A letter where the books should be."""
        (tmp_path / "halo.db").write_text("This is a letter.\n" * 1000)
        with pytest.raises(StoreDamaged):
            Queries.open(load_settings(home=tmp_path, environ={}))

    def test_says_that_a_server_cannot_be_reached(self, tmp_path: Path) -> None:
        """Without the password in the address."""
        url = f"postgresql://halo:hunter2@/halo?host={tmp_path}"
        with pytest.raises(StoreFailed) as refused:
            Queries.open(load_settings(home=tmp_path, environ={"HALO_DATABASE_URL": url}))
        assert "hunter2" not in refused.value.message

    def test_cannot_write(self, queries: Queries) -> None:
        """The connection itself refuses."""
        with pytest.raises(StoreFailed):
            queries._reader.rows("DELETE FROM usual_bundle RETURNING id")

    def test_imports_nothing_heavy(self) -> None:
        """A read command does not wait for the ORM, the network or the migrations."""
        program = "import json, sys, halo_engine.queries; print(json.dumps(sorted(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
        imported = set(json.loads(done.stdout))
        assert "pydantic" in imported
        assert imported & {"sqlalchemy", "sqlmodel", "openai", "httpx", "alembic", "psycopg", "halo_engine.store.tables"} == set()


class TestAnswers:
    def test_about_the_household_are_those_of_the_write_side(self, queries: Queries, family: Family) -> None:
        """Who lives here."""
        assert (queries.household(), queries.members(), queries.usuals()) == (family.household, (family.owner, family.child), ())

    def test_about_a_draft_are_those_of_the_write_side(self, queries: Queries, family: Family) -> None:
        """Every field, and every revision with the status of the draft."""
        first = family.draft()
        second = first.model_copy(update={"terms": first.terms.model_copy(update={"revision": 2, "nonce": "1" * 32})})
        with family.store.transaction() as books:
            books.drafts.revise(first, second, now=NOON)
        with family.store.transaction() as books:
            assert queries.draft(first.id) == books.drafts.get(family.household.id, first.id) == second
        assert queries.revisions(first.id) == (first, second)

    def test_about_an_execution_are_those_of_the_write_side(self, queries: Queries, family: Family) -> None:
        """With its draft, its confirmation, who gave it, and the part of the log that is about it."""
        execution = family.execution()
        detail = queries.execution(execution.id)
        with family.store.transaction() as books:
            assert detail.execution == books.executions.get(execution.id)
            assert detail.confirmation == books.executions.confirmation(execution.draft_id)
        assert (detail.draft.status, detail.confirmed_by, detail.attempts, detail.receipt) == (DraftStatus.CONFIRMED, "Alex", (), None)
        assert [event.event_type for event in detail.events] == ["draft.created", "draft.confirmed"]

    def test_about_a_receipt_are_those_of_the_write_side(self, queries: Queries, family: Family) -> None:
        """Or that there is none."""
        execution = family.execution()
        with pytest.raises(NotFound, match="There is no receipt: this execution is confirmed"):
            queries.receipt(execution.id)
        receipt = Receipt(
            id=family.clock.new_id(Prefix.RECEIPT),
            execution_id=execution.id,
            type="amazon.order",
            content_text="done",
            external_reference_id=None,
            created_at=NOON,
        )
        with family.store.transaction() as books:
            books.receipts.add(receipt)
        assert queries.receipt(execution.id) == receipt

    def test_about_what_waits_leave_out_what_is_over(self, queries: Queries, family: Family, clock: FakeClock) -> None:
        """Newest first; confirmed, cancelled and expired drafts are not waiting."""
        older, cancelled = family.draft(), family.draft()
        family.execution()
        with family.store.transaction() as books:
            books.drafts.close(cancelled, DraftStatus.CANCELLED)
        newer = family.draft(terms=family.terms(expires_at=UNTIL + timedelta(minutes=5)))
        assert queries.waiting() == (newer, older)
        clock.sleep_until(UNTIL)
        assert queries.waiting() == (newer,)
        assert queries.draft(older.id).status is DraftStatus.EXPIRED


class TestActivity:
    def test_shows_each_request_once_by_what_became_of_it(self, queries: Queries, family: Family, clock: FakeClock) -> None:
        """Newest first."""
        asked = family.request("book a table")
        with family.store.transaction() as books:
            books.requests.understand(asked.id, asked.intent, {"field": "time", "options": []})
        clock.advance(timedelta(minutes=1))
        family.request("sing me a song")
        clock.advance(timedelta(minutes=1))
        family.draft()
        clock.advance(timedelta(minutes=1))
        family.execution()
        seen = [(line.kind, line.status, line.member) for line in queries.activity(limit=10)]
        assert seen == [
            ("execution", "confirmed", "Alex"),
            ("draft", "open", "Alex"),
            ("request", "not_done", "Alex"),
            ("request", "asked", "Alex"),
        ]
        assert [line.title for line in queries.activity(limit=2)] == ["Order paper towels and dish soap"] * 2

    def test_shows_an_amount_in_its_own_currency(self, queries: Queries, family: Family) -> None:
        """Euros are not shown as dollars."""
        ten = Money(cents=1000, currency="EUR")
        family.draft(terms=family.terms(lines=(), charges=({"label": "deposit", "amount": ten},), total=ten, maximum=ten))
        assert [line.amount for line in queries.activity(limit=1)] == [ten]

    def test_shows_a_draft_that_expired_as_expired(self, queries: Queries, family: Family, clock: FakeClock) -> None:
        """To the second."""
        family.draft()
        clock.sleep_until(UNTIL - timedelta(seconds=1))
        assert [line.status for line in queries.activity(limit=1)] == ["open"]
        clock.sleep_until(UNTIL)
        assert [line.status for line in queries.activity(limit=1)] == ["expired"]


class TestAnotherHousehold:
    @pytest.mark.parametrize("look", [Queries.draft, Queries.revisions, Queries.execution, Queries.receipt])
    def test_is_not_found(self, queries: Queries, family: Family, clock: FakeClock, look: Callable[[Queries, str], object]) -> None:
        """I9: and is told in the same words as what is not there at all."""
        strangers = Family.found(family.store, clock, "Elsewhere")
        execution = strangers.execution()
        theirs = execution.draft_id if look in (Queries.draft, Queries.revisions) else execution.id
        said = []
        for identifier in (theirs, "nothing_at_all", "' OR 1=1 --"):
            with pytest.raises(NotFound) as refused:
                look(queries, identifier)
            said.append(refused.value.message)
        assert len(set(said)) == 1

    def test_is_in_no_list(self, queries: Queries, family: Family, clock: FakeClock) -> None:
        """Neither drafts nor activity, members or log."""
        strangers = Family.found(family.store, clock, "Elsewhere")
        strangers.execution()
        strangers.draft()
        assert (queries.waiting(), queries.activity(limit=10)) == ((), ())
        assert queries.members() == (family.owner, family.child)


class TestAlteredBooks:
    @pytest.mark.parametrize(
        "look",
        [
            lambda queries, execution: queries.draft(execution.draft_id),
            lambda queries, execution: queries.execution(execution.id),
            lambda queries, execution: queries.waiting(),
        ],
        ids=["draft", "execution", "waiting"],
    )
    def test_are_never_shown(self, queries: Queries, family: Family, look: Callable[[Queries, object], object]) -> None:
        """One price in one draft: refused, by its name."""
        execution = family.execution()
        changed = "UPDATE draft SET status = 'open', draft_payload_json = replace(draft_payload_json, '2298', '2297') WHERE id = :id"
        sql(family.store, changed, id=execution.draft_id)
        with pytest.raises(StoreDamaged, match=execution.draft_id):
            look(queries, execution)


class TestBothSides:
    def test_may_be_open_at_once(self, settings: Settings, family: Family, database_url: str | None, clock: FakeClock) -> None:
        """A reader sees what was committed since it looked last."""
        with Queries.open(settings) as queries:
            other = open_store(database_file=settings.database_file, database_url=database_url, clock=clock)
            draft = Family(other, clock, family.household, family.owner, family.child).draft()
            assert [line.id for line in queries.activity(limit=5)] == [draft.id]
            other.close()
