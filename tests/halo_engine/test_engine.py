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
from halo_engine.model.event import Event, is_commitment
from halo_engine.model.reply import Reply
from halo_engine.open_parse import words_reader
from halo_engine.settings import load_settings
from halo_engine.stages.founding import HouseholdPlan, MemberPlan
from halo_engine.store.acts import Reached
from tests.halo_engine.stages.ruling import people
from tests.halo_engine.store.raw import log_of, without_triggers
from tests.installation import NOON, Installation, household_plan


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


class TestAnotherHousehold:
    def test_in_the_same_books_is_spoken_for_by_an_engine_of_its_own(self, home: Installation) -> None:
        """Nothing that the first one knows is taken for the other's, also where it was asked before."""
        own = home.engine.household_id
        neighbours = household_plan().model_copy(update={"name": "The neighbours"})
        with pytest.raises(Conflict, match="There is a household here already"):
            home.engine.found_household(neighbours)
        theirs = home.engine.found_household_beside(neighbours)
        other = home.engine.of(theirs.id)
        assert (other.household_id, home.engine.household_id) == (theirs.id, own)
        card = other.draft(BATTERIES, member="Sam", channel="test")
        with pytest.raises(NotFound):
            home.engine.form(str(card.draft_id))
        assert other.form(str(card.draft_id))
        execution = other.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member="Sam")
        with pytest.raises(NotFound):
            home.engine.execute(execution.id, wait_s=0)
        with pytest.raises(NotFound):
            home.engine._executing.advance(execution.id, household_id=own)
        assert home.ledger() == ()

    def test_is_tied_to_the_secret_it_was_founded_with(self, home: Installation) -> None:
        """As the first one is."""
        theirs = home.engine.found_household_beside(household_plan())
        home.engine.close()
        home.settings.key_file.write_text("ab" * 32)
        home.engine = Installation.reopen(home.settings.home, clock=home.clock).engine
        other = home.engine.of(theirs.id)
        assert other.household_id is None
        with pytest.raises(StoreFailed, match="is not the secret of these books") as refused:
            other.form(f"dft_{'0' * 26}")
        assert refused.value.hint == "Copy secret.key from the home in which the household was founded."


class TestALink:
    def test_is_none_for_a_card_of_nothing(self, tmp_path: Path) -> None:
        """Though this installation can be reached."""
        home = Installation.open(tmp_path / "home", public_url="https://halo.example")
        card = home.ask(BATTERIES)
        link = home.engine.link(card)
        assert link is not None
        assert home.engine.linked(link).of == card.draft_id
        assert home.engine.link(card.model_copy(update={"request_id": None, "draft_id": None})) is None
        home.engine.close()


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


def told(home: Installation, event_type: str) -> list[Event]:
    assert home.engine.household_id is not None
    return [event for event in log_of(home.engine._store, home.engine.household_id) if event.event_type == event_type]


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


