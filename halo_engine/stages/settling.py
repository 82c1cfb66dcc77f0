"""After step 4, where nobody could tell by asking what happened: a person looks at the vendor's and records what they found.

NEEDS_ATTENTION is an end and stays one. What was found is an event beside it, written once: `execution.settled`. Nothing is sent, and nothing is
charged or undone by it; where it did not happen, it may be asked for again (`engine.retry`). `look_again` asks the vendor's own record, and only
reads it, so that the person has what a program can know.
"""

from __future__ import annotations

from collections.abc import Callable

from halo_engine.model import event
from halo_engine.model.errors import Conflict, InvalidInput, NotAuthorised, StoreDamaged
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Member, called
from halo_engine.model.outcome import Found
from halo_engine.model.policy import Case, MayConfirm
from halo_engine.model.settlement import Settlement
from halo_engine.model.text import inert
from halo_engine.store.session import Books, Store
from halo_engine.vendors.directory import Vendors
from halo_engine.verb import Context, Verbs

#: No vendor's reference is longer.
_MAX_REFERENCE_CHARS = 120


class Settling:
    """Looks, and records what a person found."""

    def __init__(self, store: Store, verbs: Verbs, vendors: Vendors, *, key_of: Callable[[str], str]) -> None:
        self._store, self._verbs, self._vendors, self._key_of = store, verbs, vendors, key_of

    def look_again(self, execution_id: str, *, household_id: str) -> Found:
        """What the vendor's own record shows now. It changes nothing, there or here.

        Raises `NotFound`, and `VendorFailed` where the vendor cannot be asked.
        """
        with self._store.reading() as books:
            execution = books.executions.look(execution_id, household_id=household_id)
            draft = books.drafts.look(household_id, execution.draft_id)
            confirmation = books.executions.confirmation(draft.id)
            if confirmation is None or self._key_of(execution.id) != execution.vendor_key:
                raise StoreDamaged(f"Execution {execution.id} does not carry out what was confirmed. The vendor is not asked by it.")
            context = Context.to_carry_out(books, member_id=confirmation.user_id, vendors=self._vendors)
        return self._verbs[draft.verb].look_up(draft.terms, key=execution.vendor_key, context=context)

    def settle(self, execution_id: str, found: Settlement, *, household_id: str, who: str | None) -> Execution:
        """Record what the household's member `who` (without a name the first) found.

        Raises `NotFound`, `NotAuthorised` for a member who could not have confirmed it, `InvalidInput`, and `Conflict` for what is settled
        already, or is not for a person to settle.
        """
        reference = inert(found.reference, max_chars=_MAX_REFERENCE_CHARS)
        if reference != found.reference.strip():
            raise InvalidInput("That is no reference of a vendor's.", hint=f"One line of at most {_MAX_REFERENCE_CHARS} characters.")
        with self._store.transaction() as books:
            # The row is locked from here on: of two people one settles it.
            execution = books.executions.get(execution_id, household_id=household_id)
            books.events.hold(household_id)
            member = self._allowed(books, execution, who)
            _still_open(books, execution)
            payload = event.ExecutionSettled(
                draft_id=execution.draft_id,
                outcome=found.outcome,
                reference=reference or None,
                charged_cents=found.charged.cents if found.charged else None,
                currency=found.charged.currency if found.charged else None,
            )
            books.events.append(payload, household_id=household_id, entity_id=execution.id, user_id=member.id, follows=execution.draft_id)
            return execution

    def _allowed(self, books: Books, execution: Execution, who: str | None) -> Member:
        """Whoever could have confirmed it may say what became of it."""
        members = books.households.members(execution.household_id)
        member = called(members, who)
        draft = books.drafts.look(execution.household_id, execution.draft_id)
        verdict = MayConfirm().check(Case(terms=draft.terms, member=member, situation=books.approvals.situation(draft, members)))
        if not verdict.allowed:
            raise NotAuthorised(f"{member.display_name} may not settle this: {verdict.reason}.", hint="Nothing was recorded.")
        return member


def _still_open(books: Books, execution: Execution) -> None:
    if execution.status is not ExecutionStatus.NEEDS_ATTENTION:
        message = f"Only what needs attention is settled by a person; this one is {execution.status.value}."
        raise Conflict(message, hint="Nothing was recorded.")
    if settled := books.events.newest_payload(execution.id, event.ExecutionSettled.event_type):
        was = settled["outcome"].replace("_", " ")
        raise Conflict(f"This was settled already: it {was}.", hint=f"See: halo show {execution.id}")
