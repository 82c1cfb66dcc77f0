"""The household's Usual bundles, found by name in any case."""

from __future__ import annotations

from sqlmodel import Session, col, select

from halo_engine.model.errors import NotFound
from halo_engine.model.household import Usual
from halo_engine.store import tables
from halo_engine.store.values import to_json, usual_value


class Usuals:
    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, household_id: str) -> tuple[Usual, ...]:
        """By name."""
        of_household = select(tables.UsualBundle).where(tables.UsualBundle.household_id == household_id)
        return tuple(usual_value(row.model_dump()) for row in self._session.exec(of_household.order_by(col(tables.UsualBundle.name))))

    def save(self, usual: Usual) -> Usual:
        """Add it, or replace the items of the one of that name, which keeps its id; returned as it now stands."""
        row = self._named(usual.household_id, usual.name)
        items = to_json([item.model_dump(mode="json") for item in usual.items])
        if row is None:
            row = tables.UsualBundle(**usual.model_dump(exclude={"items"}), items_json=items)
        row.items_json = items
        self._session.add(row)
        self._session.flush()
        return usual_value(row.model_dump())

    def remove(self, household_id: str, name: str) -> Usual:
        """Raises `NotFound` when there is none of that name."""
        row = self._named(household_id, name)
        if row is None:
            raise NotFound("There is no Usual of that name.", hint="List them with: halo usual list")
        usual = usual_value(row.model_dump())
        self._session.delete(row)
        self._session.flush()
        return usual

    def _named(self, household_id: str, name: str) -> tables.UsualBundle | None:
        # Compared here and not by the database: SQLite's lower() knows ASCII only.
        rows = self._session.exec(select(tables.UsualBundle).where(tables.UsualBundle.household_id == household_id))
        return next((row for row in rows if row.name.casefold() == name.casefold()), None)
