"""How the dashboard speaks to the server that shows it in a browser: Textual's own way, without what a browser is not to be told."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import messages
from textual.drivers.web_driver import WebDriver


class BrowserDriver(WebDriver):
    """Ends with the server, and opens no page."""

    def start_application_mode(self) -> None:
        self._at_home = asyncio.get_running_loop()
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """When nothing can come any more, nobody looks: a server that was killed must not leave its visitors' dashboards behind."""
        super().run_input_thread()
        try:
            self._at_home.call_soon_threadsafe(self._app.post_message, messages.ExitApp())
        except RuntimeError:
            # It has left already.
            return

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """No address of a vendor's becomes something that a browser goes to."""

    def write_meta(self, data: dict[str, object]) -> None:
        try:
            super().write_meta(data)
        except BrokenPipeError:
            # The last word of a dashboard whose server has gone.
            return

    def write(self, data: str) -> None:
        try:
            super().write(data)
        except BrokenPipeError:
            return

    def _deliver_file(self, *_given: Any, **_named: Any) -> None:
        """Nor is a file: what is exported goes to the home's disk."""
