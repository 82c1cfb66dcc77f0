"""The confirm transaction: what may start an execution, and that it starts one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.device import DeviceKind
from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import (
    AlreadyCancelled,
    AlreadyConfirmed,
    Conflict,
    DraftExpired,
    NotAuthorised,
    NotFound,
    StoreDamaged,
    StoreFailed,
    TermsChanged,
)
from halo_engine.model.execution import Execution
from halo_engine.model.household import Member
from halo_engine.model.ids import Prefix
from halo_engine.model.policy import Case
from halo_engine.stages import confirm as confirm_stage
from halo_engine.stages.confirm import Confirming, Yes, vendor_key
from halo_engine.store.drafts import Drafts
from halo_engine.store.session import Books
from tests.halo_engine.store.raw import without_triggers
from tests.installation import Installation

T = TypeVar("T")


@pytest.fixture
def card(home: Installation) -> Card:
    """A draft that waits for its yes."""
    return home.ask("order 2 packs of AA batteries")


def refusals(home: Installation) -> list[str]:
    """Why confirmations were refused, from the log."""
    with home.queries() as queries:
        rows = queries._all("SELECT * FROM event_log WHERE household_id = :household_id AND event_type = 'draft.confirmation_refused'")
    return [str(row["event_payload_json"]).split('"reason":"')[1].split('"')[0] for row in rows]


class TestConfirming:
    def test_starts_one_execution_and_closes_the_draft(self, home: Installation, card: Card) -> None:
        """The yes, its execution and the closed draft are there together."""
        execution = home.confirm(card, member="Sam")
        with home.queries() as queries:
            detail = queries.execution(execution.id)
        assert detail.confirmed_by == "Sam"
        assert detail.confirmation.draft_hash == card.draft_hash == detail.execution.draft_hash
        assert detail.draft.status is DraftStatus.CONFIRMED
        assert [event.event_type for event in detail.events] == ["draft.created", "draft.confirmed"]

    def test_again_returns_the_same_execution(self, home: Installation, card: Card) -> None:
        """The same yes twice, by two people, is one execution."""
        assert home.confirm(card, member="Alex").id == home.confirm(card, member="Sam").id

    def test_does_nothing_at_the_vendor(self, home: Installation, card: Card) -> None:
        """Confirming only writes; the vendor hears of it when it is executed."""
        home.confirm(card)
        assert home.ledger() == ()

    def test_records_how_long_the_card_was_looked_at(self, home: Installation, card: Card) -> None:
        """The latency of a confirmation is the time since the draft was made."""
        home.later(seconds=42.5)
        execution = home.confirm(card)
        with home.queries() as queries:
            assert queries.execution(execution.id).confirmation.confirmation_latency_ms == 42_500


class TestAYesAfterTheYes:
    def test_to_other_terms_is_told_who_confirmed_which(self, home: Installation, card: Card) -> None:
        """Whoever still looks at an older revision learns that another one is on its way."""
        changed = home.engine.modify(str(card.draft_id), "make it 3", member="Alex")
        home.confirm(changed, member="Sam")
        with pytest.raises(AlreadyConfirmed, match=r"Sam confirmed this draft at 2026-03-03T17:00:00Z, with other terms than these\."):
            home.confirm(card, member="Alex")
        assert refusals(home) == ["already_confirmed"]

    def test_whose_execution_is_gone_from_the_books_starts_none(self, home: Installation, card: Card) -> None:
        """The books are damaged: nobody is told that it was done, and nothing is begun a second time."""
        home.confirm(card)
        without_triggers(home.engine._store, "execution", "DELETE FROM execution")
        with pytest.raises(StoreDamaged, match="A confirmed draft has no execution in the books"):
            home.confirm(card)
        assert refusals(home) == []
        assert home.ledger() == ()


class TestAHash:
    @pytest.mark.parametrize("presented", ["", "0" * 64, "ABC", "é", "\x00", "\ud800", "'; DROP TABLE draft; --"])
    def test_that_is_not_the_drafts_confirms_nothing(self, home: Installation, card: Card, presented: str) -> None:
        """Only the exact hash is a yes; whatever else is presented is refused and put on record."""
        assert card.draft_id
        with pytest.raises(TermsChanged) as refused:
            home.engine.confirm(card.draft_id, draft_hash=presented, member=None)
        assert refused.value.current.draft_hash == card.draft_hash
        assert refusals(home) == ["terms_changed"]

    def test_of_a_superseded_revision_gets_the_current_draft_and_the_difference(self, home: Installation, card: Card) -> None:
        """Who confirms what was on the screen before a change is shown what changed."""
        assert card.draft_id
        assert card.draft_hash
        home.engine.modify(card.draft_id, "make it 3", member=None)
        with pytest.raises(TermsChanged) as refused:
            home.engine.confirm(card.draft_id, draft_hash=card.draft_hash, member=None)
        current = refused.value.current
        assert current.revision == 2
        assert [change.field for change in current.changes] == ["Voltara AA Alkaline Batteries, 48 Count", "tax", "total", "maximum"]

    def test_in_capitals_is_another_hash(self, home: Installation, card: Card) -> None:
        """A hash is compared byte for byte."""
        assert card.draft_id
        assert card.draft_hash
        with pytest.raises(TermsChanged):
            home.engine.confirm(card.draft_id, draft_hash=card.draft_hash.upper(), member=None)


class TestADraft:
    def test_that_expired_is_not_confirmed(self, home: Installation, card: Card) -> None:
        """At the very second of its expiry a draft is over."""
        home.later(seconds=home.settings.draft_lives_s)
        with pytest.raises(DraftExpired):
            home.confirm(card)

    def test_is_confirmed_until_its_last_second(self, home: Installation, card: Card) -> None:
        """One second before its expiry a draft still stands."""
        home.later(seconds=home.settings.draft_lives_s - 1)
        assert home.confirm(card)

    def test_that_was_cancelled_is_not_confirmed(self, home: Installation, card: Card) -> None:
        """No is final."""
        assert card.draft_id
        home.engine.cancel(card.draft_id, member=None)
        with pytest.raises(AlreadyCancelled):
            home.confirm(card)

    def test_that_was_confirmed_is_not_cancelled_or_modified(self, home: Installation, card: Card) -> None:
        """After the yes the draft is no longer anybody's to change."""
        assert card.draft_id
        home.confirm(card)
        with pytest.raises(AlreadyConfirmed):
            home.engine.cancel(card.draft_id, member=None)
        with pytest.raises(AlreadyConfirmed):
            home.engine.modify(card.draft_id, "make it 3", member=None)

    @pytest.mark.parametrize(
        "stranger", ["dft_01kjtdpp80ewsr5kkf8hzdf739", "nonsense", "exe_01kjtdpp80ewsr5kkf8hzdf739", "", "\x00", "\ud800"]
    )
    def test_nobody_knows_is_not_found(self, home: Installation, stranger: str) -> None:
        """An unknown id is said to be unknown."""
        with home.queries() as queries:
            for look in (
                partial(home.engine.confirm, stranger, draft_hash="0" * 64, member=None),
                partial(home.engine.execute, stranger, wait_s=1),
                partial(queries.draft, stranger),
                partial(queries.execution, stranger),
            ):
                with pytest.raises(NotFound):
                    look()


