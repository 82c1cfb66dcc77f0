"""An export as one step: which events, in which form, where to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from halo_engine.export.cells import write_cells
from halo_engine.export.columns import write_columns
from halo_engine.export.files import written
from halo_engine.export.lines import Sum, write_lines
from halo_engine.export.which import Range, range_of
from halo_engine.model.household import Household
from halo_engine.store.auditing.entries import Entry, entries
from halo_engine.store.reader import Reader


class Format(StrEnum):
    """What a log is exported as. Only NDJSON can be checked without Halo's books."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class Exporter:
    """One household's log, on its way out."""

    def __init__(self, reader: Reader, household: Household) -> None:
        self._reader, self._household = reader, household

    def to_file(self, path: Path, form: Format, *, since: str | None = None, until: str | None = None) -> Sum:
        """Write it to `path`, complete or not at all, readable by its owner alone.

        Raises `InvalidInput` for days that are none, `StoreNotWritable` for a place that cannot be written, and `StoreDamaged` for a row that never
        was an event.
        """
        with self._events(since, until) as events, written(path) as (file, place):
            return write_columns(events, place) if form is Format.PARQUET else _write(events, form, file)

    def to_stream(self, file: BinaryIO, form: Format, *, since: str | None = None, until: str | None = None) -> Sum:
        """Write it to `file` as it comes. Raises as `to_file` does; what was written by then is no export."""
        if form is not Format.PARQUET:
            with self._events(since, until) as events:
                return _write(events, form, file)
        # Its table of contents stands at its end, so that it cannot be written as it comes.
        with tempfile.TemporaryDirectory(prefix="halo-export-") as place:
            path = Path(place) / "log.parquet"
            total = self.to_file(path, form, since=since, until=until)
            with path.open("rb") as made:
                shutil.copyfileobj(made, file)
            return total

    @contextmanager
    def _events(self, since: str | None, until: str | None) -> Iterator[Iterator[Entry]]:
        with self._reader.snapshot():
            wanted: Range = range_of(self._reader, self._household, since=since, until=until)
            yield entries(self._reader, wanted.household_id, after=wanted.after, until=wanted.until)


def _write(events: Iterator[Entry], form: Format, file: BinaryIO) -> Sum:
    return write_lines(events, file) if form is Format.NDJSON else write_cells(events, file)
