"""DuckDB in memory, and alone: it fetches nothing, installs nothing and looks at nobody's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CONFIG: dict[str, Any] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "allow_unsigned_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Loading and drawing together a million events takes a third of it.
    "memory_limit": "1GB",
    # No temporary files: what does not fit is an error, and nothing of the log lies around.
    "temp_directory": "",
    # Python's own variables are not tables.
    "python_enable_replacements": "false",
    # The order of rows is asked for where it matters; keeping it would cost memory.
    "preserve_insertion_order": "false",
}


def connect() -> DuckDBPyConnection:
    """A database of nobody else's, to be closed."""
    import duckdb

    return duckdb.connect(":memory:", config=_CONFIG)


def lock(connection: DuckDBPyConnection) -> None:
    """From here on its statements reach nothing but its own tables: no file, no network, no extension, no setting. For good."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