class TestAMember:
    def test_who_is_a_child_may_not_confirm(self, home: Installation, card: Card) -> None:
        """A child asks; a grown-up confirms."""
        with pytest.raises(NotAuthorised):
            home.confirm(card, member="Kim")
        assert refusals(home) == ["not_authorised"]
        assert home.confirm(card, member="Alex")

    def test_may_not_confirm_above_the_limit(self, tmp_path: Path) -> None:
        """A single confirmation stays under the household's spending limit."""
        frugal = Installation.open(tmp_path / "frugal", spending_limit_cents="4994")
        with pytest.raises(NotAuthorised, match=r"the limit is \$49.94, this is \$49.95"):
            frugal.confirm(frugal.ask("order 2 packs of AA batteries"))
        frugal.engine.close()

    def test_nobody_knows_is_not_found(self, home: Installation, card: Card) -> None:
        """A name that does not live here cannot confirm."""
        with pytest.raises(NotFound):
            home.confirm(card, member="Mallory")


class TestAProgramsDevice:
    def test_is_nobodys_yes(self, home: Installation, card: Card) -> None:
        """Decided in the transaction itself, whichever face it came through, also where it is confirmed already; and the log says who tried."""
        assert (card.draft_id, card.draft_hash) != (None, None)
        said = partial(home.engine.confirm, str(card.draft_id), draft_hash=str(card.draft_hash), member=None)
        device_id = home.engine.devices.add("Desk", by=None, kind=DeviceKind.PROGRAM).device.id
        with pytest.raises(NotAuthorised, match="A program's device cannot confirm"):
            said(device_id=device_id)
        said(device_id=home.engine.devices.add("Phone", by=None).device.id)
        with pytest.raises(NotAuthorised, match="A program's device cannot confirm"):
            said(device_id=device_id)
        assert refusals(home) == ["not_authorised", "not_authorised"]
        assert home.verify().ok

    def test_of_nobody_here_is_no_yes_either(self, home: Installation, card: Card) -> None:
        with pytest.raises(NotFound):
            home.engine.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=None, device_id="dev_0")


