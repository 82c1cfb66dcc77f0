"""`just constraints`: the newest versions that the image may be built with, of everything that Halo asks for in it, as a list for pip.

Worked out in an environment of its own, since the one for development has more in it, and of other ages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from infra.rehearse import Recipe

ROOT = Path(__file__).parents[1]
_HEAD = "# What the image is built with (Containerfile), so that a build of today is one of yesterday. Made by: just constraints\n"


def main() -> None:
    extras = Recipe.read((ROOT / "Containerfile").read_text(encoding="utf-8")).extras
    with tempfile.TemporaryDirectory(prefix="halo-constraints-") as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)  # noqa: S603 - our own command
        pip = [f"{place}/bin/pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", f"{ROOT}[{extras}]"], check=True, stdout=sys.stderr)  # noqa: S603 - our own command
        listed = subprocess.run([*pip, "freeze", "--exclude", "halo-household"], check=True, capture_output=True, text=True)  # noqa: S603
    sys.stdout.write(_HEAD + listed.stdout)


if __name__ == "__main__":
    main()
