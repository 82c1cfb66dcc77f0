"""The simulator's state, in one SQLite file that belongs to the vendors and not to Halo.

Every request is one `BEGIN IMMEDIATE` transaction on a connection of its own, so two processes, or two threads of the server, may share
the file. The catalogue, the venues and the order history stay in the fixtures; the file holds only what differs from them and what was
done.

The journal is a rollback journal and every commit is synced: the ledger judges what happened before a crash, so it may not lose a commit.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock, local
from typing import Any

from halo_engine.clock import Clock, FakeClock, OffsetClock

#: How long a process waits for another one's transaction.
BUSY_TIMEOUT_S = 30.0

#: Beyond these, calendars and time zones stop making sense before anything else does.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, vendor TEXT NOT NULL, expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, target TEXT, amount INTEGER, times_left INTEGER
);
CREATE TABLE IF NOT EXISTS ledger (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, vendor TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
  client_reference TEXT, charged_cents INTEGER NOT NULL, currency TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sold (asin TEXT PRIMARY KEY, quantity INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
  external_id TEXT PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, placed_at TEXT NOT NULL, purchase_order TEXT, body_hash TEXT NOT NULL,
  answer BLOB NOT NULL, lines TEXT NOT NULL, subtotal_cents INTEGER NOT NULL, shipping_cents INTEGER NOT NULL, tax_cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS zinc_orders (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, created_at TEXT NOT NULL, max_price INTEGER NOT NULL, lines TEXT NOT NULL, kept TEXT NOT NULL,
  status TEXT NOT NULL, result TEXT
);
CREATE TABLE IF NOT EXISTS gone_slots (
  venue_id INTEGER NOT NULL, day TEXT NOT NULL, time TEXT NOT NULL, table_type TEXT NOT NULL, PRIMARY KEY (venue_id, day, time, table_type)
);
CREATE TABLE IF NOT EXISTS holds (
  book_token TEXT PRIMARY KEY, venue_id INTEGER NOT NULL, day TEXT NOT NULL, time TEXT NOT NULL, table_type TEXT NOT NULL,
  party_size INTEGER NOT NULL, fee_cents INTEGER NOT NULL, deposit_cents INTEGER NOT NULL, expires_at TEXT NOT NULL, used INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS reservations (
  reservation_id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, day TEXT NOT NULL, time TEXT NOT NULL, table_type TEXT NOT NULL,
  party_size INTEGER NOT NULL, fee_cents INTEGER NOT NULL, deposit_cents INTEGER NOT NULL, secret TEXT NOT NULL, cancelled_at TEXT
);
CREATE TABLE IF NOT EXISTS cancellations (
  subscription_id TEXT PRIMARY KEY, requested_at TEXT NOT NULL, ends_at TEXT NOT NULL, mode TEXT NOT NULL, comment TEXT, feedback TEXT
);
CREATE TABLE IF NOT EXISTS appointments (
  booking_id TEXT PRIMARY KEY, location_id TEXT NOT NULL, customer_id TEXT NOT NULL, variation_id TEXT NOT NULL,
  team_member_id TEXT NOT NULL, starts_at TEXT NOT NULL, duration_minutes INTEGER NOT NULL, note TEXT NOT NULL, status TEXT NOT NULL,
  version INTEGER NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS replays (
  scope TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, status INTEGER NOT NULL, answer BLOB NOT NULL, PRIMARY KEY (scope, key)
);
"""


