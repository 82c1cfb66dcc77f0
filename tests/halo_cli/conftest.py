"""A home of its own for each test, and `halo` inside this process: quick, and everything but the process itself is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from halo_cli.main import run
from tests.blank import put_books


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Halo = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HALO_HOME", "HALO_VENDORS", "HALO_PARSER", "HALO_DRAFT_LIVES_S", "HALO_RETRY_WAITS_S", "HALO_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    # Whatever forgets --home lands here and not in somebody's books.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def halo(home: Path, capsys: pytest.CaptureFixture[str]) -> Halo:
    """`halo(*arguments)` in `home`."""

    def ran(*arguments: str) -> Ran:
        if arguments[0] in FOUNDING:
            put_books(home / "halo.db")
        capsys.readouterr()
        code = run(
            [*arguments[:1], "--home", str(home), *arguments[1:]] if arguments[0] not in GROUPS else [*arguments, "--home", str(home)]
        )
        printed = capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)

    return ran


#: They would migrate an empty place first. In `test_process.py` they do.
FOUNDING = frozenset({"init", "ask"})
GROUPS = frozenset({"draft", "bridge", "usual", "members", "audit", "devices", "webhooks", "fixtures", "sim"})
