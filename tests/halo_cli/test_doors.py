"""One contract over both doors of a thread: the engine in this process, and a real server on loopback. What holds at one holds at the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from halo_cli.remote import RemoteDoor
from halo_engine.clock import SystemClock
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotAuthorised, NotFound
from halo_engine.model.household import Member
from halo_engine.model.ids import Prefix
from halo_engine.model.reply import Reply, Tapback
from halo_engine.thread import Door, LocalDoor, Thread, Turn
from halo_sim.faults import clear_faults
from tests.installation import NOON, Installation
from tests.server.calling import BATTERIES, served

HOSTILE_IDS = ("", "\0", "\ud800", "..", "../../healthz", "dft_0", "x" * 5000, "'; DROP TABLE draft; --", "a?b#c", "%2e%2e", "🔋\u202e")
HOSTILE_WORDS = ("", " ", "\0\0\0", "\ud800", "order \ud800 batteries", "\u202eorder", "%s%n{0}", "🔋" * 5000)


@dataclass
class Place:
    """One household, and how its members reach it."""

    home: Installation
    door_of: Callable[[str], Door]
    worked: Callable[[], AbstractContextManager[None]]

    def member(self, name: str) -> Member:
        with self.home.queries() as queries:
            return next(member for member in queries.members() if member.display_name == name)

    @property
    def here(self) -> LocalDoor:
        """The engine's own door, to compare with."""
        return LocalDoor(self.home.engine, self.home.queries)


@contextmanager
def working(home: Installation) -> Iterator[None]:
    """A worker beside the server, as `halo serve` has one."""
    stop = threading.Event()
    worker = home.engine.worker(told=lambda _: None)
    thread = threading.Thread(target=worker.serve, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation.open(tmp_path / "home")
    yield installation
    installation.engine.close()


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, home: Installation) -> Iterator[Place]:
    """The same household, from here and from far away."""
    if request.param == "local":
        yield Place(home, lambda _: LocalDoor(home.engine, home.queries), nullcontext)
        return
    with ExitStack() as doors:
        url = doors.enter_context(served(home))

        def door_of(name: str) -> Door:
            token = home.engine.devices.add("phone", by=name).token.get_secret_value()
            # It waits by the real clock: the household's stands still.
            return doors.enter_context(RemoteDoor(url, token, clock=SystemClock()))

        yield Place(home, door_of, lambda: working(home))


@pytest.fixture
def door(place: Place) -> Door:
    """The owner's."""
    return place.door_of("Alex")


@pytest.fixture
def alex(place: Place) -> str:
    return place.member("Alex").id


@pytest.fixture
def thread(door: Door) -> Thread:
    return Thread(door, channel="test")


def shown(turn: Turn) -> Card:
    assert turn.card is not None, turn.note
    return turn.card


def of(card: Card) -> str:
    assert card.draft_id is not None
    return card.draft_id


