"""R-09: PostgreSQL ends a transaction, or itself, at any statement of an execution.

The errors are the server's own: at the chosen statement it is asked to raise the SQLSTATE, so that the transaction really is aborted; a connection
is really terminated; the postmaster really is shut down at once and started again. Only the lost word of a commit that went through is made here:
the server commits, and then its connection is gone.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from halo_engine.clock import FakeClock
from halo_engine.model.errors import HaloError, StoreFailed
from tests.installation import Installation
from tests.torture import postgres
from tests.torture.forking import SOON
from tests.torture.harness import Kind, Problem, Row
from tests.torture.jobs import JOBS, reopen
from tests.torture.recovery import interleaved, recovered

_SQLSTATES = {"serialization": "40001", "deadlock": "40P01"}
_KINDS = (*_SQLSTATES, "dropped", "unheard", "restart")


@dataclass
class _Trouble:
    """Counts the statements and commits that the books make, and strikes the chosen one, once."""

    kind: str = ""
    at: int = 0
    url: str = ""
    statements: int = 0
    commits: int = 0
    struck: bool = field(default=False)

    def statement(self, connection: psycopg.Connection[Any], strike: Any) -> None:
        """A statement is about to be sent; `strike` sends another one in its place."""
        self.statements += 1
        if self.kind == "unheard" or self.statements != self.at:
            return
        self.struck = True
        if state := _SQLSTATES.get(self.kind):
            strike(f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$")
        elif self.kind == "dropped":
            _terminate(self.url, connection)
        elif self.kind == "restart":
            postgres.restart()

    def committed(self, connection: psycopg.Connection[Any]) -> None:
        """The server has committed; whether anybody hears of it is another matter."""
        self.commits += 1
        if self.kind == "unheard" and self.commits == self.at:
            self.struck = True
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")


def _terminate(url: str, connection: psycopg.Connection[Any]) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))


def _suffer(engine: Engine, trouble: _Trouble) -> None:
    """Every connection that `engine` makes from here on is in for `trouble`."""

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            trouble.statement(self.connection, super().execute)
            return super().execute(*args, **kwargs)

    class Connection(psycopg.Connection[Any]):
        def commit(self) -> None:
            super().commit()
            trouble.committed(self)

    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Connection:
        return Connection.connect(*arguments, **options, cursor_factory=Cursor)

    engine.dispose()
    event.listen(engine, "do_connect", connect)


@dataclass(frozen=True)
class _Template:
    """A job confirmed in a database to which nobody is connected, and the home beside it."""

    home: Path
    url: str
    execution_id: str


@functools.cache
def _confirmed(job: str) -> _Template:
    home = Path(tempfile.mkdtemp(prefix=f"halo-pg-{job}-")) / "home"
    url = postgres.fresh_database()
    installation = Installation.open(home, clock=FakeClock(SOON), merchant="zinc" if job == "zinc" else "amazon", database_url=url)
    execution = installation.confirm(installation.ask(JOBS[job]))
    installation.engine.close()
    return _Template(home, url, execution.id)


def _carried_out(job: str, place: Path, trouble: _Trouble, url: str) -> BaseException | None:
    """What came out of carrying the job out in trouble, None where nothing did."""
    template = _confirmed(job)
    home = reopen(place / "home", FakeClock(SOON, seed=2), database_url=url)
    trouble.url = url
    _suffer(home.engine._store._engine, trouble)
    try:
        home.engine.execute(template.execution_id, wait_s=600)
    except Exception as error:  # noqa: BLE001 - whatever comes out is looked at
        return error
    finally:
        home.engine.close()
    return None


@functools.cache
def _statements(job: str) -> tuple[int, int]:
    """How many statements an undisturbed execution makes, and how many commits."""
    trouble = _Trouble()
    template = _confirmed(job)
    url = postgres.fresh_database(like=template.url)
    with tempfile.TemporaryDirectory(prefix="halo-counted-") as place:
        shutil.copytree(template.home, Path(place) / "home")
        _carried_out(job, Path(place), trouble, url)
    postgres.drop_database(url)
    return trouble.statements, trouble.commits


def _points(random: Random) -> Iterator[str]:
    groups = {}
    for job in JOBS:
        statements, commits = _statements(job)
        for kind in _KINDS:
            count = commits if kind == "unheard" else statements
            groups[f"{job}-{kind}"] = [f"{job}-{kind}-{at + 1}" for at in range(count)]
    yield from interleaved(random, groups)


def _strike(point: str, place: Path) -> Iterator[Problem]:
    job, kind, at = point.split("-")
    template = _confirmed(job)
    url = postgres.fresh_database(like=template.url)
    try:
        shutil.copytree(template.home, place / "home")
        error = _carried_out(job, place, _Trouble(kind, int(at)), url)
        if error is not None and not isinstance(error, StoreFailed):
            told = error.code if isinstance(error, HaloError) else "a traceback"
            yield Problem(Kind.WRONG, f"{kind} was told as {told}: {type(error).__name__}: {str(error)[:200]}")
        yield from recovered(place / "home", template.execution_id, database_url=url)
    finally:
        postgres.drop_database(url)


R_09 = Row("R-09", "PostgreSQL gives up a transaction, or itself", ci=40, points=_points, attempt=_strike, missing=postgres.missing)

ROWS = (R_09,)
