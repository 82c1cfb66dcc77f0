"""What keeps a slip from spending: where the focus may be, how soon a card takes anything, and what no key can do."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from halo_cli.chat.card_view import CardButton, CardView
from halo_cli.chat.dialogs import Consent
from halo_cli.chat.guard import ARMED_AFTER_S, Guard
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.thread import LocalDoor
from tests.halo_cli.chat.driver import Chat, chat
from tests.installation import Installation

#: It costs nothing and can be undone; not showing up costs a fee.
TABLE = "book a table for 2 at Osteria Lunetta tomorrow at 7pm"
BATTERIES = "order 2 packs of AA batteries"
QUESTION = "book a table for 2 at Osteria tomorrow at 7pm"
KEY_NAMES = {" ": "space", "?": "question_mark", ",": "comma"}


class TestTheFocus:
    def test_never_begins_at_confirm(self, tmp_path: Path) -> None:
        """Tab and Shift+Tab through the whole screen: into a card by its first other button, to Confirm only from beside it."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.say("cancel streamly")
            for key in ["tab"] * 11 + ["shift+tab"] * 11:
                before = at.focused
                await at.pilot.press(key)
                if at.button() is Button.CONFIRM:
                    assert isinstance(before, CardButton)
                    assert isinstance(at.focused, CardButton)
                    assert before.parent is at.focused.parent

        chat(tmp_path, journey)

    def test_reaches_confirm_by_tab_too(self, tmp_path: Path) -> None:
        """It is hard to hit, and not hard to find."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.pilot.press("tab")
            assert at.button() is Button.MODIFY
            await at.pilot.press("tab", "tab")
            assert at.button() is Button.CONFIRM

        chat(tmp_path, journey)

    def test_does_not_fall_on_confirm_when_its_card_goes(self, tmp_path: Path) -> None:
        """The card that takes the place of another is entered like any."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            assert at.card.draft_id is not None
            changed = at.home.engine.modify(at.card.draft_id, "make it for 4 people", member=None)
            await at.app._show(changed)
            await at.settle()
            assert at.card.revision == 2
            assert at.button() is Button.MODIFY

        chat(tmp_path, journey)


class TestKeys:
    def test_none_that_prints_confirms(self, tmp_path: Path) -> None:
        """Each, on a card that waits to be confirmed, while another of its buttons has the focus."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            for key in string.printable.strip() + " ":
                at.app.thread_screen.set_focus(at.view.first_stop)
                await at.pilot.press(KEY_NAMES.get(key, key))
                while at.dialog:
                    await at.press("escape")
            await at.settle()
            assert at.kind() is CardKind.DRAFT
            assert at.home.ledger() == ()

        chat(tmp_path, journey)

    def test_enter_presses_confirm_where_it_has_the_focus(self, tmp_path: Path) -> None:
        """And what the card warns of is taken in before the yes counts."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            await at.press("enter")
            assert isinstance(at.dialog, Consent)
            assert at.home.ledger() == ()
            await at.type("book")
            await at.press("enter")
            assert at.kind() is CardKind.DONE

        chat(tmp_path, journey)

    def test_space_is_a_word_on_confirm_too(self, tmp_path: Path) -> None:
        """Whoever types with the focus there books nothing, and is not asked to."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            await at.press("space")
            assert at.dialog is None
            assert at.kind() is CardKind.DRAFT
            assert at.home.ledger() == ()
            assert at.written == " "

        chat(tmp_path, journey)

    @pytest.mark.parametrize("waited", [True, False], ids=["later", "at once"])
    @pytest.mark.parametrize("button", [Button.MODIFY, Button.CONFIRM])
    def test_that_print_are_written_wherever_the_focus_is(self, tmp_path: Path, button: Button, waited: bool) -> None:
        """None of the letters is lost, in the first half second neither, and none does anything else."""
        words = "so what remains, 2 more?"

        async def journey(at: Chat) -> None:
            await (at.say if waited else at.blurt)(TABLE)
            await at.walk_to(button)
            await at.press(*(KEY_NAMES.get(letter, letter) for letter in words))
            assert at.written == words
            assert at.dialog is None
            assert at.focused is at.app.thread_screen.compose_bar.line
            assert at.kind() is CardKind.DRAFT
            assert at.notes == []

        chat(tmp_path, journey)

    def test_that_print_are_words_on_an_option_but_for_its_number(self, tmp_path: Path) -> None:
        """A question has the focus, and something else is said."""

        async def journey(at: Chat) -> None:
            await at.say(QUESTION)
            await at.press("up", "9", "space", "1")
            assert at.written == "9 1"
            assert at.kind() is CardKind.CLARIFICATION

        chat(tmp_path, journey)

    def test_that_come_at_once_are_words_too(self, tmp_path: Path) -> None:
        """What is pasted on a card is written."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            await at.type("make it for 4 people")
            assert at.written == "make it for 4 people"

        chat(tmp_path, journey)


