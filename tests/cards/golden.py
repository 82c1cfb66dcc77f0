"""One golden file a card, with its true extension, so that a reader can open it. The file is named after the test and the card."""

from __future__ import annotations

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class Golden(SingleFileSnapshotExtension):
    """Plain text, one card a file."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Coloured(Golden):
    """Text with terminal control sequences, as `cat` shows it."""

    file_extension = "ansi"


class Drawn(Golden):
    """A picture in vectors."""

    file_extension = "svg"


class Page(Golden):
    """A web page."""

    file_extension = "html"


class Picture(SingleFileSnapshotExtension):
    """A picture in points, compared byte for byte."""

    file_extension = "png"
