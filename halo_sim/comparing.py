"""Where a recording and the simulator disagree: the same calls are made of a fresh world at the recorded times, and the answers compared.

A recording holds no secrets, so what the simulator hands out (a token, a hold) is put back into the calls that need it. What must differ
(scrubbed texts, and the times of another day) is compared by shape only; everything else is, by shape and then by value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from halo_engine.clock import FakeClock
from halo_sim import amazon, resy, square, subscriptions_state, zinc
from halo_sim.data import BUYER_EMAIL
from halo_sim.http import answer
from halo_sim.recording import Recording, Spoken
from halo_sim.scrubbing import SCRUBBED, scrub_json
from halo_sim.wire import FORM_TYPE, AnswerLost, Request
from halo_sim.world import World

#: Two worlds that began on two days differ in every one of these, and in nothing that matters.
_TIME = re.compile(r"\d{4}-\d\d-\d\d")

#: What the simulator checks the form of; other scrubbed texts only have to be there.
_PLAUSIBLE = {"emailAddress": BUYER_EMAIL, "postal_code": "94107", "phone_number": "+14155550100"}

#: By vendor and scheme.
_AUTHORIZATIONS = {
    ("resy", "ResyAPI"): f'ResyAPI api_key="{resy.API_KEY}"',
    ("square", "Bearer"): f"Bearer {square.ACCESS_TOKEN}",
    ("subscriptions", "Bearer"): subscriptions_state.BEARER,
    ("subscriptions", "Basic"): subscriptions_state.BASIC,
    ("zinc", "Bearer"): f"Bearer {zinc.API_KEY}",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where they disagree. `where` is a path into the answer, or `status`."""

    number: int
    call: str
    where: str
    kind: str
    recorded: str
    simulated: str


def differences(recording: Recording, place: Path) -> tuple[Difference, ...]:
    """Every disagreement, in order. `place` is an empty directory for the fresh world."""
    if not recording.spoken:
        return ()
    clock = FakeClock(recording.spoken[0].at)
    asking = _Asking(World.open(place / "world.db", clock))
    found: list[Difference] = []
    for number, spoken in enumerate(recording.spoken, start=1):
        clock.sleep_until(spoken.at)
        found += _compared(number, spoken, *asking.ask(spoken))
    return tuple(found)


@dataclass(slots=True)
class _Asking:
    """The caller: knows the simulator's published credentials, and what it was handed since."""

    world: World
    handed: dict[str, str] = field(default_factory=dict)

    def ask(self, spoken: Spoken) -> tuple[int, bytes]:
        """Status and body; status 0 where the connection broke."""
        vendor = spoken.target.split("/")[1]
        headers = {name: self._header(name, value, vendor) for name, value in spoken.headers} | {"user-agent": "halo"}
        request = Request.make(method=spoken.method, target=spoken.target, headers=headers, body=self._body(spoken))
        try:
            said = answer(self.world, request)
        except AnswerLost:
            return 0, b""
        self._remember(said.body)
        return said.status, said.body

    def _header(self, name: str, value: str, vendor: str) -> str:
        if not value.endswith(SCRUBBED):
            return value
        known = {
            "authorization": _AUTHORIZATIONS.get((vendor, value.removesuffix(f" {SCRUBBED}")), ""),
            "x-amz-access-token": self.handed.get("access_token", ""),
            "x-amz-user-email": BUYER_EMAIL,
            "x-resy-auth-token": self.handed.get("token", ""),
            "x-resy-universal-auth": self.handed.get("token", ""),
        }
        return known.get(name.lower(), "")

    def _body(self, spoken: Spoken) -> bytes:
        if spoken.kind.partition(";")[0] == FORM_TYPE:
            return urlencode([(name, self._field(name) if value == SCRUBBED else value) for name, value in parse_qsl(spoken.body)]).encode()
        body = spoken.body
        for name, value in _PLAUSIBLE.items():
            body = body.replace(f'"{name}":"{SCRUBBED}"', f'"{name}":"{value}"')
        return body.encode()

    def _field(self, name: str) -> str:
        known = {
            "client_id": amazon.CLIENT_ID,
            "client_secret": amazon.CLIENT_SECRET,
            "refresh_token": amazon.REFRESH_TOKEN,
            "email": BUYER_EMAIL,
            "password": resy.PASSWORD,
        }
        return known.get(name) or self.handed.get(name, SCRUBBED)

    def _remember(self, body: bytes) -> None:
        for name, value in _secrets(_parsed(body)):
            self.handed[name] = value


def _secrets(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in `value` under the name that a later call carries it by; of several, a list's first is the last to be said."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _secrets(member, name if key == "value" else key)
    elif isinstance(value, list):
        for member in reversed(value):
            yield from _secrets(member, name)
    elif isinstance(value, str) and not value.startswith("rgs://"):
        yield name, value


def _parsed(body: bytes | str) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        return body.decode("utf-8", "replace") if isinstance(body, bytes) else body


def _compared(number: int, spoken: Spoken, status: int, body: bytes) -> Iterator[Difference]:
    call = f"{spoken.method} {spoken.target.partition('?')[0]}"
    if status != spoken.status:
        yield Difference(number, call, "status", "value", str(spoken.status), str(status) if status else "no answer")
        return
    for where, kind, recorded, simulated in _unlike(_parsed(spoken.answer), scrub_json(_parsed(body)), ""):
        yield Difference(number, call, where or "the whole", kind, recorded, simulated)


def _unlike(recorded: Any, simulated: Any, where: str) -> Iterator[tuple[str, str, str, str]]:
    if isinstance(recorded, dict) and isinstance(simulated, dict):
        for name in [*recorded, *(name for name in simulated if name not in recorded)]:
            if name not in recorded or name not in simulated:
                yield f"{where}.{name}", "shape", _shape(recorded, name), _shape(simulated, name)
            else:
                yield from _unlike(recorded[name], simulated[name], f"{where}.{name}")
    elif isinstance(recorded, list) and isinstance(simulated, list):
        if len(recorded) != len(simulated):
            yield where, "value", f"{len(recorded)} of them", f"{len(simulated)} of them"
        for position, (one, other) in enumerate(zip(recorded, simulated, strict=False)):
            yield from _unlike(one, other, f"{where}[{position}]")
    elif _kind(recorded) != _kind(simulated):
        yield where, "shape", _kind(recorded), _kind(simulated)
    elif recorded != simulated and not (_is_time(recorded) and _is_time(simulated)):
        yield where, "value", str(recorded)[:80], str(simulated)[:80]


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.match(value) is not None


def _shape(value: dict[str, Any], name: str) -> str:
    return _kind(value[name]) if name in value else "absent"


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "boolean", int: "number", Decimal: "number"}
    return kinds.get(type(value), "null")
