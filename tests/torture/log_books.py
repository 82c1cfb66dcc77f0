"""L-08: every column of every row in the books, changed behind the log's back by somebody who has the file; `halo audit verify` has to say so.

What the log says nothing of cannot be missed: `UNTOLD` has those columns, each with why, and the row fails where that is no longer so.
"""

from __future__ import annotations

import functools
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlmodel import SQLModel

from halo_engine import audit
from halo_engine.audit import Audit
from halo_engine.clock import FakeClock
from halo_engine.model.errors import HaloError
from halo_engine.model.execution import FINAL
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.settings import Settings, load_settings
from halo_engine.store import tables
from tests.installation import NOON, Installation
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import kept_place
from tests.torture.model import told

#: The log itself is the matter of L-02.
TABLES = sorted(name for name in SQLModel.metadata.tables if name != tables.EventLog.__tablename__)

#: By table; a row that is not there any more is `gone`.
_UNTOLD: Mapping[str, str] = {
    # The cost is for lists; what is carried out is read from the terms, which are told byte for byte.
    "draft": "created_at estimated_cost_cents",
    "draft_revision": "created_at",
    # A yes that is gone is asked for again; it is counted by the hash that it was given to.
    "draft_approval": "draft_id given_at gone",
    # When it does what, and which try of a worker it is: the event of each state has its own time.
    "execution": "due_at finished_at started_at submitted_at vendor_key version",
    # While it goes on, what it waits for is no news, and nothing was charged or referred to yet.
    "execution under way": "currency due_at error_message execution_payload_json finished_at started_at submitted_at vendor_key version",
    # How often something was tried decides what is tried next, and nothing once it is over.
    "execution_attempt": "attempt_number classification error_message execution_id finished_at gone id retry_delay_ms started_at status step",
    "execution_attempt under way": "error_message finished_at id started_at",
    # What was understood of the words: a draft says in full what came of it. All of it may be erased.
    "execution_request": "channel clarification_json created_at gone household_id id normalized_intent_json user_id",
    "receipt_artifact": "created_at",
    # A name is for people; that it was given at the beginning stands in an opening.
    "device": "created_at name",
    "user": "created_at display_name",
    "household": "created_at name time_zone",
    # What a draft is made with stands on its card.
    "preference": "created_at default_booking_vendor default_merchant payment_method_masked shipping_address_json updated_at",
    "usual_bundle": "created_at gone household_id id items_json name",
    # For whoever looks; nothing is decided by it.
    "vendor_exchange": "answer_text at attempt_id execution_id gone id method position request_text status took_ms url",
}
UNTOLD = frozenset(f"{table}.{column}" for table, columns in _UNTOLD.items() for column in columns.split())


def _points(random: Random) -> list[str]:
    found: list[str] = []
    with closing(sqlite3.connect(_lived())) as books:
        for table in TABLES:
            names = [row[1] for row in books.execute(f'PRAGMA table_info("{table}")')]
            for (number,) in books.execute(f'SELECT rowid FROM "{table}"'):
                found += [f"{table}-{number}-{name}" for name in (*names, "gone")]
    chance = sample(random, found)
    # One of each column first, so that no column is left out on a commit.
    first = {(point.split("-")[0], point.split("-")[2]): point for point in chance}
    return list(dict.fromkeys([*first.values(), *chance]))


def _changed(point: str, place: Path) -> Iterator[Problem]:
    table, row, column = point.split("-")
    settings = load_settings(home=place, environ={})
    shutil.copy(_lived(), settings.database_file)
    with closing(sqlite3.connect(settings.database_file)) as books, books:
        for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            books.execute(f'DROP TRIGGER "{name}"')
        if column == "gone":
            books.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))
        else:
            (value,) = books.execute(f'SELECT "{column}" FROM "{table}" WHERE rowid = ?', (row,)).fetchone()
            books.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (_another(value), row))
    yield from _told(settings, f"{table} under way" if (table, row) in _under_way() else table, column)


