"""What a yes meets: the household's rules, who asked for the draft, and the yeses to the very same terms that wait for another one.

Read in the confirm transaction, with the household's chain held, so that nobody changes a rule or a role between the reading and the yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col

from halo_engine.model.draft import Draft
from halo_engine.model.household import Member
from halo_engine.model.policy import Situation
from halo_engine.store import tables
from halo_engine.store.values import rules_value


class Approvals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def situation(self, draft: Draft, members: Sequence[Member]) -> Situation:
        """What a yes to the terms that stand meets. Raises `StoreDamaged` for rules that cannot be read."""
        row = self._connection.execute(_RULES_AND_ASKER, {"of": draft.household_id, "request": draft.request_id}).one()
        asked_by = tuple(dict.fromkeys((row.user_id, *draft.also_asked_by)))
        situation = Situation(rules=rules_value(row.confirm_rules_json), members=tuple(members), asked_by=asked_by)
        if not situation.may_want_another(draft.terms):
            return situation
        # Of the very hash: a yes to an earlier revision is a yes to something else.
        approved_by = self._connection.execute(_APPROVED_BY, {"hash": draft.draft_hash}).scalars()
        return situation.model_copy(update={"approved_by": tuple(approved_by)})

    def add(self, draft: Draft, member: Member, *, now: datetime) -> None:
        """Keep a yes that is not enough yet."""
        given = {"draft_hash": draft.draft_hash, "user_id": member.id, "draft_id": draft.id, "given_at": now}
        self._connection.execute(_ADD, given)


# Core and prepared once: every confirmation reads the first.
_RULES_AND_ASKER = (
    select(col(tables.Preference.confirm_rules_json), col(tables.ExecutionRequest.user_id))
    .join_from(tables.Preference, tables.ExecutionRequest, col(tables.ExecutionRequest.household_id) == col(tables.Preference.household_id))
    .where(col(tables.Preference.household_id) == bindparam("of"), col(tables.ExecutionRequest.id) == bindparam("request"))
)
_APPROVED_BY = (
    select(col(tables.DraftApproval.user_id))
    .where(col(tables.DraftApproval.draft_hash) == bindparam("hash"))
    .order_by(col(tables.DraftApproval.given_at), col(tables.DraftApproval.user_id))
)
_ADD = insert(tables.DraftApproval)
