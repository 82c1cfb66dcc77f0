"""The door: what it keeps beside the books, and that the log is held against them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from halo_engine.clock import FakeClock, SystemClock
from halo_engine.engine import Engine
from halo_engine.model.card import CardKind
from halo_engine.model.draft import DraftStatus
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotFound, NotInitialised, StoreFailed, StoreNotWritable
from halo_engine.model.reply import Reply
from halo_engine.open_parse import words_reader
from halo_engine.settings import load_settings
from halo_engine.stages.founding import HouseholdPlan, MemberPlan
from halo_engine.store.acts import Reached
from tests.installation import NOON, Installation


class TestTheSecret:
    def test_is_one_whoever_comes_first(self, tmp_path: Path) -> None:
        """Four processes' worth of engines opened at once share one complete secret, and leave nothing beside it."""
        settings = load_settings(home=tmp_path / "home", environ={})
        Engine.open(settings, clock=SystemClock(), transport=None).close()
        settings.key_file.unlink()
        barrier = threading.Barrier(4)

        def open_one() -> None:
            barrier.wait()
            Engine.open(settings, clock=SystemClock(), transport=None).close()

        threads = [threading.Thread(target=open_one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(bytes.fromhex(settings.key_file.read_text())) == 32
        assert [path.name for path in settings.home.glob("secret.key*")] == ["secret.key"]

    def test_that_is_damaged_is_not_made_anew(self, home: Installation) -> None:
        """Another secret would make the vendors forget our keys."""
        home.settings.key_file.write_text("abcd")
        with pytest.raises(StoreNotWritable, match="not complete"):
            Engine.open(home.settings, clock=home.clock, transport=None)


class TestTheLogBesideTheBooks:
    @pytest.mark.parametrize(
        ("forgery", "says"),
        [
            ("UPDATE receipt_artifact SET content_text = 'charged: nothing'", "receipt"),
            ("UPDATE receipt_artifact SET external_reference_id = '113-0'", "receipt"),
            ("DELETE FROM receipt_artifact", "not in the books"),
            ("UPDATE execution SET final_cost_cents = 1", "execution"),
            ("UPDATE execution SET status = 'failed'", "the log says done"),
        ],
    )
    def test_names_what_was_altered(self, home: Installation, forgery: str, says: str) -> None:
        """Whoever takes the guards off the tables is still told on by the log."""
        home.carry_out(home.ask("order 2 packs of AA batteries"))
        assert home.verify().ok
        with home.engine._store._engine.begin() as connection:
            for change in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER receipt_artifact_refuses_{change}")
            connection.exec_driver_sql(forgery)
        assert any(says in problem for problem in home.verify().problems)


class TestAPlan:
    @pytest.mark.parametrize(
        "plan",
        [
            {"time_zone": "Mars/Phobos", "members": (MemberPlan(name="Alex"),)},
            {"time_zone": "UTC", "members": ()},
            {"time_zone": "UTC", "members": (MemberPlan(name="Sam"), MemberPlan(name="sam"))},
        ],
    )
    def test_that_cannot_work_is_refused(self, plan: dict[str, object]) -> None:
        """A zone that does not exist, nobody at home, two people who cannot be told apart."""
        with pytest.raises(ValidationError):
            HouseholdPlan.model_validate({"name": "Home", **plan})


class TestFounding:
    def test_at_once_makes_one_household(self, tmp_path: Path, database_url: str | None) -> None:
        """Of four that found at the same moment one does, and the others are told."""
        environ = {"HALO_DATABASE_URL": database_url} if database_url else {}
        settings = load_settings(home=tmp_path / "home", environ=environ)
        Engine.open(settings, clock=SystemClock(), transport=None).close()
        barrier, told = threading.Barrier(4), []

        def found() -> None:
            with Engine.open(settings, clock=SystemClock(), transport=None) as engine:
                barrier.wait()
                try:
                    engine.found_household(HouseholdPlan(name="Home", time_zone="UTC", members=(MemberPlan(name="Alex"),)))
                except Conflict:
                    told.append("conflict")

        threads = [threading.Thread(target=found) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == ["conflict"] * 3


class TestReadingWords:
    def test_at_the_end_of_the_calendar_is_refused(self, tmp_path: Path) -> None:
        """There is no tomorrow on the last day there is."""
        read = words_reader(load_settings(home=tmp_path, environ={}), SystemClock())
        with pytest.raises(InvalidInput):
            read("book a haircut tomorrow at 3pm", now=NOON.replace(year=9999), zone="Pacific/Kiritimati", requested=())


BATTERIES = "order 2 packs of AA batteries"


def requests(home: Installation) -> int:
    with home.engine._store.reading() as books:
        return int(books.connection.exec_driver_sql("SELECT count(*) FROM execution_request").scalar_one())


class TestWordsAlone:
    def test_mean_something_and_leave_nothing(self, home: Installation) -> None:
        """Whoever only wants to know what would be understood has asked for nothing."""
        events = home.verify().events
        assert home.engine.parse(BATTERIES).verb == "ORDER"
        assert (requests(home), home.verify().events) == (0, events)

    @pytest.mark.parametrize(("words", "reply"), [("yes", Reply.CONFIRM), ("no", Reply.CANCEL), ("is it raining?", Reply.UNSURE)])
    def test_about_a_card_are_heard_and_do_nothing(self, home: Installation, words: str, reply: Reply) -> None:
        """What a yes in a thread comes to is for the thread to say."""
        card = home.ask(BATTERIES)
        assert home.engine.heard(words, request_id=str(card.request_id)) is reply
        with home.queries() as queries:
            assert queries.draft(str(card.draft_id)).status is DraftStatus.OPEN


class TestAForm:
    def test_changes_a_draft_without_words(self, home: Installation) -> None:
        """With what the form offered, under its own names."""
        card = home.ask(BATTERIES)
        (quantity,) = (field for field in home.engine.form(str(card.draft_id)) if field.name.endswith("quantity"))
        assert quantity.value == "2"
        assert home.engine.amend(str(card.draft_id), {quantity.name: "3"}, member=None).draft_hash != card.draft_hash

    def test_that_was_not_filled_in_changes_nothing(self, home: Installation) -> None:
        card = home.ask(BATTERIES)
        with pytest.raises(InvalidInput, match="Nothing was changed"):
            home.engine.amend(str(card.draft_id), {}, member=None)


class TestAnActThatWasCutShort:
    """What was asked for is not asked for again: it goes on from what is in the books."""

    def test_before_anything_happened_has_nothing_to_go_on_from(self, home: Installation) -> None:
        assert home.engine.resume((), member=None) is None

    def test_after_its_request_was_kept_is_drafted(self, home: Installation) -> None:
        """For the very same request."""
        card = home.ask(BATTERIES)
        again = home.engine.resume((Reached(event_type="request.parsed", entity_id=str(card.request_id)),), member=None)
        assert again is not None
        assert (again.kind, again.request_id, requests(home)) == (CardKind.DRAFT, card.request_id, 1)

    @pytest.mark.parametrize("reached", ["draft.created", "draft.revised", "draft.cancelled"])
    def test_after_its_draft_was_written_is_shown(self, home: Installation, reached: str) -> None:
        """As it stands now."""
        card = home.ask(BATTERIES)
        steps = tuple(Reached(event_type=each, entity_id=str(card.draft_id)) for each in ("request.parsed", reached))
        assert home.engine.resume(steps, member=None) == card


class TestAUsual:
    def test_is_what_the_words_would_order(self, home: Installation) -> None:
        """By the vendor's own names, so that it is the same again; and it is forgotten by its name."""
        saved = home.engine.save_usual("breakfast", BATTERIES, member=None)
        assert [(item.reference, item.quantity) for item in saved.items] == [("B035L4KKAX", 2)]
        assert home.engine.remove_usual("breakfast", member=None).id == saved.id
        with pytest.raises(NotFound):
            home.engine.remove_usual("breakfast", member=None)

    @pytest.mark.parametrize(
        ("words", "error", "says"),
        [
            ("write a poem", InvalidInput, "not something to order"),
            ("cancel streamly", InvalidInput, "not something to order"),
            ("order", InvalidInput, None),
            ("order AAA batteries", InvalidInput, "AAA"),
            ("order a flux capacitor", NotFound, None),
        ],
        ids=["nothing Halo does", "nothing that is ordered", "nothing named", "one of several", "nothing there is"],
    )
    def test_is_nothing_that_is_not_clear(self, home: Installation, words: str, error: type[HaloError], says: str | None) -> None:
        """A guess would be ordered again and again."""
        with pytest.raises(error, match=says):
            home.engine.save_usual("breakfast", words, member=None)


class TestAnotherSecret:
    def test_speaks_for_nobody_here(self, home: Installation) -> None:
        """The vendors would not know its keys, and what was sent under the old ones could be sent again."""
        home.engine.close()
        home.settings.key_file.write_text("ab" * 32)
        home.engine = Installation.reopen(home.settings.home, clock=home.clock).engine
        with pytest.raises(StoreFailed, match="is not the secret of these books"):
            home.engine.form(f"dft_{'0' * 26}")

    def test_is_not_missed_before_there_is_a_household(self, tmp_path: Path) -> None:
        """Who asks is told that there is none."""
        empty = Installation.reopen(tmp_path / "empty", clock=FakeClock(NOON))
        with empty.engine, pytest.raises(NotInitialised):
            empty.engine.draft(BATTERIES, member=None, channel="test")


class TestAskingAgain:
    def test_is_for_what_expired(self, home: Installation) -> None:
        """What was confirmed is on its way, and what was cancelled was not wanted."""
        confirmed, cancelled = home.ask(BATTERIES), home.ask(BATTERIES)
        home.confirm(confirmed)
        home.engine.cancel(str(cancelled.draft_id), member=None)
        for card in (confirmed, cancelled):
            with pytest.raises(Conflict, match="only one that has expired"):
                home.engine.retry(str(card.draft_id), member=None)
