"""The trail: pages, searches, one event and one trip, on both kinds of books, of one household alone, and of books that somebody has altered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from halo_engine import trail as module
from halo_engine.audit import Audit
from halo_engine.clock import FakeClock
from halo_engine.model import event
from halo_engine.model.draft import Draft
from halo_engine.model.errors import NotFound, NotInitialised, StoreDamaged
from halo_engine.model.ids import Prefix
from halo_engine.model.log_filter import LogFilter
from halo_engine.model.receipt import Receipt
from halo_engine.settings import Settings, load_settings
from halo_engine.store.session import Store
from halo_engine.trail import Trail
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import is_postgres, rows, sql, without_triggers
from tests.installation import Installation


@pytest.fixture
def settings(database_url: str | None, tmp_path: Path) -> Settings:
    """Those of the books that `store` opens."""
    return load_settings(home=tmp_path / "home", environ={"HALO_DATABASE_URL": database_url} if database_url else {})


@pytest.fixture
def family(store: Store, clock: FakeClock) -> Family:
    return Family.found(store, clock)


@pytest.fixture
def trail(settings: Settings, family: Family, clock: FakeClock) -> Iterator[Trail]:
    del family  # somebody has to live there
    with Trail.open(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def lived(tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """An order from words to receipt, seven minutes later another, and words that came to nothing."""
    home = Installation.open(tmp_path / "lived", clock=clock)
    home.carry_out(home.ask("order 2 paper towels under $90"))
    home.later(minutes=7)
    home.carry_out(home.ask("order dish soap", member="Sam"), member="Sam")
    home.later(days=1)
    home.ask("write a poem")
    yield home
    home.engine.close()


@pytest.fixture
def of_lived(lived: Installation) -> Iterator[Trail]:
    with Trail.open(lived.settings, clock=lived.clock) as opened:
        yield opened


def found(trail: Trail, text: str, **bounds: int) -> tuple[int, ...]:
    """Every number a search gives, in its order."""
    return tuple(seq for step in trail.search(LogFilter.parse(text), **bounds) for seq in step.found)


def types(trail: Trail, numbers: Sequence[int]) -> list[str]:
    return [line.event_type for line in trail.these(numbers)]


def usuals(family: Family, count: int) -> None:
    """As many events."""
    with family.store.transaction() as books:
        for number in range(count):
            family.log(books, event.UsualSaved(name=f"bundle {number}", items=number), f"usl_{number}")


class TestOpen:
    def test_finds_nobody_in_an_empty_home(self, tmp_path: Path) -> None:
        """And makes nothing by looking."""
        with pytest.raises(NotInitialised):
            Trail.open(load_settings(home=tmp_path / "none", environ={}))
        assert not (tmp_path / "none").exists()


class TestPages:
    def test_are_ranges_of_the_log(self, trail: Trail, family: Family) -> None:
        """By number, oldest first, and nothing beyond the ends."""
        usuals(family, 9)
        assert trail.head() == 10
        assert [line.seq for line in trail.between(4, 6)] == [4, 5, 6]
        assert [line.seq for line in trail.between(9, 99)] == [9, 10]
        assert [line.seq for line in trail.after(8)] == [9, 10]
        assert trail.after(10) == ()

    def test_give_single_events_by_number(self, trail: Trail, family: Family) -> None:
        """More than one statement's worth, in the log's order, without those that are not there."""
        usuals(family, 99)
        assert [line.seq for line in trail.these([*range(99, 20, -1), 7_000_000])] == list(range(21, 100))

    def test_show_what_cannot_be_read_as_that(self, trail: Trail, family: Family) -> None:
        """One event does not hide the others."""
        usuals(family, 2)
        without_triggers(family.store, "event_log", "UPDATE event_log SET event_payload_json = 'no json' WHERE seq = 2")
        assert [(line.seq, line.damaged) for line in trail.between(1, 3)] == [(1, False), (2, True), (3, False)]

    def test_are_of_one_household(self, trail: Trail, family: Family, clock: FakeClock) -> None:
        """Another one's events are in no page, no search and no detail."""
        strangers = Family.found(family.store, clock, "Elsewhere")
        execution = strangers.execution()
        theirs = rows(family.store, "SELECT id FROM event_log WHERE household_id = :id", id=strangers.household.id)[0]["id"]
        assert trail.head() == 1
        assert found(trail, execution.id) == found(trail, theirs) == found(trail, "draft.") == ()
        for look in (trail.number_of, trail.trip, trail.receipt):
            for identifier in (theirs, execution.id, "nothing_at_all", "' OR 1=1 --", "\x00"):
                with pytest.raises(NotFound):
                    look(identifier)


