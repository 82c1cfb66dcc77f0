"""Step 3: a member says yes to one draft hash. One transaction decides and writes everything, or nothing.

What is checked, in this order, with the draft's row locked:
  (1) the draft is this household's;
  (2) it was not used: the same yes again gets the same execution, anything else a conflict;
  (3) it is open and its time is not over;
  (4) the hash is that of the terms that stand now;
  (5) the policies allow it to this member.
Then the confirmation, the execution, its place in the queue and the events are written. The unique constraint on the confirmation's draft stands
behind (2): even a bug here cannot make two. What a member tried on a draft of the household and was refused is written too, so that the log shows it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.confirmation import Confirmation
from halo_engine.model.draft import Draft, DraftStatus, difference
from halo_engine.model.errors import AlreadyConfirmed, HaloError, NotAuthorised, TermsChanged
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Member
from halo_engine.model.ids import Prefix
from halo_engine.model.policy import Policy, Verdict, evaluate
from halo_engine.stages.draft import how_it_went, still_open
from halo_engine.store.session import Books, Store


class Confirming:
    """The confirm transaction."""

    def __init__(
        self,
        store: Store,
        policies: tuple[Policy, ...],
        clock: Clock,
        *,
        key_of: Callable[[str], str],
        enqueue: Callable[[Books, Execution], None],
    ) -> None:
        self._store, self._policies, self._clock, self._key_of, self._enqueue = store, policies, clock, key_of, enqueue

    def confirm(self, draft_id: str, *, draft_hash: str, household_id: str, who: str | None) -> Execution:
        """The execution of the draft, started by this yes of the household's member `who` (without a name the first), or by the same yes before.

        Raises `NotFound`, `AlreadyConfirmed` (with other terms), `AlreadyCancelled`, `DraftExpired`, `TermsChanged` (with the draft that stands
        now) and `NotAuthorised`.
        """
        with self._store.transaction() as books:
            member = books.households.member(household_id, who)
            draft = books.drafts.get(member.household_id, draft_id)  # (1)
            # The row may have been locked for long.
            books.tell_time_again()
            decision = self._decide(books, draft, draft_hash, member)
            if isinstance(decision, HaloError):
                self._record_refusal(books, draft, draft_hash, member, decision)
        # Raised outside the transaction, so that the refusal is kept.
        if isinstance(decision, HaloError):
            raise decision
        return decision

    def _decide(self, books: Books, draft: Draft, draft_hash: str, member: Member) -> Execution | HaloError:
        if draft.status is DraftStatus.CONFIRMED:  # (2)
            return _confirmed_before(books, draft, draft_hash)
        try:
            still_open(books, draft)  # (3)
        except HaloError as error:
            return error
        if not hmac.compare_digest(draft.draft_hash.encode(), draft_hash.encode(errors="replace")):  # (4)
            return _not_these_terms(books, draft, draft_hash)
        verdicts = evaluate(self._policies, draft.terms, member)  # (5)
        if refused := [verdict for verdict in verdicts if not verdict.allowed]:
            return NotAuthorised(f"{member.display_name} may not confirm this: {refused[0].reason}.", hint="Nothing was done.")
        return self._write(books, draft, member, verdicts)

    def _write(self, books: Books, draft: Draft, member: Member, verdicts: tuple[Verdict, ...]) -> Execution:
        books.drafts.close(draft, DraftStatus.CONFIRMED)
        confirmation = self._confirmation(draft, member, books.now, shown_at=books.drafts.shown_at(draft))
        execution = self._execution(draft, books.now)
        books.executions.add(confirmation, execution)
        self._enqueue(books, execution)
        payload = event.DraftConfirmed(
            draft_hash=draft.draft_hash,
            revision=draft.revision,
            confirmation_id=confirmation.id,
            execution_id=execution.id,
            maximum_cents=draft.terms.maximum.cents,
            currency=draft.terms.maximum.currency,
            confirmation_latency_ms=confirmation.confirmation_latency_ms,
            verdicts=verdicts,
        )
        books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=member.id)
        return execution

    def _confirmation(self, draft: Draft, member: Member, now: datetime, *, shown_at: datetime) -> Confirmation:
        return Confirmation(
            id=self._clock.new_id(Prefix.CONFIRMATION),
            draft_id=draft.id,
            draft_hash=draft.draft_hash,
            user_id=member.id,
            confirmed_at=now,
            confirmation_latency_ms=max(0, round((now - shown_at).total_seconds() * 1000)),
        )

    def _execution(self, draft: Draft, now: datetime) -> Execution:
        # One draft is carried out once: its execution has its number, so that books restored from before the yes give the vendor the same key again.
        execution_id = draft.id.replace(Prefix.DRAFT.value, Prefix.EXECUTION.value, 1)
        return Execution(
            id=execution_id,
            household_id=draft.household_id,
            draft_id=draft.id,
            draft_hash=draft.draft_hash,
            verb=draft.verb,
            vendor=draft.vendor,
            status=ExecutionStatus.CONFIRMED,
            version=0,
            vendor_key=self._key_of(execution_id),
            started_at=now,
        )

    def _record_refusal(self, books: Books, draft: Draft, draft_hash: str, member: Member, error: HaloError) -> None:
        payload = event.ConfirmationRefused(reason=error.code, presented_hash=_printable(draft_hash))
        books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=member.id)


def vendor_key(secret: bytes, execution_id: str) -> str:
    """What the vendor knows an execution by: stable over every attempt, and nobody without the secret can name another's.

    32 characters, because one vendor takes no more than 36.
    """
    return f"halo-{hmac.new(secret, execution_id.encode(), hashlib.sha256).hexdigest()[:27]}"


def key_id(secret: bytes) -> str:
    """What tells one secret from another without telling anything about it."""
    return hmac.new(secret, b"halo/key-id", hashlib.sha256).hexdigest()[:16]


def _confirmed_before(books: Books, draft: Draft, draft_hash: str) -> Execution | HaloError:
    execution = books.executions.of_draft(draft.id)
    if execution is not None and execution.draft_hash == draft_hash:
        return execution
    return AlreadyConfirmed("This draft was confirmed already, with other terms than these.", hint=how_it_went(books, draft))


def _not_these_terms(books: Books, draft: Draft, draft_hash: str) -> TermsChanged:
    superseded = books.drafts.revision(draft.id, draft_hash)
    if superseded is None:
        return TermsChanged("That is not the hash of this draft. Nothing was done.", current=draft)
    message = f"Revision {superseded.revision} was replaced by revision {draft.revision}. Nothing was done."
    # The difference from what this person was looking at, which need not be the revision just before.
    return TermsChanged(message, current=draft.model_copy(update={"changes": difference(superseded.terms, draft.terms)}))


def _printable(draft_hash: str) -> str:
    """What was presented, kept short: it may be anything."""
    return "".join(c for c in draft_hash[:64] if c in "0123456789abcdef")
