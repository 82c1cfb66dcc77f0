"""What the parts of one serving process share: whether it is about to end."""

from __future__ import annotations

from collections.abc import Callable


class Ending:
    """Becomes true once, and stays so. Begun in a signal's handler, which may interrupt anything; told in the event loop."""

    def __init__(self) -> None:
        self.has_begun = False
        self._heard: list[Callable[[], None]] = []

    def begin(self) -> None:
        """From here on this process is not ready."""
        self.has_begun = True

    def also(self, hear: Callable[[], None]) -> None:
        """`hear` is called when it is told."""
        self._heard.append(hear)

    def tell(self) -> None:
        """Tell whoever has something to finish. In the event loop only."""
        for hear in self._heard:
            hear()
