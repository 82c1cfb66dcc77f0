"""Around the pages: who lives here, who of them acts, what their clocks say, and how much waits for somebody."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from halo_cli.chat.guard import Monotonic
from halo_cli.chat.sender import sender_of
from halo_engine.model.household import Household, Member
from halo_engine.model.value import Value
from halo_engine.queries import Queries


class Opened(Value):
    """What the dashboard knows of its household before any page is shown. `acting` is a position in `members`."""

    household: Household
    members: tuple[Member, ...]
    acting: int


def opened(queries: Queries, wanted: str | None) -> Opened:
    """`wanted` is the name or id of whoever is to act, else the owner. Raises `NotFound` where nobody is called so."""
    members = queries.members()
    return Opened(household=queries.household(), members=members, acting=sender_of(members, wanted))


class Around:
    """What all pages share and only the app changes."""

    def __init__(self, *, monotonic: Monotonic) -> None:
        self.monotonic = monotonic
        self.members: tuple[Member, ...] = ()
        self.zone = ZoneInfo("UTC")
        self._acting = 0

    def settle(self, household: Opened) -> None:
        self.members, self._acting = household.members, household.acting
        self.zone = ZoneInfo(household.household.time_zone)

    @property
    def member(self) -> Member:
        return self.members[self._acting]

    def act_as_next(self) -> Member:
        """The next member acts."""
        self._acting = (self._acting + 1) % len(self.members)
        return self.member
