"""What a chat begins with, asked of its door before anything can be said. It settles who writes: nobody writes as another by mistake."""

from __future__ import annotations

from halo_cli.chat.sender import sender_of
from halo_engine.model.household import Household, Member
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
    sender = sender_of(members, wanted, me)
    return Opening(household=household, members=members, said=door.said(limit=_EARLIER), me=me, sender=sender)
