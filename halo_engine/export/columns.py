"""Parquet for databases and data frames: typed columns, packed with zstd, what it all adds up to in the file's metadata.

DuckDB writes it. It is given the rows as lines of JSON in a file beside, and not the books: no second SQLite opens those, and PostgreSQL needs no
other driver.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

from halo_engine.export.cells import COLUMNS
from halo_engine.export.lines import FORMAT, Adding, Sum
from halo_engine.export.reading import MAX_LINE
from halo_engine.model.errors import StoreNotWritable
from halo_engine.store.auditing.entries import Entry

#: DuckDB takes room for some of the largest rows.
_LARGEST_ROW = MAX_LINE
#: Held in memory before they are packed: its own number would be a hundred megabytes of payloads.
_ROW_GROUP = 20_480


def write_columns(entries: Iterable[Entry], path: Path) -> Sum:
    """Write the events into the file at `path`, which is there, and keeps its mode."""
    adding, places = Adding(), [(name, Entry._fields.index(field)) for name, field in COLUMNS.items()]
    # Its rows go to a file beside, which needs no name once they are packed.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".halo-export-") as rows:
        for entry in entries:
            adding.leaf(entry)
            # A hash that was altered may be anything, even no text.
            rows.write(json.dumps({name: entry[place] for name, place in places}, default=str).encode() + b"\n")
        rows.flush()
        _pack(Path(rows.name), path, adding.sum())
    return adding.sum()


def _pack(rows: Path, path: Path, total: Sum) -> None:
    import duckdb

    sums = ", ".join(f"{name}: {_text(value)}" for name, value in _metadata(total).items())
    # A name with a star in it would be taken for many.
    source = _text("".join(f"[{c}]" if c in "*?[" else c for c in str(rows)))
    try:
        with duckdb.connect(":memory:", config=_CONFIG) as connection:
            # Nothing but these two files, and nothing from the network.
            connection.execute(f"SET allowed_paths = [{source}, {_text(rows)}, {_text(path)}]; SET enable_external_access = false")
            connection.execute(
                f"COPY (SELECT * REPLACE (TRY_CAST(created_at AS TIMESTAMPTZ) AS created_at) FROM read_json({source}, {_READ})) "  # noqa: S608 - our own words, and names as texts
                f"TO {_text(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}, USE_TMP_FILE false, KV_METADATA {{{sums}}})"
            )
    except duckdb.Error as error:
        hint = "Is there room on the disk, and in memory?"
        raise StoreNotWritable(f"The Parquet file cannot be made: {type(error).__name__}.", hint=hint) from error


def _metadata(total: Sum) -> dict[str, object]:
    return {"export": FORMAT, "count": total.count, "first": total.first, "head": total.head, "root": total.root}


def _text(value: object) -> str:
    """`value` as a text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


_TYPED = ", ".join(f"{name}: '{'BIGINT' if name in ('seq', 'schema') else 'VARCHAR'}'" for name in COLUMNS)
_READ = f"format = 'newline_delimited', maximum_object_size = {_LARGEST_ROW}, columns = {{{_TYPED}}}"
#: One thread keeps the order of the rows without holding many of them.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 1,
    "temp_directory": "",
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}
