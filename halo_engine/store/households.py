"""Households, their members and what they prefer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update
from sqlmodel import col

from halo_engine.model.errors import NotInitialised
from halo_engine.model.household import Household, Member, Preference, Role, called
from halo_engine.model.rules import ConfirmRules
from halo_engine.store import tables
from halo_engine.store.values import household_value, member_value, preference_value, rules_json, rules_value, to_json


class Households:
    """The households of these books; `home_id` is the one that is at home here, without it the first."""

    def __init__(self, connection: Connection, *, home_id: str | None) -> None:
        self._connection, self._home_id = connection, home_id

    def found_alone(self) -> None:
        """Until the transaction ends nobody else founds a household: of two that find none, both would. SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("LOCK TABLE household IN SHARE ROW EXCLUSIVE MODE")

    def add(self, household: Household, members: tuple[Member, ...], preference: Preference, *, now: datetime) -> None:
        """A household with everyone in it."""
        self._connection.execute(insert(tables.Household), household.model_dump())
        self._connection.execute(insert(tables.User), [member.model_dump() for member in members])
        address = preference.shipping_address
        shipping_address_json = to_json(address.model_dump(mode="json")) if address else None
        fields = preference.model_dump(exclude={"shipping_address"}) | {"shipping_address_json": shipping_address_json}
        self._connection.execute(insert(tables.Preference), {**fields, "created_at": now, "updated_at": now})

    def first(self) -> Household | None:
        """The household that was founded first: the one a terminal speaks for."""
        row = self._connection.execute(_FIRST).mappings().first()
        return household_value(row) if row else None

    def home(self) -> Household:
        """The household that everything here is scoped to. Raises `NotInitialised` when there is none."""
        household = self.first() if self._home_id is None else self._get(self._home_id)
        if household is None:
            raise NotInitialised
        return household

    def _get(self, household_id: str) -> Household | None:
        row = self._connection.execute(_BY_ID, {"of": household_id}).mappings().first()
        return household_value(row) if row else None

    def members(self, household_id: str) -> tuple[Member, ...]:
        """Everyone, in the order they were added."""
        rows = self._connection.execute(_MEMBERS, {"of": household_id}).mappings()
        return tuple(member_value(row) for row in rows)

    def member(self, household_id: str, who: str | None) -> Member:
        """The member called `who` (name in any case, or id); without a name, the first. Raises `NotFound`."""
        return called(self.members(household_id), who)

    def add_member(self, member: Member) -> None:
        """Somebody more. The caller has held the household's chain and made sure that the name is free."""
        self._connection.execute(insert(tables.User), member.model_dump())

    def set_role(self, member: Member, role: Role) -> Member:
        """Give a member another role."""
        self._connection.execute(_SET_ROLE, {"of": member.id, "role": role.value})
        return member.model_copy(update={"role": role})

    def rules(self, household_id: str) -> ConfirmRules:
        """Who may confirm what. Raises `StoreDamaged` where that cannot be read."""
        return rules_value(self._connection.execute(_RULES, {"of": household_id}).scalar_one())

    def set_rules(self, household_id: str, rules: ConfirmRules, *, now: datetime) -> None:
        """Put `rules` in the place of the ones before."""
        self._connection.execute(_SET_PREFERENCE, {"of": household_id, "confirm_rules_json": rules_json(rules), "updated_at": now})

    def set_merchant(self, household_id: str, merchant: str, *, now: datetime) -> None:
        """Buy there from now on."""
        self._connection.execute(_SET_PREFERENCE, {"of": household_id, "default_merchant": merchant, "updated_at": now})

    def of_member(self, member_id: str) -> tuple[Household, Member, Preference]:
        """A member, the household they live in and what it prefers, in one look."""
        row = self._connection.execute(_OF_MEMBER, {"of": member_id}).one()
        ends = (len(_HOUSEHOLD_COLUMNS), len(_HOUSEHOLD_COLUMNS) + len(_MEMBER_COLUMNS))
        household, member, preference = row[: ends[0]], row[ends[0] : ends[1]], row[ends[1] :]
        return (
            household_value(_named(_HOUSEHOLD_COLUMNS, household)),
            member_value(_named(_MEMBER_COLUMNS, member)),
            preference_value(_named(_PREFERENCE_COLUMNS, preference)),
        )

    def preference(self, household_id: str) -> Preference:
        return preference_value(self._connection.execute(_PREFERENCE, {"of": household_id}).mappings().one())


def _named(columns: Sequence[ColumnElement[Any]], row: Sequence[Any]) -> dict[str, Any]:
    return {str(column.key): value for column, value in zip(columns, row, strict=True)}


_HOUSEHOLD_COLUMNS = tables.columns_of(tables.Household)
_MEMBER_COLUMNS = tables.columns_of(tables.User)
_PREFERENCE_COLUMNS = tables.columns_of(tables.Preference)

# Core and prepared once: confirming and every move of an execution read these.
_FIRST = select(*tables.columns_of(tables.Household)).order_by(col(tables.Household.created_at), col(tables.Household.id)).limit(1)
_BY_ID = select(*tables.columns_of(tables.Household)).where(col(tables.Household.id) == bindparam("of"))
_OF_MEMBER = (
    select(*_HOUSEHOLD_COLUMNS, *_MEMBER_COLUMNS, *_PREFERENCE_COLUMNS)
    .join_from(tables.User, tables.Household, col(tables.Household.id) == col(tables.User.household_id))
    .join(tables.Preference, col(tables.Preference.household_id) == col(tables.Household.id))
    .where(col(tables.User.id) == bindparam("of"))
)
_MEMBERS = select(*tables.columns_of(tables.User)).where(col(tables.User.household_id) == bindparam("of")).order_by(col(tables.User.id))
_SET_ROLE = update(tables.User).where(col(tables.User.id) == bindparam("of"))
_RULES = select(col(tables.Preference.confirm_rules_json)).where(col(tables.Preference.household_id) == bindparam("of"))
_SET_PREFERENCE = update(tables.Preference).where(col(tables.Preference.household_id) == bindparam("of"))
_PREFERENCE = select(*tables.columns_of(tables.Preference)).where(col(tables.Preference.household_id) == bindparam("of"))
