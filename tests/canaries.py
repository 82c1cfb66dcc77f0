"""Secrets that are planted, and the search for them in everything Halo has written or said: as they are, and in whatever form they could hide in."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

from halo_engine.model.webhook import webhook_key
from halo_engine.store.signer import signing_seed

#: Every secret that can be given as a setting; none of them has a shape that a redaction would know it by.
SETTINGS = {
    "amazon_client_secret": "canary-amazon-client-secret-7f31",
    "amazon_refresh_token": "canary-amazon-refresh-token-5b02",
    "zinc_api_key": "canary-zinc-api-key-90ae",
    "resy_api_key": "canary-resy-api-key-33cd",
    "resy_password": "canary/resy password+77=e1",
    "square_access_token": "canary-square-access-token-1d44",
    "subscriptions_api_key": "canary-subscriptions-api-key-c8f9",
    "openai_api_key": "canary-openai-api-key-2be6",
}
#: A number that Luhn's digit is right for, in somebody's own words.
CARD = "4539578763621486"

#: Whether a canary may be in a file, told by its path below the place that is searched.
May = Callable[[str, str], bool]
Canaries = Mapping[str, str | bytes]


@cache
def forms(secret: str | bytes) -> Mapping[str, bytes]:
    """What `secret` may look like, by the name of the form."""
    raw = secret.encode() if isinstance(secret, str) else secret
    # In the midst of a longer text base64 has three faces; what is certain of each is without its ends.
    faces = {f"base64+{before}": base64.b64encode(b"\0" * before + raw)[4 * (before > 0) : -4] for before in range(3)}
    anything = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "backwards": raw[::-1],
        **{name: face for name, face in faces.items() if len(face) >= 8},
    }
    if isinstance(secret, bytes):
        return anything
    return {
        **anything,
        "percent-encoded": quote(secret, safe="").encode(),
        "as a form": quote(secret, safe=" ").replace(" ", "+").encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }


def in_bytes(said: bytes, canaries: Canaries) -> list[str]:
    """Which canaries are in `said`, and in which form."""
    names = {form: f"{name} ({how})" for name, secret in canaries.items() for how, form in reversed([*forms(secret).items()])}
    # One pass, however many there are.
    return sorted({names[found] for found in _any_of(frozenset(names)).findall(said)})


@cache
def _any_of(spelt: frozenset[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, sorted(spelt, key=len, reverse=True))))


def in_files(place: Path, canaries: Canaries, may: May = lambda _name, _file: False) -> list[str]:
    """Every file below `place` that holds a canary which it may not, with the canary."""
    found = []
    for path in sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink()):
        file = str(path.relative_to(place))
        sought = {name: secret for name, secret in canaries.items() if secret and not may(name, file)}
        # A journal may be gone by now.
        with suppress(FileNotFoundError):
            found += [f"{file}: {hit}" for hit in in_bytes(path.read_bytes(), sought)] if sought else []
    return found


def keys(home: Path) -> Canaries:
    """What stands in the key files of a home, each of which may be nowhere else, by the name of its file; and what is derived to sign with."""
    own: Canaries = {path.name: path.read_text().strip() for path in home.glob("*.key")}
    try:
        secret = bytes.fromhex((home / "secret.key").read_text())
    except (OSError, ValueError):
        # A test has damaged it.
        return own
    derived = {"what the log is signed with": signing_seed(secret), "what webhooks are signed with": webhook_key(secret)}
    return {**own, "secret.key, as bytes": secret, **derived}


def in_its_own_file(name: str, file: str) -> bool:
    """A key may be in the file that it is named after."""
    return file.rpartition("/")[2] == name.partition(",")[0]


def environ(settings: Iterable[str] = SETTINGS) -> dict[str, str]:
    """The canaries as the environment gives them."""
    return {f"HALO_{name.upper()}": SETTINGS[name] for name in settings}


def leaks(home: Path, log: Path) -> list[str]:
    """Where the secrets of a home on the simulator are, and may not be: its keys, what it signs in with by default, and what vendors issued to it."""
    simulator = home / "simulator" / "world.db"
    issued: Canaries = {}
    if simulator.exists():
        with closing(sqlite3.connect(simulator)) as world:
            issued = {f"issued {number}": token for number, (token,) in enumerate(world.execute("SELECT token FROM tokens"))}
    defaults: Canaries = {"the client's secret": "halo-sim-secret", "the refresh token": "Atzr|halo-sim", "a key": "zn_test_halo_sim"}
    sought = {**defaults, **issued, **keys(home)}
    found = in_files(home, sought, lambda name, file: file.startswith("simulator/") or in_its_own_file(name, file))
    return [*found, *(in_bytes(log.read_bytes(), sought) if log.exists() else [])]