async def hasty_enter(at: Chat) -> None:
    await at.blurt(TABLE)
    at.seconds.now += ARMED_AFTER_S - 0.01
    await at.walk_to(Button.CONFIRM)
    await at.press("enter")
    assert at.kind() is CardKind.DRAFT
    assert at.home.ledger() == ()
    assert at.notes == ["That card has only just appeared. Read it, then press again."]


class TestHalfASecond:
    def test_has_to_pass_before_enter_is_meant(self, tmp_path: Path) -> None:
        """Then the same key confirms."""

        async def journey(at: Chat) -> None:
            await hasty_enter(at)
            at.seconds.now += 0.01
            await at.press("enter")
            assert isinstance(at.dialog, Consent)

        chat(tmp_path, journey)

    def test_is_kept_by_the_guard_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: with a guard that is always armed the test above fails."""
        monkeypatch.setattr(Guard, "is_armed", True)
        with pytest.raises(AssertionError):
            chat(tmp_path, hasty_enter)

    def test_has_to_pass_before_a_click_is_meant(self, tmp_path: Path) -> None:
        """The mouse is no faster than the keys."""

        async def journey(at: Chat) -> None:
            await at.blurt(TABLE)
            confirm = next(button for button in at.view.query(CardButton) if button.is_confirm)
            assert await at.pilot.click(confirm)
            await at.settle()
            assert at.home.ledger() == ()
            await at.wait_a_second()
            await at.pilot.click(confirm)
            await at.settle()
            assert isinstance(at.dialog, Consent)

        chat(tmp_path, journey, size=(100, 40))

    def test_has_to_pass_before_a_tapback_is_meant(self, tmp_path: Path) -> None:
        """Not even the six are shown."""

        async def journey(at: Chat) -> None:
            await at.blurt(TABLE)
            await at.press("up", "ctrl+t")
            assert at.dialog is None
            assert at.home.ledger() == ()

        chat(tmp_path, journey)

    def test_has_to_pass_before_an_option_is_meant(self, tmp_path: Path) -> None:
        """By its number or by Enter."""

        async def journey(at: Chat) -> None:
            await at.blurt(QUESTION)
            await at.press("up", "1", "enter")
            assert at.kinds == [CardKind.CLARIFICATION]

        chat(tmp_path, journey)

    def test_has_to_pass_before_words_are_an_answer(self, tmp_path: Path) -> None:
        """They stay where they were written."""

        async def journey(at: Chat) -> None:
            await at.blurt(TABLE)
            await at.blurt("no thanks")
            assert at.written == "no thanks"
            assert at.kind() is CardKind.DRAFT

        chat(tmp_path, journey)

    def test_begins_anew_with_every_change(self, tmp_path: Path) -> None:
        """A new revision is another card."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.blurt("make it for 4 people")
            await at.walk_to(Button.CONFIRM)
            await at.press("enter")
            assert at.card.revision == 2
            assert at.home.ledger() == ()

        chat(tmp_path, journey)

    def test_can_be_seen(self, tmp_path: Path) -> None:
        """The buttons are dim until they take anything."""

        async def journey(at: Chat) -> None:
            await at.blurt(TABLE)
            button = at.view.query(CardButton).first()
            assert button.styles.opacity < 1
            await at.wait_a_second()
            assert button.styles.opacity == 1

        chat(tmp_path, journey)


class _Listening(LocalDoor):
    """A door that remembers which hashes were confirmed."""

    heard_hashes: tuple[str, ...] = ()

    def confirm(self, draft_id: str, *, draft_hash: str, member: str) -> Card:
        self.heard_hashes = (*self.heard_hashes, draft_hash)
        return super().confirm(draft_id, draft_hash=draft_hash, member=member)


