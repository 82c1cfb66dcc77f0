"""The line of keys, of the thread, of its dialogs and of the dashboard.

Textual's own makes all of its keys anew whenever the focus moves, and that is most of what a key press costs. Nearly always they are the same.
"""

from __future__ import annotations

from textual.widgets import Footer


class Keys(Footer):
    """Textual's footer, made anew only where it would show something else."""

    _shown: tuple[object, ...] = ()

    async def recompose(self) -> None:
        shown = self.what_it_shows() if self.is_attached else ()
        if not shown or shown != self._shown:
            self._shown = shown
            await super().recompose()

    def what_it_shows(self) -> tuple[object, ...]:
        """All that `compose` makes the keys of; where it is equal to what was, they are the same."""
        palette = self.app.COMMAND_PALETTE_BINDING
        return tuple(
            (key, binding, is_enabled, tooltip)
            for key, (_, binding, is_enabled, tooltip) in self.screen.active_bindings.items()
            if binding.show or key == palette
        )
