"""Only `clock.py` reads the wall clock, sleeps, or draws chance: so tests move time instead of waiting for it."""

from __future__ import annotations

from tests.house.source import ROOT, calls, files, where

_READS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.sleep", "dt.datetime.now")
_CHANCE = ("uuid4", "uuid.uuid4", "random.random", "secrets.token_hex", "secrets.token_bytes", "os.urandom")
_MAY = ROOT / "halo_engine" / "clock.py"


def test_nobody_else_reads_it() -> None:
    """The reason: a second reader of the clock is a test that fails at midnight."""
    found = [where(path, line) for path in files() if path != _MAY for line, call in calls(path) if call in (*_READS, *_CHANCE)]
    assert found == []
