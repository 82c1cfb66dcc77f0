"""The audit: it is content with a life that was lived, and names whatever was changed behind the log's back, on both kinds of books."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from halo_engine.clock import FakeClock
from halo_engine.model import event
from halo_engine.model.card import Card
from halo_engine.model.device import DeviceKind
from halo_engine.model.errors import NeedsAnother, StoreFailed
from halo_engine.model.event import GENESIS, Event
from halo_engine.model.money import Money
from halo_engine.store.auditing import reading
from halo_engine.store.auditing.entries import Entry, entries
from halo_engine.store.auditing.links import Links
from halo_engine.store.reader import Reader
from halo_engine.store.sqlite import driver
from halo_engine.store.values import event_value
from tests.halo_engine.store.raw import rows, sql, without_triggers
from tests.installation import Installation


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a household that has lived."""
    place = tmp_path_factory.mktemp("lived") / "home"
    with live(Installation.open(place)).engine:
        return place


@pytest.fixture
def home(lived: Path, tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """One of its own for each test."""
    shutil.copytree(lived, tmp_path / "home")
    installation = Installation.reopen(tmp_path / "home", clock=clock)
    with installation.engine:
        yield installation


@pytest.fixture
def either_home(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """On each kind of books."""
    installation = live(Installation.open(tmp_path / "home", clock=clock, **({"database_url": database_url} if database_url else {})))
    with installation.engine:
        yield installation


def live(installation: Installation) -> Installation:
    """An order, a yes that waits for another, a change, a cancelled draft, a question, a refusal, a device."""
    installation.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=4000)), by=None)
    installation.carry_out(installation.ask("order paper towels"))
    with suppress(NeedsAnother):
        installation.confirm(installation.ask("order 2 packs of AA batteries"))
    installation.engine.modify(drafted(installation.ask("order paper towels")), "make it 3", member=None)
    installation.engine.cancel(drafted(installation.ask("order dish soap")), member=None)
    installation.ask("book a table at nopa")
    installation.ask("write a poem")
    installation.engine.devices.add("Phone", by=None)
    installation.engine.devices.add("Desk", by=None, kind=DeviceKind.PROGRAM)
    installation.engine.devices.open_enrolment("Tablet", by=None, kind=DeviceKind.PROGRAM)
    installation.engine.devices.revoke_enrolment(installation.engine.devices.open_enrolment("Old", by=None).enrolment.id, by=None)
    installation.engine.membership.buy_at("zinc", by=None)
    listen(installation)
    return installation


def listen(installation: Installation) -> None:
    """Somebody who is told, somebody with another secret, somebody who took nothing, one who took nothing for a time, one who is gone."""
    webhooks = installation.engine.webhooks
    told, renewed, silent, back, gone = (
        webhooks.add(f"https://hooks.example.com/{n}", ["execution.done"], by=None).endpoint for n in range(5)
    )
    webhooks.new_secret(renewed.id, by=None)
    with installation.engine._store.transaction() as books:
        for each in (silent, back):
            books.webhooks.disable(each.id, "Nobody was there.", books.now)
            books.events.append(event.WebhookDisabled(reason="Nobody was there."), household_id=told.household_id, entity_id=each.id)
    webhooks.enable(back.id, by=None)
    webhooks.remove(gone.id, by=None)


def drafted(card: Card) -> str:
    assert card.draft_id is not None
    return card.draft_id


