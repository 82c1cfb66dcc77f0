"""What a long log costs: verify, metrics, checkpoint, prove, export and the dashboard over a home of years. `just bench-audit`.

Every figure is of a process of its own. Beside them run two that do the least there is to do: read every row with SQLite and hash it once, and ask
DuckDB over one file of Parquet. Everybody has a turn in every round; what is printed is the best turn, and the ratio of two turns of one round.
Nothing is asserted: a speed belongs to a machine and a day, and only ratios travel. What is not there yet is left out, and said so.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from halo_engine.store import sqlite
from tests.bench import big_home

ROOT = Path(__file__).parents[2]
#: On disk everywhere; /tmp is in memory on many machines.
_PLACE = "/var/tmp"
_LOOK_S = 0.02
_HALO = ("-m", "halo_cli")
_INSIDE = ("-m", "tests.bench.audit_inside")
_MIB = 2**20


class Missing(Exception):
    """There is no such command, or it has nothing to work on."""


@dataclass(frozen=True)
class Turn:
    """What one process took. `peak` is the most memory that it and its children had at one time, in bytes."""

    wall_s: float
    cpu_s: float = 0.0
    peak: int = 0


@dataclass
class Entry:
    """One line of the table: what is run, what is meant by it, and how its turns went."""

    name: str
    words: tuple[str, ...]
    #: Seconds, as the design wants them at a million events; 0 where it says nothing.
    meant_s: float = 0.0
    #: What it says of itself instead of the whole process: a key of what it prints.
    tells: str = ""
    against: str = "sqlite"
    #: Removed before each turn.
    fresh: Path | None = None
    turns: list[Turn] = field(default_factory=list)
    why_not: str = ""

    @property
    def best(self) -> Turn:
        return min(self.turns, key=lambda turn: turn.wall_s)


@dataclass
class Table:
    """A home, and everything that is measured in it."""

    home: Path
    files: Path
    entries: list[Entry]

    @classmethod
    def of(cls, home: Path, files: Path) -> Table:
        parquet = files / "log.parquet"
        halo = (*_HALO, "audit")

        def inside(what: str, *more: str) -> tuple[str, ...]:
            return (*_INSIDE, what, str(home), *more)

        entries = [
            Entry("every row read and hashed once, bare", inside("bare_sqlite"), tells="s"),
            Entry("halo audit verify", (*halo, "verify"), meant_s=10),
            Entry("  the call inside", inside("verify"), meant_s=10, tells="s"),
            Entry("halo audit checkpoint", (*halo, "checkpoint", "--out", str(files / "checkpoint"))),
            Entry("halo audit prove", (*halo, "prove", _receipt(home), "--out", str(files / "proof.json"))),
            *(
                Entry(f"halo audit export, {form}", (*halo, "export", "--format", form, "--out", str(files / f"log.{form}")))
                for form in ("ndjson", "csv", "parquet")
            ),
            Entry("one question to DuckDB over Parquet, bare", inside("bare_duckdb", str(parquet)), tells="s", against="duckdb"),
            Entry("halo metrics, the first time", (*_HALO, "metrics"), against="duckdb", fresh=home / "sealed"),
            Entry("halo metrics, from then on", (*_HALO, "metrics"), meant_s=0.5, against="duckdb"),
            Entry("  the call inside", inside("metrics"), meant_s=0.5, tells="s", against="duckdb"),
            Entry("a page of the log, p50", inside("pages"), tells="s"),
            Entry("a page of the log, p95", inside("pages"), tells="p95_s"),
        ]
        return cls(home, files, entries)

    def measure(self, rounds: int) -> None:
        for number in range(rounds):
            for entry in self.entries:
                _say(f"round {number + 1} of {rounds}: {entry.name.strip()}")
                if not entry.why_not:
                    self._turn(entry)

    def _turn(self, entry: Entry) -> None:
        if entry.fresh:
            shutil.rmtree(entry.fresh, ignore_errors=True)
        for old in self.files.iterdir() if "--out" in entry.words else ():
            if str(old) in entry.words:
                old.unlink()
        try:
            turn, out = run(entry.words, self.home)
            entry.turns.append(Turn(float(json.loads(out)[entry.tells]), turn.cpu_s, turn.peak) if entry.tells else turn)
        except Missing as error:
            entry.why_not = str(error)

    def bare(self, entry: Entry) -> Entry:
        """What it is held against."""
        return next(each for each in self.entries if each.words[2:3] == (f"bare_{entry.against}",))


def main() -> None:
    """Measure and print."""
    options = _options()
    for package in ("halo_cli", "halo_engine", "halo_sim", "cards", "tests/bench"):
        compileall.compile_dir(ROOT / package, quiet=1)
    place = Path(tempfile.mkdtemp(prefix="halo-bench-", dir=_PLACE))
    try:
        home = options.home or place / "home"
        if options.home is None:
            _say(f"living through {options.events:,} events")
            big_home.make(home, events=options.events, seed=options.seed)
        (place / "files").mkdir()
        table = Table.of(home, place / "files")
        print("\n".join(_heading(home, options)))
        table.measure(options.rounds)
        print("\n".join(_lines(table)))
        print("\n".join(_dashboard(home, options.rounds)))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-audit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000, help="how long the log is (1000000)")
    parser.add_argument("rounds", nargs="?", type=int, default=3, help="rounds (3)")
    parser.add_argument("seed", nargs="?", type=int, default=1, help="of the home (1)")
    parser.add_argument("--home", type=Path, help="one that `big_home` made before, instead of a new one")
    options = parser.parse_args()
    if options.events < 1000 or options.rounds < 1:
        parser.error("at least a thousand events and one round")
    return options


# Measuring.


def run(words: Sequence[str], home: Path) -> tuple[Turn, str]:
    """Python with `words`: what it took, and what it said. Raises `Missing` where that cannot be measured."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([sys.executable, *words], stdout=out, stderr=err, cwd=ROOT, env=_environ(home))
        status, usage, most = 0, None, 0
        while usage is None:
            most = max(most, _resident(process.pid))
            pid, status, found = os.wait4(process.pid, os.WNOHANG)
            if pid:
                usage = found
            else:
                time.sleep(_LOOK_S)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if process.returncode != 0:
            raise Missing((err.read().strip().splitlines() or ["no reason given"])[-1][:90])
        return Turn(wall_s, usage.ru_utime + usage.ru_stime, max(most, usage.ru_maxrss * 1024)), out.read()


