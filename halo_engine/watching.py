"""The books looked at again and again, for whoever runs them or follows what happens in them: the state of the whole, and what is new in the log.

Unlike `queries` it is nobody's view: whoever asks says which household's it is about, and it is kept open. It belongs to the thread that opened it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from halo_engine.model.errors import NotFound, StoreFailed
from halo_engine.model.event import Event
from halo_engine.model.execution import FINAL, ExecutionStatus
from halo_engine.model.ids import can_be_looked_up
from halo_engine.model.value import Value
from halo_engine.settings import Settings
from halo_engine.store import values
from halo_engine.store.reader import Reader
from halo_engine.store.schema import HEAD
from halo_engine.store.slots import ADVISORY_CLASS, HELD, FileSlots


class News(Value):
    """What the log has about an execution after some place in it, and how the execution stood just before that was read."""

    status: ExecutionStatus
    events: tuple[Event, ...]
    #: Whether there may be more of them.
    is_cut: bool

    @property
    def is_all(self) -> bool:
        """Whether nothing will be added: it has ended, and this is the last of it."""
        return self.status in FINAL and not self.is_cut


class State(Value):
    """The books of all households together, in numbers."""

    executions: Mapping[str, int]
    open_drafts: int
    acts_in_flight: int
    events: int
    workers: int


_STATUS = "SELECT status FROM execution WHERE household_id = :household_id AND id = :id"

# As in `queries`: an expression has no index, and the entity's is the one to use.
_NEWS = """
SELECT * FROM event_log
 WHERE household_id || '' = :household_id AND seq > :after
   AND (entity_id = :id
        OR (entity_id = (SELECT draft_id FROM execution WHERE id = :id) AND event_type IN ('draft.approved', 'draft.confirmed'))
        OR entity_id IN (SELECT id FROM receipt_artifact WHERE execution_id = :id))
ORDER BY seq LIMIT :limit
"""

_LENGTH = "SELECT COALESCE(MAX(seq), 0) AS length FROM event_log WHERE household_id = :household_id"

_SPEAKS = """
SELECT id FROM device WHERE id = :id AND token_sha256 = :token AND revoked_at IS NULL AND expires_at > :now
"""


class Watch:
    """A context manager."""

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._settings, self._reader = settings, reader

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Raises `NotInitialised` when there are no books, `StoreFailed` and its kinds when they cannot be read."""
        return cls(settings, Reader.open(database_file=settings.database_file, database_url=settings.database_address))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the books."""
        self._reader.close()

    def check_version(self) -> None:
        """Raises `StoreFailed` where these books are another Halo's."""
        row = self._reader.row("SELECT version_num FROM alembic_version")
        if row is None or row["version_num"] != HEAD:
            said = "These books are of another version of Halo."
            raise StoreFailed(said, hint="End this one, and start the one that belongs to them.", public=said)

    def workers(self) -> int:
        """How many there are that carry executions on."""
        if self._reader.is_postgres:
            return len(self._reader.rows(HELD, **{"class": ADVISORY_CLASS}))
        return FileSlots(self._settings.database_file.parent / "slots").taken()

    def lengths(self, household_ids: Collection[str]) -> dict[str, int]:
        """How long the log of each household is. Cheap however long that is: it is asked all the time."""
        rows = {household_id: self._reader.row(_LENGTH, household_id=household_id) for household_id in household_ids}
        return {household_id: row["length"] if row else 0 for household_id, row in rows.items()}

    def news(self, execution_id: str, *, household_id: str, after: int, limit: int = 200) -> News:
        """What there is about the execution after the event `after`: its own events, its confirmation's and its receipt's. Raises `NotFound`."""
        known = can_be_looked_up(execution_id)
        # The status first: once it is a final one, everything there will ever be stands in the log.
        row = self._reader.row(_STATUS, household_id=household_id, id=execution_id) if known else None
        if row is None:
            raise NotFound("There is no such execution in this household.")
        rows = self._reader.rows(_NEWS, household_id=household_id, id=execution_id, after=after, limit=limit)
        return News(status=row["status"], events=tuple(map(values.event_value, rows)), is_cut=len(rows) == limit)

    def speaks(self, device_id: str, *, token_sha256: str, now: datetime) -> bool:
        """Whether the device may still call with that token."""
        return self._reader.row(_SPEAKS, id=device_id, token=token_sha256, now=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}") is not None

    def state(self, *, now: datetime) -> State:
        """Everything, counted."""
        counted = self._reader.rows("SELECT status, COUNT(*) AS number FROM execution GROUP BY status")
        return State(
            executions={row["status"]: row["number"] for row in counted},
            open_drafts=self._count("draft WHERE status = 'open' AND expires_at > :now", now=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"),
            acts_in_flight=self._count("idempotency_key WHERE status IS NULL"),
            events=sum(self.lengths([row["id"] for row in self._reader.rows("SELECT id FROM household")]).values()),
            workers=self.workers(),
        )

    def _count(self, what: str, **parameters: str) -> int:
        row = self._reader.row(f"SELECT COUNT(*) AS number FROM {what}", **parameters)  # noqa: S608 - only our own words
        return int(row["number"]) if row else 0
