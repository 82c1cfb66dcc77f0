"""What figures cost over a long log, step by step: `just bench-metrics`. Nothing is asserted: a speed belongs to a machine and a day.

Each round is a process of its own, which times its steps; what is printed is the best round, with the most memory any of them took. `direct` is
the log without anything sealed, `first` also seals it, `sealed` is every time from then on. `halo metrics` beside them is the whole command.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from halo_engine.clock import FakeClock
from halo_engine.metrics import Metrics, loading
from halo_engine.settings import Settings

#: After everything that the generator makes.
NOW = datetime(2036, 1, 1, 12, tzinfo=UTC)
QUERY = "SELECT vendor, count(*), sum(charged_cents) FROM executions GROUP BY 1"
STEPS = ("load", "report", "again, by verb", "series", "load + report", "MB")


def main(events: int, rounds: int) -> None:
    from tests.bench import big_home

    with tempfile.TemporaryDirectory(prefix="halo-bench-", dir="/var/tmp") as directory:
        home = Path(directory) / "home"
        made = big_home.make(home, events=events, seed=1)
        print(f"{made:,} events, {rounds} rounds, seconds; the target for a million is 0.5 s for load + report, sealed\n")
        table(home, rounds)


def table(home: Path, rounds: int) -> None:
    """Every road over the home in `home`."""
    print(f"{'':<16}" + "".join(f"{step:>16}" for step in STEPS))
    for road in ("direct", "first", "sealed"):
        found = [_round(home, road) for _ in range(rounds if road != "first" else 1)]
        best = [min(one[step] for one in found) if step != "MB" else max(one[step] for one in found) for step in STEPS]
        print(
            f"{road:<16}" + "".join(f"{cell:>16.3f}" if step != "MB" else f"{cell:>16.0f}" for step, cell in zip(STEPS, best, strict=True))
        )
    for name, arguments in (("halo metrics", ()), ("halo metrics --sql", ("--sql", QUERY))):
        print(f"{name:<20}{min(_command(home, *arguments) for _ in range(rounds)):>12.3f}")
    size = sum(path.stat().st_size for path in (home / "sealed").rglob("*.parquet"))
    print(f"sealed{size / 2**20:>25.0f} MiB")


def _round(home: Path, road: str) -> dict[str, float]:
    if road == "first":
        shutil.rmtree(home / "sealed", ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", __spec__.name, "--round", str(home), road], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def one_round(home: Path, road: str) -> dict[str, float]:
    """The steps, in this process."""
    if road == "direct":
        loading.SEAL_FROM = 10**12
        shutil.rmtree(home / "sealed", ignore_errors=True)
    times = [time.perf_counter()]
    with Metrics.open(Settings(home=home), clock=FakeClock(NOW)) as opened:
        _ = opened._views
        times.append(time.perf_counter())
        for ask in (opened.report, lambda: opened.report("verb"), opened.series):
            ask()
            times.append(time.perf_counter())
    steps = [after - before for before, after in pairwise(times)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return dict(zip(STEPS, [*steps, steps[0] + steps[1], memory], strict=True))


def _command(home: Path, *arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "halo_cli", "metrics", "--home", str(home), *arguments], capture_output=True, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    if sys.argv[1] == "--round":
        print(json.dumps(one_round(Path(sys.argv[2]), sys.argv[3])))
    elif sys.argv[1] == "--home":
        table(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
