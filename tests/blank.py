"""Books with every table and nothing in them: made once a process by the real migrations, and copied wherever a test begins with an empty home.

Migrating took a third of the time of the whole suite. What the migrations themselves do is tested in tests/halo_engine/store/test_schema.py, on
books that are really empty.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from halo_engine.clock import SystemClock
from halo_engine.durable import Tickets
from halo_engine.store.directory import prepare_directory, prepare_file
from halo_engine.store.session import open_store


def put_books(database_file: Path) -> None:
    """Blank books at `database_file`, unless there are some already."""
    prepare_directory(database_file.parent)
    if not database_file.exists():
        prepare_file(database_file)
        database_file.write_bytes(_blank())


def make_tables(database_file: Path, database_url: str | None) -> None:
    """Halo's own, and those of the durable-execution library, which otherwise come with the first yes."""
    store = open_store(database_file=database_file, database_url=database_url, clock=SystemClock())
    Tickets(store).open()
    store.close()


@functools.cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory(prefix="halo-blank-") as place:
        file = Path(place) / "home" / "halo.db"
        make_tables(file, None)
        # Closed by its last connection it is one file: the journal has gone into it.
        assert [path.name for path in file.parent.iterdir() if path.name.startswith("halo.db")] == ["halo.db"]
        return file.read_bytes()
