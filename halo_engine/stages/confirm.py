"""Step 3: a member says yes to one draft hash. One transaction decides and writes everything, or nothing.

What is checked, in this order, with the draft's row locked:
  (1) the draft is this household's, and from here on nobody else changes it, a role, a rule or the log;
  (2) it was not used: the same yes again gets the same execution, anything else a conflict;
  (3) it is open and its time is not over;
  (4) the hash is that of the terms that stand now;
  (5) every policy allows it to this member.
Then the confirmation, the execution, its place in the queue and the events are written. The unique constraint on the confirmation's draft stands
behind (2): even a bug here cannot make two. What a member tried on a draft of the household and was refused is written too, so that the log shows it.

Where the household wants somebody else's yes as well, a good one is kept, and the next one meets it at (5): whether both count is decided then,
by the rules and roles of that moment. A kept yes does nothing by itself, and is one to that hash alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.confirmation import Confirmation
from halo_engine.model.difference import difference
from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import AlreadyConfirmed, HaloError, NeedsAnother, NotAuthorised, TermsChanged
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Member
from halo_engine.model.ids import Prefix
from halo_engine.model.money import Money
from halo_engine.model.policy import Case, Verdict, approval_words, evaluate, policies, refusals, wants_only_another, without_reasons
from halo_engine.stages.draft import how_it_went, still_open
from halo_engine.store.households import called
from halo_engine.store.session import Books, Store


class Confirming:
    """The confirm transaction."""

    def __init__(
        self,
        store: Store,
        spending_limit: Money,
        clock: Clock,
        *,
        key_of: Callable[[str], str],
        enqueue: Callable[[Books, Execution], None],
    ) -> None:
        self._store, self._limit, self._clock, self._key_of, self._enqueue = store, spending_limit, clock, key_of, enqueue
        self._policies = policies(spending_limit)

    def confirm(self, draft_id: str, *, draft_hash: str, household_id: str, who: str | None) -> Execution:
        """The execution of the draft, started by this yes of the household's member `who` (without a name the first), or by the same yes before.

        Raises `NotFound`, `AlreadyConfirmed` (with other terms), `AlreadyCancelled`, `DraftExpired`, `TermsChanged` (with the draft that stands
        now), `NotAuthorised`, and `NeedsAnother` for a yes that was kept.
        """
        with self._store.transaction() as books:
            draft = books.drafts.get(household_id, draft_id)  # (1)
            books.events.hold(household_id)
            # Both may have been locked for long.
            books.tell_time_again()
            members = books.households.members(household_id)
            member = called(members, who)
            decision = self._decide(books, draft, draft_hash, member, members)
            if isinstance(decision, HaloError) and not isinstance(decision, NeedsAnother):
                self._record_refusal(books, draft, draft_hash, member, decision)
        # Raised outside the transaction, so that the refusal, or the yes, is kept.
        if isinstance(decision, HaloError):
            raise decision
        return decision

    def _decide(self, books: Books, draft: Draft, draft_hash: str, member: Member, members: Sequence[Member]) -> Execution | HaloError:
        if draft.status is DraftStatus.CONFIRMED:  # (2)
            return _confirmed_before(books, draft, draft_hash)
        try:
            still_open(books, draft)  # (3)
        except HaloError as error:
            return error
        if not hmac.compare_digest(draft.draft_hash.encode(), draft_hash.encode(errors="replace")):  # (4)
            return _not_these_terms(books, draft, draft_hash)
        case = Case(terms=draft.terms, member=member, situation=books.approvals.situation(draft, members))
        verdicts = evaluate(self._policies, case)  # (5)
        refused = refusals(verdicts)
        if wants_only_another(refused, verdicts):
            return self._keep(books, draft, case, verdicts)
        if refused:
            return NotAuthorised(f"{member.display_name} may not confirm this: {refused[0].reason}.", hint="Nothing was done.")
        return self._write(books, draft, case, verdicts)

    def _keep(self, books: Books, draft: Draft, case: Case, verdicts: tuple[Verdict, ...]) -> NeedsAnother:
        """Keep a yes until somebody else says it, too. The same one again is the one there is."""
        if case.member.id not in case.situation.approved_by:
            books.approvals.add(draft, case.member, now=books.now)
            payload = event.DraftApproved(
                draft_hash=draft.draft_hash,
                revision=draft.revision,
                maximum_cents=draft.terms.maximum.cents,
                currency=draft.terms.maximum.currency,
                verdicts=without_reasons(verdicts),
                reasons=tuple(verdict.reason for verdict in verdicts),
            )
            books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=case.member.id)
        words = approval_words(draft.terms, case.situation.with_yes_of(case.member), self._limit)
        return NeedsAnother(" ".join(words), hint=f"The yes of {case.member.display_name} is kept. Nothing was done yet.")

    def _write(self, books: Books, draft: Draft, case: Case, verdicts: tuple[Verdict, ...]) -> Execution:
        books.drafts.close(draft, DraftStatus.CONFIRMED)
        confirmation = self._confirmation(draft, case.member, books.now, shown_at=books.drafts.shown_at(draft))
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
            verdicts=without_reasons(verdicts),
            reasons=tuple(verdict.reason for verdict in verdicts),
            people_needed=case.situation.rules.people_needed(draft.terms.maximum),
            approved_by=tuple(each.id for each in case.approvers()),
            asked_by=case.situation.asked_by,
            took_ms=max(0, round((self._clock.now() - books.began_at).total_seconds() * 1000)),
        )
        books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=case.member.id)
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
