"""What calls cost a real `halo serve`: `just bench-server` (seconds of each kind, calls a second), or an hour's worth of them with `--hour`.

The load comes from a second process, at fixed times whether or not answers have come (an open loop), and each call's time counts from when it was to
be sent: a server that stalls cannot hide it by being asked less. Both share this machine's cores, so the load average is printed with the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.settings import load_settings
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import household_plan

#: This is about speed: nobody spends too much here, and nobody calls too often.
UNLIMITED = {
    "HALO_DAILY_SPENDING_LIMIT_CENTS": "99999999999",
    "HALO_HOUSEHOLD_DAILY_SPENDING_LIMIT_CENTS": "99999999999",
    "HALO_CALLS_PER_S": "100000",
    "HALO_CALLS_BURST": "100000",
    "HALO_STARTS_PER_MINUTE": "1000000",
    "HALO_DRAFT_LIVES_S": "86400",
}
TEXTS = ("order 2 packs of AA batteries", "order 3 packs of paper towels", "order a pack of AA batteries")
HOUR = 360_000


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What the second process is to do."""

    port: int
    token: str
    calls: tuple[Call, ...]
    per_s: float


@dataclass(frozen=True)
class Took:
    """Milliseconds of each call, statuses, and answers of those that made something."""

    ms: tuple[float, ...]
    statuses: Counter[int]
    answers: tuple[str, ...]


class Client:
    """One connection that stays open."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, call: Call, key: str) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = call.body.encode()
        headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{call.method} {call.path} HTTP/1.1\r\n{headers}\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        answer = await reader.readexactly(length)
        if "connection: close" in head:
            self._streams = None
        return int(head.split(" ", 2)[1]), answer


async def _run(load: Load) -> Took:
    idle: list[Client] = []
    ms, statuses, answers = list[float](), Counter[int](), list[str]()
    began, prefix = time.perf_counter() + 0.1, random.getrandbits(64)

    async def one(number: int, call: Call, due: float) -> None:
        client = idle.pop() if idle else Client(load.port, load.token)
        try:
            status, answer = await client.ask(call, f"bench-{prefix:x}-{number}")
        except (OSError, asyncio.IncompleteReadError):
            status, answer, client = 0, b"", Client(load.port, load.token)
        ms.append(1000 * (time.perf_counter() - due))
        statuses[status] += 1
        idle.append(client)
        if call.path.endswith("/create"):
            answers.append(answer.decode())

    async with asyncio.TaskGroup() as group:
        for number, call in enumerate(load.calls):
            due = began + number / load.per_s
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            group.create_task(one(number, call, due))
    return Took(tuple(ms), statuses, tuple(answers))


def run(load: Load) -> Took:
    """In the second process."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(load))


class Bench:
    """A server and who loads it."""

    def __init__(self, home: Path, loader: ProcessPoolExecutor) -> None:
        self._loader = loader
        environ = {**os.environ, **UNLIMITED}
        settings = load_settings(home=home, environ=UNLIMITED)
        world = World.open(settings.simulator_file, SystemClock())
        with Engine.open(settings, clock=SystemClock(), transport=SimTransport(world)) as engine:
            engine.found_household(household_plan())
            self._token = engine.devices.add("Bench", by=None).token.get_secret_value()
        command = [sys.executable, "-m", "halo_cli", "serve", "--port", "0", "--json", "--home", str(home)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ)
        assert self.process.stdout is not None
        self._port = int(json.loads(self.process.stdout.readline())["url"].rpartition(":")[2])

    def load(self, calls: Sequence[Call], per_s: float) -> Took:
        return self._loader.submit(run, Load(self._port, self._token, tuple(calls), per_s)).result()

    def drafts(self, number: int, per_s: float) -> list[dict[str, str]]:
        """Fresh ones, to be looked at or confirmed."""
        return [json.loads(answer) for answer in self.load(list(islice(creating(), number)), per_s).answers]

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def told(self, name: str, took: Took, before_mb: float) -> None:
        """One line of the table."""
        p50, p95, p99, longest = (quantile(took.ms, at) for at in (0.5, 0.95, 0.99, 1.0))
        bad = {status: count for status, count in took.statuses.items() if status != 200}
        figures = f"p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}  max {longest:7.1f} ms  {len(took.ms):6} calls  errors {bad or 0}"
        print(f"{name:>24}  {figures}  {before_mb:.0f} to {self.rss_mb():.0f} MB  load {os.getloadavg()[0]:.1f}", flush=True)


def quantile(values: Sequence[float], at: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(at * len(ordered)))]


def creating() -> Iterator[Call]:
    """For ever."""
    while True:
        for text in TEXTS:
            yield Call("POST", "/v1/draft/create", json.dumps({"text": text}))


def confirming(drafts: Sequence[dict[str, str]]) -> list[Call]:
    names = ("draft_id", "draft_hash")
    return [Call("POST", "/v1/draft/confirm", json.dumps({name: each[name] for name in names})) for each in drafts if each.get("draft_id")]


def table(bench: Bench, seconds: int, per_s: float) -> None:
    """Each kind for so long."""
    number = int(seconds * per_s)
    first = bench.drafts(20, 5)
    drafted = [each["draft_id"] for each in first]
    kinds = {
        "health": [Call("GET", "/healthz")],
        "a draft": [Call("GET", f"/v1/drafts/{each}") for each in drafted],
        "executions": [Call("GET", "/v1/executions?limit=50")],
        "a card": [Call("GET", f"/v1/cards/{each}") for each in drafted],
        "a card as HTML": [Call("GET", f"/v1/cards/{each}?format=html") for each in drafted],
        "words read": [Call("POST", "/v1/command/parse", json.dumps({"text": text})) for text in TEXTS],
    }
    bench.load(confirming(first), 5)
    for name, calls in kinds.items():
        before = bench.rss_mb()
        bench.told(name, bench.load([calls[at % len(calls)] for at in range(number)], per_s), before)
    before = bench.rss_mb()
    made = bench.load(list(islice(creating(), number)), per_s)
    bench.told("words read and drafted", made, before)
    before = bench.rss_mb()
    bench.told("a yes", bench.load(confirming([json.loads(answer) for answer in made.answers]), per_s), before)


def hour(bench: Bench, number: int, per_s: float) -> None:
    """A day's mixture: nine of ten only look."""
    drafted = [each["draft_id"] for each in bench.drafts(20, 5)]
    make = creating()
    for tenth in range(10):
        calls = [next(make) if at % 10 == 0 else Call("GET", f"/v1/drafts/{drafted[at % 20]}") for at in range(number // 10)]
        before = bench.rss_mb()
        bench.told(f"{10 * (tenth + 1)} %", bench.load(calls, per_s), before)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("seconds", nargs="?", type=int, default=10)
    told.add_argument("per_s", nargs="?", type=float, default=100)
    told.add_argument("--hour", nargs="?", type=int, const=HOUR, help="so many calls in ten parts, and the memory after each")
    asked = told.parse_args()
    with tempfile.TemporaryDirectory() as directory, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as loader:
        bench = Bench(Path(directory) / "home", loader)
        try:
            print(f"{asked.per_s:g} calls a second; what is quicker than it is asked for waits for nobody", flush=True)
            hour(bench, asked.hour, asked.per_s) if asked.hour else table(bench, asked.seconds, asked.per_s)
        finally:
            bench.process.terminate()
            bench.process.wait(timeout=120)


if __name__ == "__main__":
    main()
