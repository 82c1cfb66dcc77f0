"""What somebody does in the inbox, for tests."""

from __future__ import annotations

from halo_cli.chat.card_view import CardButton
from halo_cli.chat.dialogs import Consent, asks_for_consent
from halo_cli.tui.pages.inbox import InboxPage
from halo_engine.model.card import Button, Card
from tests.halo_cli.tui.driver import Tui


def inbox(at: Tui) -> InboxPage:
    return at.app.dashboard.query_one(InboxPage)


def card(at: Tui) -> Card:
    """The one on the screen."""
    view = inbox(at).view
    assert view, at.text
    return view.card


async def pick(at: Tui, prefix: str, *, last: bool = False) -> None:
    """The first in the list (or the last) whose id begins so."""
    ids = [option.id for option in inbox(at).choices.options if option.id and option.id.startswith(prefix)]
    inbox(at).choices.focus()
    inbox(at).choices.highlighted = inbox(at).choices.get_option_index(ids[-1 if last else 0])
    await at.settle()
    await at.wait_a_second()


async def walk_to(at: Tui, button: Button) -> None:
    """Into the card and to one of its buttons, key by key, as somebody who has read it."""
    await at.wait_a_second()
    inbox(at).choices.focus()
    await at.pilot.press("enter")
    await at.pilot.pause()
    for _ in card(at).buttons:
        if isinstance(at.focused, CardButton) and at.focused.means is button:
            return
        await at.pilot.press("right")
    raise AssertionError(f"{button} cannot be reached from {at.focused!r}")


async def press(at: Tui, button: Button) -> None:
    await walk_to(at, button)
    await at.press("enter")


async def confirm(at: Tui) -> None:
    """Confirm, with what is asked typed where something is."""
    asked = asks_for_consent(card(at))
    await press(at, Button.CONFIRM)
    if asked:
        assert isinstance(at.dialog, Consent)
        await at.type(at.dialog._asked.expected)
        await at.press("enter")
    await at.wait_a_second()
