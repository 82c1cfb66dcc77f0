"""The shell around the pages: tabs, help, filter, jumping, who acts, the proof, and the way back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from textual.widgets import Static

from halo_cli.chat import themes
from halo_cli.tui.help import Help
from halo_cli.tui.jumping import Jump
from halo_cli.tui.places import PAGES, page_of
from halo_cli.tui.top import Tab
from halo_engine.model.errors import NotFound
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.homes import with_drafts


class TestThePages:
    def test_have_each_a_digit_of_their_own(self) -> None:
        assert [page.key for page in PAGES] == list("123456789")
        assert all(page.title and page.short and page.help for page in PAGES)

    @pytest.mark.parametrize(
        ("identifier", "key"),
        [("dft", "1"), ("exe", "4"), ("rct", "5"), ("evt", "6"), ("req", "3")],
    )
    def test_show_what_an_identifier_names(self, identifier: str, key: str) -> None:
        page = page_of(f"{identifier}_01kjta8tm0e9pvhs8gc5sh3p53")
        assert page
        assert page.key == key

    def test_are_left_by_the_way_one_came(self, tmp_path: Path) -> None:
        """Digits open them, Esc goes back."""

        async def journey(at: Tui) -> None:
            await at.press("2")
            await at.press("8")
            assert at.page.key == "8"
            await at.press("escape")
            assert at.page.key == "2"
            await at.press("escape")
            assert at.page.key == "1"
            await at.press("escape")
            assert at.page.key == "1"

        tui(tmp_path, journey)

    @pytest.mark.parametrize("size", [(80, 24), (120, 40)])
    def test_have_all_their_tabs_on_the_screen(self, tmp_path: Path, size: tuple[int, int]) -> None:
        """With what waits in two of them."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            tabs = list(at.app.dashboard.query(Tab))
            assert len(tabs) == 9
            assert all(tab.region.right <= size[0] for tab in tabs)
            assert max(len(line) for line in at.lines) <= size[0]

        tui(home, journey, size=size)


class TestHelp:
    def test_is_about_what_has_the_focus(self, tmp_path: Path) -> None:
        """Its keys stand first; those that work everywhere follow."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            await at.press("question_mark")
            assert isinstance(at.dialog, Help)
            in_list = dict(at.dialog._here)
            assert in_list["Enter"] == "Open it"
            await at.press("escape")
            await at.wait_a_second()
            await at.press("enter")
            await at.press("question_mark")
            assert isinstance(at.dialog, Help)
            on_card = dict(at.dialog._here)
            assert "^E" in on_card
            assert "Confirm is reached" in at.dialog._about
            assert {"1 … 9", "/", "?", "^Q"} <= set(dict(at.dialog._everywhere))

        tui(home, journey)


class TestJumping:
    def test_goes_to_what_has_the_letter(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            await at.press("ctrl+o")
            assert isinstance(at.dialog, Jump)
            target = next(each for each in at.dialog._targets if isinstance(each.widget, Tab) and each.widget.page.key == "8")
            await at.press(target.letter)
            assert at.page.key == "8"

        tui(tmp_path, journey)

    def test_is_left_by_any_other_key(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            await at.press("ctrl+o", "escape")
            assert at.dialog is None
            assert at.page.key == "1"

        tui(tmp_path, journey)


class TestWhoActs:
    def test_is_the_owner_unless_told_and_always_on_the_screen(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            assert "✎ Alex (owner)" in at.lines[0]
            await at.press("f2")
            assert "✎ Sam (adult)" in at.lines[0]
            assert "Sam acts now." in at.notice

        tui(tmp_path, journey, size=(80, 24))

    def test_is_whoever_was_named(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            assert "✎ Sam (adult)" in at.lines[0]

        tui(tmp_path, journey, member="sam")

    def test_cannot_be_a_stranger(self, tmp_path: Path) -> None:
        """The dashboard does not open, and says why."""

        async def journey(at: Tui) -> object:
            return at.app.failure

        assert isinstance(tui(tmp_path, journey, member="Mallory"), NotFound)


class TestTheProof:
    def test_of_a_short_log_is_there_at_once(self, tmp_path: Path) -> None:
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            assert "✓ log verified" in at.lines[0]

        tui(home, journey)

    def test_tells_a_log_that_was_altered(self, tmp_path: Path) -> None:
        """In the top line and in a sentence that names the event."""
        home = with_drafts(tmp_path)
        with sqlite3.connect(home.settings.database_file) as books:
            for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event_log'").fetchall():
                books.execute(f"DROP TRIGGER {name}")
            books.execute("UPDATE event_log SET entity_id = entity_id || 'x' WHERE seq = 3")

        async def journey(at: Tui) -> None:
            assert "✗ LOG DOES NOT HOLD" in at.lines[0]
            await at.press("f4")
            assert "event 3" in at.notice

        tui(home, journey)

    def test_says_how_many_events_came_after_it(self, tmp_path: Path) -> None:
        """What was not verified is not said to be."""
        home = with_drafts(tmp_path)

        async def journey(at: Tui) -> None:
            before = at.lines[0]
            home.ask("cancel streamly")
            at.app.count()
            await at.settle()
            assert at.lines[0] != before
            assert " of " in at.lines[0]

        tui(home, journey)


class TestTheLooks:
    def test_change_one_after_the_other(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            seen = [at.app.theme]
            for _ in range(3):
                await at.press("f3")
                seen.append(at.app.theme)
            assert seen == [themes.DARK.name, themes.LIGHT.name, themes.CONTRAST.name, themes.DARK.name]

        tui(tmp_path, journey)

    def test_mark_what_is_in_front_by_its_shape(self, tmp_path: Path) -> None:
        """Underlined and bold: nothing is told by colour alone."""

        async def journey(at: Tui) -> None:
            (front,) = at.app.dashboard.query(".tab.-front").results(Static)
            assert front.styles.text_style.bold
            assert front.styles.text_style.underline

        tui(tmp_path, journey)
