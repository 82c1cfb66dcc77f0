"""After the fault: the home is opened as another process would open it, a good while later, carried to the end and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from halo_engine.clock import FakeClock
from halo_engine.model.errors import HaloError
from halo_engine.settings import Settings
from halo_sim.faults import clear_faults
from tests.installation import Installation
from tests.torture.forking import SOON
from tests.torture.harness import Kind, Problem, judge, sample
from tests.torture.jobs import reopen

#: Vendors who take hours to place an order are done by then.
_HOURS = 60


def later() -> FakeClock:
    """A clock at which no request that was sent before the fault can be alive any more, and which gives identifiers of its own."""
    lives_s = int(Settings.model_fields["request_lives_s"].default)
    return FakeClock(SOON + timedelta(seconds=lives_s + 1), seed=4)


def recovered(home: Path, execution_id: str, *, clock: FakeClock | None = None, **settings: str) -> Iterator[Problem]:
    """What is wrong in `home` once the faults have stopped and the execution was carried on to its end."""
    try:
        installation = reopen(home, clock or later(), **settings)
    except HaloError as error:
        yield Problem(Kind.STUCK, f"the books cannot be opened any more: {error.message}")
        return
    try:
        yield from unintended(installation, execution_id)
        clear_faults(installation.world)
        ended(installation, execution_id)
        yield from judge(installation)
    except HaloError as error:
        yield Problem(Kind.STUCK, f"it cannot be carried on: {error.message}")
    finally:
        installation.engine.close()


def ended(home: Installation, execution_id: str) -> None:
    """Carry the execution on until it ends, or nobody would wait any longer."""
    for _ in range(_HOURS):
        if home.engine.execute(execution_id, wait_s=600).is_final:
            return
        home.later(hours=1)


def unintended(home: Installation, execution_id: str) -> Iterator[Problem]:
    """The write-ahead rule itself: what the vendor did, the books had written down before as being sent."""
    effects = home.ledger()
    with home.queries() as queries:
        execution = queries.execution(execution_id).execution
    if effects and execution.submitted_at is None:
        yield Problem(Kind.LOST, f"{effects[0].vendor} did {effects[0].reference}, and the books do not know that it was ever sent")


def interleaved(random: Random, groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """All points of all groups in an order of chance, one of each group in turn: a short run sees every kind of fault."""
    shuffled = [iter(sample(random, groups[name])) for name in sample(random, sorted(groups))]
    while shuffled:
        for points in list(shuffled):
            point = next(points, None)
            if point is None:
                shuffled.remove(points)
            else:
                yield point
