"""How often a flow makes the disk write down what it has: counted by strace on SQLite, and by PostgreSQL itself.

One run does some flows and another one twice as many: the difference is what the flows did, without the start and the end. The syncs of SQLite's
checkpoints are in it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from tests.bench.contestants import Contestant, turn
from tests.torture import postgres

#: The line of a table of strace: share, seconds, microseconds a call, calls, and errors where there were any.
_CALLED = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fsync|fdatasync)$", re.MULTILINE)


def missing() -> str | None:
    """Why nothing can be counted on SQLite."""
    return None if shutil.which("strace") else "no strace on this machine"


def on_sqlite(contestant: Contestant, place: Path, *, flows: int) -> float:
    """Syncs a flow, when one thread does them. Twice `flows` are done, so there must be that many to do."""
    once, twice = (_traced(contestant, place / str(count), count) for count in (flows, 2 * flows))
    return (twice - once) / flows


def _traced(contestant: Contestant, place: Path, flows: int) -> int:
    """How many syncs a child needs for all of a turn."""
    place.mkdir(parents=True)
    table = place / "strace"
    child = _forked(contestant, place / "turn", flows)
    options = ["-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(table)]
    with subprocess.Popen(["strace", "-p", str(child), *options], stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        os.kill(child, signal.SIGCONT if "attached" in attached else signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        tracer.stderr.read()
    if code:
        raise RuntimeError(f"the child that was counted ended with {code}: {attached}")
    return sum(int(calls) for calls in _CALLED.findall(table.read_text()))


def _forked(contestant: Contestant, place: Path, flows: int) -> int:
    """A child that does a turn, once it is told to go on."""
    child = os.fork()
    if child:
        os.waitpid(child, os.WUNTRACED)
        return child
    code = 1
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
        turn(contestant, place, flows=flows, threads=1)
        code = 0
    finally:
        os._exit(code)


def on_postgres(contestant: Contestant, place: Path, *, flows: int) -> float:
    """Syncs of the server's log a flow, when one thread does them. Twice `flows` are done."""
    import psycopg

    own = postgres.fresh_database()
    try:
        with psycopg.connect(own, autocommit=True) as watch:
            counts = []
            for count in (flows, 2 * flows):
                before = _log_syncs(watch)
                # A session tells the server what it did when it ends: at the latest when its database is dropped.
                turn(contestant, place / str(count), flows=count, threads=1)
                counts.append(_log_syncs(watch) - before)
    finally:
        postgres.drop_database(own)
    return (counts[1] - counts[0]) / flows


def _log_syncs(watch: object) -> int:
    is_new = watch.info.server_version >= 180_000  # type: ignore[attr-defined]
    view = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'" if is_new else "SELECT wal_sync FROM pg_stat_wal"
    return int(watch.execute(view).fetchone()[0])  # type: ignore[attr-defined]
