"""The line of keys: always those that work where the focus is, and not made anew where they are the same."""

from __future__ import annotations

from pathlib import Path

from textual.widget import Widget
from textual.widgets._footer import FooterKey

from halo_cli.chat.keys import Keys
from tests.halo_cli.chat.driver import Chat, chat

TABLE = "book a table for 2 at Osteria Lunetta tomorrow at 7pm"


def shown(at: Chat) -> list[Widget]:
    return list(at.app.screen.query_one(Keys).query(FooterKey))


def due(at: Chat) -> list[tuple[str, str]]:
    """What Textual says works here, and is to be shown."""
    return [(binding.key, binding.description) for _, binding, _, _ in at.app.screen.active_bindings.values() if binding.show]


class TestTheKeys:
    def test_are_those_that_work_where_the_focus_is(self, tmp_path: Path) -> None:
        """In the line, on each button of a card, and back."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            seen = []
            for key in ("up", "right", "escape"):
                await at.press(key)
                seen.append([(each.key, each.description) for each in shown(at) if isinstance(each, FooterKey)])
                assert set(seen[-1]) >= set(due(at))
            assert seen[0] != seen[-1]

        chat(tmp_path, journey)

    def test_stand_while_they_are_the_same(self, tmp_path: Path) -> None:
        """From one button of a card to the next."""

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.press("up")
            before = shown(at)
            focused = at.focused
            await at.press("right")
            assert at.focused is not focused
            assert shown(at) == before

        chat(tmp_path, journey)
