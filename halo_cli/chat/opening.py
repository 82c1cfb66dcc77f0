"""What a chat begins with, asked of its door before anything can be said. It settles who writes: nobody writes as another by mistake."""

from __future__ import annotations

from collections.abc import Sequence

from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.household import Household, Member, Role
from halo_engine.model.value import Value
from halo_engine.thread import Door, PersonalDoor, Said

#: Requests of the books that stand in the thread at the start.
_EARLIER = 12


class Opening(Value):
    """What the thread begins with."""

    household: Household
    members: tuple[Member, ...]
    said: tuple[Said, ...]
    #: The only member this door speaks for, where it does not speak for whoever writes.
    me: str | None
    #: Who writes at first, by position.
    sender: int


def opening_of(door: Door, wanted: str | None) -> Opening:
    """`wanted` is the name or id of whoever is to write.

    Raises `NotFound` where nobody is called so, `InvalidInput` where `door` speaks for somebody else.
    """
    household, members = door.household(), door.members()
    me = door.me if isinstance(door, PersonalDoor) else None
    sender = _first(members, me) if wanted is None else _named(members, wanted, me)
    return Opening(household=household, members=members, said=door.said(limit=_EARLIER), me=me, sender=sender)


def _first(members: Sequence[Member], me: str | None) -> int:
    """Whom the door speaks for, else the owner."""
    mine = [position for position, member in enumerate(members) if member.id == me]
    owners = [position for position, member in enumerate(members) if member.role is Role.OWNER]
    return (mine or owners or [0])[0]


def _named(members: Sequence[Member], wanted: str, me: str | None) -> int:
    for position, member in enumerate(members):
        if wanted.casefold() in (member.id, member.display_name.casefold()):
            if me is not None and member.id != me:
                mine = members[_first(members, me)].display_name
                raise InvalidInput(f"This token speaks for {mine} alone.", hint="Leave --as out, or use a token of whoever is to write.")
            return position
    names = ", ".join(member.display_name for member in members)
    raise NotFound("Nobody of that name lives here.", hint=f"The members are: {names}.")
