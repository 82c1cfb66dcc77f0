"""What is on the screen as text for a snapshot, without what is another each time: hashes over measured times, and the times themselves."""

from __future__ import annotations

import re

from tests.halo_cli.tui.driver import Tui

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
# Where much else is going on, words take seconds to read.
_READ = re.compile(r"(read in )[\d.]+ m?s *")
_TOOK = re.compile(r"(→ \d+ +|done · |\d\d:\d\d:\d\d, )\d+ ms *")
_PROOF = re.compile(r" {2}[✓○…▸·] (log|verif)[^\n]*$", re.MULTILINE)


def plain(at: Tui) -> str:
    """Of the whole screen."""
    first, *rest = at.lines
    # Whether the log was verified by now is the first line's own matter.
    lines = "\n".join([re.split(r" {6,}", first)[0], *rest])
    return _TOOK.sub(r"\1‹took›  ", _READ.sub(r"\1‹took›  ", _HASH.sub("‹hash›", _PROOF.sub("", lines))))