class TestVerify:
    def test_is_content_with_a_life_that_was_lived(self, either_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where another process reads the links, as for a long log."""
        found = either_home.verify()
        assert (found.ok, found.problems, found.first_bad) == (True, (), None)
        assert found.events > 15
        monkeypatch.setattr(reading, "_LONG", 1)
        assert either_home.verify() == found

    def test_tells_the_head_and_the_root_to_remember(self, home: Installation) -> None:
        """With them a witness sees a log that was cut."""
        before = home.verify()
        home.ask("write a poem")
        after = home.verify()
        assert len({before.head, after.head, GENESIS}) == len({before.root, after.root, ""}) == 3

    def test_names_the_first_event_that_was_altered(self, either_home: Installation) -> None:
        """Past the triggers."""
        without_triggers(either_home.engine._store, "event_log", "UPDATE event_log SET entity_id = 'forged' WHERE seq IN (3, 5)")
        found = either_home.verify()
        assert (found.ok, found.first_bad) == (False, 3)
        assert found.problems[0].startswith("event 3 (")

    @pytest.mark.parametrize("column", ["event_payload_json", "created_at", "hash", "correlation_id", "causation_id", "schema_version"])
    def test_survives_whatever_lies_in_a_column(self, home: Installation, column: str) -> None:
        """A column of SQLite takes anything."""
        value = {"created_at": "2031-01-01T00:00:00.000000Z", "schema_version": 7}.get(column, "not json")
        without_triggers(home.engine._store, "event_log", f"UPDATE event_log SET {column} = :value WHERE seq = 4", value=value)
        assert home.verify().first_bad == 4

    @pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
    def test_does_not_depend_on_the_zone_of_a_server(self, either_home: Installation, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """PostgreSQL hands out times in the zone of the session; the hashes are over UTC."""
        monkeypatch.setenv("PGTZ", zone)
        assert either_home.verify().ok

    def test_does_not_say_everything_about_a_log_that_is_broken_everywhere(
        self, home: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "_MOST_PROBLEMS", 5)
        without_triggers(home.engine._store, "event_log", "UPDATE event_log SET hash = 'x'")
        assert len(home.verify().problems) < 20


#: A table, what is done to a row of it by somebody who has the database, and what the audit says then.
CHANGES = [
    ("draft", "UPDATE draft SET status = 'open' WHERE status = 'cancelled'", "was altered"),
    ("draft", "UPDATE draft SET draft_payload_json = replace(draft_payload_json, 'towels', 'swords')", "is not its newest revision"),
    ("draft_revision", "UPDATE draft_revision SET draft_json = replace(draft_json, 'towels', 'swords')", "was altered"),
    ("confirmation", 'UPDATE confirmation SET user_id = (SELECT max(id) FROM "user")', "the confirmation of draft"),
    ("confirmation", "UPDATE confirmation SET confirmation_latency_ms = 99999", "was altered"),
    ("execution", "UPDATE execution SET status = 'failed'", "the log says done"),
    ("execution", "UPDATE execution SET final_cost_cents = 1", "was altered"),
    ("execution", "UPDATE execution SET vendor = 'resy'", "was altered: its draft was to ORDER at amazon"),
    ("execution", 'UPDATE execution SET execution_payload_json = \'{"vendor_reference":"forged"}\'', "was altered"),
    ("receipt_artifact", "UPDATE receipt_artifact SET content_text = 'charged: nothing'", "was altered"),
    ("receipt_artifact", "DELETE FROM receipt_artifact", "is in the log and not in the books"),
    ("user", "UPDATE \"user\" SET role = 'owner' WHERE role = 'child'", "the log says child"),
    ("preference", "UPDATE preference SET confirm_rules_json = NULL", "the rules of who may confirm were altered"),
    ("preference", "UPDATE preference SET confirm_rules_json = '{}'", "the rules of who may confirm were altered"),
    ("device", "UPDATE device SET token_sha256 = 'mine' WHERE kind = 'person'", "was altered"),
    ("device", 'UPDATE device SET user_id = (SELECT max(id) FROM "user")', "was altered"),
    ("device", "UPDATE device SET kind = 'person' WHERE kind = 'program'", "was altered"),
    ("device_enrolment", "UPDATE device_enrolment SET kind = 'person'", "was altered"),
    ("device_enrolment", "UPDATE device_enrolment SET revoked_at = NULL", "was altered"),
    ("preference", "UPDATE preference SET default_merchant = 'amazon'", "the log says zinc"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET url = 'https://elsewhere.example.com/' WHERE url LIKE '%/0'", "was altered"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET event_types_json = '[]' WHERE url LIKE '%/0'", "was altered"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET event_types_json = 'x' WHERE url LIKE '%/0'", "was altered"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET secret_version = 1 WHERE url LIKE '%/1'", "was altered"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET disabled_at = NULL WHERE url LIKE '%/2'", "was altered"),
    ("webhook_endpoint", "UPDATE webhook_endpoint SET disabled_at = created_at WHERE url LIKE '%/3'", "was altered"),
    ("webhook_endpoint", "DELETE FROM webhook_endpoint WHERE url LIKE '%/0'", "is in the log and not in the books"),
    (
        "event_opening",
        "UPDATE event_opening SET value_json = '\"Elsewhere\"' WHERE field = 'name'",
        "is not the one that the log commits to",
    ),
    ("event_opening", "UPDATE event_opening SET salt = 'other'", "is not the one that the log commits to"),
    ("event_opening", "UPDATE event_opening SET field = 'other' WHERE field = 'name'", "the other of event"),
    ("execution_request", "UPDATE execution_request SET raw_command_text = 'order gold'", "the words of the request of event"),
]


class TestBooks:
    @pytest.mark.parametrize(("table", "change", "said"), CHANGES, ids=[f"{n}-{table}" for n, (table, _, _) in enumerate(CHANGES)])
    def test_are_what_the_log_says(self, home: Installation, table: str, change: str, said: str) -> None:
        """Every row that decides or proves something is held against the log."""
        without_triggers(home.engine._store, table, change)
        assert any(said in problem for problem in home.verify().problems)

    @pytest.mark.parametrize(
        ("check", "table"),
        [
            ("audit.books_that_differ", "execution"),
            ("store.auditing.reading.openings_that_differ", "event_opening"),
            ("audit.people_that_differ", "user"),
        ],
    )
    def test_could_be_changed_if_nobody_looked(self, home: Installation, check: str, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: each check that is left out lets something through."""
        monkeypatch.setattr(f"halo_engine.{check}", lambda *_: iter(()))
        change = next(change for name, change, _ in CHANGES if name == table)
        without_triggers(home.engine._store, table, change)
        assert home.verify().ok

    def test_may_lack_the_amount_of_a_yes_from_before_days_had_limits(self, home: Installation) -> None:
        without_triggers(home.engine._store, "confirmation", "UPDATE confirmation SET maximum_cents = NULL")
        assert home.verify().ok

    def test_hold_a_draft_of_old_by_the_hash_of_its_terms(self, home: Installation) -> None:
        """Before a log told of the bytes that were shown. Such a log is another one than was written here; the draft is what it tells."""
        store, shown = home.engine._store, "revision 1 of draft"
        without_triggers(store, "event_log", "UPDATE event_log SET event_payload_json = json_remove(event_payload_json, '$.draft_sha256')")
        assert not any(shown in problem for problem in home.verify().problems)
        without_triggers(store, "draft_revision", "UPDATE draft_revision SET draft_json = replace(draft_json, 'Towels', 'Swords')")
        assert any(shown in problem and "was altered" in problem for problem in home.verify().problems)
        sql(store, "UPDATE draft_revision SET draft_json = '{}'")
        assert any(shown in problem and "was altered" in problem for problem in home.verify().problems)

    def test_know_how_often_it_was_tried(self, home: Installation) -> None:
        """Of what goes on: that decides what is done next."""
        card = home.ask("order dish soap")
        home.fault("unavailable", times=99)
        waiting = home.carry_out(card, wait_s=0)
        assert home.verify().ok
        change = f"UPDATE execution_attempt SET classification = NULL WHERE execution_id = '{waiting.id}'"
        without_triggers(home.engine._store, "execution_attempt", change)
        assert any("an attempt was altered" in problem for problem in home.verify().problems)

    def test_may_have_lost_what_was_erased_and_nothing_else(self, home: Installation) -> None:
        """An opening that is gone is no problem where the log says so: that is what it is apart for."""
        home.engine.erasing.erase(str(home.ask("write a poem").request_id), by=None)
        assert home.verify().ok
        sql(home.engine._store, "UPDATE execution_request SET raw_command_text = 'write an ode' WHERE raw_command_text = ''")
        assert "are there, and the log says that they were erased" in home.verify().problems[0]
        sql(home.engine._store, "DELETE FROM event_opening WHERE field = 'text'")
        assert any("is gone, and the log does not say that it was erased" in problem for problem in home.verify().problems)


class TestEntries:
    def test_are_the_events(self, either_home: Installation) -> None:
        """The same leaf from a row as from the value."""
        found = log_of(either_home)
        assert [entry.leaf() for entry, _ in found] == [event.leaf() for _, event in found]
        assert [Entry.of(event) for _, event in found] == [entry for entry, _ in found]

    @pytest.mark.parametrize("text", ['quote "', "back \\ slash", "new\nline", "\x00\x1f\x7f", "ünïcødé 👍🏽", "\u2028", "\ud800"])
    def test_are_written_as_canonical_json_whatever_is_in_them(self, home: Installation, text: str) -> None:
        _, event = log_of(home)[2]
        for changed in ({"entity_id": text}, {"user_id": text}, {"user_id": None}, {"schema_version": 1}):
            altered = event.model_copy(update=changed)
            try:
                expected = altered.leaf()
            except ValueError:
                with pytest.raises(ValueError, match="surrogates"):
                    Entry.of(altered).leaf()
            else:
                assert Entry.of(altered).leaf() == expected

    @pytest.mark.parametrize("payload", ["[]", "{", '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a": 1}', '{"a":"\\u0041"}', "null", ""])
    def test_have_a_payload_in_its_one_written_form_or_none(self, home: Installation, payload: str) -> None:
        """Another one could be read in two ways."""
        with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
            log_of(home)[2][0]._replace(payload_json=payload).digest()

    @pytest.mark.parametrize("column", ["id", "user_id", "entity_id", "entity_type", "event_type", "event_payload_json", "created_at"])
    def test_are_no_bytes_that_read_as_the_text(self, home: Installation, column: str) -> None:
        """SQLite keeps them, and joins them to texts; whoever looks them up finds nothing."""
        without_triggers(home.engine._store, "event_log", f"UPDATE event_log SET {column} = CAST({column} AS BLOB) WHERE seq = 4")
        assert home.verify().first_bad == 4

    @pytest.mark.parametrize("seq", ["'abc'", "x'3130'", "9e999", "1e300", "1.5", "NULL"])
    def test_without_a_number_are_met_all_the_same(self, home: Installation, seq: str) -> None:
        """A second end of an execution, where no reading in order would come by."""
        copied = "user_id, entity_type, entity_id, event_type, event_payload_json, created_at, prev_hash, hash"
        done = f"SELECT 'evt_x', household_id, {seq}, {copied}, '', '', 2"
        with suppress(StoreFailed, IntegrityError):
            sql(home.engine._store, f"INSERT INTO event_log {done} FROM event_log WHERE event_type = 'execution.done'")
            assert not home.verify().ok

    def test_of_no_text_at_all_are_named(self, home: Installation) -> None:
        """One bit of one byte, so that it is no UTF-8 any more."""
        statement = "UPDATE event_log SET event_payload_json = CAST(x'ff' || event_payload_json AS TEXT) WHERE seq = 4"
        without_triggers(home.engine._store, "event_log", statement)
        assert home.verify().first_bad == 4

    def test_have_numbers_below_the_first_too(self, home: Installation) -> None:
        """Or a row that nobody looks at could stand before the log."""
        copied = "household_id, -1, user_id, entity_type, entity_id, event_type, event_payload_json, created_at, prev_hash, hash"
        added = "correlation_id, causation_id, schema_version"
        sql(home.engine._store, f"INSERT INTO event_log SELECT 'evt_x', {copied}, {added} FROM event_log WHERE seq = 1")
        assert not home.verify().ok

    def test_of_nobody_are_met_too(self, home: Installation) -> None:
        """No household's log would ever come by them."""
        with closing(driver.connect(home.settings.database_file)) as connection, connection:
            connection.execute("DROP TRIGGER event_log_refuses_update")
            connection.execute("UPDATE event_log SET household_id = 'hh_nobody' WHERE seq = (SELECT max(seq) FROM event_log)")
        assert "1 rows of the log belong to no household" in home.verify().problems

    def test_that_break_everything_are_not_all_told(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody reads a million lines."""
        monkeypatch.setattr(reading, "_MOST_PROBLEMS", 2)
        story = [entry._replace(event_type="execution.done") for entry, _ in log_of(home)]
        assert len(story) > 15
        assert 2 < len(reading.read_story(story)[1]) < 15

    def test_would_be_missed_where_links_are_not_compared(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug."""
        without_triggers(
            home.engine._store,
            "event_log",
            "UPDATE event_log SET event_payload_json = '{}' WHERE event_type = 'execution.attempt_finished'",
        )
        assert not home.verify().ok
        monkeypatch.setattr(Links, "check", lambda *_: iter(()))
        assert home.verify().ok


def log_of(home: Installation) -> list[tuple[Entry, Event]]:
    """Each row of the log as an entry and as a value."""
    reader = Reader.open(database_file=home.settings.database_file, database_url=home.settings.database_address)
    with home.queries() as queries, reader.snapshot():
        household = queries.household().id
        found = list(entries(reader, household))
    reader.close()
    events = map(event_value, rows(home.engine._store, "SELECT * FROM event_log WHERE household_id = :id ORDER BY seq", id=household))
    return list(zip(found, events, strict=True))
