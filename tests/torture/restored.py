"""R-16: a backup of any moment is restored by its own command, after the newer books went on to the end; and the vendors remember.

R-12 puts files back by hand, and somebody goes on in them. Here the restore itself has the last word: the vendor is asked, and nothing is sent.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

from halo_engine.backup.putting_back import put_back
from halo_engine.backup.taking import take
from halo_engine.clock import FakeClock
from halo_engine.model.errors import DraftExpired, HaloError
from halo_engine.model.execution import Execution
from halo_engine.settings import load_settings
from halo_engine.stages import confirm, restoring
from halo_engine.stages.job import RESTORED
from halo_sim.faults import add_fault
from tests.installation import Installation
from tests.torture.forking import SOON
from tests.torture.harness import Bug, Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, reopen
from tests.torture.recovery import ended
from tests.torture.storage import carried, story

_MOODS = ("calm", "drop_before", "lose_answer")
#: How long after the backup it is restored: while a request may still be alive and the terms stand, or when both are long over.
_WHEN = {"soon": timedelta(minutes=1), "late": timedelta(days=1)}


def _points(random: Random) -> Iterator[str]:
    yield from sample(
        random,
        [
            f"{job}-{mood}-{when}-{moment}"
            for job in JOBS
            for mood in _MOODS
            for when in _WHEN
            for moment in range(story(job, mood).moments)
        ],
    )


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    job, mood, when, moment = point.split("-")
    told = story(job, mood)
    before = place / "before"
    shutil.copytree(told.home(), before)
    told.put_back(int(moment), before)
    clock = FakeClock(SOON + _WHEN[when], seed=6)
    take(load_settings(home=before, environ={}), place / "books.backup", clock, halo="test", with_keys=True)
    # The vendors as they are now: a backup has no say in what they did.
    shutil.copytree(told.home() / "simulator", place / "home" / "simulator")
    put_back(place / "books.backup", place / "home", clock, load=lambda home: load_settings(home=home, environ={}), keeps_devices=False)
    home = reopen(place / "home", clock)
    # So that nothing but Halo itself stands between a second request and a second order.
    add_fault(home.world, "ignore_keys")
    did = len(home.ledger())
    try:
        execution = _carried_on(home, job, told.execution_id)
        yield from _sent_again(home, execution)
        yield from judge(home)
    except DraftExpired:
        # Before the yes, and too late for one.
        pass
    except HaloError as error:
        yield Problem(Kind.STUCK, f"it cannot be carried on: {error.message}")
    finally:
        home.engine.close()
    if len(home.ledger()) != did:
        yield Problem(Kind.DOUBLE, "a restored home did something at a vendor's")


def _carried_on(home: Installation, job: str, execution_id: str) -> Execution:
    """As a worker would, where it was confirmed in the backup; else somebody confirms what they see."""
    with home.queries() as queries:
        has_begun = any(line.id == execution_id for line in queries.activity(limit=10))
    if not has_begun:
        carried(home, job)
    ended(home, execution_id)
    return home.engine.execute(execution_id, wait_s=0)


def _sent_again(home: Installation, execution: Execution) -> Iterator[Problem]:
    """Whatever the vendor makes of it: a request that commits must not leave at all."""
    with home.queries() as queries:
        steps = [attempt.step for attempt in queries.execution(execution.id).attempts]
    restored = steps.index(RESTORED) if RESTORED in steps else -1
    in_backup = restored < 0 and execution.is_final and "commit" in steps
    if "commit" in steps[restored + 1 :] and not in_backup:
        yield Problem(Kind.DOUBLE, "it was sent again by a home that was restored")


@contextlib.contextmanager
def _resumes() -> Iterator[None]:
    """A restore that carries on what was open as if no time had passed."""
    with patch.object(restoring, "doubt", lambda books, execution, clock, *, due_at: execution):
        yield


@contextlib.contextmanager
def _forgets_the_restore() -> Iterator[None]:
    """A confirmation that does not know that the books were put back."""
    with patch.object(confirm, "doubt", lambda books, execution, clock, *, due_at: execution):
        yield


R_16 = Row("R-16", "a backup is restored, and the vendors remember", ci=20, points=_points, attempt=_attempt)

ROWS = (R_16,)

BUGS = (
    Bug(
        "a-restore-that-resumes",
        "What was open in a backup is carried on as if no time had passed.",
        _resumes,
        "R-16",
        ("order-calm-soon-1",),
    ),
    Bug(
        "a-restored-draft-that-is-sent",
        "A draft of a backup that is confirmed once more is sent without asking whether it was confirmed before.",
        _forgets_the_restore,
        "R-16",
        ("order-calm-soon-0",),
    ),
)
