"""The thread itself: who writes, whose card is answered, tapbacks, what was said before, and what is drawn of hostile words."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Static

from halo_cli.chat import bindings, drawing
from halo_cli.chat.bubbles import Bubble, Stamp
from halo_cli.chat.card_view import CardView
from halo_cli.chat.compose_bar import ComposeBar
from halo_cli.chat.dialogs import Consent
from halo_engine.clock import FakeClock
from halo_engine.model.card import Card, CardKind
from halo_engine.model.reply import Tapback
from tests.cards.examples import CARDS, HOSTILE
from tests.halo_cli.chat.driver import Chat, chat
from tests.installation import NOON, Installation

BATTERIES = "order 2 packs of AA batteries"
TABLE = "book a table for 2 at Osteria Lunetta tomorrow at 7pm"


async def tap(at: Chat, tapback: Tapback) -> None:
    """Choose one of the six on the newest card."""
    await at.press("escape", "up", "ctrl+t")
    at.app.screen.query_one(f"#{tapback.value}").focus()
    await at.press("enter")


class TestWhoWrites:
    def test_is_switched_by_one_key(self, tmp_path: Path) -> None:
        """The thread turns round: whose words are on the right changes, for those that stand already."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            assert at.bubbles[0].has_class("-mine")
            await at.press("f2")
            assert at.app.sender.display_name == "Sam"
            assert not at.bubbles[0].has_class("-mine")
            await at.say("make it for 4 people")
            assert [bubble.member_id == at.app.sender.id for bubble in at.bubbles] == [False, True]

        chat(tmp_path, journey)

    def test_is_whose_yes_it_is(self, tmp_path: Path) -> None:
        """A child asks and does not confirm."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.press("f2", "f2")
            assert at.app.sender.display_name == "Kim"
            await at.confirm()
            assert at.home.ledger() == ()
            assert at.notes
            assert at.kind() is CardKind.DRAFT

        chat(tmp_path, journey)


class TestAReply:
    def test_answers_the_card_it_points_at(self, tmp_path: Path) -> None:
        """Not the newest one."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            table = at.card.session
            await at.say("order 2 packs of AA batteries")
            await at.press("up", "home", "ctrl+r")
            assert "Book Osteria Lunetta" in str(at.app.screen.query_one("#answers").render())
            await at.type("make it for 4 people")
            await at.press("enter")
            assert at.card.session == table
            assert at.card.revision == 2
            assert not at.app.screen.query_one(ComposeBar).query_one("#answers").has_class("-shown")

        chat(tmp_path, journey)

    def test_can_be_thought_better_of(self, tmp_path: Path) -> None:
        """Esc, and the words are about nothing in particular."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.press("up", "ctrl+r", "escape")
            assert not at.app.screen.query_one("#answers").has_class("-shown")

        chat(tmp_path, journey)


class TestATapback:
    def test_that_likes_is_a_yes_to_what_can_be_undone(self, tmp_path: Path) -> None:
        """The engine decides so; what the card warns of has to be taken in first, as with Confirm."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await tap(at, Tapback.LIKE)
            assert isinstance(at.dialog, Consent)
            assert at.home.ledger() == ()
            await at.type("book")
            await at.press("enter")
            assert at.kind() is CardKind.DONE
            assert drawing.TAPBACKS[Tapback.LIKE] in (at.view.border_title or "")

        chat(tmp_path, journey)

    def test_that_likes_is_no_yes_to_what_cannot(self, tmp_path: Path) -> None:
        """A thumb slips."""

        async def journey(at: Chat) -> None:
            await at.say("order 2 packs of AA batteries")
            await tap(at, Tapback.LIKE)
            assert at.home.ledger() == ()
            assert "To confirm" in at.notes[-1]

        chat(tmp_path, journey)

    def test_on_a_card_that_was_superseded_does_nothing_and_says_so(self, tmp_path: Path) -> None:
        """It was changed elsewhere since."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            at.home.engine.modify(at.card.draft_id or "", "make it for 4 people", member=None)
            await tap(at, Tapback.LIKE)
            await at.type("book")
            await at.press("enter")
            assert at.home.ledger() == ()
            assert at.card.revision == 2
            assert "Nothing was done" in at.notes[-1]

        chat(tmp_path, journey)

    def test_stands_in_the_corner_until_it_is_taken_back(self, tmp_path: Path) -> None:
        """Choosing it again removes it, and that says nothing."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await tap(at, Tapback.LOVE)
            assert drawing.TAPBACKS[Tapback.LOVE] in (at.view.border_title or "")
            await at.wait_a_second()
            await tap(at, Tapback.LOVE)
            assert at.view.tapbacks == {}
            assert at.kind() is CardKind.DRAFT

        chat(tmp_path, journey)


