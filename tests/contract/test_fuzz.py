"""The server under fire: mutated requests over raw sockets. Never a 5xx without a fault, never a dead server.

A few thousand requests by default, or `HALO_FUZZ_REQUESTS`; `HALO_FUZZ_SEED` replays a day. A failure prints both.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from random import Random
from urllib.parse import quote

import httpx
import pytest

from halo_sim import amazon
from halo_sim.http import VENDORS, serving
from halo_sim.recording import read
from halo_sim.scrubbing import SCRUBBED
from halo_sim.world import World
from tests.contract.compose import file_of
from tests.contract.conversations import VISITS

REQUESTS = int(os.environ.get("HALO_FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("HALO_FUZZ_SEED", "1"))

#: What has broken parsers before.
NASTY = (
    b"\x00",
    b"\xff\xfe",
    b"%00",
    b"%",
    b"..",
    b"//",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 400,
    b"\\ud800",
    b"{}",
    b"[",
    b'"',
    b"\r\n",
    b"null",
    b"true",
)


def seeds() -> list[bytes]:
    """Well-formed requests to start from: every recorded one, and one to each route."""
    found = [
        _raw(one.method, one.target, dict(one.headers), one.body.encode()) for vendor in VISITS for one in read(file_of(vendor)).spoken
    ]
    for vendor in VENDORS.values():
        found += [
            _raw(route.method, f"/{vendor.name}{route.pattern.replace('{', '').replace('}', '')}", {}, b"") for route in vendor.routes
        ]
    return found


def _raw(method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    told = {**headers, "host": "sim", "user-agent": "fuzz", "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {quote(target, safe='/?&=%:,.-')} HTTP/1.1\r\n{head}\r\n".encode() + body


def mutants(random: Random) -> Iterator[bytes]:
    """Endless variations: bytes flipped, cut, repeated, spliced from another request, or nasty ones put in."""
    corpus = seeds()
    while True:
        one = bytearray(random.choice(corpus))
        for _ in range(random.randint(0, 4)):
            place = random.randrange(len(one) + 1)
            match random.randrange(5):
                case 0:
                    one[place : place + 1] = bytes([random.randrange(256)])
                case 1:
                    del one[place : place + random.randint(1, 30)]
                case 2:
                    one[place:place] = one[place : place + random.randint(1, 40)] * random.randint(1, 3)
                case 3:
                    other = random.choice(corpus)
                    one[place:] = other[random.randrange(len(other)) :]
                case _:
                    one[place:place] = random.choice(NASTY)
        yield bytes(one)


def fire(host: str, port: int, shot: bytes) -> bytes:
    """The head of what came back; empty where the server hung up or waited for more."""
    with socket.create_connection((host, port), timeout=5) as connection:
        try:
            connection.sendall(shot)
            # No more will come: whoever promised a longer body gets no time to think about it.
            connection.shutdown(socket.SHUT_WR)
            said = connection.recv(4096)
            # The head and the body are written apart.
            return said + (connection.recv(4096) if said.endswith(b"\r\n\r\n") else b"")
        except ConnectionError:
            return b""


def test_the_server_survives_its_own_routes(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever comes in, what goes out is 2xx to 4xx, or nothing; and afterwards it still sells batteries."""
    random = Random(SEED)
    with serving(world) as url:
        _sign_in(world)
        host, port = url.removeprefix("http://").split(":")
        for number, shot in zip(range(REQUESTS), mutants(random), strict=False):
            said = fire(host, int(port), shot)
            status = said.split()[1:2]
            if status and status[0].startswith(b"5") and status[0] not in (b"501", b"505") and not _is_deliberate(shot, said):
                pytest.fail(f"HALO_FUZZ_SEED={SEED}, request {number}: {said[:80]!r} to {shot[:400]!r}")
        form = {
            "grant_type": "refresh_token",
            "refresh_token": amazon.REFRESH_TOKEN,
            "client_id": amazon.CLIENT_ID,
            "client_secret": amazon.CLIENT_SECRET,
        }
        assert httpx.post(f"{url}/lwa/auth/o2/token", data=form, trust_env=False).status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def _sign_in(world: World) -> None:
    """The recorded requests carry the word `scrubbed` for a token: here it is one, so that they get past the door."""
    with world.transaction() as tx:
        for vendor in ("amazon", "resy"):
            tx.run("INSERT OR IGNORE INTO tokens VALUES (?, ?, '2099-01-01T00:00:00.000000Z')", SCRUBBED, vendor)


def _is_deliberate(shot: bytes, said: bytes) -> bool:
    """Resy's own 500 to whoever names no User-Agent, which a broken header line before it hides. A crash would have said nothing at all."""
    return b"resy" in shot and b'"code":500' in said
