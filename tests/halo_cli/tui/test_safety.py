"""What must never happen at the dashboard: a yes to what was not on the screen, twice, or by a slip; text that becomes anything but text."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.widgets import Static

from halo_cli.chat.card_view import CardButton
from halo_cli.chat.dialogs import Consent
from halo_cli.tui.app import AuditApp
from halo_cli.tui.desk import Desk
from halo_cli.tui.jumping import Jump
from halo_cli.tui.pages.inbox import InboxPage
from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Button, CardKind
from halo_engine.model.errors import StoreBusy
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.draft import Drafting
from tests.halo_cli.tui.deciding import card, inbox, press, walk_to
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.homes import with_drafts
from tests.installation import NOON, Installation

_HOSTILE = "[bold red]Free[/] \x1b[2J\x1b]0;owned\x07 \u202egnp.exe [@click=app.leave]press[/]"


@pytest.fixture
def confirmed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that anybody tried to confirm."""
    hashes: list[str] = []
    real = Engine.confirm

    def watched(engine: Engine, draft_id: str, *, draft_hash: str, member: str | None) -> Execution:
        hashes.append(draft_hash)
        return real(engine, draft_id, draft_hash=draft_hash, member=member)

    monkeypatch.setattr(Engine, "confirm", watched)
    return hashes


class TestAYes:
    def test_typed_for_one_revision_never_confirms_the_next(self, tmp_path: Path, confirmed: list[str]) -> None:
        """Another shell changes the draft while the amount is being typed."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            seen = card(at)
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            home.engine.modify(seen.draft_id or "", "make it 9", member="Sam")
            await at.type(at.dialog._asked.expected)
            await at.press("enter")
            assert card(at).revision == 3
            assert card(at).kind is CardKind.DRAFT
            assert "does not stand any more" in at.notice

        tui(home, journey)
        assert confirmed == []
        assert home.ledger() == ()

    def test_is_to_the_card_that_was_on_the_screen(self, tmp_path: Path, confirmed: list[str]) -> None:
        """Also where another one has taken its place there in the meantime: the list was moved, or the books were looked at again."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            seen = card(at)
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            dialog = at.dialog
            # What only a timer or another thing of the page could do under a dialog.
            await inbox(at)._show(inbox(at)._look_at([each.id for each in inbox(at)._inbox.drafts][-1]))
            assert card(at).draft_id != seen.draft_id
            await at.type(dialog._asked.expected)
            await at.press("enter")
            await at.wait_a_second()
            assert confirmed == [seen.draft_hash]

        tui(home, journey)
        assert [entry.kind for entry in home.ledger()] == ["order"]

    def test_pressed_twice_is_given_once(self, tmp_path: Path, confirmed: list[str]) -> None:
        """Enter, Enter on what needs no typing; and the amount with Enter, Enter."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            await at.type(at.dialog._asked.expected)
            await at.pilot.press("enter", "enter", "enter")
            await at.settle()
            await at.wait_a_second()
            assert card(at).kind is CardKind.DONE

        tui(home, journey)
        assert len(confirmed) == 1
        assert len(home.ledger()) == 1

    def test_is_not_taken_for_half_a_second_after_a_card_appeared(self, tmp_path: Path, confirmed: list[str]) -> None:
        """What was pressed meant what stood there before."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await walk_to(at, Button.CONFIRM)
            home.engine.modify(card(at).draft_id or "", "make it 9", member="Sam")
            inbox(at)._look_again()
            await at.settle()
            for button in at.app.dashboard.query(CardButton):
                button.press()
            await at.settle()
            assert at.dialog is None
            assert "only just appeared" in at.notice

        tui(home, journey)
        assert confirmed == []

    def test_never_gets_the_focus_from_outside_its_card(self, tmp_path: Path) -> None:
        """Not by Tab, not by the list, not by a jump."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await at.wait_a_second()
            confirm_button = next(button for button in at.app.dashboard.query(CardButton) if button.is_confirm)
            confirm_button.focus()
            await at.settle()
            assert at.focused is not confirm_button
            await at.press("escape", "ctrl+o")
            assert isinstance(at.dialog, Jump)
            assert confirm_button not in [target.widget for target in at.dialog._targets]

        tui(home, journey)

    def test_is_said_by_whoever_acted_when_it_was_pressed(self, tmp_path: Path) -> None:
        """Under the dialog nobody can become somebody else."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            await at.press("f2")
            assert at.app.around.member.display_name == "Alex"
            await at.type(at.dialog._asked.expected)
            await at.press("enter")
            await at.wait_a_second()

        tui(home, journey)
        with home.queries() as queries:
            (execution,) = queries.executions(limit=9)
            assert queries.execution(execution.id).confirmed_by == "Alex"


