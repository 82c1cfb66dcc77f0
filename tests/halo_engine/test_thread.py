"""A thread: what words, buttons and tapbacks come to, and that only a yes to the terms on the card ever buys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.reply import Tapback
from halo_engine.thread import LocalDoor, Thread, Turn
from tests.installation import Installation

BATTERIES = "order 2 packs of AA batteries"


@pytest.fixture
def door(home: Installation) -> LocalDoor:
    return LocalDoor(home.engine, home.queries)


@pytest.fixture
def thread(door: LocalDoor) -> Thread:
    return Thread(door, channel="test")


@pytest.fixture
def alex(door: LocalDoor) -> str:
    return door.members()[0].id


@pytest.fixture
def kim(door: LocalDoor) -> str:
    """A child: asks, and does not confirm."""
    return next(member.id for member in door.members() if member.display_name == "Kim")


@pytest.fixture
def draft(thread: Thread, alex: str) -> Card:
    """Batteries for $49.95, waiting."""
    return shown(thread.say(BATTERIES, member=alex, waiting=()))


@pytest.fixture
def free(thread: Thread, alex: str) -> Card:
    """A subscription to end with its paid period: nothing is charged, and it could be taken up again."""
    return shown(thread.say("cancel streamly", member=alex, waiting=()))


def shown(turn: Turn) -> Card:
    assert turn.card is not None
    return turn.card


class TestWordsAloneInTheThread:
    def test_are_a_request(self, draft: Card) -> None:
        assert (draft.kind, draft.cost) == (CardKind.DRAFT, "$49.95")

    @pytest.mark.parametrize("words", ["yes", "ok", "go ahead", "👍", "confirm", "yes please"])
    def test_never_confirm_without_the_amount(self, home: Installation, thread: Thread, alex: str, draft: Card, words: str) -> None:
        turn = thread.say(words, member=alex, waiting=[draft])
        assert home.ledger() == ()
        assert turn.note.endswith("yes $49.95")

    @pytest.mark.parametrize("words", ["yes $49.95", "yes, 49.95", "$49.95", "49.95", "confirm $49.95", "yes 49.95 please"])
    def test_confirm_with_exactly_the_amount(self, thread: Thread, alex: str, draft: Card, words: str) -> None:
        assert shown(thread.say(words, member=alex, waiting=[draft])).kind is CardKind.EXECUTING

    @pytest.mark.parametrize(
        "words",
        [
            "yes $49.96",
            "yes 49",
            "yes $4995",
            "49.95?",
            "not 49.95",
            "yes 49.95 but to my office",
            "no 49.95",
            "yes... $49.95",
            "49.95…",
            "yes 4,9.95",
        ],
    )
    def test_do_not_with_anything_else(self, home: Installation, thread: Thread, alex: str, draft: Card, words: str) -> None:
        thread.say(words, member=alex, waiting=[draft])
        with home.queries() as queries:
            assert queries.draft(draft.draft_id or "").status in ("open", "cancelled")
        assert home.ledger() == ()

    @pytest.mark.parametrize("words", ["ok?", "hm", "what is this"])
    def test_that_are_no_answer_are_asked_again(self, thread: Thread, alex: str, draft: Card, words: str) -> None:
        turn = thread.say(words, member=alex, waiting=[draft])
        assert turn.card is None
        assert turn.note.startswith("Order Voltara AA Alkaline Batteries, 48 Count still waits. That is no clear answer.")

    def test_change_the_draft(self, thread: Thread, alex: str, draft: Card) -> None:
        changed = shown(thread.say("make it 3", member=alex, waiting=[draft]))
        assert (changed.draft_id, changed.revision) == (draft.draft_id, 2)

    def test_drop_the_draft(self, thread: Thread, alex: str, draft: Card) -> None:
        assert shown(thread.say("no thanks", member=alex, waiting=[draft])).kind is CardKind.CANCELLED

    def test_may_ask_for_something_else_meanwhile(self, home: Installation, thread: Thread, alex: str, draft: Card) -> None:
        other = shown(thread.say("cancel streamly", member=alex, waiting=[draft]))
        assert (other.verb, other.kind) == ("CANCEL", CardKind.DRAFT)
        with home.queries() as queries:
            assert len(queries.waiting()) == 2

    def test_answer_an_open_question(self, thread: Thread, alex: str) -> None:
        question = shown(thread.say("order AAA batteries", member=alex, waiting=()))
        assert question.kind is CardKind.CLARIFICATION
        assert shown(thread.say("2", member=alex, waiting=[question])).kind is CardKind.DRAFT

    def test_that_ask_for_nothing_halo_does_get_a_polite_no(self, thread: Thread, alex: str) -> None:
        assert shown(thread.say("remind me to water the plants", member=alex, waiting=())).kind is CardKind.NOT_SUPPORTED


class TestSeveralCardsThatWait:
    def test_are_told_apart_by_the_amount(self, thread: Thread, alex: str, draft: Card) -> None:
        other = shown(thread.say("reorder the dog supplies", member=alex, waiting=()))
        assert shown(thread.say("yes $49.95", member=alex, waiting=[other, draft])).request_id == draft.request_id

    def test_of_one_amount_have_to_be_pointed_at(self, home: Installation, thread: Thread, alex: str, draft: Card) -> None:
        twin = shown(thread.say(BATTERIES, member=alex, waiting=()))
        turn = thread.say("yes $49.95", member=alex, waiting=[twin, draft])
        assert (turn.card, turn.note) == (None, "To confirm, press Confirm on the card you mean.")
        assert home.ledger() == ()

    def test_that_cost_nothing_have_to_be_pointed_at(self, home: Installation, thread: Thread, alex: str, free: Card) -> None:
        """ "Yes, cancel" may mean either of two subscriptions, or the card."""
        for words in ("yes", "yes cancel", "yes, cancel it"):
            assert thread.say(words, member=alex, waiting=[free]).card is None
        assert home.ledger() == ()


class TestAQuestion:
    def test_stays_open_when_something_else_is_asked(self, home: Installation, thread: Thread, alex: str) -> None:
        question = shown(thread.say("order AAA batteries", member=alex, waiting=()))
        assert question.asked_by == alex
        assert shown(thread.say("cancel streamly", member=alex, waiting=[question])).verb == "CANCEL"
        assert shown(thread.reply("2", member=alex, to=question)).kind is CardKind.DRAFT

    def test_ends_with_a_no(self, thread: Thread, alex: str) -> None:
        question = shown(thread.say("order AAA batteries", member=alex, waiting=()))
        assert thread.say("no thanks", member=alex, waiting=[question]).ends


class TestAnAnswerToOneCard:
    def test_confirms_by_a_yes(self, thread: Thread, alex: str, free: Card) -> None:
        assert shown(thread.reply("yes please", member=alex, to=free)).kind is CardKind.EXECUTING

    def test_confirms_by_a_tapback(self, thread: Thread, alex: str, free: Card) -> None:
        assert shown(thread.tap(Tapback.LIKE, member=alex, on=free)).kind is CardKind.EXECUTING

    def test_drops_it_by_a_tapback(self, thread: Thread, alex: str, draft: Card) -> None:
        assert shown(thread.tap(Tapback.DISLIKE, member=alex, on=draft)).kind is CardKind.CANCELLED

    @pytest.mark.parametrize("tapback", [Tapback.LOVE, Tapback.LAUGH, Tapback.EMPHASIZE])
    def test_is_none_by_another_tapback(self, thread: Thread, alex: str, free: Card, tapback: Tapback) -> None:
        assert thread.tap(tapback, member=alex, on=free) == Turn()

    def test_is_none_by_a_tapback_taken_back(self, home: Installation, thread: Thread, alex: str, free: Card) -> None:
        assert thread.tap(Tapback.LIKE, member=alex, on=free, removed=True) == Turn()
        assert home.ledger() == ()

    def test_spends_only_with_the_amount_in_it(self, home: Installation, thread: Thread, alex: str, draft: Card) -> None:
        """A thumb slips, and money does not come back."""
        assert thread.tap(Tapback.LIKE, member=alex, on=draft).note.endswith("yes $49.95")
        assert thread.reply("yes", member=alex, to=draft).note.endswith("yes $49.95")
        assert home.ledger() == ()
        assert shown(thread.reply("yes $49.95", member=alex, to=draft)).kind is CardKind.EXECUTING

    def test_pays_a_fee_only_with_the_amount_in_it(self, home: Installation, thread: Thread, alex: str) -> None:
        """Ending a subscription may cost money, too."""
        card = shown(thread.say("cancel ironworks gym", member=alex, waiting=()))
        assert (card.cost, card.needs_amount) == ("$49.00", True)
        assert thread.tap(Tapback.LIKE, member=alex, on=card).note.endswith("yes $49.00")
        assert home.ledger() == ()

    def test_ends_what_cannot_be_had_back_only_with_the_verb_in_it(self, home: Installation, thread: Thread, alex: str) -> None:
        card = shown(thread.say("cancel stratobox right away", member=alex, waiting=()))
        assert card.irreversible
        for turn in (thread.tap(Tapback.LIKE, member=alex, on=card), thread.reply("yes", member=alex, to=card)):
            assert turn.note.endswith("yes cancel")
        assert home.ledger() == ()
        assert shown(thread.reply("yes cancel", member=alex, to=card)).kind is CardKind.EXECUTING

    @pytest.mark.parametrize("how", ["tap", "reply", "press"])
    def test_to_a_card_that_was_replaced_does_nothing_and_shows_the_one_that_stands(
        self, home: Installation, thread: Thread, alex: str, draft: Card, how: str
    ) -> None:
        """The classic: a thumb on the older message."""
        thread.reply("make it 3", member=alex, to=draft)
        turn = {
            "tap": lambda: thread.tap(Tapback.LIKE, member=alex, on=draft),
            "reply": lambda: thread.reply("yes $49.95", member=alex, to=draft),
            "press": lambda: thread.press(Button.CONFIRM, member=alex, on=draft),
        }[how]()
        assert shown(turn).revision == 2
        assert "does not stand" in turn.note
        with home.queries() as queries:
            assert queries.draft(draft.draft_id or "").status == "open"

    def test_of_a_child_is_refused_and_logged(self, home: Installation, thread: Thread, kim: str, free: Card) -> None:
        turn = thread.tap(Tapback.LIKE, member=kim, on=free)
        assert "Kim may not confirm" in turn.note
        assert shown(turn).draft_hash == free.draft_hash
        assert home.ledger() == ()
        assert home.verify().ok

    def test_twice_is_one_execution(self, home: Installation, thread: Thread, alex: str, free: Card) -> None:
        first = shown(thread.tap(Tapback.LIKE, member=alex, on=free))
        again = thread.tap(Tapback.LIKE, member=alex, on=free)
        home.engine.execute(first.execution_id or "", wait_s=600)
        assert "confirmed already" in again.note
        assert len(home.ledger()) == 1

    def test_with_its_amount_after_it_was_bought_says_so(
        self, home: Installation, thread: Thread, door: LocalDoor, alex: str, draft: Card
    ) -> None:
        """A second thread still shows the card: its late yes must not look like a second purchase."""
        door.carry_on(shown(thread.say("yes $49.95", member=alex, waiting=[draft])).execution_id or "", wait_s=600)
        late = thread.say("yes $49.95", member=alex, waiting=[draft])
        assert (shown(late).kind, "confirmed already" in late.note) == (CardKind.DONE, True)
        assert len(home.ledger()) == 1


class TestPressing:
    def test_confirm_confirms_the_terms_on_that_card(self, thread: Thread, door: LocalDoor, alex: str, draft: Card) -> None:
        executing = shown(thread.press(Button.CONFIRM, member=alex, on=draft))
        done = door.carry_on(executing.execution_id or "", wait_s=600)
        assert (done.kind, done.cost) == (CardKind.DONE, "$49.95")

    def test_cancel_drops_it(self, thread: Thread, alex: str, draft: Card) -> None:
        assert shown(thread.press(Button.CANCEL, member=alex, on=draft)).kind is CardKind.CANCELLED

    def test_a_late_confirm_shows_that_it_expired_and_how_to_go_on(
        self, home: Installation, thread: Thread, alex: str, draft: Card
    ) -> None:
        home.later(hours=1)
        turn = thread.press(Button.CONFIRM, member=alex, on=draft)
        assert (shown(turn).kind, shown(turn).buttons) == (CardKind.EXPIRED, (Button.ASK_AGAIN,))
        again = shown(thread.press(Button.ASK_AGAIN, member=alex, on=shown(turn)))
        assert (again.kind, again.draft_id != draft.draft_id, again.cost) == (CardKind.DRAFT, True, "$49.95")
        assert home.ledger() == ()

    def test_confirm_at_a_price_that_moved_is_a_new_decision(self, home: Installation, thread: Thread, door: LocalDoor, alex: str) -> None:
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        home.fault("price_up", amount=150)
        executing = shown(thread.press(Button.CONFIRM, member=alex, on=draft))
        stopped = door.carry_on(executing.execution_id or "", wait_s=600)
        assert stopped.kind is CardKind.TERMS_CHANGED
        revised = door.card(stopped.draft_id or "")
        assert (revised.kind, revised.buttons[0]) == (CardKind.TERMS_CHANGED, Button.CONFIRM)
        assert "total +$3.25" in revised.difference
        assert home.ledger() == ()

    def test_retry_of_what_was_bought_meanwhile_drafts_nothing(
        self, home: Installation, door: LocalDoor, thread: Thread, alex: str
    ) -> None:
        """The terms changed, the new ones were confirmed and bought: asking the old card again must not buy twice."""
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        home.fault("price_up", amount=150)
        stopped = door.carry_on(shown(thread.press(Button.CONFIRM, member=alex, on=draft)).execution_id or "", wait_s=600)
        revised = door.card(stopped.draft_id or "")
        door.carry_on(shown(thread.press(Button.CONFIRM, member=alex, on=revised)).execution_id or "", wait_s=600)
        assert home.engine.retry(stopped.execution_id or "", member=None).draft_id == revised.draft_id
        with home.queries() as queries:
            assert queries.waiting() == ()

    def test_retry_drafts_what_failed_anew(self, home: Installation, thread: Thread, door: LocalDoor, alex: str) -> None:
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        home.fault("unavailable", times=12)
        executing = shown(thread.press(Button.CONFIRM, member=alex, on=draft))
        failed = door.carry_on(executing.execution_id or "", wait_s=3600)
        assert (failed.kind, failed.buttons) == (CardKind.FAILED, (Button.RETRY,))
        again = shown(thread.press(Button.RETRY, member=alex, on=failed))
        assert (again.kind, again.draft_id != draft.draft_id) == (CardKind.DRAFT, True)
        assert home.ledger() == ()


class TestAPlantedBug:
    """That the tests above can fail."""

    def test_any_yes_that_counts_as_the_amount_is_noticed(
        self, thread: Thread, alex: str, draft: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Thread, "_names_the_amount", lambda *_: True)
        assert thread.say("yes", member=alex, waiting=[draft]).card is not None

    def test_a_card_that_is_not_compared_with_what_stands_is_noticed(
        self, thread: Thread, alex: str, draft: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thread.reply("make it 3", member=alex, to=draft)
        monkeypatch.setattr(Thread, "_still", lambda *_: None)
        assert shown(thread.tap(Tapback.DISLIKE, member=alex, on=draft)).kind is CardKind.CANCELLED


class TestTheForm:
    def test_changes_what_was_filled_in(self, thread: Thread, door: LocalDoor, alex: str, draft: Card) -> None:
        names = [field.name for field in door.form(draft.draft_id or "")]
        assert "items.0.quantity" in names
        changed = shown(thread.fill({"items.0.quantity": "3"}, member=alex, on=draft))
        assert (changed.lines[0].quantity, changed.revision) == (3, 2)

    @pytest.mark.parametrize("value", ["0", "many", "1000000", "-1", "\u0662"])
    def test_says_which_field_cannot_be_so(self, thread: Thread, alex: str, draft: Card, value: str) -> None:
        turn = thread.fill({"items.0.quantity": value}, member=alex, on=draft)
        assert turn.note.startswith("Quantity of")
        assert shown(turn).draft_hash == draft.draft_hash

    def test_left_as_it_is_changes_nothing(self, thread: Thread, alex: str, draft: Card) -> None:
        assert "Nothing was changed" in thread.fill({}, member=alex, on=draft).note


class TestTheHistory:
    def test_is_who_said_what_and_what_became_of_it(self, home: Installation, thread: Thread, door: LocalDoor, alex: str, kim: str) -> None:
        draft = shown(thread.say(BATTERIES, member=alex, waiting=()))
        home.later(minutes=1)
        thread.say("remind me to water the plants", member=kim, waiting=())
        executing = shown(thread.press(Button.CONFIRM, member=alex, on=draft))
        door.carry_on(executing.execution_id or "", wait_s=600)
        first, second = door.said(limit=10)
        assert (first.member_id, first.text, first.card and first.card.kind) == (alex, BATTERIES, CardKind.DONE)
        assert (second.member_id, second.card) == (kim, None)
        assert second.at - first.at == timedelta(minutes=1)

    def test_holds_a_question_that_waits(self, thread: Thread, door: LocalDoor, alex: str) -> None:
        question = thread.say("order AAA batteries", member=alex, waiting=()).card
        assert door.said(limit=1)[0].card == question
