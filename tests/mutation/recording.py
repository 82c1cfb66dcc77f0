"""Which tests pass through which line, and how long each takes: read once, then a change of a line is shown only to those.

A plugin of pytest, named on the command line by `tests.mutation.running`; it needs a coverage measurement around it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import coverage
import pytest

_seconds: dict[str, float] = {}


def pytest_runtest_logstart(nodeid: str) -> None:
    """From here on lines are passed for this test, its fixtures included."""
    if measurement := coverage.Coverage.current():
        measurement.switch_context(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what it takes to set up, run and tear down."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    """Leave the times where the run will look for them."""
    Path(os.environ["HALO_TEST_SECONDS"]).write_text(json.dumps(_seconds), encoding="utf-8")
