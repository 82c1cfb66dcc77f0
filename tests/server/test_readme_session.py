"""The session over HTTP that README.md shows, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from halo_engine.audit import Audit
from halo_engine.clock import SystemClock
from halo_engine.settings import load_settings
from tests.house.source import ROOT


def session() -> str:
    """The one block of the section that is to be run."""
    [section] = re.findall(r"^## Over HTTP\n(.*?)^## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    [block] = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="it is said in bash and curl")
def test_the_session_takes_an_order_from_words_to_its_receipt(tmp_path: Path) -> None:
    """The reason: it is the first that somebody tries who writes a client."""
    home = tmp_path / "home"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HALO_")}
    environ |= {"HALO_HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # In a session of its own, so that the server ends with it, whatever happens.
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", f"{session()}wait\n"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as bash:
        try:
            shown, said = bash.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            os.killpg(bash.pid, 9)
            raise
    assert bash.returncode == 0, said
    steps = ("Draft: Order", "Cost: $49.95", "event: draft.confirmed", "event: end", "Done: Order", "Charged: $49.95", "reference: 113-")
    places = [shown.find(step) for step in steps]
    assert -1 not in places, shown
    assert places == sorted(places)
    with Audit.open(load_settings(home=home, environ={}), clock=SystemClock()) as audit:
        assert audit.verify().ok
