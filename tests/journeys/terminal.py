"""The real command in a real process, as a script would use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """stdout as the one object it must be."""
        value: dict[str, Any] = json.loads(self.out)
        return value


@dataclass(frozen=True)
class Terminal:
    """A shell with its own data directory."""

    home: Path

    def halo(self, *words: str, stdin: str | None = None, **environ: str) -> Answer:
        """Run `halo` with `words`. A traceback on either stream is a failure of any test."""
        base = {name: value for name, value in os.environ.items() if not name.startswith("HALO_")}
        done = subprocess.run(
            [sys.executable, "-m", "halo_cli", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**base, "HALO_HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "100", **environ},
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str, expect: int = 0) -> dict[str, Any]:
        """Run `halo … --json`, which must end with `expect`."""
        answer = self.halo(*words, "--json")
        assert answer.code == expect, (answer.code, answer.out, answer.err)
        return answer.json

    def confirm(self, asked: dict[str, Any], *, expect: int = 0) -> dict[str, Any]:
        """Confirm what `halo ask` or `halo modify` has shown."""
        return self.json("confirm", asked["draft_id"], "--hash", asked["draft_hash"], expect=expect)

    def ledger(self) -> list[dict[str, Any]]:
        """The vendors' own books."""
        entries: list[dict[str, Any]] = self.json("sim", "ledger")["entries"]
        return entries
