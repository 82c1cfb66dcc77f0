"""What the pages work with: the home's settings, its clock, its books to look at, and its engine to act with.

The engine takes a while to open, and to look at something nobody needs it: the first who acts opens it, in a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import TYPE_CHECKING

from halo_engine.clock import Clock
from halo_engine.queries import Queries
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from halo_engine.audit import Audit
    from halo_engine.engine import Engine
    from halo_engine.thread import LocalDoor


class Desk:
    """One home's. Whoever made it closes it."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        queries: Callable[[], AbstractContextManager[Queries]],
        open_engine: Callable[[], AbstractContextManager[Engine]],
    ) -> None:
        self.settings, self.clock = settings, clock
        #: Opens the books for reading; from any thread, and not for longer than one question takes.
        self.queries = queries
        self._open_engine = open_engine
        self._engine: Engine | None = None
        self._opened, self._lock = ExitStack(), Lock()

    def audit(self) -> Audit:
        """The log, to be checked; a context manager. For workers: what checks it is not imported before."""
        from halo_engine.audit import Audit

        return Audit.open(self.settings, clock=self.clock)

    def engine(self) -> Engine:
        """The engine, opened when it is first asked for. For workers: it may take a second."""
        with self._lock:
            if self._engine is None:
                self._engine = self._opened.enter_context(self._open_engine())
            return self._engine

    def door(self) -> LocalDoor:
        """The door through which the chat acts, too. For workers."""
        from halo_cli import terminal_key
        from halo_engine.thread import LocalDoor

        engine = self.engine()
        return LocalDoor(engine, self.queries, terminal_key.signer(engine, self.settings, self.queries))

    def close(self) -> None:
        """Let go of the engine, where there is one."""
        with self._lock:
            self._engine = None
            self._opened.close()