class TestPeopleAtOnce:
    """On SQLite and on PostgreSQL, where writers really do run side by side."""

    @pytest.fixture
    def anywhere(self, tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
        """A founded household on each kind of books in turn."""
        url = {"database_url": database_url} if database_url else {}
        installation = Installation.open(tmp_path / "home", clock=clock, **url)
        yield installation
        installation.engine.close()

    def test_confirming_one_draft_get_one_execution(self, anywhere: Installation) -> None:
        """Eight threads confirm at once; one execution comes of it."""
        card = anywhere.ask("order 2 packs of AA batteries")
        got = _at_once([partial(anywhere.confirm, card, member=member) for member in ["Alex", "Sam"] * 4])
        assert len({execution.id for execution in got}) == 1

    @pytest.mark.parametrize("presented", ["\x00", "\ud800"])
    def test_who_present_what_no_database_takes_are_refused_like_others(self, anywhere: Installation, presented: str) -> None:
        """A NUL or half a character is no error of the database's: it is a wrong hash, and an unknown id, and on record."""
        card = anywhere.ask("order 2 packs of AA batteries")
        with pytest.raises(TermsChanged):
            anywhere.engine.confirm(str(card.draft_id), draft_hash=presented, member=None)
        with pytest.raises(NotFound):
            anywhere.engine.confirm(presented, draft_hash=str(card.draft_hash), member=None)
        assert refusals(anywhere) == ["terms_changed"]

    def test_asking_and_confirming_different_things_do_not_stop_each_other(self, anywhere: Installation) -> None:
        """Every one of eight gets a draft and an execution, and the log is one chain."""
        cards = _at_once([partial(anywhere.ask, "cancel streamly")] * 8)
        executions = _at_once([partial(anywhere.confirm, card) for card in cards])
        assert len({execution.id for execution in executions}) == 8
        assert anywhere.verify().ok


def _at_once(tasks: list[Callable[[], T]]) -> list[T]:
    """What each task gave, all begun at the same moment. An error in one is an error here."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


class TestTheVendorKey:
    def test_follows_from_the_execution_and_the_secret(self, home: Installation) -> None:
        """The same execution has the same key, another secret another one, and it fits every vendor."""
        execution_id = home.clock.new_id(Prefix.EXECUTION)
        assert vendor_key(b"a", execution_id) == vendor_key(b"a", execution_id) != vendor_key(b"b", execution_id)
        assert len(vendor_key(b"a", execution_id)) <= 36


class TestAPlantedBug:
    """Each leaves one check out and shows that the behaviour above then breaks: the tests can fail."""

    def test_hash_not_checked_lets_a_wrong_hash_through(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without (4), anything is a yes."""
        monkeypatch.setattr("hmac.compare_digest", lambda _mine, _theirs: True)
        assert card.draft_id
        assert isinstance(home.engine.confirm(card.draft_id, draft_hash="0" * 64, member=None), Execution)

    def test_standing_not_checked_lets_an_expired_draft_through(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without (3), yesterday's price is confirmed; the log's own check still tells."""

        def not_checked(*_: Any) -> None:
            return None

        monkeypatch.setattr(confirm_stage, "still_open", not_checked)
        home.later(days=1)
        assert home.confirm(card)
        assert "expired" in home.verify().problems[0]

    def test_policies_not_checked_lets_a_child_confirm(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without (6), a child spends."""
        monkeypatch.setattr(confirm_stage, "refusals", lambda *_: ())
        assert home.confirm(card, member="Kim")

    def test_policies_not_asked_let_nobody_confirm(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """A rule that was left out is a no: this bug is stopped, and nothing is kept as a yes."""
        monkeypatch.setattr(confirm_stage, "evaluate", lambda *_: ())
        with pytest.raises(NotAuthorised, match="the rule may_confirm was not asked"):
            home.confirm(card, member="Alex")
        assert refusals(home) == ["not_authorised"]

    @pytest.mark.parametrize("also_unlocked", [False, True])
    def test_use_not_checked_is_stopped_by_the_books(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch, also_unlocked: bool
    ) -> None:
        """With no check at all there is still one execution: the draft's compare-and-set stops it, and behind that the unique constraint."""
        home.confirm(card)

        def unasked(stage: Confirming, books: Books, draft: Draft, yes: Yes, member: Member, members: Sequence[Member]) -> Execution:
            case = Case(terms=draft.terms, member=member, situation=books.approvals.situation(draft, members))
            return stage._write(books, draft, case, (), yes)

        monkeypatch.setattr(Confirming, "_decide", unasked)
        if also_unlocked:
            monkeypatch.setattr(Drafts, "close", lambda _drafts, draft, _status: draft)
        with pytest.raises(StoreFailed if also_unlocked else Conflict):
            home.confirm(card)
        assert home.verify().ok