class TestSearch:
    def test_narrows_by_every_token(self, of_lived: Trail) -> None:
        """A type or its beginning, who acted, a day at home, what is about a thing, words, and all of them together."""
        assert set(types(of_lived, found(of_lived, "execution."))) == {
            "execution.submitting",
            "execution.done",
            "execution.attempt_finished",
        }
        assert types(of_lived, found(of_lived, "draft.confirmed by:sam")) == ["draft.confirmed"]
        assert set(types(of_lived, found(of_lived, "2026-03-04"))) == {"request.parsed", "request.refused"}
        assert types(of_lived, found(of_lived, "not_supported 2026-03-04")) == ["request.refused"]
        assert found(of_lived, "not_supported 2026-03-03") == found(of_lived, "by:nobody") == ()

    def test_finds_a_whole_trip_by_its_request(self, of_lived: Trail) -> None:
        """From words to receipt, and a part of it by what the part is about."""
        receipt = of_lived.receipts()[0]
        trip = of_lived.trip(receipt.execution_id)
        assert trip.words is not None
        whole = found(of_lived, trip.words.request_id)
        assert sorted(whole) == [line.seq for line in trip.events]
        assert types(of_lived, found(of_lived, f"{trip.words.request_id} receipt.")) == ["receipt.stored"]
        assert set(found(of_lived, trip.execution.id)) < set(whole)
        assert found(of_lived, trip.events[0].id) == (trip.events[0].seq,)

    def test_finds_words_that_were_only_committed_to(self, of_lived: Trail, lived: Installation) -> None:
        """As long as their opening is there."""
        (seq,) = found(of_lived, "towels")
        sql(lived.engine._store, "DELETE FROM event_opening WHERE event_id = :id", id=of_lived.these([seq])[0].id)
        assert seq not in found(of_lived, "towels")

    def test_takes_no_wildcards_and_no_sql(self, trail: Trail, family: Family) -> None:
        """What is typed is looked for as it is."""
        with family.store.transaction() as books:
            family.log(books, event.ConfirmationRefused(reason="100%_sure! 'quoted'", presented_hash=""), "dft_x")
        assert found(trail, "100%_sure!") == found(trail, "'quoted'") == found(trail, "0%_") == (2,)
        assert found(trail, "1_0") == found(trail, "10%sure") == ()
        assert found(trail, "'OR'1'='1") == found(trail, "zq\x00\ud800") == ()
        assert [step.found for step in trail.search(LogFilter(words=("\x00\ud800",), by="\x00"))] == [()]

    def test_goes_back_step_by_step_within_its_bounds(self, trail: Trail, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        """Newest first; what is found is told as it is found, and how far it has come."""
        usuals(family, 29)
        monkeypatch.setattr(module, "LONGEST_STEP", 8)
        steps = list(trail.search(LogFilter.parse("usual."), step=4))
        assert [step.down_to for step in steps] == [27, 19, 11, 3, 1]
        assert [seq for step in steps for seq in step.found] == list(range(30, 1, -1))
        assert found(trail, "usual.", before=10, down_to=6) == (9, 8, 7, 6)

    def test_has_an_index_for_whatever_it_asks(self, trail: Trail, family: Family) -> None:
        """A page, an event, a trip: none of them looks through the log, and no list is sorted."""
        if is_postgres(family.store):
            pytest.skip("SQLite tells its plan; the indexes are the same")
        asked: dict[str, dict[str, Any]] = {
            module._RANGE: {"low": 1, "high": 2},
            module._THESE: dict.fromkeys(module._NUMBERS, 1),
            module._ABOUT: {"about": "x", "limit": 1},
            module._RECEIPTS + module._NEWEST_FIRST: {"before": "~", "limit": 1},
        }
        for statement, given in asked.items():
            plan = [row["detail"] for row in trail._rows(f"EXPLAIN QUERY PLAN {statement}", **given)]
            assert not [step for step in plan if step.startswith("SCAN") and "found" not in step], plan
            assert not [step for step in plan if "TEMP B-TREE" in step and "found" not in str(plan)], plan


class TestOneEvent:
    def test_is_told_with_its_neighbours_and_its_openings(self, of_lived: Trail) -> None:
        """Its hash is the one its content gives, it hangs on the one before, and what it followed from is named."""
        detail = of_lived.event(4)
        assert (detail.hash_holds, detail.link_holds) == (True, True)
        assert detail.caused_by is not None
        assert (detail.caused_by.seq, detail.caused_by.event_type) == (3, "draft.created")
        (opened,) = of_lived.event(2).opened
        assert (opened.field, opened.value, opened.fits) == ("text", "order 2 paper towels under $90", True)
        assert of_lived.event(1).link_holds
        assert of_lived.event(of_lived.head()).pointed_to_by_next is None

    def test_says_when_it_was_altered(self, trail: Trail, family: Family) -> None:
        """Its content, its link, its opening; and what cannot be read at all."""
        usuals(family, 5)
        without_triggers(family.store, "event_log", "UPDATE event_log SET entity_id = 'forged' WHERE seq = 2")
        without_triggers(family.store, "event_log", f"UPDATE event_log SET prev_hash = '{'0' * 64}' WHERE seq = 4")
        without_triggers(family.store, "event_log", "UPDATE event_log SET event_payload_json = 'no json' WHERE seq = 6")
        altered = trail.between(5, 5)[0].id
        without_triggers(family.store, "event_opening", f"UPDATE event_opening SET value_json = '\"else\"' WHERE event_id = '{altered}'")
        assert [trail.event(seq).hash_holds for seq in (1, 2, 3, 4, 5, 6)] == [True, False, True, False, True, False]
        assert [trail.event(seq).link_holds for seq in (2, 3, 4, 5)] == [True, False, False, True]
        assert [one.fits for one in trail.event(5).opened] == [False]
        assert trail.event(6).event is None

    def test_shows_a_gap_where_one_was_taken_out(self, trail: Trail, family: Family) -> None:
        """The one after it hangs on nothing."""
        usuals(family, 3)
        without_triggers(family.store, "event_opening", "DELETE FROM event_opening")
        without_triggers(family.store, "event_log", "DELETE FROM event_log WHERE seq = 3")
        with pytest.raises(NotFound):
            trail.event(3)
        assert not trail.event(4).link_holds

    def test_says_what_was_erased(self, of_lived: Trail, lived: Installation) -> None:
        """And its hash still holds: only the commitment was ever hashed."""
        sql(lived.engine._store, "DELETE FROM event_opening WHERE event_id = :id", id=of_lived.these([2])[0].id)
        after = of_lived.event(2)
        assert (after.opened[0].erased, after.hash_holds, after.link_holds) == (True, True, True)


class TestATrip:
    def test_tells_all_of_it(self, of_lived: Trail) -> None:
        """Words, the draft that was confirmed, who said yes, attempts, calls, receipt, and every event in order."""
        trip = of_lived.trip(of_lived.receipts()[1].execution_id)
        assert trip.words is not None
        assert (trip.words.text, trip.words.member, trip.confirmed_by, trip.approved_by) == (
            "order 2 paper towels under $90",
            "Alex",
            "Alex",
            ("Alex",),
        )
        assert [(span.text, span.field, span.value) for span in trip.words.spans] == [
            ("2", "items[1].quantity", "2"),
            ("paper towels", "items[1].name", "paper towels"),
            ("under $90", "budget_cents", "9000"),
        ]
        assert trip.draft.draft_hash == trip.confirmation.draft_hash
        assert [line.event_type for line in trip.events][:3] == ["request.parsed", "draft.created", "draft.confirmed"]
        assert trip.events[-1].event_type == "receipt.stored"
        assert trip.exchanges
        assert [one.id for one in trip.exchanges] == sorted(one.id for one in trip.exchanges)
        assert trip.receipt is not None
        assert [one.status for one in trip.attempts] == ["done"]

    def test_shows_the_revision_that_was_confirmed(self, trail: Trail, family: Family) -> None:
        """Not what the draft's row says by now."""
        execution = family.execution()
        shown = trail.trip(execution.id).draft
        later = shown.model_copy(update={"terms": shown.terms.model_copy(update={"revision": 2, "nonce": "1" * 32})})
        _put(family.store, later)
        assert trail.trip(execution.id).draft.revision == 1

    def test_of_a_draft_that_was_altered_is_refused_by_name(self, trail: Trail, family: Family) -> None:
        """One price in what was confirmed."""
        execution = family.execution()
        without_triggers(family.store, "draft_revision", "UPDATE draft_revision SET draft_json = replace(draft_json, '2298', '2297')")
        with pytest.raises(StoreDamaged, match=execution.draft_id):
            trail.trip(execution.id)

    def test_tells_which_of_its_events_do_not_hold(self, of_lived: Trail, lived: Installation) -> None:
        """And those of another trip are none of its business."""
        first, second = (line.execution_id for line in reversed(of_lived.receipts()))
        store = lived.engine._store
        without_triggers(store, "event_log", "UPDATE event_log SET user_id = 'usr_forged' WHERE seq = 3")
        assert [problem[:22] for problem in of_lived.trip(first).proof.broken] == ["Event 3 was altered: i"]
        assert of_lived.trip(second).proof.broken == ()

    def test_is_covered_by_the_signed_head(self, of_lived: Trail, lived: Installation) -> None:
        """What is newer is not, and a log that does not go through the head is told."""
        execution_id = of_lived.receipts()[0].execution_id
        assert of_lived.trip(execution_id).proof.covered_by is None
        with Audit.open(lived.settings, clock=lived.clock) as audit:
            audit.checkpoint()
        assert of_lived.trip(execution_id).proof.is_covered
        newer = lived.carry_out(lived.ask("order dish soap"))
        assert not of_lived.trip(newer.id).proof.is_covered
        assert of_lived.trip(newer.id).proof.head_holds
        size = of_lived.trip(newer.id).proof.covered_by
        without_triggers(lived.engine._store, "event_log", f"UPDATE event_log SET hash = '{'f' * 64}' WHERE seq = {size}")
        assert not of_lived.trip(newer.id).proof.head_holds


class TestReceipts:
    def test_come_newest_first_in_pages(self, trail: Trail, family: Family, clock: FakeClock) -> None:
        """Each page goes on after the one before; nothing twice, nothing left out."""
        made = []
        for number in range(5):
            clock.advance(timedelta(minutes=1))
            made.append(_receipt(family, f"thing {number} 100%"))
        first = trail.receipts(limit=2)
        second = trail.receipts(limit=2, before=first[-1].id)
        third = trail.receipts(limit=2, before=second[-1].id)
        assert [line.id for line in (*first, *second, *third)] == [one.id for one in reversed(made)]
        assert trail.receipt(made[0].id) == made[0]

    def test_are_found_by_their_words(self, trail: Trail, family: Family) -> None:
        """Any case, their vendor, their number; no wildcards."""
        receipt = _receipt(family, "Two Paper Towels, 100% recycled")
        assert [line.id for line in trail.receipts("paper TOWELS")] == [receipt.id]
        assert [line.id for line in trail.receipts("Amazon")] == [receipt.id]
        assert [line.id for line in trail.receipts("113-7")] == [line.id for line in trail.receipts(receipt.id)] == [receipt.id]
        assert trail.receipts("100%!") == trail.receipts("p_per") == trail.receipts("\x00nothing") == ()


def _put(store: Store, draft: Draft) -> None:
    """The draft's row as a later revision of it would have it."""
    from halo_engine.store.values import draft_json

    sql(
        store,
        "UPDATE draft SET draft_payload_json = :json, draft_hash = :hash, revision = 2 WHERE id = :id",
        json=draft_json(draft),
        hash=draft.draft_hash,
        id=draft.id,
    )


def _receipt(family: Family, text: str) -> Receipt:
    execution = family.execution()
    receipt = Receipt(
        id=family.clock.new_id(Prefix.RECEIPT),
        execution_id=execution.id,
        type="amazon.order",
        content_text=text,
        external_reference_id="113-7654321",
        created_at=family.clock.now(),
    )
    with family.store.transaction() as books:
        books.receipts.add(receipt)
    return receipt
