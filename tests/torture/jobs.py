"""One confirmed job for each verb and dialect, made once and copied for every point: founding a household takes longer than most points do."""

from __future__ import annotations

import atexit
import functools
import os
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

#: `cancel` speaks Stripe's dialect; these speak the others. By name they are jobs like those above.
DIALECTS = {
    "recurly": "cancel cineloft",
    "chargebee": "cancel forkful",
    "google_play": "cancel trailmark",
}

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
        return reopen(place / "home", _another_clock())


@dataclass(frozen=True)
class Drafted:
    """A home on SQLite in which `card` waits for its yes."""

    name: str
    home: Path
    card: Card

    def copy(self, place: Path, clock: FakeClock | None = None) -> Installation:
        """The same in `place`, opened, at the same time of day. The caller closes its engine."""
        shutil.copytree(self.home, place / "home")
        return reopen(place / "home", clock or _another_clock())


def _another_clock() -> FakeClock:
    """A clock with the seed of the one before would make its identifiers once more."""
    return FakeClock(NOON, seed=2)


def reopen(home: Path, clock: FakeClock | None = None, **settings: str) -> Installation:
    """What is in `home`, opened again, as another process would."""
    return Installation.reopen(home, clock=clock or FakeClock(NOON), **settings)


def kept_place(prefix: str) -> Path:
    """An empty directory that lasts as long as this process, and no longer; a child that ends does not take it away."""
    place, owner = Path(tempfile.mkdtemp(prefix=prefix)), os.getpid()
    atexit.register(lambda: shutil.rmtree(place, ignore_errors=True) if os.getpid() == owner else None)
    return place


@functools.cache
def confirmed(name: str) -> Job:
    """The job `name`, confirmed. Made once a process."""
    home = kept_place(f"halo-job-{name}-") / "home"
    installation = Installation.open(home, clock=FakeClock(NOON), merchant=_MERCHANT.get(name, "amazon"))
    card = installation.ask((JOBS | DIALECTS)[name])
    execution = installation.confirm(card)
    installation.engine.close()
    return Job(name, home, card, execution.id)


@functools.cache
def drafted(name: str) -> Drafted:
    """The job `name`, drafted and no more. Made once a process."""
    home = kept_place(f"halo-draft-{name}-") / "home"
    installation = Installation.open(home, clock=FakeClock(NOON), merchant=_MERCHANT.get(name, "amazon"))
    card = installation.ask((JOBS | DIALECTS)[name])
    installation.engine.close()
    return Drafted(name, home, card)
