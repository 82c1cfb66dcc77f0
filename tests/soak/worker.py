"""`halo worker` as the soak starts it: the real command, in a time that can be moved, and with a planted bug where one is asked for.

An answer that was lost is waited for minutes. In the end of a soak nobody has to sit them out: `move` moves the time of all workers at once.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from halo_cli import session
from halo_cli.main import main
from halo_engine.clock import OffsetClock, SystemClock
from halo_engine.model.execution import Classification, ExecutionStatus
from halo_engine.stages.execute import Executing
from halo_engine.verbs.purchase import Purchase


def moved(home: Path) -> timedelta:
    """By how much the time of the workers of `home` has been moved."""
    file = home / "moved"
    return timedelta(seconds=int(file.read_text())) if file.exists() else timedelta(0)


def move(home: Path, by: timedelta) -> None:
    """For all of its workers at once."""
    next_one = home / "moved.next"
    next_one.write_text(str(int((moved(home) + by).total_seconds())))
    next_one.replace(home / "moved")


@contextmanager
def _sent_again() -> Iterator[None]:
    """What a dead worker had sent is sent once more, under another key, without asking the vendor about it."""
    commit, left = Purchase.commit, set[str]()

    def again(stage: Executing, job: Any) -> Any:
        left.add(job.execution.vendor_key)
        attempt = stage._begin("look_up", job)
        return stage._later(job, attempt, "not_found", Classification.AMBIGUOUS, None, to=ExecutionStatus.CONFIRMED)

    def under_another_key(verb: Any, terms: Any, fresh: Any, *, key: str, context: Any) -> Any:
        return commit(verb, terms, fresh, key=f"halo-{secrets.token_hex(13)}" if key in left else key, context=context)

    with patch.object(Executing, "_give_up_on_answer", again), patch.object(Purchase, "commit", under_another_key):
        yield


@contextmanager
def _said_to_have_failed() -> Iterator[None]:
    """Where an answer was lost, the household is told that nothing was done."""

    def wrong(stage: Executing, job: Any, attempt: Any, message: str) -> Any:
        return stage._end(job, attempt, ExecutionStatus.FAILED, Classification.PERMANENT, error_message=message)

    with patch.object(Executing, "_unknown", wrong):
        yield


#: Each takes a safeguard away, and the soak has to end badly.
BUGS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {"sent-again": _sent_again, "said-to-have-failed": _said_to_have_failed}


def work(home: Path, bug: str | None) -> None:
    """The process: `halo` with the arguments it was given."""
    wall = SystemClock()
    with BUGS[bug]() if bug else nullcontext(), session.at(OffsetClock(wall, lambda: moved(home))):
        main()


if __name__ == "__main__":
    work(Path(os.environ["HALO_HOME"]), os.environ.pop("SOAK_BUG", None))
