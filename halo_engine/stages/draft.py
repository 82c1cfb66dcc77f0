"""Step 2: an intent to a draft of what would be done, with terms that can be confirmed; and drafts changed, replaced and cancelled.

Vendors are asked outside any transaction; what they said is then written in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.canonical import sha256_hex
from halo_engine.model.card import Card, clarification_card, draft_card, not_supported_card, unavailable_card
from halo_engine.model.difference import difference
from halo_engine.model.draft import Draft, DraftStatus, Terms, iso_utc
from halo_engine.model.errors import AlreadyCancelled, AlreadyConfirmed, Conflict, DraftExpired, InvalidInput
from halo_engine.model.household import Member
from halo_engine.model.ids import Prefix
from halo_engine.model.intent import UNSUPPORTED, Intent, Params
from halo_engine.model.money import Money
from halo_engine.model.policy import approval_words
from halo_engine.store.requests import Request
from halo_engine.store.session import Books, Store
from halo_engine.store.values import draft_json
from halo_engine.verb import Context, Proposal, Question, Refusal, Verb, Verbs

NOT_SUPPORTED = "Halo can order, reorder, cancel a subscription and book. It did nothing."


@dataclass(frozen=True)
class Place:
    """Where a draft belongs: its household, its request, and the draft it takes the place of."""

    request_id: str
    household_id: str
    revises: Draft | None = None
    also_asked_by: tuple[str, ...] = ()
    #: When the vendors began to be asked for it, where somebody waits for the card.
    began_at: datetime | None = None


class Drafting:
    """Writes drafts, and everything that can happen to one before it is confirmed."""

    def __init__(self, store: Store, verbs: Verbs, clock: Clock, *, lives_s: int, spending_limit: Money) -> None:
        self._store, self._verbs, self._clock, self._lives = store, verbs, clock, timedelta(seconds=lives_s)
        self._limit = spending_limit

    def draft(self, request: Request, context: Context) -> Card:
        """The card for a request: a draft, a clarification, or a polite no."""
        intent = request.intent
        if intent.verb == UNSUPPORTED:
            return self._refuse(request, not_supported_card(request_id=request.id, reason=NOT_SUPPORTED))
        verb = self._verbs[intent.verb]
        params = verb.spec.params.model_validate(intent.params)
        if missing := params.missing():
            return self._ask(request, verb.question(missing[0], params, context))
        return self._answer(request, verb, params, context)

    def _answer(self, request: Request, verb: Verb[Any], params: Params, context: Context) -> Card:
        began_at = self._clock.now()
        match verb.propose(params, context):
            case Question() as question:
                return self._ask(request, question)
            case Refusal(reason=reason):
                return self._refuse(request, unavailable_card(request_id=request.id, reason=reason))
            case Proposal() as proposal:
                place = Place(request.id, request.household_id, also_asked_by=request.also_asked, began_at=began_at)
                with self._store.transaction() as books:
                    books.requests.understand(request.id, request.intent, None)
                    draft = self.open(books, proposal, params, place, user_id=context.member.id, remainder=request.intent.remainder)
                    return self.card(books, draft)

    def card(self, books: Books, draft: Draft) -> Card:
        """The card of a draft as it stands in this transaction, with who may confirm it."""
        members = books.households.members(draft.household_id)
        words = approval_words(draft.terms, books.approvals.situation(draft, members), self._limit)
        return draft_card(draft, approval=words, zone=ZoneInfo(books.households.home().time_zone))

    def open(
        self, books: Books, proposal: Proposal, params: Params, place: Place, *, user_id: str | None, remainder: str | None = None
    ) -> Draft:
        """Write a new draft inside the caller's transaction."""
        draft_id = self._clock.new_id(Prefix.DRAFT)
        terms = self._terms(proposal, place.household_id, draft_id, revision=1, now=books.now)
        draft = Draft(
            id=draft_id,
            household_id=place.household_id,
            request_id=place.request_id,
            created_at=books.now,
            status=DraftStatus.OPEN,
            terms=terms,
            payload={"params": params.model_dump(mode="json")},
            remainder=remainder,
            revises=place.revises.id if place.revises else None,
            changes=difference(place.revises.terms, terms) if place.revises else (),
            also_asked_by=place.revises.also_asked_by if place.revises else place.also_asked_by,
        )
        books.drafts.add(draft)
        took_ms = _took_ms(place.began_at, books.now) if place.began_at else None
        books.events.append(
            _created(draft, took_ms),
            household_id=draft.household_id,
            entity_id=draft.id,
            user_id=user_id,
            follows=place.revises.id if place.revises else draft.request_id,
        )
        return draft

    def modify(self, before: Draft, intent: Intent, context: Context) -> Card:
        """The next revision of an open draft, from the parameters as changed. The draft stays as it is when that cannot be had."""
        verb = self._verbs[before.verb]
        params = verb.spec.params.model_validate(intent.params)
        if missing := params.missing():
            raise InvalidInput(verb.questions[missing[0]], hint=_unchanged(before))
        began_at = self._clock.now()
        match verb.propose(params, context):
            case Question() as question:
                hint = f"Say it with the answer in it. {_unchanged(before)}"
                raise InvalidInput(_spoken(question), hint=hint, public="More has to be said for that.")
            case Refusal(reason=reason):
                raise Conflict(reason, hint=_unchanged(before), public="That cannot be had now.")
            case Proposal() as proposal:
                return self._revise(before, proposal, params, user_id=context.member.id, began_at=began_at)

    def _revise(self, seen: Draft, proposal: Proposal, params: Params, *, user_id: str, began_at: datetime) -> Card:
        with self._store.transaction() as books:
            before = standing(books, seen.household_id, seen.id)
            if not difference(before.terms, quoted_now(proposal, before.terms)):
                # Another hash for the same would make every yes to it so far worthless.
                raise InvalidInput("That changes nothing in what would be done.", hint="The draft stays as it was.")
            terms = self._terms(proposal, before.household_id, before.id, revision=seen.revision + 1, now=books.now)
            after = before.model_copy(
                update={
                    "terms": terms,
                    "payload": {"params": params.model_dump(mode="json")},
                    "changes": difference(before.terms, terms),
                    "also_asked_by": tuple(dict.fromkeys((*before.also_asked_by, user_id))),
                }
            )
            # Compared with the draft that was read before the vendor was asked: a change in between is a conflict, not overwritten.
            books.drafts.revise(seen, after, now=books.now)
            payload = event.DraftRevised(
                revision=after.revision,
                draft_hash=after.draft_hash,
                previous_hash=before.draft_hash,
                total_cents=after.terms.total.cents,
                maximum_cents=after.terms.maximum.cents,
                currency=after.terms.total.currency,
                expires_at=iso_utc(after.expires_at),
                changes=after.changes,
                draft_sha256=shown_sha256(after),
                took_ms=_took_ms(began_at, books.now),
                vendor=after.vendor,
            )
            books.events.append(payload, household_id=after.household_id, entity_id=after.id, user_id=user_id)
            return self.card(books, after)

    def cancel(self, household_id: str, draft_id: str, member: Member) -> Card:
        """End an open draft. Cancelling twice is the same as once."""
        with self._store.transaction() as books:
            draft = books.drafts.get(household_id, draft_id)
            if draft.status is DraftStatus.CANCELLED:
                return draft_card(draft)
            if draft.status is DraftStatus.CONFIRMED:
                raise AlreadyConfirmed("This draft was confirmed already: it can no longer be cancelled.", hint=how_it_went(books, draft))
            closed = books.drafts.close(draft, DraftStatus.CANCELLED)
            payload = event.DraftCancelled(draft_hash=draft.draft_hash)
            books.events.append(payload, household_id=household_id, entity_id=draft_id, user_id=member.id)
            return draft_card(closed)

    def _terms(self, proposal: Proposal, household_id: str, draft_id: str, *, revision: int, now: datetime) -> Terms:
        # Whole seconds: the hash is taken over the written form, which has no smaller ones.
        expires_at = (now + self._lives).replace(microsecond=0)
        nonce = self._clock.token_hex(16)
        return write_terms(proposal, household_id=household_id, draft_id=draft_id, revision=revision, expires_at=expires_at, nonce=nonce)

    def _ask(self, request: Request, question: Question) -> Card:
        asked = {
            "field": question.field,
            "question": question.question,
            "asked_by": list(request.asked_by),
            "options": [option.model_dump(mode="json") for option in question.options],
        }
        with self._store.transaction() as books:
            books.requests.understand(request.id, request.intent, asked)
            shown = {"question": question.question, "options": asked["options"], "remainder": request.intent.remainder}
            payload = event.ClarificationAsked(field=question.field, options=len(question.options), asked=shown)
            books.events.append(payload, household_id=request.household_id, entity_id=request.id)
        return clarification_card(
            request_id=request.id,
            question=question.question,
            options=question.options,
            verb=request.intent.verb,
            remainder=request.intent.remainder,
            asked_by=request.user_id,
        )

    def _refuse(self, request: Request, card: Card) -> Card:
        with self._store.transaction() as books:
            payload = event.RequestRefused(reason=card.kind.value, words=card.summary)
            books.events.append(payload, household_id=request.household_id, entity_id=request.id)
        return card


