"""By what handles the members of a household are known in a thread of messages."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlmodel import col

from halo_engine.model.errors import Conflict, NotFound
from halo_engine.model.household import Member
from halo_engine.model.message import MemberAddress
from halo_engine.store import tables
from halo_engine.store.values import member_value


class Addresses:
    """Every address is given in its normal form."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, household_id: str) -> tuple[MemberAddress, ...]:
        """By member and address."""
        rows = self._connection.execute(_ALL, {"of": household_id}).mappings()
        return tuple(MemberAddress(address=row["address"], member=member_value(row)) for row in rows)

    def whose(self, household_id: str, address: str) -> Member | None:
        """The member of that address, or None."""
        return next((one.member for one in self.all(household_id) if one.address == address), None)

    def give(self, member: Member, address: str) -> bool:
        """Say that `address` is the member's. False where it was already; raises `Conflict` where it is somebody else's."""
        owner = self.whose(member.household_id, address)
        if owner is not None and owner.id != member.id:
            raise Conflict(
                f"That address is {owner.display_name}'s.", hint="Take it away first with: halo bridge forget HANDLE. Nothing was changed."
            )
        if owner is None:
            row = {"household_id": member.household_id, "address": address, "user_id": member.id}
            self._connection.execute(insert(tables.MemberAddress), row)
        return owner is None

    def take(self, household_id: str, address: str) -> Member:
        """Forget an address, and return whose it was. Raises `NotFound`."""
        owner = self.whose(household_id, address)
        if owner is None:
            raise NotFound("Nobody here has that address.", hint="List them with: halo bridge list")
        self._connection.execute(_TAKE, {"of": household_id, "which": address})
        return owner


_ALL = (
    select(col(tables.MemberAddress.address), *tables.columns_of(tables.User))
    .join(tables.User, col(tables.User.id) == col(tables.MemberAddress.user_id))
    .where(col(tables.MemberAddress.household_id) == bindparam("of"))
    .order_by(col(tables.User.id), col(tables.MemberAddress.address))
)
_TAKE = delete(tables.MemberAddress).where(
    col(tables.MemberAddress.household_id) == bindparam("of"), col(tables.MemberAddress.address) == bindparam("which")
)
