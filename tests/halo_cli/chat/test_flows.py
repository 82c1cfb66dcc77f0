"""The five flows, by keyboard alone, from words to whatever became of them. The vendors' own books are the judge."""

from __future__ import annotations

from pathlib import Path

from halo_cli.chat.card_view import OptionRow
from halo_cli.chat.dialogs import Consent
from halo_cli.chat.form import ModifyForm
from halo_engine.model.card import Button, CardKind
from halo_sim.faults import clear_faults
from tests.halo_cli.chat.driver import Chat, chat

BATTERIES = "order 2 packs of AA batteries"


class TestOrder:
    def test_goes_from_words_to_done(self, tmp_path: Path) -> None:
        """What is irreversible asks for the amount; the receipt is one key away."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            assert at.kind() is CardKind.DRAFT
            await at.confirm()
            assert at.kinds == [CardKind.DONE]
            assert at.card.cost == "$49.95"
            assert [line["quantity"] for line in at.home.bought()] == [2]
            await at.press("escape", "up", "enter")
            assert at.dialog is not None
            assert at.home.verify().ok

        chat(tmp_path, journey)

    def test_says_delivered_under_the_newest_words_alone(self, tmp_path: Path) -> None:
        """As Messages does."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            await at.say("make it 3")
            assert [bubble.state for bubble in at.bubbles] == ["", "Delivered"]
            assert at.card.lines[0].quantity == 3
            assert len(at.replaced) == 1

        chat(tmp_path, journey)


class TestReorder:
    def test_buys_the_usual(self, tmp_path: Path) -> None:
        """Begun with the quick intent."""

        async def journey(at: Chat) -> None:
            await at.press("shift+tab", "shift+tab", "shift+tab", "enter")
            assert at.written == "reorder the usual "
            await at.press("enter")
            await at.wait_a_second()
            if at.kind() is CardKind.CLARIFICATION:
                await at.press("up", "enter")
                await at.wait_a_second()
            assert at.card.verb == "REORDER"
            await at.confirm()
            assert at.kind() is CardKind.DONE
            assert at.home.bought()

        chat(tmp_path, journey)


class TestCancel:
    def test_warns_and_asks_for_the_word(self, tmp_path: Path) -> None:
        """Now is for good: nothing happens before the word is typed."""

        async def journey(at: Chat) -> None:
            await at.say("cancel streamly now")
            assert at.card.irreversible
            assert at.card.warnings
            await at.walk_to(Button.CONFIRM)
            await at.press("enter")
            assert isinstance(at.dialog, Consent)
            await at.type("yes")
            await at.press("enter")
            assert isinstance(at.dialog, Consent)
            assert at.home.ledger() == ()
            await at.press(*["backspace"] * 3)
            await at.type("cancel")
            await at.press("enter")
            assert at.kind() is CardKind.DONE
            assert len(at.home.ledger()) == 1

        chat(tmp_path, journey)

    def test_does_nothing_when_the_dialog_is_closed(self, tmp_path: Path) -> None:
        """Esc is no."""

        async def journey(at: Chat) -> None:
            await at.say("cancel streamly now")
            await at.walk_to(Button.CONFIRM)
            await at.press("enter", "escape")
            assert at.dialog is None
            assert at.kind() is CardKind.DRAFT
            assert at.home.ledger() == ()

        chat(tmp_path, journey)


class TestBook:
    def test_is_changed_in_the_form_and_confirmed(self, tmp_path: Path) -> None:
        """Only what was changed is sent."""

        async def journey(at: Chat) -> None:
            await at.say("book a table for 2 at Osteria Lunetta tomorrow at 7pm")
            await at.walk_to(Button.MODIFY)
            await at.press("enter")
            form = at.dialog
            assert isinstance(form, ModifyForm)
            await at.press("backspace", "4")
            assert form.changed == {"party_size": "4"}
            await at.press("enter")
            await at.wait_a_second()
            assert at.dialog is None
            assert "4" in next(row.text for row in at.card.rows if row.label == "People")
            assert at.card.changes
            await at.confirm()
            assert at.kind() is CardKind.DONE
            assert len(at.home.ledger()) == 1

        chat(tmp_path, journey)

    def test_is_changed_in_words_below_the_form(self, tmp_path: Path) -> None:
        """The words stand in the thread like any others."""

        async def journey(at: Chat) -> None:
            await at.say("book a table for 2 at Osteria Lunetta tomorrow at 7pm")
            await at.walk_to(Button.MODIFY)
            await at.press("enter")
            at.app.screen.query_one("#in-words").focus()
            await at.type("make it for 4 people")
            await at.press("enter")
            await at.wait_a_second()
            assert "4" in next(row.text for row in at.card.rows if row.label == "People")
            assert at.bubbles[-1].text == "make it for 4 people"
            await at.confirm()
            assert at.kind() is CardKind.DONE

        chat(tmp_path, journey)

    def test_loses_nothing_that_was_typed_when_it_cannot_be(self, tmp_path: Path) -> None:
        """The form stays, and says why."""

        async def journey(at: Chat) -> None:
            await at.say("book a table for 2 at Osteria Lunetta tomorrow at 7pm")
            await at.press("up", "ctrl+e")
            form = at.dialog
            assert isinstance(form, ModifyForm)
            await at.press("backspace", "0", "enter")
            assert form.is_current
            assert "cannot be that" in str(form.query_one(".dialog-error").render())
            assert form.changed == {"party_size": "0"}
            await at.press("escape")
            assert at.card.revision == 1

        chat(tmp_path, journey)

    def test_is_answered_by_option(self, tmp_path: Path) -> None:
        """The question shrinks to a line, and the focus goes where the answer led."""

        async def journey(at: Chat) -> None:
            await at.say("book a table for 2 at Osteria tomorrow at 7pm")
            assert at.kind() is CardKind.CLARIFICATION
            await at.press("up")
            assert isinstance(at.focused, OptionRow)
            await at.press("1")
            assert at.kinds == [CardKind.DRAFT]
            assert at.replaced == ["One question: Book · answered"]
            assert at.focused is at.view.first_stop

        chat(tmp_path, journey)


class TestUnsupported:
    def test_says_so_and_does_nothing(self, tmp_path: Path) -> None:
        """A polite no."""

        async def journey(at: Chat) -> None:
            await at.say("remind me to water the plants tomorrow")
            assert at.kind() is CardKind.NOT_SUPPORTED
            assert at.home.ledger() == ()

        chat(tmp_path, journey)


class TestTermsThatChanged:
    def test_are_a_new_decision(self, tmp_path: Path) -> None:
        """The first yes buys nothing; the focus is not on the second."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            at.home.fault("price_up", amount=100)
            await at.confirm()
            assert at.kind() is CardKind.TERMS_CHANGED
            assert at.card.changes
            assert at.home.ledger() == ()
            assert at.focused is at.view.first_stop
            await at.confirm()
            assert at.kind() is CardKind.DONE
            assert len(at.home.bought()) == 1

        chat(tmp_path, journey)


class TestWhatFailed:
    def test_is_asked_for_again(self, tmp_path: Path) -> None:
        """Retry drafts anew; it buys nothing by itself."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            at.home.fault("unavailable", times=999)
            await at.confirm()
            assert at.kind() is CardKind.FAILED
            clear_faults(at.home.world)
            await at.walk_to(Button.RETRY)
            await at.press("enter")
            await at.wait_a_second()
            assert at.kinds == [CardKind.FAILED, CardKind.DRAFT]
            assert at.home.bought() == []
            await at.confirm()
            assert at.kind() is CardKind.DONE

        chat(tmp_path, journey)
