"""The receipts: a list, each word for word, and the file that proves one to somebody else."""

from __future__ import annotations

import json
from pathlib import Path

from halo_cli.tui.pages.execution import ExecutionPage
from halo_cli.tui.pages.receipts import ReceiptsPage
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_engine.store.raw import without_triggers
from tests.installation import Installation


def page_of(at: Tui) -> ReceiptsPage:
    assert isinstance(at.page, ReceiptsPage)
    return at.page


def two(tmp_path: Path) -> Installation:
    home = Installation.open(tmp_path / "home")
    home.carry_out(home.ask("order 2 paper towels"))
    home.later(minutes=5)
    home.carry_out(home.ask("order dish soap"))
    return home


class TestReceipts:
    def test_are_listed_read_and_found(self, tmp_path: Path) -> None:
        """Newest first; Enter reads one, Escape goes back, and / looks into their words."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert at.text.index("Dish Soap") < at.text.index("Paper Towels")
            await at.press("enter")
            assert "Amazon says" in at.text
            assert "halo audit prove rct_" in at.text
            assert page.crumbs[-1].startswith("rct_")
            await at.press("escape")
            assert not page.is_open
            page.set_filter("paper TOWELS")
            await at.settle()
            assert page.crumbs == ("1 entry",)
            page.set_filter("no such thing")
            await at.settle()
            assert "No receipt has these words" in at.text

        tui(two(tmp_path), journey, page="5", size=(80, 30))

    def test_are_proven_by_one_key(self, tmp_path: Path) -> None:
        """The file lies in the home, for its owner's eyes, and the line says where and what it discloses."""

        async def journey(at: Tui) -> None:
            await at.press("p")
            (written,) = at.home.settings.home.glob("*.proof.json")
            assert json.loads(written.read_text())["format"] == "halo/receipt-proof/v1"
            assert written.stat().st_mode & 0o077 == 0
            assert at.notice.startswith("Wrote ")
            await at.press("e")
            assert isinstance(at.page, ExecutionPage)
            assert "Covered by the signed checkpoint" in at.text

        tui(two(tmp_path), journey, page="5", size=(120, 60))

    def test_begin_with_a_word_on_how_they_come(self, tmp_path: Path) -> None:
        """While there are none."""

        async def journey(at: Tui) -> None:
            assert "No receipts yet" in at.text

        tui(tmp_path, journey, page="5")

    def test_are_text_whatever_a_vendor_wrote(self, tmp_path: Path) -> None:
        """No markup, no escape codes, in the list and in the receipt."""

        async def journey(at: Tui) -> None:
            for _ in range(2):
                assert "[link=x]evil[/]" in at.text
                assert "\x1b" not in at.text
                await at.press("enter")

        home = two(tmp_path)
        hostile = "'[link=x]evil[/]' || char(27) || '[31m' || char(10) || 'x'"
        without_triggers(
            home.engine._store,
            "receipt_artifact",
            f"UPDATE receipt_artifact SET content_text = {hostile}, external_reference_id = {hostile}",
        )
        tui(home, journey, page="5", size=(120, 30))