class TestWhatTheLogTellsOfWords:
    """Who read them, what they came to, and what they followed from; the words themselves are only committed to."""

    def test_is_who_had_asked_what_somebody_else_answers(self, home: Installation) -> None:
        """And that the answer is one: a question is answered once."""
        question = home.ask("order AAA batteries", member="Sam")
        answered = home.ask("3", member="Kim", answers=question.request_id)
        asked, answer = told(home, "request.parsed")
        _, sam, kim = people(home)
        assert (asked.user_id, asked.payload["also_asked"], answer.user_id, answer.payload["also_asked"]) == (sam, [], kim, [sam])
        assert (answer.entity_id, answer.correlation_id) == (answered.request_id, asked.correlation_id)
        facts = {"channel": "test", "verb": "ORDER", "missing_fields": []}
        assert {name: answer.payload[name] for name in facts} == facts
        assert (asked.payload["parser"], answer.payload["parser"]) == ("offline", "none")
        assert (asked.payload["text_chars"], answer.payload["text_chars"]) == (len("order AAA batteries"), 1)
        assert asked.payload["spoke"]["parser"] == "offline"
        with pytest.raises(Conflict, match="is not waiting for an answer") as refused:
            home.ask("2", member="Kim", answers=question.request_id)
        assert refused.value.hint == "Ask anew: halo ask TEXT"

    def test_is_what_was_left_out_of_the_question_and_of_its_answer(self, home: Installation) -> None:
        """Halo does one thing at a time, and says of the rest that it did not do it."""
        question = home.ask("book a table at nopa, and call mum")
        answered = home.ask("friday at 7 for four people and order a pizza", answers=question.request_id)
        with home.engine._store.reading() as books:
            request = books.requests.get(str(home.engine.household_id), str(answered.request_id))
        assert request.intent.remainder == "call mum, order a pizza"

    def test_is_that_a_draft_was_to_be_changed(self, home: Installation) -> None:
        """Also where it was not; and by a form nobody's words were read."""
        draft_id = str(home.ask(BATTERIES).draft_id)
        with pytest.raises(InvalidInput, match="change nothing") as refused:
            home.engine.modify(draft_id, "make it 2", member="Sam")
        assert refused.value.hint == "Say what to change, such as: make it 3. The draft stays as it was."
        with pytest.raises(InvalidInput) as refused:
            home.engine.amend(draft_id, {}, member="Sam")
        assert refused.value.hint == "It stays as it was."
        (quantity,) = (field for field in home.engine.form(draft_id) if field.name.endswith("quantity"))
        home.engine.amend(draft_id, {quantity.name: "3"}, member="Sam")
        by_words, by_form = told(home, "draft.change_parsed")
        assert (by_words.user_id, by_words.entity_id) == (people(home)[1], draft_id)
        assert [(each.payload["parser"], each.payload["text_chars"]) for each in (by_words, by_form)] == [("offline", 9), ("none", 0)]

    def test_is_who_asks_once_more_and_who_had_asked(self, home: Installation) -> None:
        """In the words of the first time."""
        card = home.ask(BATTERIES, member="Sam")
        home.engine.modify(str(card.draft_id), "make it 3", member="Alex")
        home.later(hours=2)
        again = home.engine.retry(str(card.draft_id), member="Kim")
        first, second = told(home, "request.parsed")
        alex, sam, kim = people(home)
        assert (second.user_id, second.payload["also_asked"], second.payload["parser"]) == (kim, [sam, alex], "none")
        assert (second.payload["channel"], second.payload["text_chars"]) == ("test", first.payload["text_chars"])
        assert "3 items" in again.summary

    def test_is_what_became_a_usual_and_what_is_one_no_more(self, home: Installation) -> None:
        saved = home.engine.save_usual("breakfast", BATTERIES, member="Sam")
        home.engine.remove_usual("breakfast", member="Alex")
        (added,), (removed,) = told(home, "usual.saved"), told(home, "usual.removed")
        alex, sam, _ = people(home)
        assert (added.user_id, added.entity_id, added.payload["items"]) == (sam, saved.id, 1)
        assert (removed.user_id, removed.entity_id) == (alex, saved.id)
        assert [is_commitment(each.payload["name"]) for each in (added, removed)] == [True, True]


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
        ("words", "error", "says", "hint", "public"),
        [
            ("write a poem", InvalidInput, "not something to order", 'Such as: halo usual add breakfast "order coffee and oats"', None),
            ("cancel streamly", InvalidInput, "not something to order", "Nothing was saved.", None),
            ("order", InvalidInput, "not something to order", "Such as: halo usual add", None),
            ("order AAA batteries", InvalidInput, "AAA", "Name it exactly: ", "More has to be said for that."),
            ("order a flux capacitor", NotFound, "flux", "Nothing was saved.", "That cannot be had now."),
        ],
        ids=["nothing Halo does", "nothing that is ordered", "nothing named", "one of several", "nothing there is"],
    )
    def test_is_nothing_that_is_not_clear(
        self, home: Installation, words: str, error: type[HaloError], says: str, hint: str, public: str | None
    ) -> None:
        """A guess would be ordered again and again. What is said of it over HTTP repeats nothing that was given."""
        with pytest.raises(error, match=says) as refused:
            home.engine.save_usual("breakfast", words, member=None)
        assert refused.value.hint.startswith(hint)
        assert refused.value.public == (public or refused.value.message)


class TestAnotherSecret:
    def test_speaks_for_nobody_here(self, home: Installation) -> None:
        """The vendors would not know its keys, and what was sent under the old ones could be sent again."""
        home.engine.close()
        home.settings.key_file.write_text("ab" * 32)
        home.engine = Installation.reopen(home.settings.home, clock=home.clock).engine
        with pytest.raises(StoreFailed, match="is not the secret of these books"):
            home.engine.form(f"dft_{'0' * 26}")

    def test_is_not_missed_by_books_that_name_none(self, home: Installation) -> None:
        """They were founded before a log told which it was."""
        own = home.engine.household_id
        nameless = (
            "UPDATE event_log SET event_payload_json = json_remove(event_payload_json, '$.key_id') WHERE event_type = 'household.created'"
        )
        without_triggers(home.engine._store, "event_log", nameless)
        with Installation.reopen(home.settings.home, clock=home.clock).engine as engine:
            assert engine.household_id == own
        assert own is not None

    def test_is_not_missed_before_there_is_a_household(self, tmp_path: Path) -> None:
        """Who asks is told that there is none."""
        empty = Installation.reopen(tmp_path / "empty", clock=FakeClock(NOON))
        assert empty.engine.household_id is None
        with empty.engine, pytest.raises(NotInitialised):
            empty.engine.draft(BATTERIES, member=None, channel="test")


class TestAskingAgain:
    def test_is_for_what_expired(self, home: Installation) -> None:
        """What was confirmed is on its way, and what was cancelled was not wanted."""
        confirmed, cancelled = home.ask(BATTERIES), home.ask(BATTERIES)
        home.confirm(confirmed)
        home.engine.cancel(str(cancelled.draft_id), member=None)
        for card in (confirmed, cancelled):
            with pytest.raises(Conflict, match="only one that has expired") as refused:
                home.engine.retry(str(card.draft_id), member=None)
            assert refused.value.hint == "Nothing was done."

    def test_is_for_what_failed(self, home: Installation) -> None:
        """What was done is not done again by asking for it so."""
        done = home.carry_out(home.ask(BATTERIES))
        with pytest.raises(Conflict, match="Only a failed execution can be retried; this one is done") as refused:
            home.engine.retry(done.id, member=None)
        assert refused.value.hint == "Nothing was done."

    def test_gets_the_draft_that_stands_in_its_place(self, home: Installation) -> None:
        """There is one already: it is shown, and not made twice. When its own time is over, a new one is."""
        card = home.ask(BATTERIES)
        home.fault("price_up", target="B035L4KKAX", amount=150)
        moved = home.carry_out(card)
        again = home.engine.retry(moved.id, member=None)
        assert (again.draft_id, requests(home)) == (moved.revised_draft_id, 1)
        home.later(hours=2)
        assert home.engine.retry(moved.id, member=None).draft_id != moved.revised_draft_id
