"""SQL compiled once a process instead of once a home.

SQLAlchemy keeps what it has compiled with the engine that asked for it. Halo opens one for as long as a process lives; a test opens one of its
own, and compiled the same few hundred statements anew. What a statement comes to depends on the dialect, so the engines here share that too.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.util import LRUCache

from halo_engine.store import session

_ROOM = 5_000
_shared: dict[str, Any] = {}


def compile_once() -> None:
    """From here on, in this process and its children, for SQLite."""
    session.create_engine = _sharing  # type: ignore[attr-defined]


def compile_anew() -> None:
    """Each engine its own again, from here on: for who counts the lines of ours that are executed, and compiling executes some."""
    session.create_engine = create_engine  # type: ignore[attr-defined]


def _sharing(*args: Any, **named: Any) -> Engine:
    engine = create_engine(*args, **named)
    if engine.dialect.name == "sqlite":
        engine.dialect = _shared.setdefault("dialect", engine.dialect)
        engine._compiled_cache = _shared.setdefault("compiled", LRUCache(_ROOM))
    return engine
