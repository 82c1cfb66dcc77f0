"""The activity feed: what was asked and what became of it, a page at a time."""

from __future__ import annotations

from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from halo_cli.chat.dialogs import Reading
from halo_cli.tui.pages.activity import ActivityPage
from halo_cli.tui.pages.execution import ExecutionPage
from halo_cli.tui.pages.inbox import InboxPage
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.plain import plain
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import sql
from tests.installation import Installation


def page_of(at: Tui) -> ActivityPage:
    assert isinstance(at.page, ActivityPage)
    return at.page


def eventful(tmp_path: Path) -> Installation:
    """Done, open, asked back, cancelled and refused."""
    home = Installation.open(tmp_path / "home")
    home.carry_out(home.ask("order 2 paper towels under $90"))
    home.later(minutes=1)
    card = home.ask("order dish soap", member="Sam")
    assert card.draft_id
    home.engine.cancel(card.draft_id, member=None)
    home.later(minutes=1)
    home.ask("reorder the usual")
    home.later(minutes=1)
    home.ask("write a poem", member="Kim")
    home.later(minutes=1)
    home.ask("order dish soap", member="Sam")
    return home


def crowd(home: Installation, count: int) -> None:
    """As many drafts, by the repositories alone."""
    with home.queries() as queries:
        household, members = queries.household(), queries.members()
    family = Family(home.engine._store, home.clock, household, members[0], members[-1])
    for _ in range(count):
        home.later(minutes=1)
        family.draft()


class TestTheFeed:
    def test_tells_what_became_of_each(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """By a sign and a word; Enter opens the execution, the draft, or the words."""

        async def journey(at: Tui) -> None:
            assert plain(at) == snapshot
            await at.press("enter")
            assert isinstance(at.page, InboxPage)
            await at.go_to("3")
            await at.press("down", "enter")
            assert isinstance(at.dialog, Reading)
            assert "write a poem" in at.text
            await at.press("escape", "end", "enter")
            assert isinstance(at.page, ExecutionPage)
            assert "“order 2¹ paper towels² under $90³”" in at.text

        tui(eventful(tmp_path), journey, page="3", size=(100, 24))

    def test_says_how_to_begin(self, tmp_path: Path) -> None:
        """While nothing was asked."""

        async def journey(at: Tui) -> None:
            assert "Nothing was asked yet. Ask with: halo ask" in at.text

        tui(tmp_path, journey, page="3")

    def test_goes_on_as_far_as_somebody_scrolls(self, tmp_path: Path) -> None:
        """In batches, back to the first and up again; what is new comes in at the top, and whoever reads below is left alone."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert page.crumbs[0] == "64+ entries"
            for _ in range(4):
                await at.press("end")
            assert page.crumbs[0] == "150 entries"
            assert page.table.key == 149
            oldest = page.table.row
            crowd(at.home, 1)
            page.look_again()
            await at.settle()
            assert page.table.row == oldest
            await at.press("home")
            newest = page.table.row
            page.look_again()
            await at.settle()
            assert page.table.row == newest
            assert page.table.key == 1

        home = Installation.open(tmp_path / "home")
        crowd(home, 150)
        tui(home, journey, page="3")

    def test_filters_by_every_word(self, tmp_path: Path) -> None:
        """Status as it is shown, member, and title; and says when nothing has them."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            for text, shown in (("sam cancelled", 1), ("soap", 2), ("asked back", 1), ("2026-03-03", 5), ("order $", 3)):
                page.set_filter(text)
                await at.settle()
                assert page._rows is not None
                assert page._rows.count == shown, text
            page.set_filter("nobody asked this")
            await at.settle()
            assert "Nothing that was asked has these words in it." in at.text

        tui(eventful(tmp_path), journey, page="3")

    def test_shows_words_as_words(self, tmp_path: Path) -> None:
        """Whatever they try."""

        async def journey(at: Tui) -> None:
            assert "“[bold red] buy [/] @click=app.quit” " in at.text
            await at.press("enter")
            assert "[bold red] buy [/] @click=app.quit" in at.text
            assert "\x1b" not in at.text

        home = Installation.open(tmp_path / "home")
        home.ask("write a poem")
        sql(
            home.engine._store,
            "UPDATE execution_request SET raw_command_text = :text",
            text="[bold red]\x1b[2J buy \u202e[/] @click=app.quit",
        )
        tui(home, journey, page="3", size=(120, 24))