def to_text(at: datetime) -> str:
    """`at` as the file keeps it: fixed width, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The aware UTC time that `to_text` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


@dataclass(slots=True)
class Transaction:
    """What a handler may touch while it answers one request."""

    db: sqlite3.Connection
    clock: Clock
    #: One reading of the world's time for the whole request: the clock, and by how much it was moved.
    now: datetime
    #: When the world began: the order history and the renewal days are counted from here.
    created_at: datetime
    #: How many entries this request wrote to the ledger.
    effects: int = field(default=0)
    _faults: list[sqlite3.Row] | None = None

    def run(self, sql: str, *values: Any) -> int:
        """Execute one statement; the number of rows it changed."""
        self._faults = None
        return self.db.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows."""
        return self.db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row, if there is one."""
        found: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return found

    def faults(self) -> list[sqlite3.Row]:
        """The rows of all faults, oldest first. They are asked for at every step of a request, so they are read again only after a write."""
        if self._faults is None:
            self._faults = self.rows("SELECT * FROM faults ORDER BY id")
        return self._faults

    def next_number(self, name: str) -> int:
        """1, 2, 3 … for each `name`."""
        self.run(
            "INSERT INTO facts VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)", name
        )
        found = self.row("SELECT value FROM facts WHERE name = ?", name)
        return int(found["value"]) if found else 0

    def new_secret(self) -> str:
        """48 hexadecimal digits never given before in this world, also when two clocks with the same seed share it."""
        number = self.next_number("secrets")
        return hashlib.sha256(f"{number}/{self.clock.token_hex(24)}".encode()).hexdigest()[:48]


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: a file and a clock."""

    path: Path
    clock: Clock

    @classmethod
    def open(cls, path: Path, clock: Clock) -> World:
        """The world in `path`, begun now if there is none. The file is readable by its owner only."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Created here and not by SQLite, which would give it the process's default permissions.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        with closing(connect(path)) as db:
            db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
            db.execute("INSERT OR IGNORE INTO facts VALUES ('created_at', ?)", (to_text(clock.now()),))
        return cls(path=path, clock=clock)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits when the block ends well, and rolls back when it raises."""
        # SQLite would let the others of this process look again after longer and longer pauses.
        with _turns.setdefault(self.path, Lock()), _connected(self.path) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                created = db.execute("SELECT value FROM facts WHERE name = 'created_at'").fetchone()
                now = self.clock.now() + _offset(db)
                yield Transaction(db=db, clock=self.clock, now=now, created_at=from_text(created["value"]))
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    # The world's time.

    def now(self) -> datetime:
        """The world's time: the clock's, and by how much it was moved."""
        return self.clock.now() + read_offset(self.path)

    def move_clock(self, by: timedelta) -> None:
        """Move the time by `by` for every process that opens this world. `ValueError` outside the years 2000 to 2100."""
        with self.transaction() as tx:
            self._put_offset(tx, _offset(tx.db) + by)

    def set_clock(self, at: datetime) -> None:
        """Let it be `at` now; time goes on from there. `ValueError` outside the years 2000 to 2100."""
        with self.transaction() as tx:
            self._put_offset(tx, at - self.clock.now())

    def reset_clock(self) -> None:
        """Back to the real time."""
        with self.transaction() as tx:
            self._put_offset(tx, timedelta(0))

    def pass_time(self, by: timedelta) -> None:
        """Time that a slow vendor takes, without anybody having to wait for it."""
        if isinstance(self.clock, FakeClock):
            self.clock.advance(by)
        else:
            self.move_clock(by)

    def _put_offset(self, tx: Transaction, offset: timedelta) -> None:
        if not _EARLIEST <= self.clock.now() + offset <= _LATEST:
            raise ValueError("the time must be between the years 2000 and 2100")
        tx.run("INSERT OR REPLACE INTO facts VALUES ('clock_offset_us', ?)", str(offset // timedelta(microseconds=1)))


def read_offset(path: Path) -> timedelta:
    """By how much the time of the world at `path` was moved; nothing where there is no world yet."""
    if not path.exists():
        return timedelta(0)
    # Through SQLite alone: whoever opens the file beside it and closes it again drops every lock that this process holds on it.
    with _connected(path) as db:
        return _offset(db)


def moved_clock(base: Clock, path: Path) -> Clock:
    """`base`, moved as the clock of the world at `path` is moved: the one time of a home with simulated vendors."""
    return OffsetClock(base, partial(read_offset, path))


def _offset(db: sqlite3.Connection) -> timedelta:
    found = db.execute("SELECT value FROM facts WHERE name = 'clock_offset_us'").fetchone()
    return timedelta(microseconds=int(found["value"])) if found else timedelta(0)


#: One transaction at a time of each world in this process, and the connection that each thread used last.
_turns: dict[Path, Lock] = {}
_last = local()


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """This thread's connection to `path`, as long as that is the file it was opened on; closed when anything goes wrong."""
    # Where there is no such file, SQLite says so.
    file = path.stat() if path.exists() else None
    place = (path, os.getpid(), file and (file.st_dev, file.st_ino))
    known: tuple[object, sqlite3.Connection] | None = _last.__dict__.pop("known", None)
    if known and known[0] != place:
        known[1].close()
        known = None
    db = known[1] if known else connect(path)
    try:
        yield db
    except BaseException:
        db.close()
        raise
    _last.known = (place, db)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to an existing world file, in which transactions are begun by hand.

    Also for reading it must be able to write: after a crash the first one to open the file rolls the journal back.
    """
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA synchronous = FULL")
    return db