def _environ(home: Path) -> dict[str, str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("HALO_", "PYTHON"))}
    return {**base, "HALO_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "120"}


def _resident(pid: int) -> int:
    """The memory of a process and all it has started, in bytes, where the system tells."""
    pages = 0
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pages += _resident(int(child))
    return pages


def _receipt(home: Path) -> str:
    with closing(sqlite.connect_read_only(home / "halo.db")) as connection:
        # In the middle of the years.
        (count,) = connection.execute("SELECT COUNT(*) FROM receipt_artifact").fetchone()
        (found,) = connection.execute("SELECT id FROM receipt_artifact ORDER BY id LIMIT 1 OFFSET ?", (count // 2,)).fetchone()
        return str(found)


# Printing.


def _heading(home: Path, options: argparse.Namespace) -> Iterator[str]:
    with closing(sqlite.connect_read_only(home / "halo.db")) as connection:
        (events,) = connection.execute("SELECT COUNT(*) FROM event_log").fetchone()
    size = (home / "halo.db").stat().st_size / _MIB
    yield f"A household of {big_home.YEARS} years: {events:,} events, {size:,.0f} MiB; best of {options.rounds}, everybody in a process of its own."
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores{load}"
    yield " · ".join([machine, f"Python {platform.python_version()}", f"SQLite {sqlite.driver.sqlite_version}"])
    yield "Meant at a million: verify 10 s, metrics 0.5 s, first paint 1 s, at most 400 MiB."


def _lines(table: Table) -> Iterator[str]:
    yield f"{'':<46}{'s':>9}{'x bare':>9}{'CPU s':>9}{'MiB':>7}{'meant s':>9}"
    for entry in table.entries:
        if not entry.turns:
            yield f"{entry.name:<46}{'not there: ' + entry.why_not}"
            continue
        best, bare = entry.best, table.bare(entry)
        ratio = median(one.wall_s / other.wall_s for one, other in zip(entry.turns, bare.turns, strict=False)) if bare.turns else 0.0
        beside = f"{ratio:>9.2f}" if bare is not entry and bare.turns and not entry.name.startswith("a page") else f"{'-':>9}"
        meant = f"{entry.meant_s:>9.1f}" if entry.meant_s else ""
        yield f"{entry.name:<46}{best.wall_s:>9.3f}{beside}{best.cpu_s:>9.2f}{best.peak / _MIB:>7.0f}{meant}"


def _dashboard(home: Path, rounds: int) -> Iterator[str]:
    try:
        from tests.bench.dashboard import look
    except ImportError as error:
        yield f"halo tui is not measured: {error}."
        return
    looks = []
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}: halo tui")
        try:
            looks.append(look([sys.executable, *_HALO, "tui"], _environ(home)))
        except TimeoutError as error:
            yield f"halo tui: {error}"
            return
    peak = min(bytes_ for _, bytes_ in looks) / _MIB
    for key, name, meant in (
        ("inbox", "halo tui, from its start to the inbox", f"{1:>9.1f}"),
        ("log", "  from the key to the log", ""),
        ("p50", "  from Page Up to the page, p50", ""),
        ("p95", "  from Page Up to the page, p95", ""),
    ):
        cpu_s = f"{min(taken['cpu'] for taken, _ in looks):>9.2f}" if key == "inbox" else f"{'':>9}"
        yield f"{name:<46}{min(taken[key] for taken, _ in looks):>9.3f}{'-':>9}{cpu_s}{peak:>7.0f}{meant}"


def _say(what: str) -> None:
    """What is measured now, for a person who waits."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
