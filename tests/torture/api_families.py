"""Two households in one set of books, each with everything a household can have, and with names that are found again wherever they come out."""

from __future__ import annotations

import functools
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.errors import HaloError
from halo_engine.model.household import Address, Role
from halo_engine.stages.founding import HouseholdPlan, MemberPlan, found
from tests.installation import NOON, Installation, household_plan
from tests.torture.api import OFTEN
from tests.torture.jobs import JOBS, kept_place, reopen

_ID = re.compile(rb"\b[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
_ADDRESS = {"phone_number": "+12065550100", "city": "Seattle", "state_or_region": "WA", "postal_code": "98109", "country_code": "US"}


@dataclass(frozen=True)
class Family:
    """A household: the tokens of a grown-up and of a child, all ids that are its own, and words that only it has."""

    household_id: str
    token: str
    child_token: str
    ids: frozenset[str]
    words: tuple[bytes, ...]
    #: An idempotency key that it has used to ask for `asked`.
    asked: str


@dataclass(frozen=True)
class Families:
    """Both, in a home that is closed, to be copied."""

    home: Path
    one: Family
    other: Family

    def copy(self, place: Path) -> Installation:
        """The same in `place`, opened. The caller closes it."""
        shutil.copytree(self.home, place / "home")
        return reopen(place / "home", FakeClock(NOON, seed=2), **OFTEN)


@functools.cache
def families() -> Families:
    """Made once a process."""
    home = kept_place("halo-families-") / "home"
    # A seed of its own: the examples in the schema have the ids that the usual one makes.
    made = Installation.reopen(home, clock=FakeClock(NOON, seed=77), **OFTEN)
    with made.engine._store.transaction() as books:
        plans = [_plan("Quetzal"), _plan("Xolotl")]
        households = [found(books, plan, made.clock, key_id=made.engine._key_id) for plan in plans]
    drawn, tokens = [frozenset[str]()], []
    before = _ids(made.engine)
    for household, name in zip(households, ("Quetzal", "Xolotl"), strict=True):
        tokens.append(_lived_in(made.engine.of(household.id), name))
        drawn.append(_ids(made.engine) - before)
        before = _ids(made.engine)
    first, second = (
        Family(household.id, *tokens[n], drawn[n + 1] | _founded(made.engine, household.id), _words(name), f"order batteries for {name}")
        for n, (household, name) in enumerate(zip(households, ("Quetzal", "Xolotl"), strict=True))
    )
    made.engine.close()
    return Families(home, first, second)


def _plan(name: str) -> HouseholdPlan:
    members = (MemberPlan(name=f"{name}mother", role=Role.OWNER), MemberPlan(name=f"{name}child", role=Role.CHILD))
    address = Address(full_name=f"{name}mother", address_line1=f"{name}street 1", **_ADDRESS)
    masked, usuals = f"{name}card •••• 4242", household_plan().usuals
    return household_plan().model_copy(
        update={"name": f"{name}house", "members": members, "shipping_address": address, "payment_method_masked": masked, "usuals": usuals}
    )


def _words(name: str) -> tuple[bytes, ...]:
    return tuple(f"{name}{word}".encode() for word in ("mother", "child", "street", "card", "house", "words", "device"))


def _lived_in(engine: Engine, name: str) -> tuple[str, str]:
    """Something of every kind; the tokens of its devices."""
    mother, child = f"{name}mother", f"{name}child"
    done = engine.draft(JOBS["order"], member=mother, channel="http")
    execution = engine.confirm(str(done.draft_id), draft_hash=str(done.draft_hash), member=mother)
    engine.execute(execution.id, wait_s=600)
    failed = engine.draft(JOBS["haircut"], member=mother, channel="http")
    engine.confirm(str(failed.draft_id), draft_hash=str(failed.draft_hash), member=mother)
    engine.draft(f"{name}words are not for others", member=child, channel="http")
    engine.draft(JOBS["reorder"], member=child, channel="http")
    engine.draft("book a table at Nopa", member=mother, channel="http")
    dropped = engine.draft(JOBS["cancel"], member=mother, channel="http")
    engine.cancel(str(dropped.draft_id), member=mother)
    with suppress(HaloError):
        # It may be that this home may not tell anybody.
        engine.webhooks.add("https://example.com/hook", by=mother)
    engine.devices.add(f"{name}device", by=mother)
    tokens = [engine.devices.add(f"{name}device", by=member).token.get_secret_value() for member in (mother, child)]
    return tokens[0], tokens[1]


def _founded(engine: Engine, household_id: str) -> frozenset[str]:
    with engine._store.reading() as books:
        both = 'SELECT id FROM "user" WHERE household_id = ? UNION SELECT id FROM usual_bundle WHERE household_id = ?'
        return frozenset([household_id, *books.connection.exec_driver_sql(both, (household_id, household_id)).scalars()])


def rows_of(engine: Engine, household_id: str) -> dict[str, list[str]]:
    """Every row of the books that says it is of this household, by its table."""
    with engine._store.reading() as books:
        return {
            table: sorted(map(repr, books.connection.exec_driver_sql(f'SELECT * FROM "{table}" WHERE household_id = ?', (household_id,))))
            for table in _tables(books.connection)
            if "household_id" in {column for _, column, *_ in books.connection.exec_driver_sql(f'PRAGMA table_info("{table}")')}
        }


def _tables(connection: Connection) -> list[str]:
    return [name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'")]


def _ids(engine: Engine) -> frozenset[str]:
    """Whatever has the form of an id, anywhere in the books. By Halo's own connection: two SQLites in one process break each other's locks."""
    with engine._store.reading() as books:
        rows = [row for table in _tables(books.connection) for row in books.connection.exec_driver_sql(f'SELECT * FROM "{table}"')]
    return frozenset(found.decode() for found in _ID.findall("\n".join(map(repr, rows)).encode()))
