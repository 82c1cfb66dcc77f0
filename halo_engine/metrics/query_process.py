"""The process in which one free query runs (`free_query`): job in on stdin, answer out on stdout, both JSON. It lives for that query alone."""

from __future__ import annotations

import json
import math
import os
import re
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from halo_engine.clock import FakeClock
from halo_engine.metrics.connecting import connect, lock
from halo_engine.metrics.loading import Books
from halo_engine.metrics.views import WHOLE_LOG
from halo_engine.model.errors import HaloError
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Of one cell, and of everything in an answer.
MAX_CELL_CHARS, MAX_CHARS = 2000, 8_000_000
#: What a query may take beside the views themselves.
_MEMORY_BYTES = 1 << 30
#: A function that does not look whether it was interrupted is ended this long after.
_GRACE_S = 3
_FETCHED = 256


def main() -> None:
    """Answer the job. What the system ends half-way answers nothing, and the parent says so."""
    job = json.load(sys.stdin)
    try:
        told = _answered(job)
    except HaloError as error:
        told = {"error": "store", "message": error.message, "hint": error.hint}
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    # Threads of a library that hang must not keep the answer.
    os._exit(0)


def _answered(job: dict[str, Any]) -> dict[str, Any]:
    url = SecretStr(job["database_url"]) if job["database_url"] else None
    settings = Settings(home=Path(job["home"]), database_url=url)
    clock = FakeClock(datetime.fromisoformat(job["now"]))
    with closing(connect()) as connection:
        if refused := refusal(connection, job["query"]):
            return _error("invalid", refused)
        named = {word.lower() for word in re.findall(r"\w+", job["query"])}
        Books.open(settings, clock).load(connection, whole_log=[view for view in WHOLE_LOG if view.name in named])
        lock(connection)
        _give_up_rights()
        with _bounded(connection, job["timeout_s"]):
            return _run(connection, job["query"], job["limit"])


def refusal(connection: DuckDBPyConnection, query: str) -> str | None:
    """Why this is not one statement that only reads; None where it is."""
    from duckdb import Error, StatementType

    try:
        statements = connection.extract_statements(query)
    except (Error, UnicodeError) as error:
        return f"The query cannot be read: {_first_line(error)}"
    if len(statements) != 1:
        return f"A query is one statement; this is {len(statements)}."
    if statements[0].type != StatementType.SELECT:
        return f"A query can only read, with SELECT; this is {statements[0].type.name.replace('_', ' ')}."
    return None


def _run(connection: DuckDBPyConnection, query: str, limit: int) -> dict[str, Any]:
    from duckdb import Error, InterruptException, OutOfMemoryException

    try:
        connection.execute(query)
        described = connection.description
        rows, truncated = _rows(connection, limit)
    except InterruptException:
        return _error("stopped", "The query took too long and was stopped.", hint=_SMALLER)
    except (OutOfMemoryException, MemoryError):
        return _error("stopped", "The query took more memory than it may and was stopped.", hint=_SMALLER)
    except Error as error:
        return _error("invalid", f"The query cannot be answered: {_first_line(error)}")
    columns, types = [str(column[0]) for column in described], [str(column[1]) for column in described]
    return {"columns": columns, "types": types, "rows": rows, "truncated": truncated}


_SMALLER = "Ask for less: fewer rows, a shorter time, a join with a condition."


def _rows(connection: DuckDBPyConnection, limit: int) -> tuple[list[list[Any]], bool]:
    """Up to `limit` rows, and whether there was more: rows, or characters in a cell or in all of them."""
    rows: list[list[Any]] = []
    chars, is_cut = 0, False
    while fetched := connection.fetchmany(min(_FETCHED, limit + 1 - len(rows))):
        for row in fetched:
            if len(rows) == limit or chars > MAX_CHARS:
                return rows, True
            cells = [_cell(value) for value in row]
            for position, cell in enumerate(cells):
                if isinstance(cell, str):
                    is_cut = is_cut or len(cell) > MAX_CELL_CHARS
                    cells[position] = cell[:MAX_CELL_CHARS]
                    chars += len(cells[position])
            chars += 8 * len(cells)
            rows.append(cells)
    return rows, is_cut


def _cell(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"
        case date() | time():
            return value.isoformat()
        case _:
            # One half of a pair of surrogates cannot be written.
            return str(value).encode("utf-8", "replace").decode()


def _error(kind: str, message: str, **more: str) -> dict[str, Any]:
    return {"error": kind, "message": message, **more}


def _first_line(error: Exception) -> str:
    """What DuckDB says, without the picture of the query that follows."""
    return str(error).strip().split("\n", 1)[0]


def _give_up_rights() -> None:
    """From here on this process opens no file and no socket, writes none, starts nothing, and takes no more than so much memory."""
    _set(resource.RLIMIT_NOFILE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_CORE, 0)
    if taken := _address_space():
        _set(resource.RLIMIT_AS, taken + _MEMORY_BYTES)


def _set(what: int, value: int) -> None:
    resource.setrlimit(what, (value, value))


def _address_space() -> int | None:
    """In bytes; None on a system that neither tells nor bounds it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()


@contextmanager
def _bounded(connection: DuckDBPyConnection, timeout_s: int) -> Iterator[None]:
    """Interrupted when the time is over; and where that is not heard, ended by the system."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(timeout_s + _GRACE_S)
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.alarm(0)


if __name__ == "__main__":
    main()
