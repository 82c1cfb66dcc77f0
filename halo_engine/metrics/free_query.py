"""Free queries over the views: one statement that only reads, in a process that can reach nothing but copies of the views in its memory.

What holds it, each by itself:
  (1) DuckDB's own parser says that it is one statement, and a SELECT;
  (2) the data stands in tables in memory, and then DuckDB's access to anything outside is off: no file, no network, no extension, no other database;
  (3) its configuration is locked, so that (2) cannot be taken back;
  (4) the database is made for this one query and thrown away after it, so that nothing a query could do reaches the next, or the log;
  (5) it runs in a process of its own (`query_process`), from which the system takes the right to open or write any file, and memory past a bound.
      DuckDB's own bound does not count what a text function makes, and a function is not interrupted half-way;
  (6) that process is ended when its time is over, and what it answers is bounded in rows and characters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from halo_engine.clock import Clock
from halo_engine.metrics.values import QueryResult
from halo_engine.model.errors import HaloError, InvalidInput, QueryStopped, StoreFailed
from halo_engine.model.text import inert
from halo_engine.settings import Settings

#: Rows, unless told otherwise; and the most there can be.
LIMIT, MAX_LIMIT = 1000, 100_000
MAX_QUERY_CHARS = 20_000
#: A person waits for it. Reading the log comes before it and has its own bound.
TIMEOUT_S, LOADING_S = 10, 60

HINT = "The views and their columns are in docs/metrics.md."


def ask(settings: Settings, clock: Clock, query: str, *, limit: int, timeout_s: int = TIMEOUT_S) -> QueryResult:
    """The first `limit` rows. Raises `InvalidInput` for what is not one readable SELECT, `QueryStopped` for one that takes too much."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"A query answers 1 to {MAX_LIMIT:,} rows.")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidInput(f"The query is longer than {MAX_QUERY_CHARS:,} characters.", hint=HINT)
    job = {
        "query": query,
        "limit": limit,
        "timeout_s": timeout_s,
        "now": clock.now().isoformat(),
        "home": str(settings.home),
        "database_url": settings.database_address,
    }
    return _answer(_run(json.dumps(job), timeout_s + LOADING_S))


def _run(job: str, timeout_s: int) -> str:
    """What the process says. On its standard input, because the books' address may hold a password."""
    command = [sys.executable, "-m", "halo_engine.metrics.query_process"]
    # Few arenas: each would reserve memory that the bound counts.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, input=job, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout_s, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise QueryStopped("The query took too long and was stopped.", hint=_SMALLER) from None
    if done.returncode != 0:
        # The system ended it, or it could not even say what happened.
        raise QueryStopped("The query took more time or memory than it may and was stopped.", hint=_SMALLER)
    return done.stdout


_SMALLER = "Ask for less: fewer rows, a shorter time, a join with a condition."


def _answer(said: str) -> QueryResult:
    told: dict[str, Any] = json.loads(said)
    if "error" not in told:
        return QueryResult.model_validate(told)
    raise _ERRORS[told["error"]](inert(told["message"], max_chars=600), hint=told.get("hint", HINT))


_ERRORS: dict[str, type[HaloError]] = {"invalid": InvalidInput, "stopped": QueryStopped, "store": StoreFailed}
