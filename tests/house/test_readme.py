"""The README is true: its commands exist, and every command is in it."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.house.source import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> set[str]:
    """The commands that `halo --help` lists."""
    done = subprocess.run([sys.executable, "-m", "halo_cli", "--help"], capture_output=True, text=True, check=True)
    listed = done.stdout.split("Commands:")[1].split("\n\n")[0]
    return set(re.findall(r"^  (\w+)", listed, re.MULTILINE))


def test_every_command_is_in_the_readme() -> None:
    """The reason: a command nobody is told of is not there."""
    table = README.split("## Commands")[1].split("\n## ")[0]
    assert commands() == set(re.findall(r"`halo (\w+)", table))


def test_every_place_on_the_map_exists() -> None:
    """The reason: a map that is wrong is worse than none."""
    places = re.findall(r"`([a-z_]+(?:/[a-z_.]+)*/?)`", README.split("## The map")[1].split("## One trip")[0])
    assert [place for place in places if not any((base / place).exists() for base in (ROOT, ROOT / "halo_engine"))] == []


def test_every_file_of_the_trip_exists() -> None:
    """The reason: a newcomer follows it with a finger."""
    files = re.findall(r"`([a-z_/]+\.py)`", README.split("## One trip")[1].split("\n## ")[0])
    assert len(files) > 10
    assert [file for file in files if not any((base / file).exists() for base in (ROOT, ROOT / "halo_engine"))] == []
