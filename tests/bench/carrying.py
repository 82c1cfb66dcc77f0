"""What workers cost PostgreSQL and this machine: at rest, and while they work off a queue of confirmed orders. A part of `just bench-costs`."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO

from halo_engine.queries import Queries
from halo_engine.settings import Settings
from tests.installation import vendors_at
from tests.soak.scene import cpu_of
from tests.soak.watch import Watch

#: Until a worker has begun, and until a queue is worked off.
_PATIENCE_S = 120
_BEGINS_S = 5


def at_rest(settings: Settings, *, workers: int, seconds: int) -> tuple[str, ...]:
    """So many workers with nothing to do: cells of a table, each figure of one second."""
    with _working(settings, workers, {}) as pids:
        time.sleep(_BEGINS_S)
        watch, before, began = Watch(str(settings.database_address), ()), _cpu(pids), time.monotonic()
        time.sleep(seconds)
        watch.end()
        took, used = time.monotonic() - began, _cpu(pids) - before
    figures = (1000 * used / took, 1000 * watch.database_cpu_s / took, watch.counted["transactions"] / took)
    return (f"{workers} at rest, a second", *(f"{each:.0f}" for each in figures), str(watch.sessions - 1))


def carried(settings: Settings, *, workers: int, executions: int) -> tuple[str, ...]:
    """So many workers and as many executions as were confirmed before: cells of a table, each figure of one execution."""
    vendors = [sys.executable, "-m", "halo_cli", "sim", "serve", "--port", "0", "--json"]
    with _started(vendors, {"HALO_HOME": str(settings.home)}) as sim:
        assert sim.stdout is not None
        watch = Watch(str(settings.database_address), ())
        with _working(settings, workers, vendors_at(json.loads(_line(sim.stdout))["url"])) as pids:
            before, began = _cpu(pids), time.monotonic()
            _worked_off(settings)
            # Also what a worker does before it begins counts for the database, but it is little beside what follows.
            took, used = time.monotonic() - began, _cpu(pids) - before
            watch.end()
    figures = (1000 * used, 1000 * watch.database_cpu_s, watch.counted["transactions"])
    return (f"{workers} working off {executions}, each", *(f"{each / executions:.1f}" for each in figures), f"{executions / took:.1f}/s")


def _worked_off(settings: Settings) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with Queries.open(settings) as queries:
            if all(execution.is_final for execution in queries.executions(limit=1000)):
                return
        time.sleep(0.2)
    raise TimeoutError("the queue was not worked off")


def _cpu(pids: Sequence[int]) -> float:
    return sum(map(cpu_of, pids))


@contextmanager
def _working(settings: Settings, workers: int, environ: Mapping[str, str]) -> Iterator[list[int]]:
    """So many `halo worker`s that have begun."""
    given = {
        "HALO_HOME": str(settings.home),
        "HALO_DATABASE_URL": str(settings.database_address),
        "HALO_STARTS_PER_MINUTE": "1000000",
        **environ,
    }
    with ExitStack() as all_of_them:
        processes = [all_of_them.enter_context(_started([sys.executable, "-m", "halo_cli", "worker"], given)) for _ in range(workers)]
        for process in processes:
            assert process.stderr is not None
            said = _line(process.stderr)
            assert b"Working as" in said, said
        yield [process.pid for process in processes]


@contextmanager
def _started(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    is_worker = command[-1] == "worker"
    pipes = (
        {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        if is_worker
        else {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    )
    with subprocess.Popen(command, env={**os.environ, **environ}, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def _line(said: IO[bytes]) -> bytes:
    if not select.select([said], [], [], _PATIENCE_S)[0]:
        raise TimeoutError("a process did not begin")
    return said.readline()
