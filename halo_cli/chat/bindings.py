"""Every key of the chat, in one table. Widgets take theirs from it, and so does the help, so neither can forget one.

No key confirms: only Enter or a click on the Confirm button itself does. No key that prints does anything but write, wherever the focus is
(`screen.py`), because whoever writes does not look where the focus is; only the number of an option takes it, on an option.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from textual.binding import Binding, BindingType

Where: TypeAlias = Literal["everywhere", "writing", "card", "button", "option", "dialog"]


class Key(NamedTuple):
    """`keys` as Textual names them, `shown` as people do; `footer` is the word beside it there, empty where it is not."""

    where: Where
    keys: str
    action: str
    shown: str
    words: str
    footer: str = ""
    #: Also while something is typed, and over a dialog.
    always: bool = False


KEYS: tuple[Key, ...] = (
    Key("writing", "up", "to_newest", "↑", "to the newest card", "Cards"),
    Key("writing", "escape", "stop_replying", "Esc", "no longer an answer to that card"),
    Key("card", "up", "older", "↑", "up the thread"),
    Key("card", "down", "newer", "↓", "down the thread"),
    Key("card", "home", "oldest", "Home", "to the oldest card"),
    Key("card", "end", "newest", "End", "to the newest card"),
    Key("card", "ctrl+r", "reply", "Ctrl+R", "answer this card in words", "Reply"),
    Key("card", "ctrl+t", "tapback", "Ctrl+T", "a tapback on this card", "Tapback"),
    # Ctrl+M is what a terminal sends for Enter.
    Key("card", "ctrl+e", "modify", "Ctrl+E", "change (edit) this draft in a form"),
    Key("card", "enter", "receipt", "Enter", "the receipt, where there is one"),
    Key("button", "enter", "press", "Enter", "press the button that has the focus"),
    Key("button", "left", "previous", "←", "the button before"),
    Key("button", "right", "next", "→", "the button after"),
    Key("option", "enter", "take", "Enter", "take this option"),
    *(Key("option", str(number), f"choose({number})", str(number), f"option {number} of the question") for number in range(1, 4)),
    Key("everywhere", "escape", "write", "Esc", "back to writing", "Write"),
    Key("everywhere", "pageup", "page_up", "PgUp", "a page up the thread"),
    Key("everywhere", "pagedown", "page_down", "PgDn", "a page down the thread"),
    Key("everywhere", "f1", "help", "F1", "these keys", "Help"),
    Key("everywhere", "f2", "switch_sender", "F2", "somebody else writes", "Sender"),
    Key("everywhere", "ctrl+q", "leave", "Ctrl+Q", "leave", "Quit", always=True),
    Key("everywhere", "ctrl+c", "interrupt", "Ctrl+C", "leave at once", always=True),
    Key("dialog", "escape", "close", "Esc", "close this, and do nothing", "Close"),
    Key("dialog", "left", "previous", "←", "the button before"),
    Key("dialog", "right", "next", "→", "the button after"),
)


def of(where: Where) -> list[BindingType]:
    """The keys of one place, for a widget's `BINDINGS`."""
    return [
        Binding(key.keys, key.action, key.footer or key.words, show=bool(key.footer), priority=key.always)
        for key in KEYS
        if key.where == where
    ]


def told(*places: Where) -> tuple[tuple[str, str], ...]:
    """The keys of some places as people call them, and what each does."""
    return tuple((key.shown, key.words) for place in places for key in KEYS if key.where == place)
