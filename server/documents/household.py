"""Whose home it is, who lives there, and what they have agreed on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from server.documents.base import Body, Document, Instant, Money, says
from server.documents.words import Role, Verb

#: What can be given to somebody now. Closed, and so another type than the one in answers: a word that is not one of these is refused.
NewRole = TypeAliasType(
    "NewRole", Annotated[Literal["owner", "adult", "child", "guest"], says("What somebody is to be in the household: one of these.")]
)


class Household(Document):
    """One home; `time_zone` is its IANA zone, which every date in its members' words is read in."""

    id: str
    name: str
    time_zone: str
    created_at: Instant


class Member(Document):
    """A person of the household."""

    id: str
    household_id: str
    display_name: str
    role: Role
    created_at: Instant


class HouseholdAnswer(Document):
    """The household, its members, and which of them is calling (`me`)."""

    household: Household
    members: tuple[Member, ...]
    me: Annotated[str, says("Their member id.")]


class MemberList(Document):
    """Everyone, in the order they were added."""

    members: tuple[Member, ...]


class AddMember(Body):
    """Somebody more, by a name that nobody here has."""

    name: str
    role: NewRole = "adult"


class ChangeRole(Body):
    """Another role for a member."""

    role: NewRole


class Address(Document):
    """Where things are sent. `country_code` is ISO 3166-1 alpha-2."""

    full_name: str
    phone_number: str
    address_line1: str
    address_line2: str | None = None
    city: str
    state_or_region: str
    postal_code: str
    country_code: str


class Preferences(Document):
    """What the household usually wants. Halo knows the payment method in its masked form only."""

    default_merchant: Annotated[str, says("Where things are bought.")]
    default_booking_vendor: Annotated[str, says("Where tables are booked.")]
    payment_method_masked: str | None = None
    shipping_address: Address | None = None


class ChangePreferences(Body):
    """Where to buy from now on."""

    default_merchant: Annotated[str, Field(max_length=40, description="A merchant that Halo can buy from: `amazon`, `zinc`.")]


class UsualItem(Document):
    """One line of a Usual: the vendor's product, what the household calls it, how many."""

    reference: Annotated[str, says("The vendor's own name for the product.")]
    name: str
    quantity: int


class Usual(Document):
    """A saved bundle that can be ordered again by its name."""

    id: str
    name: str
    items: tuple[UsualItem, ...]
    created_at: Instant


class RemovedUsual(Document):
    """A Usual that is no more."""

    id: str


class UsualList(Document):
    """The household's Usuals, by name."""

    usuals: tuple[Usual, ...]


class SaveUsual(Body):
    """What these words would order, kept under that name."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    text: Annotated[str, says("As if it was ordered: `2 packs of AA batteries`.")]


class Allowance(Document):
    """A role may confirm a verb up to an amount; without one, as far as the spending limit goes."""

    role: Role
    verb: Verb
    up_to: Money | None = None


class Rules(Document):
    """Who may confirm what. A role that is not listed for a verb may not.

    Above `two_people_above` two members have to say yes to the same terms; up to `asker_alone_up_to` whoever asked may confirm it alone. Above
    `signed_above`, or always where that is zero, a yes has to be signed.
    """

    allowances: tuple[Allowance, ...]
    two_people_above: Money | None = None
    asker_alone_up_to: Money | None = None
    signed_above: Money | None = None
