"""Each layer imports only what stands below it, and there are no circles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT


def test_the_import_contracts_are_kept() -> None:
    """The reason: a house without layers cannot be read from its file names."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
