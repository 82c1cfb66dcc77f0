"""The days that are over, as Parquet: a cache and nothing else. The log is the truth, and these files can be deleted at any time.

A segment is a run of events by number, drawn together already, in `<home>/sealed/<version>/<household>/`. Its name carries the first and the last
number and the hash of the last event, and an event's hash covers everything before it: where the log has another hash there, as after a restore, or
no such event, the segment is thrown away. Files are written under another name and moved into place, so two processes that seal at once write the
same thing twice, and nobody reads half of one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from halo_engine.clock import Clock
from halo_engine.metrics.facts import COLUMNS, facts_of
from halo_engine.metrics.log_stream import LogStream
from halo_engine.metrics.partials import PARTIALS
from halo_engine.model.value import Value

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Of what is in the files. Another version of Halo that needs something else of an event counts on.
FORMAT = "v1"
EVENTS = "events"
KINDS = (EVENTS, *(partial.name for partial in PARTIALS))

_NAME = re.compile(r"(\d{12})-(\d{12})-([0-9a-f]{64})\.events\.parquet")
#: Whatever is older and still unfinished belongs to a process that died.
_UNFINISHED_LIVES = timedelta(days=1)


class Segment(Value):
    """Events `first` to `last`, and the hash of the last."""

    first: int
    last: int
    hash: str

    def file(self, directory: Path, kind: str) -> Path:
        return directory / f"{self.first:012}-{self.last:012}-{self.hash}.{kind}.parquet"


class Sealed:
    """The sealed part of one household's log. What goes wrong with it is no error: then there is less that is sealed."""

    def __init__(self, home: Path, household_id: str) -> None:
        self._top = home / "sealed"
        self.directory = self._top / FORMAT / household_id

    def segments(self, hashes: Callable[[Iterable[int]], dict[int, str]]) -> tuple[Segment, ...]:
        """Those that are there whole, one after the other from the first event on, and that the log agrees with. The others are thrown away."""
        found = sorted(self._named(), key=lambda segment: (segment.first, -segment.last))
        in_log = hashes(segment.last for segment in found)
        kept: list[Segment] = []
        for segment in found:
            follows = segment.first == (kept[-1].last + 1 if kept else 1)
            agrees = in_log.get(segment.last) == segment.hash
            if follows and agrees and all(segment.file(self.directory, kind).is_file() for kind in KINDS):
                kept.append(segment)
            elif not agrees or self._is_inside(segment, kept):
                self._discard(segment)
        return tuple(kept)

    def files(self, segments: Iterable[Segment], kind: str) -> list[str]:
        return [str(segment.file(self.directory, kind)) for segment in segments]

    def throw_away(self) -> None:
        """All of it."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def seal(self, connection: DuckDBPyConnection, log: LogStream, segment: Segment, earlier: Sequence[Segment], clock: Clock) -> bool:
        """Write the segment after `earlier`. False where that could not be done, and everything is as it was."""
        from duckdb import Error

        mark = f".{clock.token_hex(8)}.unfinished"
        unfinished = {kind: self.directory / f"{segment.first:012}.{kind}{mark}" for kind in KINDS}
        try:
            self._prepare(clock.now())
            self._write(connection, log, segment, earlier, unfinished)
            # The events last: a segment is there when they are.
            for kind in reversed(KINDS):
                unfinished[kind].replace(segment.file(self.directory, kind))
        except (Error, OSError):
            return False
        else:
            return True
        finally:
            for path in unfinished.values():
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _write(
        self, connection: DuckDBPyConnection, log: LogStream, segment: Segment, earlier: Sequence[Segment], paths: dict[str, Path]
    ) -> None:
        with log.events(after=segment.first - 1, until=segment.last) as stream:
            connection.register("sealing", stream)
            try:
                self._copy(connection, facts_of("sealing"), paths[EVENTS])
            finally:
                connection.unregister("sealing")
        facts = parquet([str(paths[EVENTS])])
        ((count,),) = connection.execute(f"SELECT count(*) FROM {facts}").fetchall()
        if count != segment.last - segment.first + 1:
            # A number is missing, which is for the audit to tell.
            raise OSError("the log has a gap")
        for partial in PARTIALS:
            before = parquet(self.files(earlier, partial.name)) if earlier else ""
            self._copy(connection, partial.sealed(facts, before), paths[partial.name])

    def _copy(self, connection: DuckDBPyConnection, select: str, path: Path) -> None:
        # Before anything is in it nobody else may open it; DuckDB would make it as the umask says.
        path.touch(mode=0o600, exist_ok=False)
        connection.execute(f"COPY ({select}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")

    def _prepare(self, now: datetime) -> None:
        for place in (self._top, self.directory.parent, self.directory):
            place.mkdir(mode=0o700, exist_ok=True)
        for path in self._top.iterdir():
            if path.name != FORMAT:
                shutil.rmtree(path, ignore_errors=True)
        for path in self.directory.glob("*.unfinished"):
            with suppress(OSError):
                if path.stat().st_mtime < (now - _UNFINISHED_LIVES).timestamp():
                    path.unlink(missing_ok=True)

    def _named(self) -> list[Segment]:
        try:
            names = [path.name for path in self.directory.iterdir()]
        except OSError:
            return []
        matches = filter(None, map(_NAME.fullmatch, names))
        return [Segment(first=int(match[1]), last=int(match[2]), hash=match[3]) for match in matches]

    def _is_inside(self, segment: Segment, kept: list[Segment]) -> bool:
        """Two processes that began on different days: the longer one stands."""
        return any(other.first <= segment.first and segment.last <= other.last for other in kept)

    def _discard(self, segment: Segment) -> None:
        for kind in KINDS:
            with suppress(OSError):
                segment.file(self.directory, kind).unlink(missing_ok=True)


def sealed_facts(files: list[str]) -> str:
    """A SELECT of the facts in `files`."""
    return f"SELECT {', '.join(COLUMNS)} FROM {parquet(files)}"


def parquet(files: list[str]) -> str:
    """`files` as a relation."""
    # What DuckDB would take for a pattern is spelled out, or a home named "a*b" would be a search.
    names = (_quoted(re.sub(r"[*?\[]", lambda sign: f"[{sign[0]}]", file)) for file in files)
    return f"read_parquet([{', '.join(names)}])"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
