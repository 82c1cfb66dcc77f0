"""After step 4, where the books were put back from a backup: whatever had not ended in them is in doubt.

Time has passed that these books know nothing of. What was confirmed in them may have been sent, done, refused or drafted anew since, so
each execution that is open becomes UNKNOWN, as if its answer had been lost: the vendor is asked, and nothing is sent for it any more
(`stages.execute`). The same holds for a draft of the backup that is confirmed afterwards: the vendor may know it by its key already.

The first look waits as long as a request can live: whoever worked with the newer books may have sent one a moment ago.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.draft import iso_utc
from halo_engine.model.execution import Attempt, Classification, Execution, ExecutionStatus
from halo_engine.model.ids import Prefix
from halo_engine.model.value import Value
from halo_engine.stages.job import RESTORED
from halo_engine.store.session import Books, Store

_S = ExecutionStatus
_WHY = "These books were put back from a backup: what became of this since is asked of the vendor."
#: By what an execution in doubt goes to UNKNOWN. One that the vendor has accepted is looked up anyway, and is not sent again.
_ROADS = {_S.CONFIRMED: (_S.SUBMITTING, _S.UNKNOWN), _S.SUBMITTING: (_S.UNKNOWN,), _S.UNKNOWN: (), _S.ACCEPTED: ()}


class LogEnd(Value):
    """The newest event of one household in a backup."""

    household_id: str
    events: int
    head: str


class Doubted(Value):
    """What was put in doubt, and who has to come anew."""

    in_doubt: tuple[str, ...]
    devices_revoked: int


class Restoring:
    """Puts books that were just put back in doubt, once, before anybody else opens them."""

    def __init__(self, store: Store, clock: Clock, *, request_lives_s: int) -> None:
        self._store, self._clock, self._request_lives = store, clock, timedelta(seconds=request_lives_s)

    def doubt_everything(self, ends: tuple[LogEnd, ...], *, taken_at: datetime, keeps_devices: bool) -> Doubted:
        """Every open execution of every household, all in one transaction; and without `keeps_devices` every device has to enrol anew.

        Who was revoked since the backup stands as allowed in it, and nobody can tell which of them it is.
        """
        with self._store.transaction() as books:
            open_ones = sorted(books.executions.unfinished(), key=lambda execution: execution.id)
            revoked = 0
            for end in ends:
                here = [each for each in open_ones if each.household_id == end.household_id]
                ended = 0 if keeps_devices else _revoke(books, end.household_id)
                payload = event.BooksRestored(
                    taken_at=iso_utc(taken_at),
                    events=end.events,
                    head_hash=end.head,
                    in_doubt=tuple(each.id for each in here),
                    devices_revoked=ended,
                )
                books.events.append(payload, household_id=end.household_id, entity_id=end.household_id)
                for execution in here:
                    doubt(books, execution, self._clock, due_at=books.now + self._request_lives)
                revoked += ended
        return Doubted(in_doubt=tuple(each.id for each in open_ones), devices_revoked=revoked)


def doubt(books: Books, execution: Execution, clock: Clock, *, due_at: datetime) -> Execution:
    """In the caller's transaction: this execution may have been sent already. The vendor is asked from `due_at` on, and nothing is sent."""
    books.events.hold(execution.household_id)
    attempts = books.executions.attempts(execution.id)
    moved = execution
    for status in _ROADS[execution.status]:
        moved = _move(books, moved, status, submitted_at=moved.submitted_at or books.now)
    waits = moved.model_copy(update={"version": moved.version + 1, "due_at": due_at})
    books.executions.replace(moved, waits)
    for attempt in attempts:
        if attempt.finished_at is None:
            _end(books, execution, attempt)
    begun = Attempt(
        id=clock.new_id(Prefix.ATTEMPT),
        execution_id=execution.id,
        attempt_number=len(attempts) + 1,
        step=RESTORED,
        started_at=books.now,
        status="begun",
    )
    _end(books, execution, begun)
    return waits


def _move(books: Books, before: Execution, to: ExecutionStatus, **fields: Any) -> Execution:
    after = before.move(to, error_message=_WHY, **fields)
    books.executions.replace(before, after)
    told = event.ExecutionMoved(
        draft_id=after.draft_id, draft_hash=after.draft_hash, came_from=before.status.value, version=after.version, reason=_WHY
    )
    books.events.append_move(told, household_id=after.household_id, entity_id=after.id, status=to.value)
    return after


def _end(books: Books, execution: Execution, begun: Attempt) -> None:
    """An attempt of which nobody will hear any more."""
    lost = {"finished_at": books.now, "status": "unknown", "classification": Classification.AMBIGUOUS, "error_message": _WHY}
    ended = begun.model_copy(update=lost)
    books.executions.put_attempt(ended)
    payload = event.AttemptFinished(
        attempt_number=ended.attempt_number,
        step=ended.step,
        status=ended.status,
        classification=Classification.AMBIGUOUS.value,
        retry_delay_ms=None,
        reason=_WHY,
    )
    books.events.append(payload, household_id=execution.household_id, entity_id=execution.id, follows=execution.draft_id)


def _revoke(books: Books, household_id: str) -> int:
    """End every device and every code that waits; how many devices there were."""
    devices = [each for each in books.devices.all(household_id) if each.revoked_at is None]
    for device in devices:
        books.devices.revoke(device, books.now)
        gone = event.DeviceRevoked(name=device.name, member_id=device.user_id)
        books.events.append(gone, household_id=household_id, entity_id=device.id)
    for enrolment in books.devices.waiting(household_id):
        # It still waits: nobody else has these books open.
        books.devices.revoke_enrolment(enrolment, books.now)
        taken_back = event.EnrolmentRevoked(name=enrolment.name, member_id=enrolment.user_id)
        books.events.append(taken_back, household_id=household_id, entity_id=enrolment.id)
    return len(devices)
