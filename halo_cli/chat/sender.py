"""Who acts at first, in the chat and in the dashboard. Apart from `opening`, because the dashboard shows itself before the engine is imported."""

from __future__ import annotations

from collections.abc import Sequence

from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.household import Member, Role


def sender_of(members: Sequence[Member], wanted: str | None, me: str | None = None) -> int:
    """The position of whoever acts at first. Raises `NotFound` where nobody is called so, `InvalidInput` where another than `me` is meant."""
    return _first(members, me) if wanted is None else _named(members, wanted, me)


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
