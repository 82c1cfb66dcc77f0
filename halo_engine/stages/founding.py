"""Before the first step: a household is made, with its members, what it prefers and its Usuals, in one transaction."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.household import Address, Household, Member, Preference, Role, Usual, UsualItem
from halo_engine.model.ids import Prefix
from halo_engine.model.value import Value
from halo_engine.store.session import Books


class MemberPlan(Value):
    """Somebody who is to live in a new household."""

    name: str
    role: Role = Role.ADULT


class UsualPlan(Value):
    """A bundle that a new household starts with."""

    name: str
    items: tuple[UsualItem, ...]


class HouseholdPlan(Value):
    """Everything a new household is founded with."""

    name: str
    time_zone: str
    members: tuple[MemberPlan, ...] = Field(min_length=1)
    default_merchant: str = "amazon"
    default_booking_vendor: str = "resy"
    payment_method_masked: str | None = None
    shipping_address: Address | None = None
    usuals: tuple[UsualPlan, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, LookupError) as error:
            raise ValueError(f"{zone!r} is not an IANA time zone") from error
        return zone

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> HouseholdPlan:
        if len({member.name.casefold() for member in self.members}) != len(self.members):
            raise ValueError("two members have the same name")
        return self


def found(books: Books, plan: HouseholdPlan, clock: Clock, *, key_id: str) -> Household:
    household = Household(id=clock.new_id(Prefix.HOUSEHOLD), name=plan.name, time_zone=plan.time_zone, created_at=books.now)
    members = tuple(
        Member(id=clock.new_id(Prefix.USER), household_id=household.id, display_name=m.name, role=m.role, created_at=books.now)
        for m in plan.members
    )
    preference = Preference(
        household_id=household.id,
        default_merchant=plan.default_merchant,
        default_booking_vendor=plan.default_booking_vendor,
        payment_method_masked=plan.payment_method_masked,
        shipping_address=plan.shipping_address,
    )
    books.households.add(household, members, preference, now=books.now)
    for usual in plan.usuals:
        books.usuals.save(
            Usual(id=clock.new_id(Prefix.USUAL), household_id=household.id, name=usual.name, items=usual.items, created_at=books.now)
        )
    payload = event.HouseholdCreated(
        name=plan.name,
        time_zone=plan.time_zone,
        members=tuple(member.id for member in members),
        roles=tuple(member.role for member in members),
        key_id=key_id,
    )
    books.events.append(payload, household_id=household.id, entity_id=household.id)
    return household