class TestADoor:
    def test_knows_whose_home_it_is(self, place: Place, door: Door) -> None:
        """Every field, to the microsecond."""
        with place.home.queries() as queries:
            assert (door.household(), door.members()) == (queries.household(), queries.members())

    @pytest.mark.parametrize("text", [BATTERIES, "book nopa tomorrow at 7 for four people", "hello"])
    def test_reads_words(self, place: Place, door: Door, text: str) -> None:
        assert door.parse(text) == place.home.engine.parse(text)

    def test_drafts_what_the_books_then_hold(self, place: Place, door: Door, alex: str) -> None:
        """The card that comes back is the card that stands."""
        card = door.draft(BATTERIES, member=alex, channel="test")
        assert card == door.card(of(card)) == place.here.card(of(card)) == door.card(card.request_id or "")

    def test_asks_and_hears_the_answer(self, door: Door, alex: str) -> None:
        question = door.draft("order AAA batteries", member=alex, channel="test")
        assert question.kind is CardKind.CLARIFICATION
        assert len(question.options) > 1
        assert door.draft("1", member=alex, channel="test", answers=question.request_id).kind is CardKind.DRAFT

    @pytest.mark.parametrize(("words", "reply"), [("yes", Reply.CONFIRM), ("no", Reply.CANCEL), ("make it 3", Reply.MODIFY)])
    def test_hears_what_words_say_to_a_card(self, door: Door, alex: str, words: str, reply: Reply) -> None:
        card = door.draft(BATTERIES, member=alex, channel="test")
        assert door.heard(words, request_id=card.request_id or "") is reply

    def test_changes_a_draft_by_words_and_by_its_form(self, place: Place, door: Door, alex: str) -> None:
        draft_id = of(door.draft(BATTERIES, member=alex, channel="test"))
        assert door.modify(draft_id, "make it 3", member=alex).revision == 2
        assert door.form(draft_id) == place.here.form(draft_id)
        changed = door.amend(draft_id, {"items.0.quantity": "4"}, member=alex)
        assert (changed.revision, changed.lines[0].quantity) == (3, 4)
        assert changed.difference
        assert door.cancel(draft_id, member=alex).kind is CardKind.CANCELLED

    def test_confirms_at_once_and_sees_it_through(self, place: Place, door: Door, alex: str) -> None:
        draft = door.draft(BATTERIES, member=alex, channel="test")
        with place.worked():
            executing = door.confirm(of(draft), draft_hash=draft.draft_hash or "", member=alex)
            done = door.carry_on(executing.execution_id or "", wait_s=60)
        assert (done.kind, done.cost) == (CardKind.DONE, "$49.95")
        assert door.card(executing.execution_id or "") == done
        assert len(place.home.ledger()) == 1

    def test_waits_no_longer_than_it_was_told_to(self, door: Door, alex: str) -> None:
        """Where it stands then, and it can be asked again."""
        draft = door.draft(BATTERIES, member=alex, channel="test")
        executing = door.confirm(of(draft), draft_hash=draft.draft_hash or "", member=alex)
        assert door.carry_on(executing.execution_id or "", wait_s=0).execution_id == executing.execution_id

    def test_asks_again_for_what_has_expired(self, place: Place, door: Door, alex: str) -> None:
        draft = door.draft(BATTERIES, member=alex, channel="test")
        place.home.later(hours=1)
        assert door.card(of(draft)).kind is CardKind.EXPIRED
        assert door.retry(of(draft), member=alex).draft_id != draft.draft_id

    def test_remembers_what_was_said(self, place: Place, door: Door, alex: str) -> None:
        door.draft(BATTERIES, member=alex, channel="test")
        place.home.later(minutes=1)
        door.draft("remind me to water the plants", member=alex, channel="test")
        said = door.said(limit=10)
        assert [one.text for one in said] == [BATTERIES, "remind me to water the plants"]
        assert said == place.here.said(limit=10)
        assert door.said(limit=1) == said[1:]


def told(act: Callable[[], object]) -> tuple[str, str, str]:
    """The code, the message and the hint of what it raises: without commands, which are said at a prompt alone."""
    with pytest.raises(HaloError) as raised:
        act()
    return raised.value.code, raised.value.message, raised.value.public_hint