class TestThePlantedBug:
    def test_of_confirming_what_is_newest_is_caught(self, tmp_path: Path, confirmed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """An inbox that would confirm whatever stands when the amount has been typed."""

        def careless(page: InboxPage, view: Any, member: str, agreed: bool | None) -> None:
            def act(thread: Any) -> Any:
                newest = page.desk.door().card(view.card.draft_id)
                return thread.press(Button.CONFIRM, member=member, on=newest)

            if agreed:
                page._take_turn(act, about=view)

        monkeypatch.setattr(InboxPage, "_consented", careless)
        with pytest.raises(AssertionError):
            TestAYes().test_typed_for_one_revision_never_confirms_the_next(tmp_path, confirmed)
        assert len(confirmed) == 1


class TestTextFromElsewhere:
    def test_is_shown_as_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Markup, escape codes and reordering in a title, a payee and a line: in the list, on the card and in the terms."""
        home = Installation.open(tmp_path, clock=FakeClock(NOON))
        propose = Drafting.draft

        def hostile(drafting: Any, request: Any, context: Any) -> Any:
            verb = drafting._verbs[request.intent.verb]
            quote = type(verb).quote

            def quoted(*args: Any) -> Any:
                offer = quote(*args)
                lines = tuple(line.model_copy(update={"title": _HOSTILE}) for line in offer.lines)
                return offer.model_copy(update={"title": _HOSTILE, "payee": _HOSTILE, "summary": _HOSTILE, "lines": lines})

            with monkeypatch.context() as patched:
                patched.setattr(type(verb), "quote", quoted)
                return propose(drafting, request, context)

        monkeypatch.setattr(Drafting, "draft", hostile)
        assert home.ask("order 2 packs of AA batteries").kind is CardKind.DRAFT

        async def journey(at: Tui) -> None:
            shown = at.text
            assert "[bold red]Free" in shown
            assert not set(shown) & {"\x1b", "\x07", "\u202e"}
            assert "\x1b" not in str(at.app.dashboard.query(Static).first().content)

        tui(home, journey, size=(160, 50))

    def test_in_a_reason_why_not_is_text_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = with_drafts(tmp_path)

        def refuse(*_: Any, **__: Any) -> None:
            raise StoreBusy(_HOSTILE)

        monkeypatch.setattr(Engine, "cancel", refuse)

        async def journey(at: Tui) -> None:
            await press(at, Button.CANCEL)
            assert "[bold red]Free" in at.text
            assert "\x1b" not in at.text

        tui(home, journey)


class TestTrouble:
    def test_in_halo_itself_is_a_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No traceback, nobody's words, and the dashboard stays."""
        home = with_drafts(tmp_path)

        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("secret words")

        monkeypatch.setattr(Engine, "cancel", broken)

        async def journey(at: Tui) -> None:
            await press(at, Button.CANCEL)
            assert "Something went wrong in Halo itself (RuntimeError)" in at.notice
            assert "secret words" not in at.text
            assert "Traceback" not in at.text
            await at.press("2")
            assert at.page.key == "2"

        tui(home, journey)

    def test_in_what_a_page_does_with_an_answer_is_a_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = with_drafts(tmp_path)
        monkeypatch.setattr(InboxPage, "_show_list", lambda *_: 1 // 0)

        async def journey(at: Tui) -> None:
            assert at.app.crash is None
            assert "ZeroDivisionError" in at.notice

        tui(home, journey)

    def test_of_books_that_are_locked_is_a_sentence(self, tmp_path: Path) -> None:
        """Somebody else holds them for longer than Halo waits."""
        home = with_drafts(tmp_path / "home")
        engine = Engine.cancel

        async def journey(at: Tui) -> None:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(Engine, "cancel", lambda *_, **__: (_ for _ in ()).throw(StoreBusy()))
                await press(at, Button.CANCEL)
            assert at.app.dashboard.notice.has_class("-trouble")
            assert Engine.cancel is engine
            await press(at, Button.CANCEL)
            assert card(at).kind is CardKind.CANCELLED

        tui(home, journey)

    def test_of_a_vendor_that_is_down_is_a_sentence(self, tmp_path: Path) -> None:
        """Modify needs it; the draft stays as it was, and what was typed stays in the form."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, Button.MODIFY)
            home.fault("refuse_connection", times=99)
            assert at.dialog
            await at.type("make it 4", into=at.dialog.query_one("#in-words"))
            await at.press("enter")
            assert at.dialog
            assert "Traceback" not in at.text
            assert at.dialog.query_one("#in-words").value == "make it 4"  # type: ignore[attr-defined]
            await at.press("escape")
            assert card(at).revision == 2

        tui(home, journey)

    def test_of_a_draft_that_was_altered_in_the_books_shows_no_card(self, tmp_path: Path) -> None:
        """Its terms do not give its hash: it can be neither read nor confirmed."""
        home = with_drafts(tmp_path)
        with home.queries() as queries:
            draft_id = queries.inbox(limit=9).drafts[0].id
        with sqlite3.connect(home.settings.database_file) as books:
            books.execute(
                "UPDATE draft SET draft_payload_json = replace(draft_payload_json, '3 items from', '1 item from') WHERE id = ?", (draft_id,)
            )

        async def journey(at: Tui) -> None:
            # Two look at the books, the page and the proof of the log; whichever says it last is read.
            assert f"{draft_id} was altered" in at.notice
            assert inbox(at).view is None

        tui(home, journey)


class TestLeaving:
    def test_in_the_middle_of_something_loses_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was confirmed stays confirmed, and whoever left is told that it goes on."""
        home = with_drafts(tmp_path)
        gone, execute = Event(), Engine.execute

        def slow(engine: Engine, execution_id: str, *, wait_s: float) -> Execution:
            gone.wait(20)
            return execute(engine, execution_id, wait_s=wait_s)

        monkeypatch.setattr(Engine, "execute", slow)

        async def journey(at: Tui) -> tuple[str, ...]:
            await press(at, Button.CONFIRM)
            assert isinstance(at.dialog, Consent)
            await at.type(at.dialog._asked.expected)
            await at.pilot.press("enter")
            for _ in range(200):
                if at.app.unfinished:
                    break
                await at.pilot.pause(0.02)
            unfinished = at.app.unfinished
            await at.pilot.press("ctrl+q")
            gone.set()
            return unfinished

        (unfinished,) = tui(home, journey)
        reopened = Installation.reopen(tmp_path, clock=home.clock)
        assert reopened.engine.execute(unfinished, wait_s=60).status is ExecutionStatus.DONE
        reopened.engine.close()
        assert len(reopened.ledger()) == 1

    @pytest.mark.parametrize(("key", "code"), [("ctrl+q", 0), ("ctrl+c", 130)])
    def test_works_from_within_a_dialog(self, tmp_path: Path, key: str, code: int) -> None:
        async def journey(at: Tui) -> AuditApp:
            await at.press("question_mark")
            assert at.dialog
            await at.pilot.press(key)
            return at.app

        assert tui(tmp_path, journey).return_value == code

    def test_before_anything_was_opened_opens_no_engine(self, tmp_path: Path) -> None:
        """To look, the books are enough."""
        desk = Desk(Installation.open(tmp_path).settings, clock=FakeClock(NOON), queries=None, open_engine=None)  # type: ignore[arg-type]
        desk.close()
        assert desk._engine is None
