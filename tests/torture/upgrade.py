"""R-10: Halo is upgraded in the midst of an execution: what an earlier release had written, the code of today carries on.

`releases/<revision>/` holds what the release whose schema was `<revision>` had in its books, as SQL: `books.sql` is a household with every job
confirmed, and `<state>.sql` the executions, attempts and events of those very jobs, each as far as the state says. They are data without a schema: a
point makes the schema with the migrations up to that revision, fills it, and opens it with today's code, which migrates it to the newest. So
one fixture serves SQLite and PostgreSQL, and a migration that forgets what is under way fails here.

`0001-submitting-sent-sqlite`: the books of release 0001 in state `submitting`, the vendors having done what was sent. What the vendors have is made
by today's code, out of the same release's confirmed books: the simulator is no part of a release.

A fixture is made once, by the last code that has its revision as the newest: `python -m tests.torture.upgrade`, before a new migration is written.
It is never made anew after that. `test_crash.py` fails while a revision has none.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from halo_engine.clock import FakeClock
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.execute import Executing
from halo_engine.store import schema, sqlite
from halo_engine.store.directory import prepare_directory
from tests.installation import NOON, Installation
from tests.torture import postgres
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS

RELEASES = Path(__file__).parent / "releases"

#: In the order in which one row may refer to another.
_BOOKS = ("household", "user", "preference", "usual_bundle", "execution_request", "draft", "draft_revision", "confirmation")
_MOVING = ("execution", "execution_attempt", "receipt_artifact", "event_log", "event_opening")

#: How far the executions of a state have come, and what the vendors may have done by then.
STATES = {
    "confirmed": ("unsent",),
    "submitting": ("unsent", "sent"),
    "unknown": ("unsent", "sent"),
    "again": ("unsent", "sent"),
    "accepted": ("sent",),
}
_SOON = NOON + timedelta(minutes=1)
_LATER = NOON + timedelta(minutes=8)
_TO_THE_END_S = 400_000


# Making the fixtures of the release that this is.


def make() -> Path:
    """Write what this release has in its books in each state. Returns the directory."""
    place = RELEASES / schema.HEAD
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "confirmed"
        _confirm_all(home)
        shutil.copy(home / "secret.key", place / "secret.key")
        (place / "books.sql").write_text(_dumped(home, _BOOKS))
        for state in STATES:
            moved = Path(temporary) / state
            if state != "confirmed":
                shutil.copytree(home, moved)
                _move_all(moved, state)
            (place / f"{state}.sql").write_text(_dumped(moved, _MOVING))
    return place


def _confirm_all(home: Path) -> None:
    installation = Installation.open(home, clock=FakeClock(NOON))
    with installation.engine:
        for name, words in JOBS.items():
            # Zinc is another household's merchant: `accepted` is what only it says.
            if name == "zinc":
                _prefer(home, "zinc")
            installation.confirm(installation.ask(words))
            if name == "zinc":
                _prefer(home, "amazon")


def _prefer(home: Path, merchant: str) -> None:
    with closing(sqlite.driver.connect(home / "halo.db", isolation_level=None)) as books:
        books.execute("UPDATE preference SET default_merchant = ?", (merchant,))


def _move_all(home: Path, state: str) -> None:
    """Each execution as far as `state`; those that never come there stay as they were confirmed."""
    installation = Installation.reopen(home, clock=FakeClock(_SOON, seed=2))
    with installation.engine as engine:
        for execution_id in _executions(installation):
            if not _can_be(installation, execution_id, state):
                continue
            if state == "submitting":
                _die_before_answer(partial(engine.execute, execution_id, wait_s=0))
            elif state == "accepted":
                _until(installation, execution_id, ExecutionStatus.ACCEPTED)
            else:
                installation.fault("drop_before")
                _until(installation, execution_id, ExecutionStatus.CONFIRMED if state == "again" else ExecutionStatus.UNKNOWN)


def _can_be(installation: Installation, execution_id: str, state: str) -> bool:
    """Only Zinc takes an order and is not finished; and at Resy nothing is sent again."""
    with installation.queries() as queries:
        vendor = queries.execution(execution_id).execution.vendor
    return vendor == "zinc" if state == "accepted" else (state, vendor) != ("again", "resy")


class _DiedError(BaseException):
    """Whoever carried it on is gone."""


def _die_before_answer(work: Callable[[], object]) -> None:
    def die(*_: Any) -> None:
        raise _DiedError

    with patch.object(Executing, "_record", die):
        try:
            work()
        except _DiedError:
            return
    raise AssertionError("it was not sent")


def _until(installation: Installation, execution_id: str, status: ExecutionStatus) -> None:
    """Move by move; an execution that never was sent is not what is meant by confirmed again."""
    for _ in range(20):
        execution = installation.engine.execute(execution_id, wait_s=0)
        if execution.status is status and execution.submitted_at:
            return
        if execution.is_final:
            break
        installation.clock.sleep_until(execution.due_at or installation.clock.now())
    raise AssertionError(f"{execution_id} did not become {status.value}")


def _executions(installation: Installation) -> list[str]:
    with installation.queries() as queries:
        return [line.id for line in queries.activity(limit=100) if line.kind == "execution"]


def _dumped(home: Path, tables: Sequence[str]) -> str:
    with closing(sqlite.connect_read_only(home / "halo.db")) as books:
        return "".join(f"{line}\n" for table in tables for line in _inserts(books, table))


def _inserts(books: Any, table: str) -> Iterator[str]:
    for row in books.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
        names = ", ".join(row.keys())
        yield f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(map(_literal, tuple(row)))});'


def _literal(value: str | int | None) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"


# Taking over what a release has left.


def _laid_out(release: str, state: str, home: Path, url: str | None) -> None:
    """The books of `release` in `state`, in the schema that they had."""
    prepare_directory(home)
    shutil.copy(RELEASES / release / "secret.key", home / "secret.key")
    (home / "secret.key").chmod(0o600)
    address = url.replace("postgresql://", "postgresql+psycopg://", 1) if url else f"sqlite:///{home / 'halo.db'}"
    engine = create_engine(address)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, release)
        if url:
            # The texts of SQLite carry their zone; so does this.
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        for file in ("books", state):
            for statement in (RELEASES / release / f"{file}.sql").read_text().splitlines():
                connection.connection.cursor().execute(statement)
    engine.dispose()


def _do_at_vendors(release: str, execution_ids: Sequence[str], home: Path) -> None:
    """Have the vendors do what `release` was carrying out, by the code of today: the world in `home` is as if they had been asked then."""
    _laid_out(release, "confirmed", home, None)
    twin = Installation.reopen(home, clock=FakeClock(_SOON, seed=3))
    with twin.engine as engine:
        for execution_id in execution_ids:
            engine.execute(execution_id, wait_s=0)


def _points(random: Random) -> list[str]:
    databases = ("sqlite",) if postgres.missing() else ("sqlite", "postgres")
    return sample(
        random,
        [
            f"{release.name}-{state}-{sent}-{database}"
            for release in sorted(RELEASES.iterdir())
            if release.is_dir() and release.name.isdigit()
            for state, worlds in STATES.items()
            for sent in worlds
            for database in databases
        ],
    )


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    release, state, sent, database = point.split("-")
    url = postgres.fresh_database() if database == "postgres" else None
    try:
        _laid_out(release, state, place / "home", url)
        yield from _recovered(release, state, place, url, sent=sent == "sent")
    finally:
        if url:
            postgres.drop_database(url)


def _recovered(release: str, state: str, place: Path, url: str | None, *, sent: bool) -> Iterator[Problem]:
    """Today's code opens it, carries everything on, and is judged."""
    home = Installation.reopen(place / "home", clock=FakeClock(_LATER, seed=4), **({"database_url": url} if url else {}))
    with home.engine as engine:
        executions = _executions(home)
        if sent:
            _do_at_vendors(release, [execution_id for execution_id in executions if _was_sent(home, execution_id)], place / "twin")
            shutil.copy(place / "twin" / "simulator" / "world.db", home.settings.simulator_file)
        for execution_id in executions:
            ended = engine.execute(execution_id, wait_s=_TO_THE_END_S)
            if ended.status is not ExecutionStatus.DONE and not _is_for_a_person(ended, state, sent=sent):
                yield Problem(Kind.LOST, f"{ended.verb} {ended.id} ended {ended.status.value}: {ended.error_message}")
    left = (RELEASES / release / f"{state}.sql").read_text().count('INSERT INTO "execution" ')
    if len(executions) != left:
        yield Problem(Kind.LOST, f"of {left} executions there are {len(executions)}")
    yield from judge(home)


def _was_sent(home: Installation, execution_id: str) -> bool:
    with home.queries() as queries:
        return queries.execution(execution_id).execution.submitted_at is not None


def _is_for_a_person(ended: Execution, state: str, *, sent: bool) -> bool:
    """A table that may not be booked twice; and an appointment that shows only after Halo was about to ask again, and finds its time taken."""
    never_there = ended.vendor == "resy" and state in ("submitting", "unknown") and not sent
    there_too_late = ended.vendor == "square" and state == "again" and sent
    return ended.status is ExecutionStatus.NEEDS_ATTENTION and (never_there or there_too_late)


ROWS = (
    Row(
        "R-10",
        "upgraded in the midst of an execution: today's code carries on what each earlier release had written, in each state",
        ci=None,
        points=_points,
        attempt=_attempt,
    ),
)


if __name__ == "__main__":
    print(make())
