"""Whether the copy of the books on a desk can be lived in. A backup says it when it is made, and a restore before anything is in its place."""

from __future__ import annotations

from pathlib import Path

from halo_engine.audit import Audit
from halo_engine.clock import Clock
from halo_engine.model.errors import StoreDamaged
from halo_engine.settings import Settings
from halo_engine.stages.restoring import LogEnd
from halo_engine.store.auditing.promises import VENDORS_DOING
from halo_engine.store.reader import Reader
from halo_engine.store.session import open_store

_ENDS = """
SELECT h.id, count(e.seq) AS events, coalesce((SELECT hash FROM event_log n WHERE n.household_id = h.id ORDER BY seq DESC LIMIT 1), '') AS head
  FROM household h LEFT JOIN event_log e ON e.household_id = h.id GROUP BY h.id ORDER BY h.id
"""


def ends_of(books: Path) -> tuple[LogEnd, ...]:
    """How far the log of each household in a copy of the books has come."""
    reader = Reader.open(database_file=books, database_url=None)
    try:
        return tuple(LogEnd(household_id=row["id"], events=row["events"], head=row["head"]) for row in reader.rows(_ENDS))
    finally:
        reader.close()


def require_sound(alone: Settings, clock: Clock) -> None:
    """Bring the books of the home `alone` to this schema, and audit the log of every household. Raises `StoreFailed` and its kinds."""
    books = alone.database_file
    open_store(database_file=books, database_url=None, clock=clock).close()
    for end in ends_of(books):
        with Audit.open(alone, clock=clock, household_id=end.household_id) as audit:
            problems = audit.verify().problems
        # What a vendor did wrong stands in every later backup too: refused for that, none of them could ever be put back.
        if broken := [problem for problem in problems if not problem.endswith(VENDORS_DOING)]:
            raise StoreDamaged(f"The books in this backup do not hold together: {broken[0]}.", hint="Use another backup.")