class TestConfirm:
    def test_sends_the_hash_of_the_card_on_the_screen(self, tmp_path: Path) -> None:
        """And nothing else, once."""
        doors: list[_Listening] = []

        def listening(home: Installation) -> _Listening:
            doors.append(_Listening(home.engine, home.queries))
            return doors[0]

        async def journey(at: Chat) -> str | None:
            await at.say(TABLE)
            shown = at.card.draft_hash
            await at.confirm()
            return shown

        assert (chat(tmp_path, journey, door=listening),) == doors[0].heard_hashes

    def test_of_a_card_that_stands_no_more_does_nothing(self, tmp_path: Path) -> None:
        """It was changed elsewhere meanwhile: what stands now is shown, and has to be confirmed itself."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            at.home.engine.modify(at.card.draft_id or "", "make it for 4 people", member=None)
            await at.confirm()
            assert at.card.revision == 2
            assert at.home.ledger() == ()
            assert "does not stand any more" in at.notes[-1]

        chat(tmp_path, journey)

    def test_pressed_twice_asks_once(self, tmp_path: Path) -> None:
        """One dialog, and one form."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            for button in (Button.CONFIRM, Button.MODIFY):
                at.view.post_message(CardView.Pressed(at.view, button))
                at.view.post_message(CardView.Pressed(at.view, button))
                await at.settle()
                assert len(at.app.screen_stack) == 2
                await at.press("escape")

        chat(tmp_path, journey)

    def test_out_of_sight_comes_back_first(self, tmp_path: Path) -> None:
        """Somebody scrolled up to read; the first Enter only shows the button again."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            await at.press("up", "enter")
            assert at.kind() is CardKind.DRAFT
            assert at.dialog is None
            await at.press("enter")
            assert isinstance(at.dialog, Consent)

        chat(tmp_path, journey, size=(80, 18))

    def test_given_twice_is_one(self, tmp_path: Path) -> None:
        """A double press is a slip too."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            at.app._consented(at.view, at.app.sender.id, True)
            at.app._consented(at.view, at.app.sender.id, True)
            await at.settle()
            assert len(at.home.ledger()) == 1

        chat(tmp_path, journey)


class TestAChangeFromElsewhere:
    def test_of_a_waiting_draft_is_seen_before_somebody_presses(self, tmp_path: Path) -> None:
        """The focus that was on Confirm is not on the new one."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.walk_to(Button.CONFIRM)
            at.home.engine.modify(at.card.draft_id or "", "make it for 4 people", member=None)
            await at.wait_a_second(seconds=1)
            await at.settle()
            assert at.card.revision == 1
            await at.wait_a_second(seconds=4)
            await at.settle()
            assert at.card.revision == 2
            assert at.button() is Button.MODIFY

        chat(tmp_path, journey)

    def test_that_confirmed_it_shows_what_became_of_it(self, tmp_path: Path) -> None:
        """Not a card that goes on for ever."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            at.home.carry_out(at.card)
            await at.wait_a_second(seconds=5)
            await at.settle()
            assert at.kinds == [CardKind.DONE]
            assert at.view.card.execution_id is not None

        chat(tmp_path, journey)

    def test_is_looked_for_in_the_three_newest_alone(self, tmp_path: Path) -> None:
        """And where nothing changed nothing is drawn anew."""
        doors: list[_Looking] = []

        def looking(home: Installation) -> _Looking:
            doors.append(_Looking(home.engine, home.queries))
            return doors[0]

        async def journey(at: Chat) -> None:
            drafts = [at.home.ask(text).draft_id or "" for text in ("cancel streamly", "cancel lingopath", TABLE, BATTERIES)]
            for draft_id in drafts:
                await at.app._show(at.app._door.card(draft_id))
            before = at.app.thread_screen.thread.cards
            doors[0].looked_at = ()
            await at.wait_a_second(seconds=5)
            await at.settle()
            assert sorted(doors[0].looked_at) == sorted(drafts[1:])
            assert at.app.thread_screen.thread.cards == before

        chat(tmp_path, journey, door=looking)

    def test_is_not_undone_by_an_answer_that_comes_late(self, tmp_path: Path) -> None:
        """What was seen before something was done here says nothing of what stands after it."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            seen = [(at.view, at.card.model_copy(update={"note": "as it was"}))]
            await at.say("never mind")
            assert at.kind() is CardKind.CANCELLED
            await at.app._looked(seen)
            await at.settle()
            assert at.kinds == [CardKind.CANCELLED]

        chat(tmp_path, journey)


class _Looking(LocalDoor):
    """A door that remembers which cards were asked for."""

    looked_at: tuple[str, ...] = ()

    def card(self, of: str) -> Card:
        self.looked_at = (*self.looked_at, of)
        return super().card(of)
