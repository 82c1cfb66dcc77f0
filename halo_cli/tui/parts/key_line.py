"""The bottom line: the keys of what has the focus, then those that work everywhere. Whole ones only: what has no room is left to `?`."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets._footer import FooterKey

from halo_cli.chat.keys import Keys
from halo_cli.tui.bindings import EVERYWHERE

_RANK = {key.action: rank for rank, key in enumerate(EVERYWHERE)}
#: Around a key and its word.
_BLANKS = 3


class KeyLine(Keys):
    """The keys, where Textual's footer would cut the last of them in two."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        # Here first; Textual begins with those that work while something is typed.
        keys = sorted(super().compose(), key=lambda key: _RANK.get(getattr(key, "action", ""), -1))
        room = self.app.size.width
        for key in keys:
            if (needed := _width(key)) <= room:
                room -= needed
                yield key

    def what_it_shows(self) -> tuple[object, ...]:
        return (self.app.size.width, *super().what_it_shows())

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self.call_after_refresh(self.recompose)


def _width(key: Widget) -> int:
    return len(key.key_display) + len(key.description) + _BLANKS if isinstance(key, FooterKey) else 0