def write_terms(proposal: Proposal, *, household_id: str, draft_id: str, revision: int, expires_at: datetime, nonce: str) -> Terms:
    """A proposal as terms. Of one proposal, with the same bookkeeping, they are the same terms with the same hash."""
    return Terms(
        household_id=household_id,
        draft_id=draft_id,
        revision=revision,
        verb=proposal.verb,
        title=proposal.title,
        summary=proposal.summary,
        vendor=proposal.vendor,
        payee=proposal.payee,
        lines=proposal.lines,
        charges=proposal.charges,
        total=proposal.total,
        maximum=proposal.at_most,
        payment_method=proposal.payment_method,
        fulfilment=proposal.fulfilment,
        policies=proposal.policies,
        warnings=proposal.warnings,
        irreversible=proposal.irreversible,
        instruction=proposal.instruction,
        expires_at=expires_at,
        nonce=nonce,
    )


def quoted_now(proposal: Proposal, confirmed: Terms) -> Terms:
    """A fresh quote in the form of the terms it is to be compared with."""
    return write_terms(
        proposal,
        household_id=confirmed.household_id,
        draft_id=confirmed.draft_id,
        revision=confirmed.revision,
        expires_at=confirmed.expires_at,
        nonce=confirmed.nonce,
    )


def standing(books: Books, household_id: str, draft_id: str) -> Draft:
    """A draft that can still be changed or confirmed, or the error that says why this one cannot."""
    return still_open(books, books.drafts.get(household_id, draft_id))


