"""Everything in the thread that is not a card: what was said, when, what came of it in a sentence, and that Halo is reading."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from halo_cli.chat import drawing
from halo_engine.model.card import Card
from halo_engine.model.text import inert


class Bubble(Vertical):
    """Words of one member: on the right where that member writes, on the left with a name where another does."""

    def __init__(self, text: str, *, member_id: str, name: str, mine: bool) -> None:
        super().__init__(classes="bubble-row -mine" if mine else "bubble-row")
        self.text, self.member_id = text, member_id
        self._who = name
        self._state = Static("", classes="state", markup=False)

    def compose(self) -> ComposeResult:
        yield Static(drawing.plain(self._who), classes="who")
        with Horizontal():
            yield Static(drawing.plain(self.text, max_chars=4000), classes="bubble")
        yield self._state

    def show_state(self, words: str, *, in_doubt: bool = False) -> None:
        """ "Sending…", "Delivered", "Not delivered", or nothing under an older one."""
        self._state.update(words)
        self._state.set_class(bool(words), "-shown")
        self._state.set_class(in_doubt, "-not")

    @property
    def is_unsent(self) -> bool:
        return self._state.has_class("-not")

    @property
    def state(self) -> str:
        return str(self._state.content)


class Stamp(Static):
    """A time between the bubbles."""

    def __init__(self, words: str) -> None:
        super().__init__(words, classes="stamp", markup=False)


class Note(Static):
    """A quiet sentence: what came of something, or why nothing did."""

    def __init__(self, words: str, *, trouble: bool) -> None:
        super().__init__(
            drawing.plain(f"{'! ' if trouble else ''}{words}", max_chars=2000), classes="notice -trouble" if trouble else "notice"
        )
        self.words = inert(words, max_chars=2000)


class Replaced(Static):
    """The one line that is left of a card in whose place another stands."""

    def __init__(self, card: Card, *, became: str) -> None:
        super().__init__(drawing.plain(f"{card.title} · {became}"), classes="replaced")


class Typing(Static):
    """Halo is at it."""

    def __init__(self) -> None:
        super().__init__("", classes="typing", markup=False)

    def show_at(self, seconds: float) -> None:
        self.update(f"Halo is reading… {drawing.dots(seconds)}")
