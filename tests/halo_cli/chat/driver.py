"""A person at the chat, inside this process: real engine, books and vendors' simulator, real screen, and clocks that the test moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import ModalScreen

from halo_cli.chat.app import ChatApp
from halo_cli.chat.bubbles import Bubble, Note, Replaced
from halo_cli.chat.card_view import CardButton, CardView
from halo_cli.chat.dialogs import Consent, asks_for_consent
from halo_engine.clock import FakeClock
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.thread import Door, LocalDoor
from tests.halo_cli.chat import clockwork
from tests.installation import NOON, Installation

T = TypeVar("T")


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Chat:
    """The screen, the keys, and the books behind them."""

    app: ChatApp
    pilot: Pilot[int]
    home: Installation
    seconds: Seconds

    async def settle(self) -> None:
        """Until every worker has answered and what it said is on the screen."""
        await self.pilot.pause()
        for _ in range(9):
            if all(worker.is_finished for worker in self.app.workers):
                break
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        await self.pilot.pause()

    async def wait_a_second(self, *, seconds: float = 1) -> None:
        """Long enough for whatever has appeared to be read."""
        self.seconds.now += seconds
        self.app.tick()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Into what has the focus, at once: a key at a time costs the toolkit's pilot 60 ms each."""
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def say(self, text: str) -> None:
        """Words and Enter; then everything that comes of it has been seen."""
        await self.blurt(text)
        await self.wait_a_second()

    async def blurt(self, text: str) -> None:
        """Words and Enter, and no time passes."""
        await self.pilot.press("escape")
        await self.type(text)
        await self.press("enter")

    async def walk_to(self, button: Button) -> None:
        """From the newest card, key by key, to one of its buttons."""
        await self.pilot.press("escape", "up")
        for _ in self.card.buttons:
            if self.button() is button:
                return
            await self.pilot.press("right")
        raise AssertionError(f"{button} cannot be reached from {self.focused!r}")

    async def confirm(self) -> None:
        """Walk to Confirm, press it, and type what is asked where something is."""
        asked = asks_for_consent(self.card)
        await self.walk_to(Button.CONFIRM)
        await self.press("enter")
        if asked:
            await self.type(expected(self.app))
            await self.press("enter")
        await self.wait_a_second()

    @property
    def focused(self) -> object:
        return self.app.screen.focused

    # Methods, because a type checker takes a property for what it was a line ago.

    def kind(self) -> CardKind:
        """What the newest card says."""
        return self.card.kind

    def button(self) -> Button | None:
        return self.focused.means if isinstance(self.focused, CardButton) else None

    @property
    def view(self) -> CardView:
        """The newest card on the screen."""
        return self.app.thread_screen.thread.cards[-1]

    @property
    def card(self) -> Card:
        return self.view.card

    @property
    def kinds(self) -> list[CardKind]:
        return [view.card.kind for view in self.app.thread_screen.thread.cards]

    @property
    def notes(self) -> list[str]:
        return [note.words for note in self.app.thread_screen.query(Note)]

    @property
    def replaced(self) -> list[str]:
        return [str(line.content) for line in self.app.thread_screen.query(Replaced)]

    @property
    def bubbles(self) -> list[Bubble]:
        return list(self.app.thread_screen.query(Bubble))

    @property
    def written(self) -> str:
        """What stands in the line."""
        return self.app.thread_screen.compose_bar.line.value

    @property
    def dialog(self) -> ModalScreen[object] | None:
        return self.app.screen if isinstance(self.app.screen, ModalScreen) else None


def expected(app: ChatApp) -> str:
    """What the dialog on the screen asks to be typed."""
    assert isinstance(app.screen, Consent)
    return app.screen._asked.expected


Journey = Callable[[Chat], Awaitable[T]]


def chat(
    home: Path | Installation,
    journey: Journey[T],
    *,
    size: tuple[int, int] = (80, 24),
    door: Callable[[Installation], Door] | None = None,
    member: str | None = None,
) -> T:
    """Sit down at the thread of `home`, take `journey`, and leave."""
    installation = home if isinstance(home, Installation) else Installation.open(home, clock=FakeClock(NOON))
    seconds = Seconds()
    given = door(installation) if door else LocalDoor(installation.engine, installation.queries)
    app = ChatApp(given, clock=installation.clock, status="simulated vendors", member=member, monotonic=seconds)

    async def sit_down() -> T:
        async with app.run_test(size=size) as pilot:
            at = Chat(app, pilot, installation, seconds)
            await at.settle()
            return await journey(at)

    try:
        return clockwork.run(sit_down())
    finally:
        installation.engine.close()
