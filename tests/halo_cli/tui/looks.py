"""What a page looks like, as text in a file of its own: which words stand where, whatever the colours."""

from __future__ import annotations

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.halo_cli.tui.driver import Tui

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


class Screen(SingleFileSnapshotExtension):
    """The screen, line by line."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def screen(at: Tui) -> str:
    """The page alone: what stands above and below it is everybody's."""
    return "\n".join(at.lines[2:-1]).rstrip() + "\n"
