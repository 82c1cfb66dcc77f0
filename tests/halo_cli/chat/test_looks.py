"""How the chat looks, as pictures: three sizes, two themes. Single files with their true extension, so that a browser shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.widgets import Input

from halo_cli.chat.dialogs import Consent
from halo_engine.model.reply import Tapback
from tests.cards.examples import CARDS
from tests.halo_cli.chat.driver import Chat, chat

_NAMES = re.compile(r"terminal-\d+-")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Picture(SingleFileSnapshotExtension):
    """A screenshot as SVG."""

    _write_mode = WriteMode.TEXT
    file_extension = "svg"


async def picture(at: Chat) -> str:
    """The screen when it has come to rest, without the names made of its content and without fonts from elsewhere."""
    for line in at.app.screen.query(Input):
        line.cursor_blink = False
    before, drawn = "", at.app.export_screenshot(title="halo chat")
    while drawn != before:
        await at.settle()
        before, drawn = drawn, at.app.export_screenshot(title="halo chat")
    bare = _FONTS.sub("", _NAMES.sub("", drawn))
    return "\n".join(line.rstrip() for line in bare.splitlines()) + "\n"


async def said(at: Chat, text: str, *, by: int) -> None:
    bubble = at.app._bubble(text, at.app._members[by].id)
    await at.app._put(bubble)
    bubble.show_state("Delivered")


async def shown(at: Chat, *names: str) -> None:
    """Cards of the gallery, each as if it had been there for a while."""
    for name in names:
        await at.app.thread_screen.thread.show(CARDS[name].model_copy(update={"request_id": None}))
    await at.wait_a_second()


@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 45)], ids=["80x24", "100x30", "140x45"])
class TestTheScreen:
    def test_looks_as_agreed(self, tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], look: str) -> None:
        """A draft, what changed, the typed yes, a question between two people, what goes on, failed and is done, and Halo reading."""
        pictures: dict[str, str] = {}

        async def journey(at: Chat) -> None:
            if look == "light":
                at.app.action_toggle_look()
            await said(at, "order paper towels and dish soap", by=0)
            await shown(at, "draft_order")
            await at.pilot.press("up")
            pictures["draft"] = await picture(at)
            at.app.push_screen(Consent(CARDS["draft_cancel_irreversible"]))
            await at.pilot.pause()
            pictures["typed-yes"] = await picture(at)
            await at.pilot.press("escape", "escape")
            await shown(at, "terms_changed")
            pictures["changed"] = await picture(at)
            await said(at, "and paper towels", by=1)
            await shown(at, "clarification")
            await at.pilot.press("up")
            pictures["question"] = await picture(at)
            await at.pilot.press("escape")
            await shown(at, "executing", "failed", "done")
            at.app.thread_screen.thread.cards[-1].tapbacks = {at.app.sender.id: Tapback.LOVE}
            at.app.thread_screen.thread.cards[-1].show_tapbacks({at.app.sender.id: at.app.sender.display_name})
            await said(at, "reorder the usual", by=0)
            at.bubbles[-1].show_state("Sending…")
            at.app.thread_screen.thread.set_typing(True)
            pictures["at-work"] = await picture(at)

        chat(tmp_path, journey, size=size)
        for name, drawn in pictures.items():
            assert drawn == snapshot(name=name, extension_class=Picture)
