"""Every key of the dashboard's shell, in one table: widgets take theirs from it, and so does `?`, so neither can forget one.

A page that has keys of its own adds a table of its own with `keys()`. No key confirms: only Enter or a click on the Confirm button itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """`keys` as Textual names them, `shown` as people do, what it does in `words`; `footer` is the word beside it there, empty where it is not."""

    keys: str
    action: str
    shown: str
    words: str
    footer: str = ""
    #: Also while something is typed, and over a dialog.
    always: bool = False


#: In the order in which people look for them; where the bottom line is short, the first of them stand in it.
EVERYWHERE: tuple[Key, ...] = (
    *(Key(str(number), f"page({number})", str(number), f"page {number}") for number in range(1, 10)),
    Key("question_mark,f1", "help", "?", "what has the focus, and its keys", "Help"),
    Key("slash", "filter", "/", "show only what has these words in it", "Filter"),
    Key("ctrl+o", "jump", "^O", "jump: a letter for everything that can be reached", "Jump"),
    Key("ctrl+p", "command_palette", "^P", "every command by its name", "Commands"),
    Key("ctrl+q", "leave", "^Q", "leave; what was confirmed stays confirmed", "Quit", always=True),
    Key("escape", "back", "Esc", "one step back", "Back"),
    Key("f2", "act_as_next", "F2", "somebody else acts", "Member"),
    Key("f3", "next_look", "F3", "dark, light, high contrast"),
    Key("f4", "verify", "F4", "verify the log now"),
    Key("f5", "refresh", "F5", "look again"),
    Key("ctrl+c", "interrupt", "^C", "leave at once", always=True),
)

#: The line of the filter.
FILTERING: tuple[Key, ...] = (
    Key("enter", "keep", "Enter", "keep the filter, and go back to the page", "Keep"),
    Key("escape", "drop", "Esc", "show everything again", "Drop"),
)


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    """A table as a widget's `BINDINGS`."""
    return [
        Binding(
            key.keys,
            key.action,
            key.footer or key.words,
            show=bool(key.footer),
            key_display=key.shown,
            priority=key.always,
            tooltip=key.words[:1].upper() + key.words[1:],
        )
        for key in keys
    ]
