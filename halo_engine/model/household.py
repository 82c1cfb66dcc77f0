"""Who is at home, and what they prefer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime, Field

from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.ids import prefix_of
from halo_engine.model.value import Value


class Role(StrEnum):
    """What a member is. Owners decide who may confirm what; until they do, grown members may, and children and guests ask."""

    OWNER = "owner"
    ADULT = "adult"
    CHILD = "child"
    GUEST = "guest"


class Address(Value):
    """Where things are sent. `country_code` is ISO 3166-1 alpha-2."""

    full_name: str
    phone_number: str
    address_line1: str
    address_line2: str | None = None
    city: str
    state_or_region: str
    postal_code: str
    country_code: str


class Household(Value):
    """One home; `time_zone` is its IANA zone, which every date in its members' words is read in."""

    id: str
    name: str
    time_zone: str
    created_at: AwareDatetime


class Member(Value):
    """A person of the household."""

    id: str
    household_id: str
    display_name: str
    role: Role
    created_at: AwareDatetime


def called(members: Sequence[Member], who: str | None) -> Member:
    """The member with that id or name; without one the first, who founded the household. Raises `NotFound`."""
    if who is None:
        return members[0]
    for member in members:
        if who == member.id or who.casefold() == member.display_name.casefold():
            return member
    names = ", ".join(member.display_name for member in members)
    raise NotFound("Nobody of that name lives here.", hint=f"The members are: {names}.")


def plain_name(name: str) -> str:
    """A name as it may be kept. Raises `InvalidInput`, also for what could be taken for an identifier."""
    if not name.strip() or len(name) > 100 or not name.isprintable() or prefix_of(name.strip()):
        raise InvalidInput("A name has 1 to 100 printable characters.")
    return name.strip()


class Preference(Value):
    """What the household usually wants; the payment method is known to Halo only in its masked form."""

    household_id: str
    default_merchant: str
    default_booking_vendor: str
    payment_method_masked: str | None
    shipping_address: Address | None


class UsualItem(Value):
    """One line of a Usual: the vendor's product, what the household calls it, how many."""

    reference: str
    name: str
    quantity: int = Field(ge=1, le=999)


class Usual(Value):
    """A saved bundle that REORDER can name."""

    id: str
    household_id: str
    name: str
    items: tuple[UsualItem, ...]
    created_at: AwareDatetime
