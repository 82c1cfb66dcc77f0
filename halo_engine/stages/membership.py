"""Who lives here, and what each may confirm: changed by an owner, one transaction and one event a change.

The household's chain is held first, as in the confirm transaction: a yes happens either before a change or after it, and the log tells which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.errors import Conflict, InvalidInput, NameTaken, NotAuthorised
from halo_engine.model.household import Member, Preference, Role, called, plain_name
from halo_engine.model.ids import Prefix
from halo_engine.model.rules import ConfirmRules
from halo_engine.store.session import Books, Store
from halo_engine.vendors.directory import MERCHANTS


@dataclass(frozen=True)
class _Home:
    """The household in a transaction in which nobody else changes it."""

    books: Books
    household_id: str
    owner: Member
    members: tuple[Member, ...]

    def log(self, payload: event.Payload, entity_id: str) -> None:
        self.books.events.append(payload, household_id=self.household_id, entity_id=entity_id, user_id=self.owner.id)


class Membership:
    """What an owner may change about the people. Everybody else gets `NotAuthorised`; `by` is a name or an id, without one the first member.

    `device_id` is the device that it is said through. Nothing signs it there: where the household wants some yeses signed, who is who is decided at
    home, or a token that was stolen from an owner would make another owner, who could do all that needs no signature.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def add(self, name: str, role: Role, *, by: str | None, device_id: str | None = None) -> Member:
        """Somebody more. Raises `InvalidInput` for what is no name, `NameTaken` for one that somebody has."""
        name = plain_name(name)
        with self._home(by) as home:
            _must_be_at_home(home, device_id)
            if any(each.display_name.casefold() == name.casefold() for each in home.members):
                raise NameTaken(
                    f"{name} lives here already.",
                    hint="Give them a name that tells them apart.",
                    public="Somebody of that name lives here already.",
                )
            member = Member(
                id=self._clock.new_id(Prefix.USER),
                household_id=home.household_id,
                display_name=name,
                role=role,
                created_at=home.books.now,
            )
            home.books.households.add_member(member)
            home.log(event.MemberAdded(role=role), member.id)
            return member

    def change_role(self, of: str, role: Role, *, by: str | None, device_id: str | None = None) -> Member:
        """Another role for the member called `of`. Raises `NotFound`, and `Conflict` for the last owner."""
        with self._home(by) as home:
            _must_be_at_home(home, device_id)
            member = called(home.members, of)
            if member.role is role:
                return member
            if member.role is Role.OWNER and [each.role for each in home.members].count(Role.OWNER) == 1:
                message, hint = f"{member.display_name} is the only owner.", "Make somebody else an owner first."
                raise Conflict(message, hint=hint, public="There is no other owner.")
            home.log(event.RoleChanged(role=role, before=member.role), member.id)
            return home.books.households.set_role(member, role)

    def change_rules(self, change: Callable[[ConfirmRules], ConfirmRules], *, by: str | None) -> ConfirmRules:
        """The rules as `change` makes them of the ones that stand. Raises `StoreDamaged` where those cannot be read."""
        with self._home(by) as home:
            before = home.books.households.rules(home.household_id)
            rules = change(before)
            if rules != before:
                home.books.households.set_rules(home.household_id, rules, now=home.books.now)
                home.log(event.RulesChanged(rules=rules), home.household_id)
            return rules

    def buy_at(self, merchant: str, *, by: str | None) -> Preference:
        """Where the household buys what it orders, from the next draft on. Raises `InvalidInput` for a merchant that Halo does not know."""
        if merchant not in MERCHANTS:
            raise InvalidInput("Halo does not know that merchant.", hint=f"Give one of: {', '.join(MERCHANTS)}.")
        with self._home(by) as home:
            before = home.books.households.preference(home.household_id)
            if before.default_merchant != merchant:
                home.books.households.set_merchant(home.household_id, merchant, now=home.books.now)
                home.log(event.PreferencesChanged(default_merchant=merchant, before=before.default_merchant), home.household_id)
            return before.model_copy(update={"default_merchant": merchant})

    @contextmanager
    def _home(self, by: str | None) -> Iterator[_Home]:
        with self._store.transaction() as books:
            household_id = books.households.home().id
            books.events.hold(household_id)
            books.tell_time_again()
            members = books.households.members(household_id)
            owner = called(members, by)
            if owner.role is not Role.OWNER:
                owners = " and ".join(each.display_name for each in members if each.role is Role.OWNER)
                message = f"Only an owner changes who may do what; {owner.display_name} is not one."
                raise NotAuthorised(message, hint=f"Nothing was changed. Ask {owners}." if owners else "Nothing was changed.")
            yield _Home(books, household_id, owner, members)


def _must_be_at_home(home: _Home, device_id: str | None) -> None:
    if device_id is not None and home.books.households.rules(home.household_id).signed_above is not None:
        message = "This household wants yeses signed, so who lives here and what each may do is changed at home alone."
        raise NotAuthorised(message, hint="Nothing was changed. In a terminal: halo members")
