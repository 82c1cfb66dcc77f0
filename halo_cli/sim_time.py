"""The time of a home with simulated vendors: moved, and said. `halo sim clock` and the dashboard's simulator panel move it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import InvalidInput
from halo_sim.world import World, read_offset


@dataclass(frozen=True)
class Moved:
    """What time it is there, and how far from the real one."""

    now: str
    moved_s: int

    @property
    def words(self) -> str:
        if self.moved_s == 0:
            return f"{self.now}, the real time"
        return f"{self.now}, moved by {_words(abs(self.moved_s))} {'ahead' if self.moved_s > 0 else 'back'}"


def moved(world: World, move: Callable[[World], None]) -> Moved:
    """The time after `move`. Raises `InvalidInput` where that would be no time to live in."""
    try:
        move(world)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("The time must be between the years 2000 and 2100.", hint="halo sim clock reset") from error
    return Moved(now=iso_utc(world.now()), moved_s=round(read_offset(world.path).total_seconds()))


def _words(seconds: int) -> str:
    parts = []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {name}"] if count else []
    return " ".join(parts)
