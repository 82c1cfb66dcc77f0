"""How the dashboard's shell, inbox and queue look, as pictures: all of it at the smallest size, and one of each other size and look.

Single files that a browser shows.
"""

from __future__ import annotations

from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from halo_engine.model.card import Button
from tests.halo_cli.chat.test_looks import Picture
from tests.halo_cli.tui.deciding import pick, press
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.homes import in_need, with_drafts


class TestTheScreen:
    def test_looks_as_agreed(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """A draft that was changed, a question, help, jump mode, and the typed yes; then the same draft in light and wide."""
        pictures: dict[str, str] = {}

        async def journey(at: Tui) -> None:
            await at.wait_a_second()
            pictures["inbox"] = await at.picture()
            await at.press("question_mark")
            pictures["help"] = await at.picture()
            await at.press("escape", "ctrl+o")
            pictures["jump"] = await at.picture()
            await at.press("escape")
            await pick(at, "req_")
            pictures["question"] = await at.picture()
            await pick(at, "dft_")
            await press(at, Button.CONFIRM)
            pictures["typed-yes"] = await at.picture()
            await at.press("escape")
            at.app.theme = "halo-light"
            await at.pilot.resize_terminal(120, 40)
            pictures["inbox-light-120x40"] = await at.picture()

        tui(with_drafts(tmp_path), journey, size=(80, 24), look="halo-dark")
        for name, drawn in pictures.items():
            assert drawn == snapshot(name=name, extension_class=Picture)

    def test_of_what_needs_attention_looks_as_agreed(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """And without colours that say anything, on a large screen."""
        pictures: dict[str, str] = {}

        async def journey(at: Tui) -> None:
            await at.wait_a_second()
            pictures["attention"] = await at.picture()
            await at.press("enter", "right", "enter")
            pictures["it-happened"] = await at.picture()
            await at.press("escape")
            at.app.theme = "halo-contrast"
            await at.pilot.resize_terminal(160, 50)
            pictures["attention-contrast-160x50"] = await at.picture()

        home, _ = in_need(tmp_path)
        tui(home, journey, size=(80, 24), look="halo-dark", page="2")
        for name, drawn in pictures.items():
            assert drawn == snapshot(name=name, extension_class=Picture)