class TestWhatGoesWrong:
    """The same error at both doors, in the same words."""

    @pytest.mark.parametrize("prefix", [Prefix.DRAFT, Prefix.EXECUTION, Prefix.REQUEST, Prefix.HOUSEHOLD])
    def test_what_is_not_there(self, place: Place, door: Door, alex: str, prefix: Prefix) -> None:
        unknown = place.home.clock.new_id(prefix)
        acts: tuple[Callable[[Door], object], ...] = (
            lambda at: at.card(unknown),
            lambda at: at.form(unknown),
            lambda at: at.retry(unknown, member=alex),
            lambda at: at.cancel(unknown, member=alex),
            lambda at: at.modify(unknown, "make it 3", member=alex),
            lambda at: at.amend(unknown, {}, member=alex),
            lambda at: at.confirm(unknown, draft_hash="", member=alex),
            lambda at: at.heard("yes", request_id=unknown),
            lambda at: at.draft("1", member=alex, channel="test", answers=unknown),
            lambda at: at.carry_on(unknown, wait_s=0),
        )
        for act in acts:
            assert told(partial(act, door)) == told(partial(act, place.here))

    @pytest.mark.parametrize("identifier", HOSTILE_IDS)
    def test_what_is_no_id(self, door: Door, alex: str, identifier: str) -> None:
        """Not found, wherever it would have led."""
        for act in (
            lambda: door.card(identifier),
            lambda: door.form(identifier),
            lambda: door.retry(identifier, member=alex),
            lambda: door.cancel(identifier, member=alex),
            lambda: door.confirm(identifier, draft_hash="0", member=alex),
            lambda: door.heard("yes", request_id=identifier),
            lambda: door.carry_on(identifier, wait_s=0),
        ):
            with pytest.raises(NotFound):
                act()

    @pytest.mark.parametrize("words", HOSTILE_WORDS)
    def test_words_that_mean_harm_are_words(self, place: Place, door: Door, alex: str, words: str) -> None:
        """A card or a plain refusal, the same at both."""

        def what(at: Door) -> tuple[str, ...]:
            try:
                return (at.draft(words, member=alex, channel="test").kind.value,)
            except InvalidInput as error:
                return (error.code, error.message, error.public_hint)

        assert what(door) == what(place.here)

    def test_terms_that_changed(self, place: Place, door: Door, alex: str) -> None:
        """With the words that say what stands now."""
        draft = door.draft(BATTERIES, member=alex, channel="test")
        door.modify(of(draft), "make it 3", member=alex)

        def confirm(at: Door) -> object:
            return at.confirm(of(draft), draft_hash=draft.draft_hash or "", member=alex)

        with pytest.raises(Conflict):
            confirm(door)
        assert told(lambda: confirm(door)) == told(lambda: confirm(place.here))
        assert told(lambda: confirm(door))[0] == "terms_changed"

    def test_a_draft_whose_time_is_over(self, place: Place, door: Door, alex: str) -> None:
        draft = door.draft(BATTERIES, member=alex, channel="test")
        place.home.later(hours=1)
        code, _, hint = told(lambda: door.confirm(of(draft), draft_hash=draft.draft_hash or "", member=alex))
        assert (code, bool(hint)) == ("draft_expired", True)

    def test_a_draft_that_was_dropped(self, door: Door, alex: str) -> None:
        draft = door.draft(BATTERIES, member=alex, channel="test")
        door.cancel(of(draft), member=alex)
        assert told(lambda: door.confirm(of(draft), draft_hash=draft.draft_hash or "", member=alex))[0] == "already_cancelled"
        assert told(lambda: door.modify(of(draft), "make it 3", member=alex))[0] == "already_cancelled"

    def test_a_change_that_is_none(self, place: Place, door: Door, alex: str) -> None:
        draft_id = of(door.draft(BATTERIES, member=alex, channel="test"))
        acts: tuple[Callable[[Door], object], ...] = (
            lambda at: at.modify(draft_id, "hello", member=alex),
            lambda at: at.amend(draft_id, {}, member=alex),
            lambda at: at.amend(draft_id, {"__proto__": "1"}, member=alex),
        )
        for act in acts:
            with pytest.raises(InvalidInput):
                act(door)
            assert told(partial(act, door)) == told(partial(act, place.here))

    def test_a_field_that_cannot_be_so(self, door: Door, alex: str) -> None:
        """A server does not repeat what the field is called: its name is the words of whoever asked."""
        draft_id = of(door.draft(BATTERIES, member=alex, channel="test"))
        with pytest.raises(InvalidInput, match="must be a number"):
            door.amend(draft_id, {"items.0.quantity": "many"}, member=alex)

    def test_a_yes_of_a_child(self, place: Place) -> None:
        """Nothing is bought, and the log has it."""
        kim, door = place.member("Kim").id, place.door_of("Kim")
        draft = door.draft(BATTERIES, member=kim, channel="test")
        with pytest.raises(NotAuthorised):
            door.confirm(of(draft), draft_hash=draft.draft_hash or "", member=kim)
        assert place.home.ledger() == ()
        assert place.home.verify().ok

    def test_an_answer_to_what_was_answered(self, door: Door, alex: str) -> None:
        question = door.draft("order AAA batteries", member=alex, channel="test")
        door.draft("1", member=alex, channel="test", answers=question.request_id)
        assert told(lambda: door.draft("2", member=alex, channel="test", answers=question.request_id))[0] == "conflict"

    def test_a_retry_of_what_went_well(self, place: Place, door: Door, alex: str) -> None:
        execution = place.home.carry_out(place.home.ask(BATTERIES))
        assert told(lambda: door.retry(execution.id, member=alex)) == told(lambda: place.here.retry(execution.id, member=alex))


