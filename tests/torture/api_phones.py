"""The family of the fixtures with a phone each, and calls as their app makes them."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halo_engine.clock import FakeClock
from tests.installation import NOON, Installation
from tests.torture.api import OFTEN, Answer, Served, bearing
from tests.torture.jobs import kept_place, reopen

#: The first is the owner, the last a child.
MEMBERS = ("Alex", "Sam", "Kim")


@functools.cache
def _furnished() -> tuple[Path, Mapping[str, str]]:
    """Made once a process, and closed, to be copied."""
    home = kept_place("halo-phones-") / "home"
    made = Installation.open(home, clock=FakeClock(NOON))
    tokens = {who: made.engine.devices.add("Phone", by=who).token.get_secret_value() for who in MEMBERS}
    made.engine.close()
    return home, tokens


def with_phones(place: Path, **settings: str) -> tuple[Installation, Mapping[str, str]]:
    """A household in `place` where nothing has happened yet, opened, and the token of each member's phone. The caller closes it."""
    home, tokens = _furnished()
    shutil.copytree(home, place / "home")
    return reopen(place / "home", FakeClock(NOON, seed=2), **(OFTEN | settings)), tokens


def post(there: Served, token: str, path: str, body: Mapping[str, Any] | None, *, key: str) -> Answer:
    """One act under a key; `path` may begin with another method than POST."""
    method, _, where = path.rpartition(" ")
    return there.call(method or "POST", where, bearing(token, idempotency_key=key), encoded(body))


def get(there: Served, token: str, path: str) -> Answer:
    return there.call("GET", path, bearing(token))


def encoded(body: Mapping[str, Any] | None) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def code_of(answer: Answer) -> str:
    """`ok`, or the code of the problem."""
    return "ok" if answer.status < 300 else str(answer.json()["code"])