@functools.cache
def _under_way() -> frozenset[tuple[str, str]]:
    """Executions that are not over, and their attempts."""
    over = ", ".join(f"'{status.value}'" for status in FINAL)
    with closing(sqlite3.connect(_lived())) as books:
        executions = books.execute(f"SELECT rowid FROM execution WHERE status NOT IN ({over})").fetchall()
        attempts = books.execute(
            f"SELECT a.rowid FROM execution_attempt a JOIN execution e ON e.id = a.execution_id WHERE e.status NOT IN ({over})"
        ).fetchall()
    return frozenset(("execution", str(row)) for (row,) in executions) | {("execution_attempt", str(row)) for (row,) in attempts}


def _told(settings: Settings, table: str, column: str) -> Iterator[Problem]:
    is_untold = f"{table}.{column}" in UNTOLD
    try:
        with Audit.open(settings, clock=FakeClock(NOON)) as opened:
            found = opened.verify()
    except HaloError:
        # Told is told.
        return
    if found.ok and not is_untold:
        yield Problem(Kind.UNPROVED, f"{table}.{column} was changed behind the log's back, and nobody noticed")
    if not found.ok and is_untold:
        yield Problem(Kind.WRONG, f"{table}.{column} is said to be untold, and is not: {found.problems[0]}")


def _another(value: Any) -> Any:
    if isinstance(value, int):
        return value + 100
    if value is None:
        return "2026-03-03T17:00:00.000001Z"
    return _another_text(value)


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_OTHER_WORDS = {"owner": "child", "adult": "owner", "open": "confirmed", "confirmed": "open", "cancelled": "open", "done": "failed"}


def _another_text(value: str) -> str:
    """Another of the same kind, so that it can still be read: who reads it has to find out by what it says."""
    if value in _OTHER_WORDS:
        return _OTHER_WORDS[value]
    if _TIME.fullmatch(value):
        # An hour: the log says when something ends to the second.
        return f"{value[:11]}{(int(value[11:13]) + 1) % 24:02}{value[13:]}"
    for place in reversed(range(len(value))):
        if value[place].isdigit() and value[place] != "9":
            return f"{value[:place]}{int(value[place]) + 1}{value[place + 1 :]}"
    return f"{value[:-1]}x" if value else "x"


@functools.cache
def _lived() -> Path:
    """A home in which everything was used: two people for one draft, another rule, a device, a Usual, a revision, a cancelled
    draft, an order that the vendor has not taken yet."""
    home = Installation.open(kept_place("halo-lived-") / "home", clock=FakeClock(NOON))
    engine = home.engine
    engine.membership.add("Robin", Role.ADULT, by="Alex")
    engine.membership.change_role("Kim", Role.ADULT, by="Alex")
    engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=2000)), by="Alex")
    engine.devices.add("Phone", by="Alex")
    gone = engine.devices.add("Tablet", by="Alex")
    engine.devices.revoke(gone.device.id, by="Alex")
    engine.save_usual("the soap", "2 dish soap", member="Alex")
    for text in ("order paper towels", "order 2 packs of AA batteries"):
        card = home.ask(text)
        for member in ("Alex", "Sam"):
            code, execution = _yes(home, card, member)
            if code == "ok":
                engine.execute(execution.id, wait_s=600)
                break
    waiting = home.ask("order 3 packs of AA batteries")
    _yes(home, waiting, "Alex")
    changed = home.ask("order paper towels")
    assert changed.draft_id
    engine.modify(changed.draft_id, "make it 2", member="Alex")
    given_up = home.ask("cancel streamly")
    assert given_up.draft_id
    engine.cancel(given_up.draft_id, member="Alex")
    home.ask("order something nice")
    going_on = home.ask("order dish soap")
    home.fault("unavailable", times=9)
    home.carry_out(going_on, member="Alex", wait_s=0)
    home.engine.close()
    return home.settings.database_file


def _yes(home: Installation, card: Any, member: str) -> tuple[str, Any]:
    return told(lambda: home.confirm(card, member=member))


def _books_not_compared() -> AbstractContextManager[Any]:
    """The log is checked, and the books beside it are not."""
    return patch.object(audit, "books_that_differ", lambda *_: iter(()))


ROWS = (Row("L-08", "every column of the books, changed behind the log's back", ci=None, points=_points, attempt=_changed),)

BUGS = (Bug("books-not-compared", "The books are not held against the log.", _books_not_compared, "L-08", 200),)
