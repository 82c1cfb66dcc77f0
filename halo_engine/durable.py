"""Carries executions on until they end. The place where a durable-execution library goes, and the only file that may know one.

Here it is a loop in the caller's process: it calls `advance`, waits as long as `advance` says, and calls again. Nothing is lost when the process
dies, since every move is in the books; but nobody carries the execution on until somebody asks for it again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from halo_engine.clock import Clock
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.stages.execute import Executing, Finished

#: While another process waits for a vendor's answer, look this often whether it has come.
_POLL = timedelta(seconds=0.25)


class InProcess:
    """Runs executions in the calling thread."""

    def __init__(self, executing: Executing, clock: Clock) -> None:
        self._executing, self._clock = executing, clock

    def run(self, execution_id: str, *, until: datetime) -> Execution:
        """Advance the execution until it ends or `until` has come; it is returned as it stands then."""
        while True:
            progress = self._executing.advance(execution_id)
            now = self._clock.now()
            if isinstance(progress, Finished) or now >= until:
                return progress.execution
            in_flight = progress.execution.status is ExecutionStatus.SUBMITTING
            self._clock.sleep_until(min(progress.at, until, now + _POLL if in_flight else until))
