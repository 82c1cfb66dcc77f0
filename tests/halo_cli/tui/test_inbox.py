"""The inbox: what waits, the very object that a yes confirms, and everything that can be decided."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input, Static

from halo_cli.chat.dialogs import Consent
from halo_cli.chat.form import ModifyForm
from halo_cli.tui.pages.inbox import InboxPage
from halo_cli.tui.parts.choosing import Choices
from halo_cli.tui.parts.terms_view import LABELS, TermsView, terms_told
from halo_engine.clock import FakeClock
from halo_engine.model.card import Button, CardKind
from halo_engine.model.draft import Terms
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from tests.halo_cli.tui.deciding import card, confirm, inbox, pick, press, walk_to
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.homes import with_drafts
from tests.installation import NOON, Installation


class TestWhatWaits:
    def test_is_drafts_then_questions_then_what_has_expired(self, tmp_path: Path) -> None:
        """Each newest first, and the newest draft stands beside the list."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            shown = at.text
            places = [shown.index(words) for words in ("TO DECIDE (2)", "QUESTIONS (1)", "For how many people?", "EXPIRED (1)")]
            assert places == sorted(places)
            assert card(at).revision == 2
            assert "3 wait for you" in at.lines[0]
            assert "1 Inbox 3" in at.lines[1]

        tui(home, journey)

    def test_is_filtered_by_words(self, tmp_path: Path) -> None:
        """And all there again without them."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await at.press("slash")
            await at.type("streamly")
            await at.settle()
            assert "TO DECIDE (1)" in at.text
            assert "QUESTIONS" not in at.text
            await at.press("escape")
            assert "QUESTIONS (1)" in at.text

        tui(home, journey)

    def test_is_nothing_in_a_new_home(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            assert "Nothing waits for you." in at.text

        tui(tmp_path, journey)


class TestTheVeryObject:
    def test_has_a_plain_label_for_every_material_term(self) -> None:
        """One that is hashed and not shown would be confirmed unseen."""
        assert set(LABELS) == set(Terms.model_fields)

    def test_is_told_in_its_own_order_with_what_changed(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)
        with home.queries() as queries:
            (draft, *_) = queries.inbox(limit=9).drafts
            before = queries.revisions(draft.id)[0].terms
        told = terms_told(draft.terms, before=before, zone=NOON.tzinfo)  # type: ignore[arg-type]
        assert [term.label for term in told] == [LABELS[name] for name in draft.terms.material()]
        changed = {term.label for term in told if term.before is not None}
        assert {"Revision", "Lines", "Total", "At the most", "Drawn once"} <= changed
        assert "Paid to" not in changed

    def test_stands_beside_the_card_with_the_hash_that_is_confirmed(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            (terms,) = at.app.dashboard.query(TermsView)
            assert terms.terms.hash == card(at).draft_hash
            shown = str(terms.query_one(".hash", Static).content)
            assert shown.replace(" ", "") == card(at).draft_hash

        tui(home, journey)


class TestDeciding:
    def test_confirm_asks_for_the_amount_and_shows_the_outcome(self, tmp_path: Path) -> None:
        """From the card to Done, with one effect at the vendor's."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await confirm(at)
            assert card(at).kind is CardKind.DONE
            assert "2 wait for you" in at.lines[0]

        tui(home, journey)
        assert len(home.ledger()) == 1

    def test_the_wrong_amount_confirms_nothing(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            await at.type("1.00")
            await at.press("enter")
            assert "Nothing was done" in at.text
            await at.press("escape")
            assert card(at).kind is CardKind.DRAFT

        tui(home, journey)
        assert home.ledger() == ()

    def test_modify_in_words_brings_the_next_revision(self, tmp_path: Path) -> None:
        """With the difference on the card and in the terms."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.MODIFY)
            assert isinstance(at.dialog, ModifyForm)
            await at.type("make it 4", into=at.dialog.query_one("#in-words", Input))
            await at.press("enter")
            assert at.dialog is None
            assert card(at).revision == 3
            assert card(at).changes
            assert "What changed" in at.text

        tui(home, journey)

    def test_modify_in_the_form_keeps_what_was_typed_when_it_cannot_be(self, tmp_path: Path) -> None:
        """Why it cannot be stands in the form."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.MODIFY)
            assert isinstance(at.dialog, ModifyForm)
            quantity = next(line for line in at.dialog.query(Input) if line.value == "3")
            quantity.value = "0"
            quantity.focus()
            await at.press("enter")
            assert isinstance(at.dialog, ModifyForm)
            assert "!" in str(at.dialog.query_one(".dialog-error", Static).content)
            quantity.value = "5"
            await at.press("enter")
            assert at.dialog is None
            assert card(at).lines[0].quantity == 5

        tui(home, journey)

    def test_cancel_ends_it(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.CANCEL)
            assert card(at).kind is CardKind.CANCELLED
            assert "2 wait for you" in at.lines[0]

        tui(home, journey)

    def test_a_question_is_answered_in_words(self, tmp_path: Path) -> None:
        """What comes of it is the draft."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await pick(at, "req_")
            assert card(at).kind is CardKind.CLARIFICATION
            await at.type("4", into=at.app.dashboard.query_one(".answer", Input))
            await at.press("enter")
            assert card(at).kind is CardKind.DRAFT, at.notice
            assert "Table for 4" in card(at).summary

        tui(home, journey)

    def test_what_has_expired_is_asked_again(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await pick(at, "dft_", last=True)
            assert card(at).kind is CardKind.EXPIRED
            await press(at, Button.ASK_AGAIN)
            assert card(at).kind is CardKind.DRAFT
            assert "EXPIRED" not in at.text or "4 wait for you" in at.lines[0]

        tui(home, journey)

    def test_terms_that_moved_come_back_as_the_new_draft(self, tmp_path: Path) -> None:
        """With the difference, and nothing bought."""
        home = with_drafts(tmp_path)
        home.fault("price_up")

        async def journey(at: Tui) -> None:
            await confirm(at)
            assert card(at).kind is CardKind.TERMS_CHANGED
            assert Button.CONFIRM in card(at).buttons
            assert "What changed" in at.text

        tui(home, journey)
        assert home.ledger() == ()

    def test_a_yes_that_is_not_enough_is_kept(self, tmp_path: Path) -> None:
        """Who acts is who says it: of two people, each says it for themselves."""
        home = Installation.open(tmp_path, clock=FakeClock(NOON))
        home.engine.membership.change_rules(lambda rules: rules.model_copy(update={"two_people_above": Money(cents=1)}), by=None)
        home.ask("order 2 packs of AA batteries")

        async def journey(at: Tui) -> None:
            await confirm(at)
            assert "yes of Alex is kept" in at.notice
            await at.press("f2")
            assert "✎ Sam" in at.lines[0]
            await confirm(at)
            assert card(at).kind is CardKind.DONE

        tui(home, journey)
        with home.queries() as queries:
            assert [each.status for each in queries.executions(limit=5)] == [ExecutionStatus.DONE]

    def test_a_yes_is_asked_of_whoever_acts(self, tmp_path: Path) -> None:
        """When another does, the card is another one: it says so, and takes nothing for half a second."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            assert "What a yes of Alex would confirm" in at.text
            await at.wait_a_second()
            before = inbox(at).view
            await at.press("f2")
            assert "What a yes of Sam would confirm" in at.text
            assert "Alex would confirm" not in at.text
            view = inbox(at).view
            assert view
            assert view is not before
            assert not view.guard.is_armed
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            assert "✎ Sam says this yes." in at.text

        tui(home, journey)

    def test_nothing_is_taken_before_it_says_whose_yes_it_is(self, tmp_path: Path) -> None:
        """Enter at once after F2, while the card of the other still stands there."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await walk_to(at, Button.CONFIRM)
            at.app.around.act_as_next()
            await at.pilot.press("enter")
            await at.pilot.pause()
            assert at.dialog is None

        tui(home, journey)
        assert home.ledger() == ()


class TestGoingAbout:
    def test_open_shows_that_very_draft(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)
        with home.queries() as queries:
            older = queries.inbox(limit=9).drafts[-1]

        async def journey(at: Tui) -> None:
            await at.go_to("3")
            await at.open(older.id)
            assert isinstance(at.page, InboxPage)
            assert card(at).draft_id == older.id
            assert at.app.dashboard.query_one("#page-inbox", InboxPage).choices.picked == older.id

        tui(home, journey)

    def test_what_was_done_elsewhere_is_shown(self, tmp_path: Path) -> None:
        """A draft that another shell has cancelled."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            home.engine.cancel(card(at).draft_id or "", member="Sam")
            inbox(at)._look_again()
            await at.settle()
            assert card(at).kind is CardKind.CANCELLED

        tui(home, journey)

    def test_escape_goes_from_the_card_to_the_list(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await at.press("enter")
            assert not isinstance(at.focused, Choices)
            await at.press("escape")
            assert isinstance(at.focused, Choices)

        tui(home, journey)