def still_open(books: Books, draft: Draft) -> Draft:
    """As `standing`, for a draft that was read in this transaction."""
    draft = draft.as_of(books.now)
    match draft.status:
        case DraftStatus.CONFIRMED:
            raise AlreadyConfirmed(hint=how_it_went(books, draft))
        case DraftStatus.CANCELLED:
            raise AlreadyCancelled
        case DraftStatus.EXPIRED:
            raise DraftExpired(current=draft)
        case DraftStatus.OPEN:
            return draft


def shown_sha256(draft: Draft) -> str:
    """What ties the log to a draft as it is kept and shown."""
    return sha256_hex(draft_json(draft).encode())


def _took_ms(began_at: datetime, now: datetime) -> int:
    return max(0, round((now - began_at).total_seconds() * 1000))


def _created(draft: Draft, took_ms: int | None) -> event.DraftCreated:
    return event.DraftCreated(
        draft_hash=draft.draft_hash,
        verb=draft.verb,
        vendor=draft.vendor,
        total_cents=draft.terms.total.cents,
        maximum_cents=draft.terms.maximum.cents,
        currency=draft.terms.total.currency,
        expires_at=iso_utc(draft.expires_at),
        revises=draft.revises,
        request_id=draft.request_id,
        draft_sha256=shown_sha256(draft),
        also_asked_by=draft.also_asked_by,
        took_ms=took_ms,
    )


def _spoken(question: Question) -> str:
    return " ".join([question.question, *(f"({n}) {option.label}" for n, option in enumerate(question.options, 1))])


def _unchanged(draft: Draft) -> str:
    return f"The draft stays as it was. Look at it with: halo draft show {draft.id}"


def how_it_went(books: Books, draft: Draft) -> str:
    """A hint that points to the execution of a confirmed draft."""
    execution = books.executions.of_draft(draft.id)
    return f"It became {execution.id}. See how it went with: halo show {execution.id}" if execution else ""
