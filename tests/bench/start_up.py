"""What a command costs to start, as a ratio to an interpreter that does nothing, measured in one run: `just bench`.

Byte code is compiled first: without it every start is two to three times slower. The order of the commands is turned round by round, so that a
machine that gets slower or faster meanwhile does so for all of them.
"""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9
ROOT = Path(__file__).parents[2]

COMMANDS: dict[str, tuple[str, ...]] = {
    "python -c pass": ("-c", "pass"),
    "halo --version": ("-m", "halo_cli", "--version"),
    "halo --help": ("-m", "halo_cli", "--help"),
    "halo activity": ("-m", "halo_cli", "activity"),
    "halo audit verify": ("-m", "halo_cli", "audit", "verify"),
    "halo parse": ("-m", "halo_cli", "parse", "order 2 packs of AA batteries"),
    "halo ask": ("-m", "halo_cli", "ask", "order 2 packs of AA batteries"),
}


def main() -> None:
    """Print one line a command: milliseconds (median) and the ratio to the bare interpreter."""
    for package in ("halo_cli", "halo_engine", "halo_sim", "cards"):
        compileall.compile_dir(ROOT / package, quiet=1)
    with tempfile.TemporaryDirectory() as home:
        _run(("-m", "halo_cli", "init"), home)
        times = _times(home)
    bare = statistics.median(times["python -c pass"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<20} {median * 1000:7.0f} ms   {median / bare:5.1f} x")


def _times(home: str) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    names = list(COMMANDS)
    for _ in range(ROUNDS):
        for name in names:
            start = time.perf_counter()
            _run(COMMANDS[name], home)
            times[name].append(time.perf_counter() - start)
        names = [*names[1:], names[0]]
    return times


def _run(words: tuple[str, ...], home: str) -> None:
    subprocess.run([sys.executable, *words], cwd=ROOT, env={"HALO_HOME": home, "PATH": ""}, capture_output=True, check=True)


if __name__ == "__main__":
    main()
