"""The books: whether they can be read, are this Halo's, fit the secret, and whether anything in them is stuck.

Read only. On SQLite as any reading command does; on PostgreSQL in a session that cannot write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from halo_engine.clock import Clock
from halo_engine.doctor.finding import Finding, ok, problem, warning
from halo_engine.model.errors import HaloError, NotInitialised
from halo_engine.model.execution import FINAL, ExecutionStatus
from halo_engine.proving import Proving, time_of
from halo_engine.settings import Settings
from halo_engine.store import schema, sqlite
from halo_engine.store.reader import Reader
from halo_engine.store.secret import installation_secret, key_id
from halo_engine.watching import Watch

#: A machine whose clock is a minute behind is one that signs, expires and waits wrongly.
_BEHIND = timedelta(minutes=1)
#: Longer than anything rests by itself: a worker would have been there.
_STUCK = timedelta(minutes=10)
#: Reading every page of more than this takes as long as a person waits; `halo audit verify` reads them all.
_LARGE_BYTES = 200_000_000
_ENDED = ", ".join(f"'{status.value}'" for status in sorted(FINAL))
_WAITS_S = 5


def reader_of(settings: Settings) -> Reader:
    """As everybody else reads them, but not for longer than a person waits for a server that is not there."""
    url = settings.database_address
    if url and "connect_timeout" not in url:
        url = f"{url}{'&' if '?' in url else '?'}connect_timeout={_WAITS_S}"
    return Reader.open(database_file=settings.database_file, database_url=url)


def database(settings: Settings, reader: Reader) -> Iterator[Finding]:
    """Reachable, whole, and of this version."""
    where = "PostgreSQL" if reader.is_postgres else str(settings.database_file)
    row = reader.row("SELECT version_num FROM alembic_version")
    found = row["version_num"] if row else None
    if found is None:
        raise NotInitialised
    if found > schema.HEAD:
        yield problem("database", f"{where} was made by a newer Halo (revision {found}).", "Upgrade Halo: docs/upgrading.md")
    elif found < schema.HEAD:
        said = f"{where} is at revision {found}, and this Halo writes {schema.HEAD}."
        yield warning("database", said, "halo backup FILE; then halo worker --until-idle, which migrates it")
    elif not reader.is_postgres and not _is_whole(settings, reader):
        yield problem("database", f"{where} is damaged.", "Keep it, and restore a backup: docs/howto/back-up-and-restore.md")
    else:
        yield ok("database", f"{where}, revision {found}")
    if not reader.is_postgres:
        yield from _journal(settings, reader)


def _is_whole(settings: Settings, reader: Reader) -> bool:
    if settings.database_file.stat().st_size > _LARGE_BYTES:
        return True
    row = reader.row("PRAGMA quick_check(1)")
    return row is not None and tuple(row) == ("ok",)


def _journal(settings: Settings, reader: Reader) -> Iterator[Finding]:
    row = reader.row("PRAGMA journal_mode")
    mode = next(iter(row)) if row else ""
    if mode == "wal" and sqlite.journal_mode() != "wal":
        said = f"{settings.database_file} has a write-ahead log, and this SQLite has the WAL-reset bug."
        yield problem("journal", said, "pip install pysqlite3; until then run one command at a time")
    else:
        yield ok("journal", f"The journal is “{mode}”")


def household(settings: Settings, reader: Reader, clock: Clock) -> Iterator[Finding]:
    """There is one, in a zone that is known, founded with this secret, and its log is not from the future."""
    rows = reader.rows("SELECT id, name, time_zone FROM household ORDER BY created_at, id")
    if not rows:
        raise NotInitialised
    yield ok("household", f"{len(rows)} household{'s' if len(rows) > 1 else ''}")
    for row in rows:
        yield from _zone(row["time_zone"])
        yield from _key(settings, reader, clock, row["id"])
        yield from _clock(reader, clock, row["id"])
        yield from _head(settings, reader, clock, row["id"])


def _zone(name: str) -> Iterator[Finding]:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        yield problem("zone", f"This machine does not know the time zone {name}.", "pip install --upgrade tzdata")
    else:
        yield ok("zone", f"The time zone {name} is known")


def _key(settings: Settings, reader: Reader, clock: Clock, household_id: str) -> Iterator[Finding]:
    first = reader.row("SELECT event_payload_json AS told FROM event_log WHERE household_id = :id AND seq = 1", id=household_id)
    given = settings.secret_key
    if first is None or (given is None and not settings.key_file.exists()):
        return
    try:
        founded_with = json.loads(first["told"]).get("key_id")
        fits = founded_with in (None, key_id(installation_secret(settings.key_file, clock, given=given)))
    except (ValueError, AttributeError):
        yield problem("books_key", "The first event of the log cannot be read.", "halo audit verify")
        return
    if fits:
        yield ok("books_key", "The secret is that of these books")
    else:
        yield problem(
            "books_key", f"{settings.secret_is_in} is not the secret of these books.", "Copy secret.key from the home that founded them"
        )


def _clock(reader: Reader, clock: Clock, household_id: str) -> Iterator[Finding]:
    row = reader.row("SELECT created_at FROM event_log WHERE household_id = :id ORDER BY seq DESC LIMIT 1", id=household_id)
    newest = time_of(row["created_at"]) if row else None
    if newest is not None and newest > clock.now() + _BEHIND:
        behind = str(newest - clock.now()).partition(".")[0]
        yield problem("clock", f"The clock is {behind} behind the newest event of the log.", "Set the clock: timedatectl set-ntp true")
    else:
        yield ok("clock", "The clock is not behind the log")


def _head(settings: Settings, reader: Reader, clock: Clock, household_id: str) -> Iterator[Finding]:
    """What this home signed, and what a witness saw, is still what the log says."""
    problems = Proving(settings, reader, clock, household_id=household_id).problems()
    for each in problems:
        yield problem(
            "witness" if "witness" in each else "signed_head", f"{each[:1].upper()}{each[1:]}.", "halo audit verify; docs/audit.md"
        )
    if not problems:
        yield ok(
            "signed_head", f"Nothing that this home signed{' or its witness saw' if settings.witness_file else ''} contradicts the log"
        )


def device_keys(settings: Settings, reader: Reader, now: datetime) -> Iterator[Finding]:
    """Every key that this terminal signs with is of a device that may still speak."""
    here = sorted(path.stem for path in (settings.home / "keys").glob("dev_*") if path.is_file())
    speaking = {row["id"] for row in reader.rows(_SPEAKING, now=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}")}
    for device_id in here:
        if device_id not in speaking:
            said = f"This terminal has a key of {device_id}, which does not speak for anybody any more."
            yield warning("device_keys", said, "halo devices add NAME --this-terminal")
    if here and speaking.issuperset(here):
        yield ok("device_keys", "The keys that this terminal signs with count")


def executions(settings: Settings, reader: Reader, now: datetime) -> Iterator[Finding]:
    """What waits for a vendor, for a worker, or for a person."""
    try:
        workers = Watch(settings, reader).workers()
    except HaloError as error:
        yield problem("workers", error.message, error.hint)
        workers = 0
    yield from _stuck(reader, now, workers)
    yield from _unknown(reader)
    yield from _for_a_person(reader)
    yield from _tickets(reader)
    yield from _webhooks(reader)


def _stuck(reader: Reader, now: datetime, workers: int) -> Iterator[Finding]:
    before = f"{now - _STUCK:%Y-%m-%dT%H:%M:%S.%fZ}"
    late = reader.rows(_LATE, before=before)
    said = f"{workers} worker{'s' if workers != 1 else ''} at work"
    if late and not workers:
        yield problem("executions", f"{_counted(late)} should have gone on, and no worker is there.", "halo worker")
    elif late:
        yield problem(
            "executions", f"{_counted(late)} should have gone on, though there is {said}.", f"halo show {late[0]['id']}; restart the worker"
        )
    else:
        yield ok("executions", f"Nothing is stuck ({said})")


def _unknown(reader: Reader) -> Iterator[Finding]:
    rows = reader.rows("SELECT id FROM execution WHERE status = :status ORDER BY id", status=ExecutionStatus.UNKNOWN.value)
    if rows:
        yield warning("unknown", f"The outcome of {_counted(rows)} is being looked up.", "halo worker --until-idle")


def _for_a_person(reader: Reader) -> Iterator[Finding]:
    rows = reader.rows(_UNSETTLED, status=ExecutionStatus.NEEDS_ATTENTION.value)
    if rows:
        yield warning("attention", f"A person has to look at {_counted(rows)}.", f"halo settle {rows[0]['id']} --look")


def _tickets(reader: Reader) -> Iterator[Finding]:
    """Whatever is open has a place in the queue, or a worker gives it one."""
    where = "dbos.workflow_status" if reader.is_postgres else "workflow_status"
    try:
        statement = f"SELECT id FROM execution WHERE status NOT IN ({_ENDED}) AND id NOT IN (SELECT workflow_uuid FROM {where}) ORDER BY id"  # noqa: S608 - our own words
        rows = reader.rows(statement)
    except NotInitialised:
        # Nothing was ever confirmed: the library makes its tables with the first ticket.
        return
    if rows:
        yield warning("queue", f"Open, and not in the queue: {_counted(rows)}.", "halo worker --until-idle")
    else:
        yield ok("queue", "Whatever is open is in the queue")


def _webhooks(reader: Reader) -> Iterator[Finding]:
    rows = reader.rows("SELECT id FROM webhook_endpoint WHERE disabled_at IS NOT NULL ORDER BY id")
    for row in rows:
        yield warning("webhooks", f"The webhook {row['id']} is told nothing any more.", f"halo webhooks enable {row['id']}")


def _counted(rows: Sequence[object]) -> str:
    return f"{len(rows)} execution{'s' if len(rows) != 1 else ''}"


_SPEAKING = "SELECT id FROM device WHERE revoked_at IS NULL AND expires_at > :now"
_LATE = f"SELECT id FROM execution WHERE status NOT IN ({_ENDED}) AND coalesce(due_at, started_at) < :before ORDER BY id"  # noqa: S608 - our own words
_UNSETTLED = """
SELECT id FROM execution e WHERE status = :status
   AND NOT EXISTS (SELECT 1 FROM event_log l WHERE l.entity_id = e.id AND l.event_type = 'execution.settled')
 ORDER BY id
"""
