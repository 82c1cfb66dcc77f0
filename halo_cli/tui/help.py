"""`?`: what has the focus, what can be done there, and what its keys are. Read off the bindings that are active, so nothing is left out."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from halo_cli.chat import drawing
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.keys import Keys
from halo_cli.tui.page import Page

#: Shown as one line.
_DIGITS = frozenset("123456789")


class Help(Dialog[None]):
    """For the page in front, and whatever in it has the focus."""

    def __init__(self, page: Page, screen: Screen[object]) -> None:
        super().__init__()
        self._page = page
        self._here, self._everywhere = keys_of(screen)
        self._about = about(screen.focused, page)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -help"):
            yield Static(drawing.plain(f"Help: {self._page.title}"), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body"):
                yield Static(drawing.plain(self._page.help), markup=False)
                if self._about:
                    yield Static(drawing.plain(self._about), classes="question", markup=False)
                if self._here:
                    yield Static("Here", classes="heading", markup=False)
                    yield Static(drawing.keys(self._here), markup=False)
                yield Static("Everywhere", classes="heading", markup=False)
                yield Static(drawing.keys(self._everywhere), markup=False)
        yield Keys(show_command_palette=False)


def about(focused: Widget | None, page: Page) -> str:
    """What has the focus says of itself (`HELP`), or what it stands in."""
    for node in focused.ancestors_with_self if focused else ():
        if node is page:
            break
        if isinstance(node, Widget) and type(node).__module__.startswith("halo_cli") and node.HELP:
            return node.HELP
    return ""


def keys_of(screen: Screen[object]) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The keys of what has the focus and of what it stands in; and those that work everywhere. Each as people call it, with what it does."""
    here: dict[str, str] = {}
    everywhere: dict[str, str] = {}
    for active in screen.active_bindings.values():
        binding, is_app = active.binding, active.node is screen.app
        shown = binding.key_display or screen.app.get_key_display(binding)
        if binding.system and not is_app:
            continue
        words = binding.tooltip or binding.description
        if is_app and binding.key in _DIGITS:
            shown, words = "1 … 9", "The pages, by their digits"
        if words:
            (everywhere if is_app else here).setdefault(shown, words)
    return tuple(here.items()), tuple(everywhere.items())
