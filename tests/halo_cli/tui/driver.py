"""A person at the dashboard, inside this process: real engine, books and vendors' simulator, real screen, and clocks that the test moves."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from halo_cli.tui.app import AuditApp
from halo_cli.tui.desk import Desk
from halo_cli.tui.page import Page
from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from tests.halo_cli.chat import clockwork
from tests.halo_cli.chat.driver import Seconds
from tests.installation import NOON, Installation

T = TypeVar("T")

_NAMES = re.compile(r"terminal-\d+-")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@dataclass
class Tui:
    """The screen, the keys, and the books behind them."""

    app: AuditApp
    pilot: Pilot[int]
    home: Installation
    seconds: Seconds

    async def settle(self) -> None:
        """Until every worker has answered, and what followed from it, and all of it is on the screen."""
        await self.pilot.pause()
        for _ in range(9):
            if all(worker.is_finished for worker in self.app.workers):
                break
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        self.app.proof.wait()
        await self.pilot.pause()

    async def wait_a_second(self, *, seconds: float = 1) -> None:
        """Long enough for whatever has appeared to be read."""
        self.seconds.now += seconds
        await self.settle()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str, *, into: Widget | None = None) -> None:
        """Into what has the focus, or into `into`, at once: a key at a time costs the toolkit's pilot 60 ms each."""
        if into:
            into.focus()
            await self.pilot.pause()
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def go_to(self, page: str) -> None:
        """The page with that digit, from anywhere."""
        await self.app.action_page(int(page))
        await self.settle()

    async def open(self, identifier: str) -> None:
        """That very thing, wherever it is shown."""
        self.app.post_message(Page.Open(identifier))
        await self.settle()

    @property
    def page(self) -> Page:
        return self.app.front

    @property
    def focused(self) -> object:
        return self.app.screen.focused

    @property
    def notice(self) -> str:
        return self.app.dashboard.notice.words

    @property
    def dialog(self) -> ModalScreen[object] | None:
        return self.app.screen if isinstance(self.app.screen, ModalScreen) else None

    @property
    def lines(self) -> list[str]:
        """What is on the screen, as text."""
        return ["".join(segment.text for segment in strip).rstrip() for strip in self._strips()]

    def _strips(self) -> list[Strip]:
        return self.app.screen._compositor.render_strips(self.app.size)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def picture(self) -> str:
        """The screen when it has come to rest, as an SVG without the names made of its content and without fonts from elsewhere."""
        for line in self.app.screen.query(Input):
            line.cursor_blink = False
        before: list[Strip] = []
        # An export takes far longer than a look.
        while before != (before := self._strips()):
            await self.settle()
        bare = _FONTS.sub("", _NAMES.sub("", self.app.export_screenshot(title="halo tui")))
        return "\n".join(line.rstrip() for line in bare.splitlines()) + "\n"


Journey = Callable[[Tui], Awaitable[T]]


def tui(
    home: Path | Installation,
    journey: Journey[T],
    *,
    size: tuple[int, int] = (120, 40),
    member: str | None = None,
    page: str = "",
    look: str = "",
) -> T:
    """Sit down at the dashboard of `home`, take `journey`, and leave. `page` is a digit, `look` a theme's name."""
    installation = home if isinstance(home, Installation) else Installation.open(home, clock=FakeClock(NOON))
    seconds = Seconds()
    app = AuditApp(desk_of(installation), member=member, monotonic=seconds)

    async def sit_down() -> T:
        async with app.run_test(size=size) as pilot:
            at = Tui(app, pilot, installation, seconds)
            if look:
                app.theme = look
            await at.settle()
            if page:
                await at.go_to(page)
            return await journey(at)

    try:
        return clockwork.run(sit_down())
    finally:
        installation.engine.close()


def desk_of(installation: Installation) -> Desk:
    """The desk of a home that is open already."""

    @contextmanager
    def engine() -> Iterator[Engine]:
        yield installation.engine

    return Desk(installation.settings, clock=installation.clock, queries=installation.queries, open_engine=engine)
