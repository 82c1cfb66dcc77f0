"""What Halo stands on: Python, SQLite, the disk, the parser's model, and the packages that the settings need."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from halo_engine.doctor.finding import Finding, ok, problem, warning
from halo_engine.settings import Settings
from halo_engine.store import sqlite

_OLDEST_PYTHON = (3, 11)
#: A day's books take a few of these; a database that cannot write loses no answer, and gives none either.
_FULL_BYTES, _FILLING_BYTES = 50_000_000, 500_000_000
_MODEL = Path(__file__).parents[1] / "parsing" / "model"


def python() -> Iterator[Finding]:
    said = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    if sys.version_info >= _OLDEST_PYTHON:
        yield ok("python", said)
    else:
        yield problem("python", f"{said} is too old.", "Install Python 3.11 or newer, and Halo with it.")


def sqlite_version() -> Iterator[Finding]:
    driver = sqlite.driver
    said = f"SQLite {driver.sqlite_version} ({driver.__name__.partition('.')[0]})"
    if sqlite.journal_mode() == "wal":
        yield ok("sqlite", f"{said}, safe with a write-ahead log")
    else:
        safe = ".".join(map(str, sqlite.WAL_IS_SAFE_FROM))
        yield warning(
            "sqlite", f"{said} is older than {safe}: books are in a rollback journal, which is safe and slower.", "pip install pysqlite3"
        )


def disk(home: Path) -> Iterator[Finding]:
    there = next(place for place in (home, *home.parents) if place.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:,.1f} GB free where the books are"
    if free < _FULL_BYTES:
        yield problem("disk", f"Only {free / 1e6:,.0f} MB are free where the books are.", f"Make room: df -h {there}")
    elif free < _FILLING_BYTES:
        yield warning("disk", f"{free / 1e6:,.0f} MB are free where the books are.", f"Make room soon: df -h {there}")
    else:
        yield ok("disk", said)


def model(folder: Path = _MODEL) -> Iterator[Finding]:
    """Whether the offline parser's files are those that were shipped."""
    mend = "Install Halo anew: pip install --force-reinstall --no-deps ."
    lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    for expected, name in (line.split(maxsplit=1) for line in lines):
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                yield problem("model", f"{name} of the offline parser is not the one that was shipped.", mend)
                return
    yield ok("model", f"The offline parser's model is the one that was shipped ({lines[0][:12]})")


def packages(settings: Settings) -> Iterator[Finding]:
    """What the settings need and is not installed."""
    wanted = {
        "postgres": ("psycopg", settings.database_url is not None),
        "otel": ("opentelemetry", settings.otel_endpoint is not None),
    }
    missing = [extra for extra, (module, is_wanted) in wanted.items() if is_wanted and importlib.util.find_spec(module) is None]
    for extra in missing:
        yield problem("packages", f"The settings need the extra “{extra}”, which is not installed.", f"pip install '.[{extra}]'")
    if not missing:
        yield ok("packages", "Everything that the settings need is installed")
