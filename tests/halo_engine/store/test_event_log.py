"""The log in the books: one chain a household, without gaps, and nobody rewrites it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.event import (
    GENESIS,
    SCHEMA_VERSION,
    BooksRestored,
    Event,
    Opening,
    UsualRemoved,
    WebhookDisabled,
    WebhookEnabled,
    WebhookSecretChanged,
    is_commitment,
)
from tests.halo_engine.store.auditing.checks import broken_links, broken_promises
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import Struck, at_once, count, is_postgres, log_of, rows, sql, without_triggers
from tests.installation import Installation

RESTORED = BooksRestored(taken_at="2026-03-03T17:00:00Z", events=1, head_hash="ab" * 32, in_doubt=(), devices_revoked=0)
WRITTEN_ONCE = ("event_log", "draft_revision", "confirmation")


def append(family: Family, *names: str) -> None:
    """One event for each name, in one transaction."""
    with family.store.transaction() as books:
        for name in names:
            family.log(books, UsualRemoved(name=name), "usl_1")


class TestAppend:
    def test_counts_from_one_without_gaps(self, family: Family) -> None:
        """Within a transaction and from one to the next; each entry points back to the one before."""
        append(family, "a", "b")
        append(family, "c")
        log = log_of(family.store, family.household.id)
        assert [event.seq for event in log] == [1, 2, 3, 4]
        assert [event.prev_hash for event in log] == [GENESIS, *(event.hash for event in log[:-1])]
        assert {event.schema_version for event in log} == {SCHEMA_VERSION}
        assert not list(broken_links(log))

    def test_leaves_no_gap_where_a_transaction_was_taken_back(self, family: Family) -> None:
        """The next event takes the number."""
        with suppress(Struck), family.store.transaction() as books:
            family.log(books, UsualRemoved(name="lost"), "usl_1")
            raise Struck
        append(family, "kept")
        assert [event.seq for event in log_of(family.store, family.household.id)] == [1, 2]

    def test_keeps_a_chain_for_each_household(self, family: Family, strangers: Family) -> None:
        """They do not know of each other."""
        append(family, "a")
        append(strangers, "b")
        append(family, "c")
        for household in (family.household, strangers.household):
            log = log_of(family.store, household.id)
            assert [event.seq for event in log] == list(range(1, len(log) + 1))
            assert not list(broken_links(log))

    def test_stores_what_was_hashed(self, family: Family, clock: FakeClock) -> None:
        """Any text and the whole microsecond come back to the same hash."""
        clock.advance(clock.now().resolution * 123_456)
        append(family, 'ünïcødé 👍🏽 \u202e "quotes" \\ \n \u2028 \u007f')
        assert not list(broken_links(log_of(family.store, family.household.id)))

    def test_keeps_one_chain_for_many_writers(self, family: Family) -> None:
        """Six threads with five events each: every event is there once, in one line."""

        def five_of(writer: int) -> None:
            for number in range(5):
                append(family, f"{writer}.{number}")

        answers = at_once(*(partial(five_of, writer) for writer in range(6)))
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        log = log_of(family.store, family.household.id)
        assert len(log) == 1 + 6 * 5
        assert not list(broken_links(log))


class TestWrittenOnce:
    @pytest.mark.parametrize("table", WRITTEN_ONCE)
    def test_refuses_every_column_to_be_updated(self, family: Family, table: str) -> None:
        """L-03: raw SQL as the store's own role, one column at a time, even to the value it has."""
        family.execution()
        (first, *_) = rows(family.store, f"SELECT * FROM {table}")
        for column in first:
            with pytest.raises(Exception, match=f"{table} is written once"):
                sql(family.store, f"UPDATE {table} SET {column} = {column}")

    @pytest.mark.parametrize("table", WRITTEN_ONCE)
    def test_refuses_to_be_emptied(self, family: Family, table: str) -> None:
        """DELETE, INSERT OR REPLACE where there is one, and TRUNCATE where there is one, also from above."""
        family.execution()
        before = rows(family.store, f"SELECT * FROM {table}")
        statements = (
            [f"TRUNCATE {table}", f"TRUNCATE {table} CASCADE", "TRUNCATE household CASCADE"]
            if is_postgres(family.store)
            else [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}", f"REPLACE INTO {table} SELECT * FROM {table}"]
        )
        for statement in (f"DELETE FROM {table}", *statements):
            with pytest.raises(Exception, match=r"is written once|referenced in a foreign key"):
                sql(family.store, statement)
        assert rows(family.store, f"SELECT * FROM {table}") == before

    def test_is_told_by_the_chain_where_the_triggers_were_taken_off(self, family: Family) -> None:
        """An owner of the database can do that; the chain still shows it."""
        append(family, "a", "b")
        without_triggers(family.store, "event_log", 'UPDATE event_log SET event_payload_json = \'{"name":"x"}\' WHERE seq = 2')
        log = log_of(family.store, family.household.id)
        assert list(broken_links(log)) == [f"event 2 ({log[1].id}) was altered: its content does not give its hash"]


class TestAHouseholdsLife:
    def test_keeps_every_promise(self, family: Family) -> None:
        """What the other tests write is itself a log without a problem."""
        family.execution()
        family.draft()
        log = log_of(family.store, family.household.id)
        assert [*broken_links(log), *broken_promises(log)] == []


