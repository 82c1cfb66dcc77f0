"""Whether the process lives and can work."""

from __future__ import annotations

from server.documents.base import Document
from server.documents.words import HealthStatus


class Health(Document):
    """`ok`, or `ready`. `workers` is how many there are that carry on what was confirmed; without one it waits."""

    status: HealthStatus
    workers: int | None = None
