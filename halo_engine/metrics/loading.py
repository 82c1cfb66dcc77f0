"""The views of one household's log, as tables in memory: of what is sealed, and of the live end of the log after it.

Once enough days are over and not sealed yet, they are sealed here. Below `SEAL_FROM` events the direct road costs less than another file would save
(docs/decisions/0015-metrics.md has the figures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from halo_engine.clock import Clock
from halo_engine.metrics.facts import facts_of
from halo_engine.metrics.log_stream import LogStream
from halo_engine.metrics.partials import PARTIALS
from halo_engine.metrics.sealed import EVENTS as SEALED_EVENTS
from halo_engine.metrics.sealed import Sealed, Segment, parquet, sealed_facts
from halo_engine.metrics.views import EVENTS, PAYLOADS, VIEWS, View
from halo_engine.model.errors import NotInitialised, StoreFailed
from halo_engine.model.execution import FINAL
from halo_engine.model.household import Household, Member
from halo_engine.settings import Settings
from halo_engine.store import values
from halo_engine.store.reader import Reader

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Events of days that are over. Measured: streaming these takes an eighth of a second.
SEAL_FROM = 50_000

_OF_HOME = "FROM event_log WHERE household_id = :household_id"
_LAST = f"SELECT coalesce(max(seq), 0) AS last {_OF_HOME}"
_HASH = f"SELECT hash {_OF_HOME} AND seq = :seq"
#: Everything before the first event of today, by number: where a clock was set back, "before today" alone would leave a hole.
_TODAY = f"SELECT min(seq) AS first {_OF_HOME} AND seq > :after AND created_at >= :today"


class Books:
    """What figures are taken from: one household's log, and who its members are."""

    def __init__(self, settings: Settings, clock: Clock, household: Household, members: Sequence[Member]) -> None:
        self._settings, self._clock, self.household, self._members = settings, clock, household, members
        self._sealed = Sealed(settings.home, household.id)

    @classmethod
    def open(cls, settings: Settings, clock: Clock, *, household_id: str | None = None) -> Books:
        """Of the household with that id, without one of the first.

        Raises `NotInitialised` when there is no household, `StoreFailed` and its kinds when the books cannot be read.
        """
        with _reader(settings) as reader:
            row = (
                reader.row("SELECT * FROM household ORDER BY created_at, id LIMIT 1")
                if household_id is None
                else reader.row("SELECT * FROM household WHERE id = :id", id=household_id)
            )
            if row is None:
                raise NotInitialised
            household = values.household_value(row)
            members = reader.rows('SELECT * FROM "user" WHERE household_id = :of ORDER BY id', of=household.id)
        return cls(settings, clock, household, tuple(map(values.member_value, members)))

    def load(self, connection: DuckDBPyConnection, *, whole_log: Iterable[View] = ()) -> None:
        """Make the views in `connection`, and of those as long as the log the ones that are asked for."""
        from duckdb import Error

        with LogStream.open(self._settings, self.household.id) as log:
            segments = self._sealed_segments(connection, log)
            try:
                self._make(connection, log, segments, tuple(whole_log))
            except Error as error:
                if not segments:
                    raise _unreadable(error) from error
                # A sealed file that cannot be read is a cache that is gone.
                self._sealed.throw_away()
                self._forget(connection)
                self._make_again(connection, log, tuple(whole_log))

    def _make_again(self, connection: DuckDBPyConnection, log: LogStream, whole_log: Sequence[View]) -> None:
        from duckdb import Error

        try:
            self._make(connection, log, (), whole_log)
        except Error as error:
            raise _unreadable(error) from error

    def _sealed_segments(self, connection: DuckDBPyConnection, log: LogStream) -> tuple[Segment, ...]:
        with _reader(self._settings) as reader:
            segments = self._sealed.segments(lambda seqs: {seq: self._hash(reader, seq) for seq in seqs})
            after = segments[-1].last if segments else 0
            segment = self._to_seal(reader, after)
        if segment and self._sealed.seal(connection, log, segment, segments, self._clock):
            return (*segments, segment)
        return segments

    def _to_seal(self, reader: Reader, after: int) -> Segment | None:
        of = self.household.id
        (newest,) = reader.rows(_LAST, household_id=of)
        if newest["last"] - after < SEAL_FROM:
            return None
        today = f"{self._clock.now().astimezone(UTC):%Y-%m-%d}T00:00:00.000000Z"
        (live,) = reader.rows(_TODAY, household_id=of, after=after, today=today)
        last = live["first"] - 1 if live["first"] else newest["last"]
        return Segment(first=after + 1, last=last, hash=self._hash(reader, last)) if last - after >= SEAL_FROM else None

    def _hash(self, reader: Reader, seq: int) -> str:
        """The hash of that event, as the log has it; empty where there is no such event."""
        row = reader.row(_HASH, household_id=self.household.id, seq=seq)
        return str(row["hash"]) if row else ""

    def _make(self, connection: DuckDBPyConnection, log: LogStream, segments: Sequence[Segment], whole_log: Sequence[View]) -> None:
        after = segments[-1].last if segments else 0
        with log.events(after=after) as stream:
            connection.register("live", stream)
            connection.execute(f"CREATE TABLE _live AS {facts_of('live')}")
            connection.unregister("live")
        for partial in PARTIALS:
            live = partial.of("_live")
            if segments:
                live = partial.whole(parquet(self._sealed.files(segments, partial.name)), live)
            connection.execute(f"CREATE TABLE _{partial.name} AS {live}")
        connection.execute("CREATE TABLE _members (member_id VARCHAR, name VARCHAR, role VARCHAR)")
        for member in self._members:
            connection.execute("INSERT INTO _members VALUES (?, ?, ?)", [member.id, member.display_name, member.role.value])
        if EVENTS in whole_log:
            sealed = f"{sealed_facts(self._sealed.files(segments, SEALED_EVENTS))} UNION ALL BY NAME " if segments else ""
            connection.execute(f"CREATE TABLE _facts AS {sealed}SELECT * FROM _live")
        if PAYLOADS in whole_log:
            with log.events(after=0) as stream:
                connection.register("live", stream)
                connection.execute("CREATE TABLE _payloads AS SELECT seq, payload FROM live WHERE json_valid(payload)")
                connection.unregister("live")
        for view in (*VIEWS, *whole_log):
            connection.execute(f"CREATE VIEW {view.name} AS {self._select(view)}")

    def _select(self, view: View) -> str:
        now = self._clock.now().astimezone(UTC)
        zone = self.household.time_zone.replace("'", "''")
        ended = ", ".join(f"'{status.value}'" for status in sorted(FINAL))
        return view.select().format(zone=f"'{zone}'", now=f"TIMESTAMP '{_written(now)}'", ended=ended)

    def _forget(self, connection: DuckDBPyConnection) -> None:
        connection.unregister("live")
        for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(f'DROP TABLE "{name}"')


@contextmanager
def _reader(settings: Settings) -> Iterator[Reader]:
    with closing(Reader.open(database_file=settings.database_file, database_url=settings.database_address)) as reader:
        yield reader


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def _unreadable(error: Exception) -> StoreFailed:
    reason = str(error).strip().split("\n", 1)[0]
    return StoreFailed(f"The figures could not be taken from the log: {reason}", hint="Check it with: halo audit verify")