class TestTheBeginning:
    def test_shows_what_was_said_with_the_card_that_stands_now(self, tmp_path: Path) -> None:
        """From the books, under their times."""
        home = Installation.open(tmp_path, clock=FakeClock(NOON))
        home.carry_out(home.ask("cancel streamly"))
        home.later(days=1)
        home.ask("cancel lingopath", member="Sam")
        home.later(minutes=5)

        async def journey(at: Chat) -> None:
            assert at.kinds == [CardKind.DONE, CardKind.DRAFT]
            assert [bubble.has_class("-mine") for bubble in at.bubbles] == [True, False]
            assert [str(stamp.content) for stamp in at.app.screen.query(Stamp)] == ["Yesterday 12:00", "Today 12:00"]
            assert at.focused is at.app.thread_screen.compose_bar.line

        chat(home, journey)

    def test_leaves_an_old_question_alone(self, tmp_path: Path) -> None:
        """What is said today is no answer to what was asked yesterday; its options still are."""
        home = Installation.open(tmp_path, clock=FakeClock(NOON))
        home.ask("place an order")
        home.later(days=1)

        async def journey(at: Chat) -> None:
            await at.say("order 2 packs of AA batteries")
            assert at.kinds == [CardKind.CLARIFICATION, CardKind.DRAFT]

        chat(home, journey)

    def test_carries_on_what_had_not_ended(self, tmp_path: Path) -> None:
        """Confirmed, and nobody was there to see it through."""
        home = Installation.open(tmp_path, clock=FakeClock(NOON))
        home.confirm(home.ask(TABLE))

        async def journey(at: Chat) -> None:
            assert at.kinds == [CardKind.DONE]
            assert len(at.home.ledger()) == 1

        chat(home, journey)

    def test_shows_that_a_draft_has_expired(self, tmp_path: Path) -> None:
        """While somebody looks at it; then the same can be asked for again."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            at.home.later(hours=2)
            at.app._look_at_clock()
            await at.settle()
            await at.wait_a_second()
            assert at.kind() is CardKind.EXPIRED
            await at.press("escape", "up", "enter")
            assert at.kind() is CardKind.DRAFT

        chat(tmp_path, journey)


class TestHostileWords:
    def test_stay_words(self, tmp_path: Path) -> None:
        """In bubbles and in every part of a card: no markup, no link, no control."""

        async def journey(at: Chat) -> None:
            await at.say(f"{HOSTILE} [bold]order[/bold] [@click=app.leave]x[/]")
            await at.app._show(CARDS["hostile"])
            await at.settle()
            drawn = at.app.export_screenshot()
            assert "[bold" in drawn
            assert "\x1b" not in drawn
            assert at.app.is_running

        chat(tmp_path, journey, size=(100, 60))


class TestCards:
    def test_of_every_kind_can_be_shown(self, tmp_path: Path) -> None:
        """One after the other, in a narrow window and a wide one."""

        async def journey(at: Chat) -> None:
            for card in CARDS.values():
                await at.app.thread_screen.thread.show(Card.model_validate(card.model_dump() | {"request_id": None}))
            await at.settle()
            assert len(at.app.screen.query(CardView)) == len(CARDS)
            await at.pilot.resize_terminal(140, 45)
            assert all(view.region.width <= 60 for view in at.app.screen.query(CardView))

        chat(tmp_path, journey, size=(60, 24))


class TestKeys:
    def test_stand_in_one_table_without_a_clash(self) -> None:
        """In each place a key does one thing."""
        for place in ("writing", "card", "button", "option", "everywhere", "dialog"):
            keys = [key for row in bindings.KEYS if row.where == place for key in row.keys.split(",")]
            assert len(keys) == len(set(keys)), place

    def test_are_told_for_what_has_the_focus(self, tmp_path: Path) -> None:
        """F1, while writing and on a card; the question mark is a word everywhere."""

        async def journey(at: Chat) -> None:
            await at.press("question_mark")
            assert at.written == "?"
            await at.press("f1")
            assert at.dialog is not None
            await at.press("escape", "backspace")
            await at.say(TABLE)
            await at.press("up", "f1")
            assert at.dialog is not None
            await at.press("escape", "question_mark")
            assert at.dialog is None
            assert at.written == "?"

        chat(tmp_path, journey)

    def test_have_names_in_the_palette(self, tmp_path: Path) -> None:
        """Whoever forgets the key types what they want."""

        async def journey(at: Chat) -> None:
            await at.press("ctrl+p")
            await at.type("switch sender")
            await at.pilot.pause(0.5)
            await at.press("enter")
            await at.pilot.pause(0.5)
            assert at.app.sender.display_name == "Sam"

        chat(tmp_path, journey)

    def test_leave_with_their_codes(self, tmp_path: Path) -> None:
        """Ctrl+Q is done, Ctrl+C is interrupted; also while something is typed."""

        async def journey(at: Chat, key: str) -> int | None:
            await at.type("order so")
            await at.pilot.press(key)
            return at.app.return_value

        async def leave(at: Chat) -> int | None:
            return await journey(at, "ctrl+q")

        async def interrupt(at: Chat) -> int | None:
            return await journey(at, "ctrl+c")

        assert chat(tmp_path / "a", leave) == 0
        assert chat(tmp_path / "b", interrupt) == 130


class TestQuickIntents:
    def test_begin_the_words_by_mouse_too(self, tmp_path: Path) -> None:
        """The rest is typed behind them."""

        async def journey(at: Chat) -> None:
            await at.pilot.click("#quick-order")
            await at.type("2 packs of AA batteries")
            await at.press("enter")
            assert at.bubbles[0].text == "order 2 packs of AA batteries"
            assert at.card.verb == "ORDER"

        chat(tmp_path, journey)


class TestBubbles:
    def test_carry_a_name_for_others_alone(self, tmp_path: Path) -> None:
        """One's own need none."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            name = at.app.screen.query_one(Bubble).query_one(".who")
            assert not name.display
            await at.press("f2")
            assert name.display

        chat(tmp_path, journey)


