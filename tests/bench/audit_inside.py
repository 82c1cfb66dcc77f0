"""What `audit` runs in processes of its own: the bare work beside which Halo's is held, and Halo's calls without the start of a command.

python -m tests.bench.audit_inside WHAT HOME [FILE]; prints one JSON object with seconds in it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter

from halo_engine.settings import Settings, load_settings

_PAGES, _ROWS = 400, 64


def bare_sqlite(settings: Settings, _: str) -> Mapping[str, float]:
    """Every row of the log read once in order, and hashed as it is."""
    from halo_engine.store import sqlite

    connection = sqlite.connect_read_only(settings.database_file)
    connection.row_factory = None
    began = perf_counter()
    for row in connection.execute("SELECT * FROM event_log ORDER BY household_id, seq"):
        hashlib.sha256(repr(row).encode()).digest()
    return {"s": perf_counter() - began}


def bare_duckdb(_: Settings, parquet: str) -> Mapping[str, float]:
    """Events by kind and month, out of one file of Parquet."""
    import duckdb

    began = perf_counter()
    connection = duckdb.connect()
    connection.execute(
        "SELECT event_type, substr(CAST(created_at AS VARCHAR), 1, 7) AS month, count(*), max(length(payload)) FROM read_parquet(?) GROUP BY ALL",
        [parquet],
    ).fetchall()
    return {"s": perf_counter() - began}


def verify(settings: Settings, _: str) -> Mapping[str, float]:
    """The call that the command makes."""
    from halo_engine.audit import Audit

    with Audit.open(settings) as audit:
        began = perf_counter()
        found = audit.verify()
        taken = perf_counter() - began
    if not found.ok:
        raise ValueError(found.problems[0])
    return {"s": taken}


def metrics(settings: Settings, _: str) -> Mapping[str, float]:
    """The report, from opening the books on; the days that are over are sealed already."""
    from halo_engine.metrics import Metrics

    began = perf_counter()
    with Metrics.open(settings) as opened:
        opened.report()
    return {"s": perf_counter() - began}


def pages(settings: Settings, _: str) -> Mapping[str, float]:
    """One page of the log after another, at places far from each other."""
    from halo_engine.trail import Trail

    chance, taken = Random(1), []
    with Trail.open(settings) as trail:
        head = trail.head()
        for _page in range(_PAGES):
            low = chance.randrange(1, max(2, head - _ROWS))
            began = perf_counter()
            trail.between(low, low + _ROWS - 1)
            taken.append(perf_counter() - began)
    cuts = quantiles(taken, n=20)
    return {"s": cuts[9], "p95_s": cuts[18], "worst_s": max(taken)}


_ALL: tuple[Callable[[Settings, str], Mapping[str, float]], ...] = (bare_sqlite, bare_duckdb, verify, metrics, pages)


def main(what: str, home: str, file: str = "") -> None:
    """Do `what` in `home`."""
    (call,) = [each for each in _ALL if each.__name__ == what]
    print(json.dumps(dict(call(load_settings(home=Path(home), environ={}), file))))


if __name__ == "__main__":
    main(*sys.argv[1:])
