"""Step 4: carry out one confirmation, exactly once. `advance` makes the next move of an execution and says what comes after it.

The road of one execution:
  (1) CONFIRMED: ask the vendor again. What moved beyond what was confirmed stops here, with a revised draft.
  (2) SUBMITTING is written and committed: from here on a request may be on its way.
  (3) The vendor is called, outside any transaction, under the execution's own key.
  (4) The answer is recorded, with its receipt where something was done.
A lost answer is UNKNOWN: (5) it is looked up until the vendor tells, and sent again only under the same key, and only where the vendor has no record
of it and recognises repeats. Once an answer was lost, only the vendor's own record of it can end in "failed"; any other trouble goes to a person,
because a fresh draft would be bought under another key. Every move is a compare-and-set on status and version in one transaction with its event, so
of two workers one moves and the other finds out. A worker that finds SUBMITTING did not send that request itself: it waits until the request cannot
be alive any more, then treats its answer as lost.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.canonical import sha256_hex
from halo_engine.model.draft import is_covered_by
from halo_engine.model.errors import FencedOff, StoreDamaged, VendorFailed
from halo_engine.model.execution import FINAL, Attempt, Classification, Execution, ExecutionStatus
from halo_engine.model.ids import Prefix
from halo_engine.model.outcome import Done, Found, HandOff, NotThere, Outcome, Partial, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.model.receipt import Receipt, receipt_text
from halo_engine.stages.draft import Drafting, Place, quoted_now
from halo_engine.stages.job import RESTORED, Job
from halo_engine.stages.remark import remark
from halo_engine.stages.waits import REQUEST_TAKES, Backoff, Waits
from halo_engine.store.session import Books, Store
from halo_engine.vendors.directory import Vendors
from halo_engine.vendors.http import leaving_until
from halo_engine.vendors.recorder import recording, taken
from halo_engine.verb import Context, Proposal, Refusal, Verbs


@dataclass(frozen=True)
class Finished:
    """There is nothing more to do."""

    execution: Execution


@dataclass(frozen=True)
class Later:
    """Call `advance` again at `at`."""

    execution: Execution
    at: datetime


Progress = Finished | Later

_TAKE_OVER = "take_over"


class Executing:
    """Makes the moves."""

    def __init__(
        self, store: Store, verbs: Verbs, vendors: Vendors, drafting: Drafting, clock: Clock, waits: Waits, *, key_of: Callable[[str], str]
    ) -> None:
        self._store, self._verbs, self._vendors, self._drafting = store, verbs, vendors, drafting
        self._clock, self._waits, self._key_of = clock, waits, key_of
        self._backoff = {Classification.TRANSIENT: Backoff(waits.retries_s, clock), Classification.AUTH: Backoff((0,), clock)}

    def advance(self, execution_id: str, *, household_id: str | None = None) -> Progress:
        """Make one move. Safe to call at any time, by anyone, any number of times. Raises `NotFound`, also for one of another household than that."""
        with self._store.reading() as books:
            execution = books.executions.look(execution_id, household_id=household_id)
            if execution.status in FINAL:
                return Finished(execution)
            is_due = execution.due_at is None or execution.due_at <= books.now
            job = self._job(books, execution) if is_due else None
        if job is None:
            return self._not_yet(execution)
        names = {"execution_request_id": job.draft.request_id, "draft_id": job.draft.id, "execution_id": execution.id}
        with recording(hidden=execution.vendor_key), telemetry.about(household_id=execution.household_id, vendor=execution.vendor, **names):
            return self._next(job)

    def _next(self, job: Job) -> Progress:
        try:
            match job.execution.status:
                case ExecutionStatus.CONFIRMED:
                    return self._submit(job)
                case ExecutionStatus.SUBMITTING:
                    return self._give_up_on_answer(job)
                case _:
                    return self._look_up(job)
        except FencedOff:
            # Somebody else has moved it in the meantime: look again at once at what they did.
            return Later(job.execution, self._clock.now())

    def _not_yet(self, execution: Execution) -> Progress:
        due_at, latest = execution.due_at or self._clock.now(), self._clock.now() + timedelta(seconds=self._waits.longest_s)
        if due_at <= latest:
            return Later(execution, due_at)
        # The clock was ahead when this was written. The version stays: whoever sent the request may still tell its answer.
        sooner = execution.model_copy(update={"due_at": latest})
        with self._store.transaction() as books, suppress(FencedOff):
            books.executions.replace(execution, sooner)
        return Later(sooner, latest)

    def _job(self, books: Books, execution: Execution) -> Job:
        draft = books.drafts.look(execution.household_id, execution.draft_id)
        confirmation = books.executions.confirmation(draft.id)
        carries_out = (draft.draft_hash, draft.verb, self._key_of(execution.id))
        confirmed = confirmation is not None and confirmation.draft_hash == draft.draft_hash
        if confirmation is None or not confirmed or carries_out != (execution.draft_hash, execution.verb, execution.vendor_key):
            raise StoreDamaged(f"Execution {execution.id} does not carry out what was confirmed. Nothing is sent.")
        context = Context.to_carry_out(books, member_id=confirmation.user_id, vendors=self._vendors)
        return Job(execution, draft, self._verbs[draft.verb], context, books.executions.attempts(execution.id))

    # when whoever carries it on dies or cannot

    def take_over(self, execution_id: str) -> None:
        """Whoever carried this on is dead. From here on they could not write any more, should they rise; and after too many deaths a person looks."""
        with self._store.transaction() as books:
            execution = books.executions.get(execution_id)
            if execution.status in FINAL:
                return
            attempts = books.executions.attempts(execution_id)
            # Only those in a row: between two others it was carried on, so it does not kill whoever touches it.
            deaths = 1 + len(list(takewhile(lambda attempt: attempt.step == _TAKE_OVER, reversed(attempts))))
            if deaths > self._waits.deaths:
                self._give_up(books, execution, f"{deaths} workers died while they carried this on.")
                return
            self._move(books, execution, execution.status)
            self._note(books, execution, len(attempts), _TAKE_OVER, None)

    def give_up(self, execution_id: str, reason: str) -> Finished:
        """It cannot be carried on, and nobody knows why: a person has to look."""
        with self._store.transaction() as books:
            execution = books.executions.get(execution_id)
            return Finished(execution if execution.status in FINAL else self._give_up(books, execution, reason))

    def _give_up(self, books: Books, execution: Execution, reason: str) -> Execution:
        ended = self._move(books, execution, ExecutionStatus.NEEDS_ATTENTION, finished_at=books.now, due_at=None, error_message=reason)
        self._note(books, execution, len(books.executions.attempts(execution.id)), "give_up", reason)
        return ended

    def _note(self, books: Books, execution: Execution, before: int, step: str, error: str | None) -> None:
        """An attempt that asked nobody anything."""
        attempt = self._attempt(execution.id, before, step)
        self._write(
            books, execution.household_id, attempt.model_copy(update={"finished_at": books.now, "status": step, "error_message": error})
        )

    # (1) ask again

    def _submit(self, job: Job) -> Progress:
        attempt = self._begin("requote", job)
        try:
            fresh = job.verb.quote(job.terms.instruction, job.context)
        except VendorFailed as error:
            return self._retry(job, attempt, Retryable(message=error.message))
        if not job.was_sent and self._clock.now() > job.terms.expires_at + timedelta(seconds=self._waits.sent_late_s):
            return self._revise(job, attempt, fresh, "The terms expired long before they could be sent.")
        if isinstance(fresh, Refusal) or not is_covered_by(quoted_now(fresh, job.terms), job.terms):
            reason = fresh.reason if isinstance(fresh, Refusal) else "The terms moved after they were confirmed."
            return self._revise(job, attempt, fresh, reason)
        return self._commit(job, fresh)

    # (2) write the intention, (3) call

    def _commit(self, job: Job, fresh: Proposal) -> Progress:
        with self._store.transaction() as books:
            attempt, lost_at = self._begin("commit", job), books.now + timedelta(seconds=self._waits.request_lives_s)
            submitting = self._move(books, job.execution, ExecutionStatus.SUBMITTING, submitted_at=books.now, due_at=lost_at)
            books.executions.put_attempt(attempt)
        try:
            with leaving_until(lost_at - REQUEST_TAKES, self._clock):
                outcome = job.verb.commit(job.terms, fresh, key=submitting.vendor_key, context=job.context)
        except VendorFailed as error:
            # By its contract a verb raises this only from a read it makes before the call that commits.
            outcome = Retryable(message=error.message)
        sent = Job(submitting, job.draft, job.verb, job.context, (*job.attempts, attempt))
        try:
            return self._record(sent, attempt, outcome)
        except FencedOff:
            self._note_late_answer(sent, outcome)
            raise

    def _note_late_answer(self, job: Job, outcome: Outcome) -> None:
        """Somebody has taken this for lost and moved on. What the vendor said is kept in the log all the same."""
        if not isinstance(outcome, Done | Partial | Pending | HandOff):
            return
        charged = outcome.total if isinstance(outcome, Done | Partial) else None
        payload = event.AnswerCameLate(
            outcome=outcome.kind,
            vendor_reference=None if isinstance(outcome, HandOff) else outcome.reference,
            charged_cents=charged.cents if charged else None,
            currency=charged.currency if charged else None,
        )
        with self._store.transaction() as books:
            books.events.append(payload, household_id=job.execution.household_id, entity_id=job.execution.id)

    # (4) record the answer

    def _record(self, job: Job, attempt: Attempt, outcome: Outcome | Found) -> Progress:
        match outcome:
            case Done():
                return self._done(job, attempt, outcome, ExecutionStatus.DONE, remark(outcome, (), job.terms))
            case Partial(not_done=left):
                return self._done(job, attempt, outcome, ExecutionStatus.PARTIAL, remark(outcome, left, job.terms))
            case Pending(reference=reference):
                return self._wait_for_vendor(job, attempt, reference)
            case Rejected() if job.execution.status is ExecutionStatus.SUBMITTING and (shown := self._shown(job)):
                return self._record(job, attempt, shown)
            case Rejected(reason=Reason.PRICE | Reason.STOCK | Reason.SLOT_GONE, message=message):
                return self._revise(job, attempt, self._requote(job), message)
            case Rejected(message=message):
                return self._fail(job, attempt, Classification.PERMANENT, message)
            case HandOff(url=url, message=message):
                return self._end(job, attempt, ExecutionStatus.HANDED_OFF, None, handoff_url=url, error_message=message)
            case Retryable():
                return self._retry(job, attempt, outcome)
            case Unknown(message=message):
                return self._unknown(job, attempt, message)
            case NotThere():
                return self._not_there(job, attempt)

    def _done(self, job: Job, attempt: Attempt, outcome: Done | Partial, to: ExecutionStatus, remark: str | None) -> Progress:
        """The effect and its receipt, in one transaction."""
        with self._store.transaction() as books:
            done = self._move(
                books,
                job.execution,
                to,
                finished_at=books.now,
                due_at=None,
                vendor_reference=outcome.reference,
                final_cost=outcome.total,
                error_message=remark,
            )
            self._finish(books, job, attempt, to.value, None, remark)
            receipt = Receipt(
                id=self._clock.new_id(Prefix.RECEIPT),
                execution_id=done.id,
                type=f"{job.terms.vendor}.{job.terms.verb.lower()}",
                content_text=receipt_text(job.draft, done, outcome),
                external_reference_id=outcome.reference,
                created_at=books.now,
            )
            books.receipts.add(receipt)
            payload = event.ReceiptStored(
                execution_id=done.id,
                type=receipt.type,
                external_reference_id=receipt.external_reference_id,
                content_sha256=sha256_hex(receipt.content_text.encode()),
            )
            books.events.append(payload, household_id=done.household_id, entity_id=receipt.id, follows=done.id)
            return Finished(done)

    def _revise(self, job: Job, attempt: Attempt, fresh: Proposal | Refusal, reason: str) -> Progress:
        """Stop. Where something else can be had, it becomes a draft of its own, which needs a confirmation of its own."""
        if job.may_have_happened:
            return self._give_to_person(job, attempt, reason)
        if shown := self._shown(job):
            return self._is_there_already(job, attempt, shown)
        params = job.verb.spec.params.model_validate(job.draft.payload["params"])
        offer = fresh if isinstance(fresh, Proposal) else self._alternative(job, params)
        if not isinstance(offer, Proposal):
            return self._fail(job, attempt, Classification.PRICE_OR_INVENTORY_CHANGE, reason)
        with self._store.transaction() as books:
            # The execution's row before the household's, as in every move: two workers in opposite orders would wait for each other.
            books.executions.get(job.execution.id)
            place = Place(request_id=job.draft.request_id, household_id=job.draft.household_id, revises=job.draft)
            revised = self._drafting.open(books, offer, params, place, user_id=None)
            return self._end_in(
                books,
                job,
                attempt,
                ExecutionStatus.TERMS_CHANGED,
                Classification.PRICE_OR_INVENTORY_CHANGE,
                error_message=reason,
                revised_draft_id=revised.id,
            )

    def _requote(self, job: Job) -> Proposal | Refusal:
        try:
            return job.verb.quote(job.terms.instruction, job.context)
        except VendorFailed as error:
            return Refusal(reason=error.message)

    def _alternative(self, job: Job, params: Any) -> object:
        try:
            return job.verb.alternative(job.terms, params, job.context)
        except VendorFailed:
            return None

    def _retry(self, job: Job, attempt: Attempt, failure: Retryable) -> Progress:
        """Nothing was sent, or it was refused unread: wait and start again at (1), three times; a credential is refreshed once, at once."""
        kind = Classification.AUTH if failure.auth else Classification.TRANSIENT
        wait = self._backoff[kind].after(job.failures(kind) + 1)
        if wait is None:
            return self._fail(job, attempt, kind, failure.message)
        delay = max(wait, timedelta(seconds=failure.retry_after_s or 0))
        return self._later(job, attempt, "failed", kind, failure.message, to=ExecutionStatus.CONFIRMED, delay=delay)

    def _fail(self, job: Job, attempt: Attempt, kind: Classification, reason: str) -> Progress:
        if job.execution.status in (ExecutionStatus.CONFIRMED, ExecutionStatus.SUBMITTING):
            if job.may_have_happened:
                return self._give_to_person(job, attempt, reason)
            # A vendor that cannot be asked for its terms cannot be asked for its record either.
            cannot_be_asked = kind in (Classification.TRANSIENT, Classification.AUTH) and not job.was_sent
            if not cannot_be_asked and (shown := self._shown(job)):
                return self._is_there_already(job, attempt, shown)
        return self._end(job, attempt, ExecutionStatus.FAILED, kind, error_message=reason)

    def _is_there_already(self, job: Job, attempt: Attempt, shown: Done | Partial | Pending) -> Progress:
        """Nobody may say that nothing was done. Books that were restored from before the call know nothing of it."""
        reason = f"The vendor has it already, as {shown.reference}, and these books do not know of it."
        to, kind = ExecutionStatus.NEEDS_ATTENTION, Classification.AMBIGUOUS
        return self._end(job, attempt, to, kind, vendor_reference=shown.reference, error_message=reason)

    def _shown(self, job: Job) -> Done | Partial | Pending | None:
        """What the vendor's own record shows of this execution. "Nothing was done" is said only where it does not say otherwise."""
        try:
            found = job.verb.look_up(job.terms, key=job.execution.vendor_key, context=job.context)
        except VendorFailed:
            return None
        return found if isinstance(found, Done | Partial | Pending) else None

    # (5) find out

    def _give_up_on_answer(self, job: Job) -> Progress:
        """The request's sender is gone and the request cannot be alive any more: its answer is lost."""
        begun = [attempt for attempt in job.attempts if attempt.step == "commit" and attempt.finished_at is None]
        return self._unknown(job, begun[-1], "Whoever sent this did not live to see the answer.")

    def _unknown(self, job: Job, attempt: Attempt, message: str) -> Progress:
        if job.execution.status is ExecutionStatus.SUBMITTING:
            return self._later(job, attempt, "unknown", Classification.AMBIGUOUS, message, to=ExecutionStatus.UNKNOWN)
        return self._ask_again(job, attempt, message)

    def _look_up(self, job: Job) -> Progress:
        attempt = self._begin("look_up", job)
        try:
            found = job.verb.look_up(job.terms, key=job.execution.vendor_key, context=job.context)
        except VendorFailed as error:
            found = Unknown(message=error.message)
        if isinstance(found, Done | Partial) and job.is_of_another_yes(found):
            return self._is_there_already(job, attempt, found)
        return self._record(job, attempt, found)

    def _ask_again(self, job: Job, attempt: Attempt, message: str) -> Progress:
        """The look-up told nothing: wait and look again, until a person has to."""
        delay = self._next_look_up(job)
        if delay is None:
            return self._give_to_person(job, attempt, f"Whether this happened could not be found out: {message}")
        return self._later(job, attempt, "unknown", Classification.AMBIGUOUS, message, to=job.execution.status, delay=delay)

    def _not_there(self, job: Job, attempt: Attempt) -> Progress:
        """Vendors show an order late, so one "not there" is no answer; a steady one is."""
        message = "The vendor has no record of it."
        delay = self._next_look_up(job)
        if delay is not None:
            return self._later(job, attempt, "not_found", Classification.AMBIGUOUS, message, to=job.execution.status, delay=delay)
        sent = sum(1 for earlier in job.attempts if earlier.step == "commit")
        is_unknown = job.execution.status is ExecutionStatus.UNKNOWN
        can_repeat = is_unknown and not job.was_restored and job.verb.repeats_safely(job.terms) and sent <= len(self._waits.retries_s)
        if not can_repeat:
            return self._give_to_person(job, attempt, f"{message} It cannot be sent again safely.")
        return self._later(job, attempt, "not_found", Classification.AMBIGUOUS, message, to=ExecutionStatus.CONFIRMED)

    def _give_to_person(self, job: Job, attempt: Attempt, reason: str) -> Progress:
        return self._end(job, attempt, ExecutionStatus.NEEDS_ATTENTION, Classification.AMBIGUOUS, error_message=reason)

    def _next_look_up(self, job: Job) -> timedelta | None:
        """The wait after this look-up, None when they are used up since the request was sent, or the vendor last said that it is under way."""
        looked = 0
        for attempt in job.attempts:
            begins_anew = attempt.step in ("commit", RESTORED) or attempt.status == "accepted"
            looked = 0 if begins_anew else looked + (attempt.step == "look_up")
        return timedelta(seconds=self._waits.lookups_s[looked]) if looked < len(self._waits.lookups_s) else None

    def _wait_for_vendor(self, job: Job, attempt: Attempt, reference: str) -> Progress:
        sent = job.execution.submitted_at
        if sent and self._clock.now() - sent > timedelta(seconds=self._waits.accepted_lives_s):
            return self._give_to_person(job, attempt, f"The vendor accepted it as {reference} and never finished.")
        polls = sum(1 for earlier in job.attempts if earlier.status == "accepted")
        delay = timedelta(seconds=self._waits.lookups_s[min(polls, len(self._waits.lookups_s) - 1)])
        return self._later(job, attempt, "accepted", None, None, to=ExecutionStatus.ACCEPTED, delay=delay, vendor_reference=reference)

    def _later(
        self,
        job: Job,
        attempt: Attempt,
        status: str,
        classification: Classification | None,
        message: str | None,
        *,
        to: ExecutionStatus,
        delay: timedelta = timedelta(0),
        **fields: Any,
    ) -> Progress:
        """End an attempt, and leave the execution in `to` with something to do after `delay`."""
        with self._store.transaction() as books:
            due_at = books.now + delay
            waiting = self._move(books, job.execution, to, due_at=due_at, error_message=message, **fields)
            self._finish(books, job, attempt, status, classification, message, delay)
            return Later(waiting, due_at)

    # what every move writes

    def _begin(self, step: str, job: Job) -> Attempt:
        return self._attempt(job.execution.id, len(job.attempts), step)

    def _attempt(self, execution_id: str, before: int, step: str) -> Attempt:
        return Attempt(
            id=self._clock.new_id(Prefix.ATTEMPT),
            execution_id=execution_id,
            attempt_number=before + 1,
            step=step,
            started_at=self._clock.now(),
            status="begun",
        )

    def _finish(
        self,
        books: Books,
        job: Job,
        attempt: Attempt,
        status: str,
        classification: Classification | None,
        error: str | None,
        delay: timedelta = timedelta(0),
    ) -> None:
        ended = attempt.model_copy(
            update={
                "finished_at": books.now,
                "status": status,
                "classification": classification,
                "error_message": error,
                "retry_delay_ms": round(delay.total_seconds() * 1000) or None,
            }
        )
        self._write(books, job.execution.household_id, ended)

    def _write(self, books: Books, household_id: str, ended: Attempt) -> None:
        books.executions.put_attempt(ended)
        books.exchanges.add(ended.execution_id, ended.id, taken())
        payload = event.AttemptFinished(
            attempt_number=ended.attempt_number,
            step=ended.step,
            status=ended.status,
            classification=ended.classification.value if ended.classification else None,
            retry_delay_ms=ended.retry_delay_ms,
            took_ms=max(0, round((books.now - ended.started_at).total_seconds() * 1000)),
            reason=ended.error_message,
        )
        # A draft and its execution have one number (`stages.confirm`).
        draft_id = ended.execution_id.replace(Prefix.EXECUTION.value, Prefix.DRAFT.value, 1)
        books.events.append(payload, household_id=household_id, entity_id=ended.execution_id, follows=draft_id)

    def _end(self, job: Job, attempt: Attempt, to: ExecutionStatus, classification: Classification | None, **fields: Any) -> Progress:
        with self._store.transaction() as books:
            return self._end_in(books, job, attempt, to, classification, **fields)

    def _end_in(
        self, books: Books, job: Job, attempt: Attempt, to: ExecutionStatus, classification: Classification | None, **fields: Any
    ) -> Progress:
        ended = self._move(books, job.execution, to, finished_at=books.now, due_at=None, **fields)
        self._finish(books, job, attempt, to.value, classification, fields.get("error_message"))
        return Finished(ended)

    def _move(self, books: Books, before: Execution, to: ExecutionStatus, **fields: Any) -> Execution:
        """The compare-and-set, with its event. Staying in a status is a new version of it and no news."""
        if to is before.status:
            after = before.model_copy(update={"version": before.version + 1, **fields})
            books.executions.replace(before, after)
            return after
        after = before.move(to, **fields)
        books.executions.replace(before, after)
        cost = after.final_cost
        payload = event.ExecutionMoved(
            draft_id=after.draft_id,
            draft_hash=after.draft_hash,
            came_from=before.status.value,
            version=after.version,
            vendor_reference=after.vendor_reference,
            charged_cents=cost.cents if cost else None,
            currency=cost.currency if cost else None,
            reason=after.error_message,
            revised_draft_id=after.revised_draft_id,
            handoff_url=after.handoff_url,
        )
        books.events.append_move(payload, household_id=after.household_id, entity_id=after.id, status=to.value)
        return after
