"""One confirmed job for each verb and dialect, made once and copied for every point: founding a household takes longer than most points do."""

from __future__ import annotations

import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from tests.installation import NOON, Installation

#: What is asked for, by the name of the job; and the merchant of the household where it is not Amazon.
JOBS = {
    "order": "order 2 packs of AA batteries",
    "zinc": "order 2 packs of AA batteries",
    "reorder": "reorder the dog supplies",
    "cancel": "cancel streamly",
    "book": "book a table for two at Nopa tomorrow at 7:30pm",
    "haircut": "book a haircut at Shear Joy on friday at 3pm",
}
_MERCHANT = {"zinc": "zinc"}

#: The four verbs.
VERBS = ("order", "reorder", "cancel", "book")


@dataclass(frozen=True)
class Job:
    """A home on SQLite in which `card` was drafted, and confirmed as `execution_id`, and nothing was sent."""

    name: str
    home: Path
    card: Card
    execution_id: str

    def copy(self, place: Path) -> Installation:
        """The same in `place`, opened, at the same time of day. The caller closes its engine."""
        shutil.copytree(self.home, place / "home")
        return reopen(place / "home")


def reopen(home: Path, clock: FakeClock | None = None, **settings: str) -> Installation:
    """What is in `home`, opened again, as another process would."""
    return Installation.reopen(home, clock=clock or FakeClock(NOON), **settings)


@functools.cache
def confirmed(name: str) -> Job:
    """The job `name`, confirmed. Made once a process."""
    home = Path(tempfile.mkdtemp(prefix=f"halo-job-{name}-")) / "home"
    installation = Installation.open(home, clock=FakeClock(NOON), merchant=_MERCHANT.get(name, "amazon"))
    card = installation.ask(JOBS[name])
    execution = installation.confirm(card)
    installation.engine.close()
    return Job(name, home, card, execution.id)
