"""The schema's version: what this Halo expects, what a database has, and the way from one to the other.

The migration library takes a third of a second to import, so it is only touched when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from halo_engine.model.errors import StoreFailed

MIGRATIONS = Path(__file__).parent / "migrations"

#: The newest revision in `migrations/versions`; a test keeps them equal.
HEAD = "0004"

#: Any number will do, as long as every Halo takes the same one while it migrates a PostgreSQL database.
_MIGRATION_LOCK = 4_841_792_305


def upgrade(connection: Connection) -> None:
    """Migrate inside the caller's transaction. Raises `StoreFailed` for a database that a newer Halo has made."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    version = current(connection)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise StoreFailed("These books were made by a newer Halo.", hint="Upgrade Halo, or use another data directory with --home.")
    _run(connection)


def current(connection: Connection) -> str | None:
    """The revision a database is at, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
