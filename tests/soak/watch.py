"""Looks at the processes and the database while a soak lasts, and counts what they use."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.soak.scene import Part, cpu_of

_LOOK_EVERY_S = 1.0
#: What the database counts by itself: a name, and the question. The difference between the end and the beginning is told.
_COUNTED = {
    "transactions": "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
    "rows written": "SELECT tup_inserted + tup_updated FROM pg_stat_database WHERE datname = current_database()",
    "rows deleted": "SELECT tup_deleted FROM pg_stat_database WHERE datname = current_database()",
    "bytes of the database": "SELECT pg_database_size(current_database())",
    "bytes of its log": "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",
}
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Watch:
    """Beside a soak, from its beginning to its end."""

    def __init__(self, database_url: str, parts: Sequence[Part]) -> None:
        import psycopg

        self._parts = parts
        self._connection = psycopg.connect(database_url, autocommit=True)
        self._before, self.sessions = self._count(), 0
        backend = self._one("SELECT pg_backend_pid()")
        self._server = int(Path(f"/proc/{backend:.0f}/stat").read_text().rpartition(")")[2].split()[1])
        self._cpu_before = self._database_cpu_s()
        #: What the database counted, and what its processes used.
        self.counted: Mapping[str, float] = {}
        self.database_cpu_s = 0.0

    def look(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.wait(_LOOK_EVERY_S):
            for part in self._parts:
                part.looked_at()
            self.sessions = max(self.sessions, int(self._one(_SESSIONS)))

    def end(self) -> None:
        """Before the processes are ended, and their sessions with them."""
        after, self.sessions = self._count(), max(self.sessions, int(self._one(_SESSIONS)))
        self.counted = {name: after[name] - self._before[name] for name in after} | {"sessions at once": self.sessions}
        self.database_cpu_s = self._database_cpu_s() - self._cpu_before
        self._connection.close()

    def _count(self) -> dict[str, float]:
        return {name: self._one(question) for name, question in _COUNTED.items()}

    def _one(self, question: str) -> float:
        row: Any = self._connection.execute(question).fetchone()  # type: ignore[call-overload,unused-ignore]
        return float(row[0])

    def _database_cpu_s(self) -> float:
        """Of the server with every session that ended, and of each that has not."""
        children = Path(f"/proc/{self._server}/task/{self._server}/children").read_text().split()
        return cpu_of(self._server, and_of_its_dead=True) + sum(cpu_of(int(child)) for child in children)