class TestTrip:
    def test_is_what_the_events_from_words_to_receipt_share(self, tmp_path: Path, clock: FakeClock) -> None:
        """Each names the one it followed from, and all of them the request they began with."""
        home = Installation.open(tmp_path / "home", clock=clock)
        card = home.ask("order paper towels")
        home.carry_out(card)
        with home.engine:
            trip = [event for event in told(home) if event.correlation_id]
        assert {event.correlation_id for event in trip} == {card.request_id}
        assert [event.event_type for event in trip] == [
            "request.parsed",
            "draft.created",
            "draft.confirmed",
            "execution.submitting",
            "execution.done",
            "execution.attempt_finished",
            "receipt.stored",
        ]
        assert [event.causation_id for event in trip] == ["", *(event.id for event in trip[:-1])]

    def test_goes_on_with_the_answer_to_a_question(self, tmp_path: Path, clock: FakeClock) -> None:
        """The words that answer are a request of their own, on the same trip."""
        home = Installation.open(tmp_path / "home", clock=clock)
        asked = home.ask("book a table at nopa")
        home.ask("friday at 7 for four people", answers=asked.request_id)
        with home.engine:
            assert {event.correlation_id for event in told(home) if event.seq > 1} == {asked.request_id}

    def test_is_not_what_a_household_says_of_itself(self, family: Family) -> None:
        append(family, "a", "b")
        assert {(event.correlation_id, event.causation_id) for event in log_of(family.store, family.household.id)} == {("", "")}


class TestWhatTheLogIsAsked:
    def test_tells_how_the_household_began(self, family: Family, strangers: Family) -> None:
        """Each its own."""
        append(family, "a")
        with family.store.transaction() as books:
            assert books.events.founding(family.household.id)["time_zone"] == family.household.time_zone
            names = [books.events.founding(each.household.id)["name"] for each in (family, strangers)]
        assert [is_commitment(name) for name in names] == [True, True]
        assert names[0] != names[1]

    def test_tells_what_was_last_said_of_something(self, family: Family) -> None:
        """Of that kind, and of that thing."""
        with family.store.transaction() as books:
            family.log(books, WebhookSecretChanged(version=2), "whk_1")
            family.log(books, WebhookSecretChanged(version=3), "whk_1")
            family.log(books, WebhookDisabled(reason="gone"), "whk_1")
            family.log(books, WebhookSecretChanged(version=4), "whk_2")
        with family.store.transaction() as books:
            assert books.events.newest_payload("whk_1", "webhook.secret_changed") == {"version": 3}
            assert books.events.newest_payload("whk_2", "webhook.disabled") is None
            assert books.events.newest_payload("whk_3", "webhook.secret_changed") is None

    def test_tells_when_books_were_put_back_that_had_it_already(self, family: Family, strangers: Family, clock: FakeClock) -> None:
        """The last time; not of what came after, nor of somebody else's books."""
        append(family, "before")
        with family.store.transaction() as books:
            strangers.log(books, RESTORED, strangers.household.id)
            assert books.events.restored_since("usl_1", household_id=family.household.id) is None
        times = []
        for _ in range(2):
            clock.advance(timedelta(hours=1))
            with family.store.transaction() as books:
                times.append(family.log(books, RESTORED, family.household.id).created_at)
        with family.store.transaction() as books:
            family.log(books, UsualRemoved(name="after"), "usl_2")
            family.log(books, WebhookEnabled(), family.household.id)
        with family.store.transaction() as books:
            since = [books.events.restored_since(f"usl_{number}", household_id=family.household.id) for number in (1, 2)]
        assert since == [times[1], None]


class TestCommitments:
    def test_are_forgotten_of_one_thing_in_one_household(self, family: Family, strangers: Family) -> None:
        """As many as there were; the others stay."""
        with family.store.transaction() as books:
            for each, entity_id in ((family, "usl_1"), (family, "usl_1"), (family, "usl_2"), (strangers, "usl_1")):
                each.log(books, UsualRemoved(name="Weekly"), entity_id)
        before = count(family.store, "event_opening")
        with family.store.transaction() as books:
            assert books.events.erase(family.household.id, "usl_1") == 2
        with family.store.transaction() as books:
            assert books.events.erase(family.household.id, "usl_1") == 0
        assert count(family.store, "event_opening") == before - 2

    def test_stand_in_the_log_for_what_is_somebodys_own(self, tmp_path: Path, clock: FakeClock) -> None:
        """The words are beside it, where they can be erased."""
        home = Installation.open(tmp_path / "home", clock=clock)
        home.ask("write a poem")
        with home.engine:
            payload = next(event.payload for event in told(home) if event.event_type == "request.parsed")
            (opening,) = rows(home.engine._store, "SELECT * FROM event_opening WHERE field = 'text'")
        assert "poem" not in str(payload)
        value = Opening(event_id=opening["event_id"], field="text", salt=opening["salt"], value=json.loads(opening["value_json"]))
        assert (value.value, value.commitment) == ("write a poem", payload["text"])
        assert len(bytes.fromhex(value.salt)) == 16


def told(home: Installation) -> tuple[Event, ...]:
    with home.queries() as queries:
        return log_of(home.engine._store, queries.household().id)