class TestAThread:
    """The flows that people know, through `Thread`."""

    @pytest.mark.parametrize(
        ("words", "charged"),
        [
            (BATTERIES, 4995),
            ("reorder weekly groceries", None),
            ("cancel streamly", None),
            ("book nopa friday at 7 for four people", None),
        ],
        ids=["order", "reorder", "cancel", "book"],
    )
    def test_goes_from_words_to_done(self, place: Place, door: Door, thread: Thread, alex: str, words: str, charged: int | None) -> None:
        card = shown(thread.say(words, member=alex, waiting=()))
        while card.kind is CardKind.CLARIFICATION:
            card = shown(thread.choose(1, member=alex, of=card))
        with place.worked():
            executing = shown(thread.press(Button.CONFIRM, member=alex, on=card))
            done = door.carry_on(executing.execution_id or "", wait_s=60)
        assert (done.kind, done.receipt_id is not None) == (CardKind.DONE, True)
        assert charged in (None, place.home.ledger()[0].charged.cents)
        assert len(place.home.ledger()) == 1
        assert place.home.verify().ok

    def test_says_what_halo_does_not_do(self, thread: Thread, alex: str) -> None:
        assert shown(thread.say("remind me to water the plants", member=alex, waiting=())).kind is CardKind.NOT_SUPPORTED

    def test_shows_the_card_that_stands_when_a_late_yes_is_refused(self, place: Place, thread: Thread, alex: str) -> None:
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        changed = shown(thread.reply("make it 3", member=alex, to=draft))
        turn = thread.tap(Tapback.LIKE, member=alex, on=draft)
        assert (turn.card, bool(turn.note)) == (changed, True)
        place.home.later(hours=1)
        assert shown(thread.press(Button.CONFIRM, member=alex, on=changed)).kind is CardKind.EXPIRED
        assert place.home.ledger() == ()

    def test_drafts_anew_what_failed(self, place: Place, door: Door, thread: Thread, alex: str) -> None:
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        place.home.fault("unavailable", times=999)
        with place.worked():
            executing = shown(thread.press(Button.CONFIRM, member=alex, on=draft))
            failed = door.carry_on(executing.execution_id or "", wait_s=3600)
        assert (failed.kind, failed.buttons) == (CardKind.FAILED, (Button.RETRY,))
        clear_faults(place.home.world)
        assert shown(thread.press(Button.RETRY, member=alex, on=failed)).kind is CardKind.DRAFT
        assert place.home.ledger() == ()

    def test_is_dated_by_the_household(self, place: Place, door: Door, thread: Thread, alex: str) -> None:
        thread.say(BATTERIES, member=alex, waiting=())
        assert door.said(limit=1)[0].at == NOON == place.home.clock.now()
