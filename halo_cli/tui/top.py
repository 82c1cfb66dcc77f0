"""What stands above every page: whose home it is and who acts, how much waits, whether the log was verified, the tabs, and where one is."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from halo_cli.chat import drawing
from halo_cli.tui.page import Page
from halo_engine.model.household import Member
from halo_engine.model.text import inert
from halo_engine.queries import Counts

#: Between two parts of a line, where a reader needs a stop.
_STOP = "  ·  "


class TopLine(Horizontal):
    """One line: household and member, what waits, the proof, the clock."""

    def __init__(self) -> None:
        super().__init__(id="top")
        self._who = Static("", id="who", markup=False)
        self._waits = Static("", id="waits", markup=False)
        self._proof = Static("", id="proof", markup=False)
        # In few columns its sign has to do.
        self._short_proof = Static("", id="short-proof", markup=False)
        self._clock = Static("", id="clock-face", markup=False)

    def compose(self) -> ComposeResult:
        yield self._who
        yield self._waits
        yield self._proof
        yield self._short_proof
        yield self._clock

    def show_who(self, household: str, member: Member) -> None:
        """The member stands beside a pen, as in the chat: whose yes the next yes would be."""
        name = inert(member.display_name, max_chars=20)
        self._who.update(
            Content.assemble((inert(household, max_chars=24), "bold"), "  ", (f"✎ {name} ({member.role.value})", "bold $primary"))
        )

    def show_counts(self, counts: Counts) -> None:
        inbox = counts.drafts + counts.questions
        waits = f"● {inbox} {'waits' if inbox == 1 else 'wait'} for you" if inbox else "nothing waits for you"
        parts: list[Content | str | tuple[str, str]] = [(waits, "bold" if inbox else "$quiet")]
        if counts.attention:
            needs = "needs" if counts.attention == 1 else "need"
            parts += [_STOP, (f"▲ {counts.attention} {needs} attention", "bold $care")]
        self._waits.update(Content.assemble(*parts))

    def show_proof(self, sign: str, words: str, *, is_bad: bool) -> None:
        style = "bold $care" if is_bad else "$quiet"
        self._proof.update(Content.styled(f"{sign} {inert(words, max_chars=60)}", style))
        self._short_proof.update(Content.styled(f"{sign} {'LOG' if is_bad else 'log'}", style))

    def show_time(self, face: str) -> None:
        self._clock.update(face)


class Tab(Static):
    """One tab; a click opens its page."""

    class Wanted(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, page: type[Page]) -> None:
        super().__init__("", classes="tab", markup=False)
        self.page, self.count = page, 0
        self.show_count(0)

    def show_count(self, count: int) -> None:
        """How much waits there, where something does."""
        self.count = count
        self.set_class(bool(count), "-waits")
        self.relabel(is_short=self.has_class("-short-name"))

    def relabel(self, *, is_short: bool) -> None:
        """The short name where there is little room."""
        self.set_class(is_short, "-short-name")
        name = self.page.short if is_short else self.page.title
        self.update(Content.assemble((self.page.key, "$primary"), f" {name}", (f" {self.count}", "bold $care") if self.count else ""))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Wanted(self.page.key))


class Tabs(Horizontal):
    """The nine pages, and which of them is in front: it is marked by its shape, not by colour alone."""

    _WIDE = 112

    def __init__(self, pages: Sequence[type[Page]]) -> None:
        super().__init__(id="tabs")
        self._tabs = [Tab(page) for page in pages]

    def compose(self) -> ComposeResult:
        yield from self._tabs

    def on_resize(self, event: events.Resize) -> None:
        for tab in self._tabs:
            tab.relabel(is_short=event.size.width < self._WIDE)

    def show_front(self, key: str) -> None:
        for tab in self._tabs:
            tab.set_class(tab.page.key == key, "-front")

    def show_count(self, key: str, count: int) -> None:
        for tab in self._tabs:
            if tab.page.key == key:
                tab.show_count(count)


class Crumbs(Static):
    """Where one is: page › thing › part of it, and what is filtered."""

    def __init__(self) -> None:
        super().__init__("", id="crumbs", markup=False)

    def show_place(self, crumbs: Sequence[str], *, filtered: str) -> None:
        parts: list[Content | str | tuple[str, str]] = []
        for position, crumb in enumerate(crumbs):
            last = position == len(crumbs) - 1
            parts += [(" › ", "$quiet")] if parts else []
            parts.append((inert(crumb, max_chars=60), "bold" if last else "$quiet"))
        if filtered:
            parts.append((f"   / {inert(filtered, max_chars=40)}", "bold $primary"))
        self.update(Content.assemble(*parts))


class NoticeLine(Static):
    """A sentence about what was just done or could not be. It stays until the next thing is done."""

    def __init__(self) -> None:
        super().__init__("", id="notice", markup=False)
        self.words = ""

    def tell(self, words: str, *, trouble: bool) -> None:
        self.words = words
        self.set_class(bool(words), "-shown")
        self.set_class(trouble, "-trouble")
        self.update(drawing.plain(f"! {words}" if trouble else words, max_chars=400) if words else "")
