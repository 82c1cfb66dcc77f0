"""What every page of the dashboard is. A page asks for its data in threads, renders values, and says where a person wants to go.

The app (`app.py`) mounts a page when it is first shown and calls `on_shown` each time it comes to the front. Everything a page shows goes through
`halo_engine.model.text.inert` or `cards.words.harmless`, and no widget of it reads markup.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from textual.containers import Vertical
from textual.message import Message

from halo_cli.chat.asking import Trouble
from halo_cli.chat.guard import Monotonic
from halo_cli.tui.asking import ask
from halo_engine.model.household import Member

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around

T = TypeVar("T")


class Page(Vertical):
    """One of the nine. Subclasses set the class variables and override what they need."""

    #: In the tab and in the breadcrumbs; `short` is for eighty columns.
    title: ClassVar[str] = ""
    short: ClassVar[str] = ""
    #: The digit that opens it.
    key: ClassVar[str] = ""
    #: What `?` says of it, beside its keys.
    help: ClassVar[str] = ""

    class Open(Message):
        """Somebody wants to see that very thing: the app goes to the page that shows it."""

        def __init__(self, identifier: str) -> None:
            super().__init__()
            self.identifier = identifier

    class Crumbs(Message):
        """What the page shows within itself has changed: the breadcrumbs are read again."""

    class Notice(Message):
        """A sentence for the line above the keys."""

        def __init__(self, words: str, *, trouble: bool) -> None:
            super().__init__()
            self.words, self.trouble = words, trouble

    class Changed(Message):
        """Something was done: what the header counts is counted again."""

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(id=f"page-{type(self).__module__.rpartition('.')[2]}", classes="page")
        self.desk, self._around = desk, around

    # For the app to call

    def on_shown(self) -> None:
        """The page came to the front: ask for fresh data."""

    def open(self, identifier: str) -> None:
        """Show that very thing."""

    def set_filter(self, text: str) -> None:
        """Show only what has `text` in it; everything for the empty one."""

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where one is within the page, after its title."""
        return ()

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The executions begun here that have not ended."""
        return ()

    def go_back(self) -> bool:
        """Escape: one step back within the page. False where there is none to take, and the app goes to the page before."""
        return False

    # For the page to use

    @property
    def member(self) -> Member:
        """Who acts."""
        return self._around.member

    @property
    def members(self) -> Sequence[Member]:
        return self._around.members

    @property
    def zone(self) -> ZoneInfo:
        """The zone on the household's clocks."""
        return self._around.zone

    @property
    def monotonic(self) -> Monotonic:
        """Seconds for guards and spinners; a test moves them."""
        return self._around.monotonic

    def ask(
        self,
        call: Callable[[], T],
        then: Callable[[T], Awaitable[None] | None],
        *,
        otherwise: Callable[[Trouble], Awaitable[None] | None] | None = None,
        group: str = "asking",
        exclusive: bool = False,
    ) -> None:
        """Run `call` in a thread and give what it returns to `then`, on the screen's side. Without `otherwise` trouble is said in the line below.

        With `exclusive`, earlier questions of the same `group` are not waited for any more.
        """
        ask(self, call, then, otherwise or self.say_trouble, group=f"{self.id}-{group}", exclusive=exclusive)

    def say(self, words: str) -> None:
        """A sentence for the person, in the line above the keys."""
        self.post_message(self.Notice(words, trouble=False))

    def say_trouble(self, trouble: Trouble) -> None:
        self.post_message(self.Notice(trouble.words, trouble=True))
