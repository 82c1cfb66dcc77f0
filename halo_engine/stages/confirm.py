"""Step 3: a member says yes to one draft hash. One transaction decides and writes everything, or nothing.

What is checked, in this order, with the draft's row locked:
  (1) the draft is this household's, and from here on nobody else changes it, a role, a rule or the log; and no program's device says the yes;
  (2) it was not used: the same yes again gets the same execution, anything else a conflict;
  (3) it is open and its time is not over;
  (4) the hash is that of the terms that stand now;
  (5) where it comes with a signature, that is one of this device, over these very terms, in time, and for the first time;
  (6) every policy allows it to this member.
Then the confirmation, the execution, its place in the queue and the events are written. The unique constraint on the confirmation's draft stands
behind (2): even a bug here cannot make two. What a member tried on a draft of the household and was refused is written too, so that the log shows it.

Where the household wants somebody else's yes as well, a good one is kept, and the next one meets it at (6): whether both count is decided then,
by the rules and roles of that moment. A kept yes does nothing by itself, and is one to that hash alone.

A signature is looked at wherever there is one, also where the household wants none: a bad one is never a yes. What has counted once is refused as
used, also where the same yes without a signature would be told of its execution.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.confirmation import Confirmation
from halo_engine.model.device import DeviceKind
from halo_engine.model.difference import difference
from halo_engine.model.draft import Draft, DraftStatus, iso_utc
from halo_engine.model.errors import (
    AlreadyConfirmed,
    HaloError,
    NeedsAnother,
    NotAuthorised,
    SignatureExpired,
    SignatureInvalid,
    SignatureRequired,
    SignatureUsed,
    StoreDamaged,
    StoreFailed,
    TermsChanged,
)
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Member, called
from halo_engine.model.ids import Prefix
from halo_engine.model.policy import (
    Case,
    Limits,
    Verdict,
    approval_words,
    decisive,
    evaluate,
    policies,
    refusals,
    wants_only_another,
    wants_signature,
    without_reasons,
)
from halo_engine.model.signing import Asker, Issuer, Signature, check, issue
from halo_engine.model.value import Value
from halo_engine.stages.draft import how_it_went, still_open
from halo_engine.stages.restoring import doubt
from halo_engine.store.session import Books, Store


class Yes(Value):
    """What somebody said: to which hash, through which device, and signed, where it was either."""

    draft_hash: str
    device_id: str | None = None
    signature: str | None = None


class Confirming:
    """The confirm transaction, and the object that is signed before it."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        clock: Clock,
        issuer: Issuer,
        *,
        key_of: Callable[[str], str],
        enqueue: Callable[[Books, Execution], None],
        request_lives_s: int,
    ) -> None:
        self._request_lives = timedelta(seconds=request_lives_s)
        self._store, self._limit, self._clock, self._key_of, self._enqueue = store, limits.once, clock, key_of, enqueue
        self._issuer, self._policies = issuer, policies(limits)

    def signing_object(self, draft_id: str, *, device_id: str, household_id: str, who: str | None) -> bytes:
        """The bytes that a device of `who` signs to say yes to the terms that stand now. Nothing is kept of it (`model.signing`).

        Raises `NotFound`, `AlreadyConfirmed`, `AlreadyCancelled`, `DraftExpired`, and `SignatureInvalid` for a device that has no key.
        """
        with self._store.reading() as books:
            draft = books.drafts.look(household_id, draft_id)
            still_open(books, draft)
            member = books.households.member(household_id, who)
            asker, _ = self._signer(books, draft, member, device_id)
            return issue(draft, asker, now=books.now, chance=self._clock.token_hex(16), key=self._issuer.nonce_key)

    def confirm(self, draft_id: str, yes: Yes, *, household_id: str, who: str | None) -> Execution:
        """The execution of the draft, started by this yes of the household's member `who` (without a name the first), or by the same yes before.

        Raises `NotFound`, `AlreadyConfirmed` (with other terms), `AlreadyCancelled`, `DraftExpired`, `TermsChanged` (with the draft that stands
        now), `SignatureInvalid`, `SignatureExpired`, `SignatureUsed`, `SignatureRequired`, `NotAuthorised`, and `NeedsAnother` for a yes that was
        kept.
        """
        with self._store.transaction() as books:
            draft = books.drafts.get(household_id, draft_id)  # (1)
            books.events.hold(household_id)
            # Both may have been locked for long.
            books.tell_time_again()
            members = books.households.members(household_id)
            member = called(members, who)
            decision = self._decide(books, draft, yes, member, members)
            if isinstance(decision, HaloError) and not isinstance(decision, NeedsAnother):
                self._record_refusal(books, draft, yes.draft_hash, member, decision)
        # Raised outside the transaction, so that the refusal, or the yes, is kept.
        if isinstance(decision, HaloError):
            raise decision
        return decision

    def _decide(self, books: Books, draft: Draft, yes: Yes, member: Member, members: Sequence[Member]) -> Execution | HaloError:
        try:
            _is_a_persons(books, draft, yes)
            if draft.status is DraftStatus.CONFIRMED:  # (2)
                if yes.draft_hash == draft.draft_hash:
                    self._signature(books, draft, yes, member)
                return _confirmed_before(books, draft, yes.draft_hash, members)
            still_open(books, draft)  # (3)
            if not hmac.compare_digest(draft.draft_hash.encode(), yes.draft_hash.encode(errors="replace")):  # (4)
                return _not_these_terms(books, draft, yes.draft_hash)
            signature = self._signature(books, draft, yes, member)  # (5)
        except StoreFailed:
            raise
        except HaloError as error:
            return error
        spent = books.approvals.spent(draft.household_id, now=books.now)
        situation = books.approvals.situation(draft, members).model_copy(update={"spent": spent})
        case = Case(terms=draft.terms, member=member, situation=situation, signature=signature)
        verdicts = evaluate(self._policies, case)  # (6)
        refused = refusals(verdicts)
        if wants_only_another(refused, verdicts):
            return self._keep(books, draft, case, verdicts, yes)
        if wants_signature(refused):
            return SignatureRequired(f"A yes to this has to be signed by a device of {member.display_name}.")
        if refused:
            return NotAuthorised(f"{member.display_name} may not confirm this: {decisive(refused).reason}.", hint="Nothing was done.")
        return self._write(books, draft, case, verdicts, yes)

    def _signature(self, books: Books, draft: Draft, yes: Yes, member: Member) -> Signature | None:
        """The signature of a yes, found to be good, in time and new; None where there is none. Raises the `Signature…` errors."""
        if yes.signature is None:
            return None
        if yes.device_id is None:
            raise SignatureInvalid("A signature is a device's, and no device has said this.")
        asker, key_json = self._signer(books, draft, member, yes.device_id)
        found = check(yes.signature, draft, asker, public_key_json=key_json, key=self._issuer.nonce_key)
        if books.signatures.is_used(found.nonce):
            raise SignatureUsed
        if books.now >= found.expires_at:
            raise SignatureExpired
        return found

    def _signer(self, books: Books, draft: Draft, member: Member, device_id: str) -> tuple[Asker, str]:
        """Who signs, and the key that it is held against: of a device of that member, which may speak now."""
        device = books.devices.get(draft.household_id, device_id)
        if device.user_id != member.id or not device.speaks_at(books.now):
            message = f"That device does not speak for {member.display_name}, or not any more."
            raise SignatureInvalid(message, hint="Nothing was done. Enrol it once more: halo devices add NAME")
        if device.signing_key_json is None:
            hint = "Enrol it once more with its key, or make one for this terminal: halo devices add NAME --this-terminal"
            raise SignatureInvalid("That device has enrolled no key to sign with.", hint=hint)
        return Asker(audience=self._issuer.audience, member_id=member.id, device_id=device.id), device.signing_key_json

    def _keep(self, books: Books, draft: Draft, case: Case, verdicts: tuple[Verdict, ...], yes: Yes) -> NeedsAnother:
        """Keep a yes until somebody else says it, too. The same one again is the one there is; signed where it was not, it is more than that."""
        is_new = case.member.id not in case.situation.approved_by
        # Of one who has signed it already a second signature says nothing: what is kept is what the log tells of.
        signature = case.signature if case.member.id not in case.situation.signed_by else None
        if signature is not None:
            books.signatures.add(signature, draft, case.member, now=books.now)
        if is_new:
            books.approvals.add(draft, case.member, now=books.now)
        if is_new or signature is not None:
            payload = event.DraftApproved(
                draft_hash=draft.draft_hash,
                revision=draft.revision,
                maximum_cents=draft.terms.maximum.cents,
                currency=draft.terms.maximum.currency,
                verdicts=without_reasons(verdicts),
                reasons=tuple(verdict.reason for verdict in verdicts),
                **_through(yes, case),
            )
            books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=case.member.id)
        words = approval_words(draft.terms, case.kept(), self._limit)
        return NeedsAnother(" ".join(words), hint=f"The yes of {case.member.display_name} is kept. Nothing was done yet.")

    def _write(self, books: Books, draft: Draft, case: Case, verdicts: tuple[Verdict, ...], yes: Yes) -> Execution:
        books.drafts.close(draft, DraftStatus.CONFIRMED)
        confirmation = self._confirmation(draft, case.member, books.now, shown_at=books.drafts.shown_at(draft))
        execution = self._execution(draft, books.now)
        books.executions.add(confirmation, execution)
        if case.signature is not None:
            books.signatures.add(case.signature, draft, case.member, now=books.now)
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
            spent_cents=case.situation.spent.by_member.get(case.member.id, 0),
            household_spent_cents=case.situation.spent.by_household,
            **_through(yes, case),
            took_ms=max(0, round((self._clock.now() - books.began_at).total_seconds() * 1000)),
        )
        books.events.append(payload, household_id=draft.household_id, entity_id=draft.id, user_id=case.member.id)
        restored_at = books.events.restored_since(draft.id, household_id=draft.household_id)
        if restored_at is None:
            return execution
        # It may have been confirmed and sent before, in the time that the books lost.
        return doubt(books, execution, self._clock, due_at=max(books.now, restored_at + self._request_lives))

    def _confirmation(self, draft: Draft, member: Member, now: datetime, *, shown_at: datetime) -> Confirmation:
        return Confirmation(
            id=self._clock.new_id(Prefix.CONFIRMATION),
            draft_id=draft.id,
            draft_hash=draft.draft_hash,
            user_id=member.id,
            confirmed_at=now,
            confirmation_latency_ms=max(0, round((now - shown_at).total_seconds() * 1000)),
            maximum_cents=draft.terms.maximum.cents,
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


def _is_a_persons(books: Books, draft: Draft, yes: Yes) -> None:
    """Raises `NotAuthorised` for a yes that came through a program's device: what a program can send, it can be made to send."""
    if yes.device_id is not None and books.devices.get(draft.household_id, yes.device_id).kind is not DeviceKind.PERSON:
        raise NotAuthorised("A program's device cannot confirm; a member does that in Halo.", hint="Nothing was done.")


def _through(yes: Yes, case: Case) -> dict[str, str | None]:
    """What the log says of how a yes came. Of the signature its hash: the JWS holds the terms, which are somebody's own."""
    signature = case.signature
    return {
        "device_id": yes.device_id,
        "signature_sha256": signature.sha256 if signature else None,
        "key_thumbprint": signature.key_thumbprint if signature else None,
    }


def _confirmed_before(books: Books, draft: Draft, draft_hash: str, members: Sequence[Member]) -> Execution | HaloError:
    execution, confirmation = books.executions.of_draft(draft.id), books.executions.confirmation(draft.id)
    if execution is None or confirmation is None:
        raise StoreDamaged("A confirmed draft has no execution in the books.")
    if execution.draft_hash == draft_hash:
        return execution
    by = called(members, confirmation.user_id).display_name
    message = f"{by} confirmed this draft at {iso_utc(confirmation.confirmed_at)}, with other terms than these."
    return AlreadyConfirmed(message, hint=how_it_went(books, draft))


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