class TestTheWindow:
    def test_keeps_the_end_in_sight_when_its_size_changes(self, tmp_path: Path) -> None:
        """And leaves alone whoever reads further up."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.say(BATTERIES)
            thread = at.app.thread_screen.thread
            assert thread.is_vertical_scroll_end
            await at.pilot.resize_terminal(60, 18)
            await at.settle()
            assert thread.is_vertical_scroll_end
            await at.press("pageup")
            assert at.focused is at.app.thread_screen.compose_bar.line
            assert not thread.is_vertical_scroll_end
            await at.pilot.resize_terminal(60, 16)
            await at.settle()
            assert not thread.is_vertical_scroll_end
            await at.press("pagedown", "pagedown", "pagedown")
            assert thread.is_vertical_scroll_end

        chat(tmp_path, journey)

    def test_that_is_narrow_still_says_whose_vendors_they_are(self, tmp_path: Path) -> None:
        """In a word."""

        async def journey(at: Chat) -> None:
            assert at.app.screen.query_one("#short-status").display
            assert str(at.app.screen.query_one("#short-status", Static).content) == "simulated"

        chat(tmp_path, journey, size=(60, 24))

    def test_without_a_word_in_it_says_how_to_begin(self, tmp_path: Path) -> None:
        """Until somebody has; and what it says to try can be done."""

        async def journey(at: Chat) -> None:
            hint = at.app.screen.query_one(".hint", Static)
            assert hint.display
            await at.say(str(hint.content).removeprefix("Try: ").partition(" · ")[0])
            assert at.kind() is CardKind.DRAFT
            assert not hint.display

        chat(tmp_path, journey)

    def test_says_beside_the_buttons_what_they_are_about(self, tmp_path: Path) -> None:
        """The head of the card may be out of sight."""

        async def journey(at: Chat) -> None:
            await at.say(BATTERIES)
            await tap(at, Tapback.LAUGH)
            assert at.view.border_subtitle is not None
            assert "Draft: Order" in at.view.border_subtitle
            assert drawing.TAPBACKS[Tapback.LAUGH] in at.view.border_subtitle

        chat(tmp_path, journey)
