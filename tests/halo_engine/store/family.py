"""A household in the books, and everything a test writes about it. Two of them in one database are strangers to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.confirmation import Confirmation
from halo_engine.model.draft import Draft, DraftStatus, Terms, iso_utc
from halo_engine.model.execution import Execution
from halo_engine.model.household import Address, Household, Member, Preference, Role
from halo_engine.model.ids import Prefix
from halo_engine.model.intent import Intent
from halo_engine.model.policy import EXPECTED, Verdict
from halo_engine.stages.draft import shown_sha256
from halo_engine.store.requests import Request
from halo_engine.store.session import Books, Store
from tests.halo_engine.model import samples

ADDRESS = Address(
    full_name="Alex Rivera",
    phone_number="+12065550100",
    address_line1="410 Terry Ave N",
    city="Seattle",
    state_or_region="WA",
    postal_code="98109",
    country_code="US",
)


@dataclass(frozen=True)
class Family:
    """One household with an owner and a child."""

    store: Store
    clock: Clock
    household: Household
    owner: Member
    child: Member

    @classmethod
    def found(cls, store: Store, clock: Clock, name: str = "Terry Avenue") -> Family:
        """Move in."""
        now = clock.now()
        household = Household(id=clock.new_id(Prefix.HOUSEHOLD), name=name, time_zone="America/New_York", created_at=now)
        owner, child = (
            Member(id=clock.new_id(Prefix.USER), household_id=household.id, display_name=called, role=role, created_at=now)
            for called, role in (("Alex", Role.OWNER), ("Kim", Role.CHILD))
        )
        family = cls(store, clock, household, owner, child)
        with store.transaction() as books:
            books.households.add(household, (owner, child), family.preference, now=now)
            family.log(books, event.HouseholdCreated(name=name, time_zone=household.time_zone, members=("Alex", "Kim")), household.id)
        return family

    @property
    def preference(self) -> Preference:
        return Preference(
            household_id=self.household.id,
            default_merchant="amazon",
            default_booking_vendor="resy",
            payment_method_masked="Visa •••• 4242",
            shipping_address=ADDRESS,
        )

    def log(self, books: Books, payload: event.Payload, entity_id: str, suffix: str = "") -> event.Event:
        """Append to this household's chain."""
        return books.events.append(payload, household_id=self.household.id, entity_id=entity_id, user_id=self.owner.id, suffix=suffix)

    def request(self, text: str = "order paper towels") -> Request:
        """Words, in the books."""
        request = Request(
            id=self.clock.new_id(Prefix.REQUEST),
            household_id=self.household.id,
            user_id=self.owner.id,
            channel="test",
            text=text,
            intent=Intent(verb="ORDER", confidence=0.9, params={"items": ["paper towels"]}),
            created_at=self.clock.now(),
        )
        with self.store.transaction() as books:
            books.requests.add(request)
        return request

    def terms(self, **given: Any) -> Terms:
        """Terms of a new draft of this household."""
        fields = {"household_id": self.household.id, "draft_id": self.clock.new_id(Prefix.DRAFT), "nonce": self.clock.token_hex(16)}
        return samples.terms(**(fields | given))

    def draft(self, **given: Any) -> Draft:
        """An open draft with a request and an event, in the books."""
        terms = given.pop("terms", None) or self.terms()
        draft = samples.draft(terms, request_id=self.request().id, created_at=self.clock.now(), **given)
        with self.store.transaction() as books:
            books.drafts.add(draft)
            self.log(books, created(draft), draft.id)
        return draft

    def confirmation(self, of: Draft, at: datetime) -> Confirmation:
        return Confirmation(
            id=self.clock.new_id(Prefix.CONFIRMATION),
            draft_id=of.id,
            draft_hash=of.draft_hash,
            user_id=self.owner.id,
            confirmed_at=at,
            confirmation_latency_ms=1500,
        )

    def execution(self, of: Draft | None = None) -> Execution:
        """A confirmed execution with everything before it, in the books."""
        of = of or self.draft()
        with self.store.transaction() as books:
            books.drafts.close(of, DraftStatus.CONFIRMED)
            confirmation = self.confirmation(of, books.now)
            execution = samples.execution(
                of, id=self.clock.new_id(Prefix.EXECUTION), vendor_key=self.clock.token_hex(8), started_at=self.clock.now()
            )
            books.executions.add(confirmation, execution)
            self.log(books, confirmed(of, confirmation.id, execution.id, self.owner.id), of.id)
        return execution


def created(draft: Draft) -> event.DraftCreated:
    return event.DraftCreated(
        draft_hash=draft.draft_hash,
        verb=draft.verb,
        vendor=draft.vendor,
        total_cents=draft.terms.total.cents,
        maximum_cents=draft.terms.maximum.cents,
        currency=draft.terms.total.currency,
        expires_at=iso_utc(draft.expires_at),
        revises=None,
        request_id=draft.request_id,
        draft_sha256=shown_sha256(draft),
    )


def confirmed(draft: Draft, confirmation_id: str, execution_id: str, user_id: str) -> event.DraftConfirmed:
    return event.DraftConfirmed(
        draft_hash=draft.draft_hash,
        revision=draft.revision,
        confirmation_id=confirmation_id,
        execution_id=execution_id,
        maximum_cents=draft.terms.maximum.cents,
        currency=draft.terms.maximum.currency,
        confirmation_latency_ms=1500,
        verdicts=tuple(Verdict(policy=policy, allowed=True, reason="") for policy in EXPECTED),
        reasons=(),
        people_needed=1,
        approved_by=(user_id,),
        asked_by=(user_id,),
    )
