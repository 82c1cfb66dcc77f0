"""One execution from the words to the receipt."""

from __future__ import annotations

from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from halo_cli.tui.pages.execution import ExecutionPage
from halo_cli.tui.pages.inbox import InboxPage
from halo_cli.tui.pages.log import LogPage
from halo_cli.tui.pages.receipts import ReceiptsPage
from halo_cli.tui.parts.fold import Fold
from halo_engine.model.execution import ExecutionStatus
from halo_sim.faults import clear_faults
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.plain import plain
from tests.halo_engine.store.raw import sql, without_triggers
from tests.installation import Installation


def page_of(at: Tui) -> ExecutionPage:
    assert isinstance(at.page, ExecutionPage)
    return at.page


def done(tmp_path: Path) -> Installation:
    home = Installation.open(tmp_path / "home")
    card = home.ask("order 2 paper towels and dish soap under $90")
    home.later(seconds=42)
    home.carry_out(card)
    return home


class TestAnExecution:
    def test_is_told_from_words_to_proof(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """The newest one, where none was asked for."""

        async def journey(at: Tui) -> None:
            assert plain(at) == snapshot(name="wide")

        tui(done(tmp_path), journey, page="4", size=(120, 58))

    def test_fits_eighty_columns(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """And scrolls."""

        async def journey(at: Tui) -> None:
            assert plain(at) == snapshot(name="narrow")
            await at.press("end")
            assert "F4 verifies the whole log." in at.text

        tui(done(tmp_path), journey, page="4", size=(80, 24))

    def test_opens_what_is_folded(self, tmp_path: Path) -> None:
        """Every term that was confirmed, and each call, with what was taken out of it still to be seen."""

        async def journey(at: Tui) -> None:
            folds = list(at.page.query(Fold))
            assert len(folds) >= 4
            for fold in folds:
                at.app.dashboard.set_focus(fold.line)
                await at.press("enter")
                assert fold.is_open
            assert "Asked of the vendor" in at.text
            assert "‹redacted: " in at.text
            assert "halo-quote-" in at.text
            assert "Example Street" not in at.text.partition("What was said to the vendor")[2].partition("  Receipt")[0]

        tui(done(tmp_path), journey, page="4", size=(140, 700))

    def test_leads_to_everything_it_is_about(self, tmp_path: Path) -> None:
        """Its receipt, its draft, its events; ids and commands to copy."""

        async def journey(at: Tui) -> None:
            trip = page_of(at).trip
            assert trip is not None
            await at.press("y")
            assert at.app.clipboard == trip.execution.id
            await at.press("c")
            assert at.app.clipboard == f"halo show {trip.execution.id}"
            for key, kind in (("e", ReceiptsPage), ("l", LogPage), ("d", InboxPage)):
                await at.go_to("4")
                await at.press(key)
                assert isinstance(at.page, kind)

        tui(done(tmp_path), journey, page="4")

    def test_that_failed_is_asked_for_again_on_the_one_road(self, tmp_path: Path) -> None:
        """R is there only where the card offers it, and makes a fresh draft: nothing is done by it."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert page.trip is not None
            assert page.trip.execution.status is ExecutionStatus.FAILED
            assert page.may_retry
            await at.press("r")
            assert isinstance(at.page, InboxPage)
            with at.home.queries() as queries:
                (draft,) = queries.waiting()
            assert draft.id != page.trip.draft.id
            assert at.home.ledger() == ()

        home = Installation.open(tmp_path / "home")
        card = home.ask("order 2 paper towels")
        home.fault("unavailable", times=99)
        assert home.carry_out(card).status is ExecutionStatus.FAILED
        clear_faults(home.world)
        tui(home, journey, page="4")

    def test_that_is_done_is_not_repeated(self, tmp_path: Path) -> None:
        """Its key does nothing."""

        async def journey(at: Tui) -> None:
            assert not page_of(at).may_retry
            await at.press("r")
            assert isinstance(at.page, ExecutionPage)

        tui(done(tmp_path), journey, page="4")

    def test_is_looked_at_again_until_it_has_ended(self, tmp_path: Path) -> None:
        """What goes on elsewhere arrives by itself."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert "nothing so far" in at.text
            assert page.trip is not None
            at.home.engine.execute(page.trip.execution.id, wait_s=600)
            page.look_again()
            await at.settle()
            assert "✓ Done" in at.text

        home = Installation.open(tmp_path / "home")
        home.confirm(home.ask("order 2 paper towels"))
        tui(home, journey, page="4")


class TestNothing:
    def test_says_how_there_will_be_something(self, tmp_path: Path) -> None:
        """While nothing was carried out."""

        async def journey(at: Tui) -> None:
            assert "Nothing was carried out yet." in at.text

        tui(tmp_path, journey, page="4")


class TestAlteredBooks:
    def test_are_told_on_the_page(self, tmp_path: Path) -> None:
        """An event that was changed, and one whose words were erased: one is a crime, the other is not."""

        async def journey(at: Tui) -> None:
            assert "✗ Event 4 was altered" in at.text
            assert "The words were erased." in at.text

        home = done(tmp_path)
        without_triggers(home.engine._store, "event_log", "UPDATE event_log SET user_id = 'usr_forged' WHERE seq = 4")
        sql(home.engine._store, "UPDATE execution_request SET raw_command_text = ''")
        tui(home, journey, page="4", size=(120, 70))

    def test_whose_terms_were_changed_are_not_shown(self, tmp_path: Path) -> None:
        """The draft is named, and the page stays."""

        async def journey(at: Tui) -> None:
            assert "was altered in the books" in at.text
            await at.go_to("6")
            assert isinstance(at.page, LogPage)

        home = done(tmp_path)
        without_triggers(
            home.engine._store, "draft_revision", "UPDATE draft_revision SET draft_json = replace(draft_json, 'Paper', 'Gold')"
        )
        tui(home, journey, page="4")

    def test_cannot_do_anything_to_the_screen(self, tmp_path: Path) -> None:
        """Words and answers that try to be markup or escape codes."""

        async def journey(at: Tui) -> None:
            assert "[bold]order[/]" in at.text
            fold = list(at.page.query(Fold))[1]
            at.app.dashboard.set_focus(fold.line)
            await at.press("enter")
            assert "[link=x]evil[/]owned" in at.text
            assert "\x1b" not in at.text

        home = done(tmp_path)
        sql(home.engine._store, "UPDATE execution_request SET raw_command_text = '[bold]order[/]' || char(27) || '[2J'")
        answer = "'[link=x]evil[/]' || char(27) || '[31m' || char(27) || ' owned'"
        without_triggers(home.engine._store, "vendor_exchange", f"UPDATE vendor_exchange SET answer_text = {answer}")
        tui(home, journey, page="4", size=(120, 70))
