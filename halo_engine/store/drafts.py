"""Drafts: the one that stands now, and every version that was ever shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import Conflict, NotFound
from halo_engine.store import tables
from halo_engine.store.values import draft_json, draft_value, revision_value


class Drafts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, draft: Draft) -> None:
        """A new draft in its first revision."""
        self._session.add(tables.Draft(id=draft.id, created_at=draft.created_at, **_standing(draft)))
        self._session.flush()
        self._keep(draft, draft.created_at)

    def get(self, household_id: str, draft_id: str) -> Draft:
        """The draft, locked until the transaction ends. Raises `NotFound` for an id that is not this household's."""
        of_household = select(tables.Draft).where(tables.Draft.household_id == household_id, tables.Draft.id == draft_id)
        row = self._session.exec(of_household.with_for_update()).first()
        if row is None:
            raise NotFound("There is no such draft in this household.")
        return draft_value(row.model_dump())

    def revise(self, before: Draft, after: Draft, *, now: datetime) -> None:
        """Put `after` in the place of `before`, which stays among the revisions. Raises `Conflict` when `before` no longer stands."""
        self._replace(before, _standing(after))
        self._keep(after, now)

    def close(self, draft: Draft, status: DraftStatus) -> Draft:
        """End an open draft. Raises `Conflict` when it is not open any more."""
        self._replace(draft, {"status": status.value})
        return draft.model_copy(update={"status": status})

    def revision(self, draft_id: str, draft_hash: str) -> Draft | None:
        """The version of the draft with that hash, current or superseded."""
        joined = select(tables.DraftRevision, tables.Draft.status).join(tables.Draft)
        found = self._session.exec(
            joined.where(tables.DraftRevision.draft_id == draft_id, tables.DraftRevision.draft_hash == draft_hash)
        ).first()
        return revision_value({**found[0].model_dump(), "status": found[1]}) if found else None

    def shown_at(self, draft: Draft) -> datetime:
        """When the terms that stand now were first shown."""
        key = {"draft_id": draft.id, "revision": draft.revision}
        return self._session.get_one(tables.DraftRevision, key).created_at

    def _replace(self, before: Draft, fields: dict[str, Any]) -> None:
        stands = (
            col(tables.Draft.id) == before.id,
            col(tables.Draft.status) == DraftStatus.OPEN.value,
            col(tables.Draft.revision) == before.revision,
        )
        # Core's execute: SQLModel's exec has no type for an UPDATE's row count.
        changed = self._session.connection().execute(update(tables.Draft).where(*stands).values(**fields))
        if changed.rowcount != 1:
            raise Conflict("The draft changed in the meantime.", hint=f"Look at it again with: halo draft show {before.id}")
        self._session.expire_all()

    def _keep(self, draft: Draft, now: datetime) -> None:
        self._session.add(
            tables.DraftRevision(
                draft_id=draft.id, revision=draft.revision, draft_hash=draft.draft_hash, draft_json=draft_json(draft), created_at=now
            )
        )
        self._session.flush()


def _standing(draft: Draft) -> dict[str, Any]:
    """The columns that follow the current revision."""
    return {
        "household_id": draft.household_id,
        "execution_request_id": draft.request_id,
        "verb": draft.verb,
        "vendor": draft.vendor,
        "estimated_cost_cents": draft.terms.total.cents,
        "draft_payload_json": draft_json(draft),
        "status": draft.status.value,
        "revision": draft.revision,
        "draft_hash": draft.draft_hash,
        "expires_at": draft.expires_at,
    }
