"""CSV (RFC 4180) for spreadsheets: a row an event, with its hash, the payload as JSON text.

A spreadsheet runs a cell that begins with =, +, - or @ as a formula, and what a vendor or a model said stands in these cells. Such a cell gets an
apostrophe in front, and so does one that begins with an apostrophe: whoever takes one away everywhere has the exact text again. NDJSON has it anyway.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, BinaryIO

from halo_engine.export.lines import Adding, Sum
from halo_engine.store.auditing.entries import Entry

#: The columns of CSV and Parquet: an event's names as in the leaf, and the hash that the books have for it.
COLUMNS = {
    "seq": "seq",
    "created_at": "created_at",
    "event_type": "event_type",
    "entity_type": "entity_type",
    "entity_id": "entity_id",
    "user_id": "user_id",
    "payload": "payload_json",
    "household_id": "household_id",
    "id": "id",
    "causation_id": "causation_id",
    "correlation_id": "correlation_id",
    "schema": "schema_version",
    "prev_hash": "prev_hash",
    "hash": "hash",
}

#: What begins a formula, in any width; and what some spreadsheets take for a cell's end, or skip, before they look for one.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n;,|%'")
_BATCH = 1000


def harmless(cell: Any) -> Any:
    """`cell` as no spreadsheet takes it for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def write_cells(entries: Iterable[Entry], file: BinaryIO) -> Sum:
    """Write the events under a line with the names of the columns."""
    adding, text = Adding(), io.StringIO(newline="")
    writer, places = csv.writer(text), [Entry._fields.index(field) for field in COLUMNS.values()]
    writer.writerow(COLUMNS)
    for number, entry in enumerate(entries, 1):
        adding.leaf(entry)
        writer.writerow([harmless(entry[place]) for place in places])
        if number % _BATCH == 0:
            _pass_on(text, file)
    _pass_on(text, file)
    return adding.sum()


def _pass_on(text: io.StringIO, file: BinaryIO) -> None:
    file.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()
