"""The household's Usual bundles, found by name in any case."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlmodel import col

from halo_engine.model.errors import NotFound
from halo_engine.model.household import Usual
from halo_engine.store import tables
from halo_engine.store.values import to_json, usual_value


class Usuals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, household_id: str) -> tuple[Usual, ...]:
        """By name."""
        return tuple(usual_value(row) for row in self._connection.execute(_USUALS, {"of": household_id}).mappings())

    def save(self, usual: Usual) -> Usual:
        """Add it, or replace the items of the one of that name, which keeps its id; returned as it now stands."""
        items_json = to_json([item.model_dump(mode="json") for item in usual.items])
        before = self._named(usual.household_id, usual.name)
        if before is None:
            self._connection.execute(insert(tables.UsualBundle), {**usual.model_dump(exclude={"items"}), "items_json": items_json})
            return usual
        self._connection.execute(_REPLACE_ITEMS, {"of": before.id, "items_json": items_json})
        return before.model_copy(update={"items": usual.items})

    def remove(self, household_id: str, of: str) -> Usual:
        """By id, or by name. Raises `NotFound` when there is none."""
        usual = next((usual for usual in self.all(household_id) if usual.id == of), None) or self._named(household_id, of)
        if usual is None:
            raise NotFound("There is no Usual of that name.", hint="List them with: halo usual list")
        self._connection.execute(_REMOVE, {"of": usual.id})
        return usual

    def _named(self, household_id: str, name: str) -> Usual | None:
        # Compared here and not by the database: SQLite's lower() knows ASCII only.
        return next((usual for usual in self.all(household_id) if usual.name.casefold() == name.casefold()), None)


_USUALS = (
    select(*tables.columns_of(tables.UsualBundle))
    .where(col(tables.UsualBundle.household_id) == bindparam("of"))
    .order_by(col(tables.UsualBundle.name))
)
_REPLACE_ITEMS = update(tables.UsualBundle).where(col(tables.UsualBundle.id) == bindparam("of"))
_REMOVE = delete(tables.UsualBundle).where(col(tables.UsualBundle.id) == bindparam("of"))
