"""What somebody remembers of the log, held against the log as it is: this is how a log that was cut, or put back, is noticed.

A log alone cannot show that its end is missing. Whoever kept a checkpoint can: the log has to have that many events at least, and the same root
over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime

from halo_engine.model.draft import iso_utc
from halo_engine.model.note import Checkpoint
from halo_engine.model.value import Value


class Recollection(Value):
    """`who` saw `checkpoint` at `seen_at`, where that is known."""

    who: str
    checkpoint: Checkpoint
    seen_at: AwareDatetime | None = None

    def contradiction(self, *, size: int, root: bytes | None, newest_at: datetime | None) -> str | None:
        """How a log of `size` events is not the one that was seen; `root` is that over as many of them as were seen, None where there are fewer."""
        seen = f"{self.who} saw {counted(self.checkpoint.size)}" + (f" at {iso_utc(self.seen_at)}" if self.seen_at else "")
        newest = f", the newest of {iso_utc(newest_at)}" if newest_at else ""
        if root is None:
            return f"{seen}, and there are {size} now{newest}: the log was cut at its end, or an older backup was put back"
        if root != self.checkpoint.root:
            seen_of = f"the {size}" if size == self.checkpoint.size else f"the first {self.checkpoint.size} of the {size}"
            which = f"{seen_of} that are there now{newest}, are others" if newest else f"{seen_of} that are there now are others"
            return f"{seen}, and {which}: the log was rewritten, or gone on with from an older backup"
        return None


class Heard(Value):
    """Everything that is remembered, and what is wrong with it before the log is even looked at."""

    recollections: tuple[Recollection, ...]
    problems: tuple[str, ...]

    @property
    def sizes(self) -> frozenset[int]:
        """At which sizes the log's root has to be known."""
        return frozenset(recollection.checkpoint.size for recollection in self.recollections)

    def contradictions(self, *, size: int, roots: Mapping[int, bytes], newest_at: datetime | None) -> tuple[str, ...]:
        """Each way in which the log is not what was seen of it. `roots` has the root at every one of `sizes` that the log has."""
        found = (each.contradiction(size=size, root=roots.get(each.checkpoint.size), newest_at=newest_at) for each in self.recollections)
        return (*self.problems, *(problem for problem in found if problem))


def counted(number: int) -> str:
    """So many events, as a person says it."""
    return "one event" if number == 1 else f"{number:,} events"
