"""The dashboard's page in a browser: its HTML, its style, and what the terminal in it is told."""

from __future__ import annotations

import os

#: How a dashboard is told that a server shows it (`web.py`), as Textual reads it.
DRIVER = "halo_cli.tui.browser.driver:BrowserDriver"


def is_shown_in_one() -> bool:
    """Whether this process's dashboard has a browser for a terminal."""
    return os.environ.get("TEXTUAL_DRIVER") == DRIVER
