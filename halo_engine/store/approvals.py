"""What a yes meets: the household's rules, who asked for the draft, and the yeses to the very same terms that wait for another one.

Read in the confirm transaction, with the household's chain held, so that nobody changes a rule or a role between the reading and the yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlmodel import col

from halo_engine.model.draft import Draft
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.household import Member
from halo_engine.model.policy import Situation, Spent
from halo_engine.store import tables
from halo_engine.store.columns import UtcDateTime
from halo_engine.store.values import rules_value

#: Limits of a day are of any 24 hours: midnight is nothing to wait for.
_A_DAY = timedelta(hours=24)


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
        signed_by = self._connection.execute(_SIGNED_BY, {"hash": draft.draft_hash}).scalars()
        return situation.model_copy(update={"approved_by": tuple(approved_by), "signed_by": tuple(signed_by)})

    def spent(self, household_id: str, *, now: datetime) -> Spent:
        """What counts against the limits of a day. Read with the household's chain held, it is what every yes before this one has left."""
        rows = self._connection.execute(_SPENT, {"of": household_id, "since": now - _A_DAY})
        return Spent(by_member={row.user_id: int(row.cents) for row in rows})

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
_SIGNED_BY = (
    select(col(tables.ConfirmationSignature.user_id)).where(col(tables.ConfirmationSignature.draft_hash) == bindparam("hash")).distinct()
)
_ADD = insert(tables.DraftApproval)
#: What a person has to look at may have happened, and counts.
_WITHOUT_EFFECT = [status.value for status in (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED, ExecutionStatus.HANDED_OFF)]
#: A final cost is what it came to; before there is one, what may be charged at the most; before that was kept, what it was said to cost.
_COUNTED = func.coalesce(
    col(tables.Execution.final_cost_cents),
    col(tables.Confirmation.maximum_cents),
    # Asked of those from before alone: a draft is a wide row.
    select(col(tables.Draft.estimated_cost_cents)).where(col(tables.Draft.id) == col(tables.Execution.draft_id)).scalar_subquery(),
)
_SPENT = (
    select(col(tables.Confirmation.user_id), func.sum(_COUNTED).label("cents"))
    .select_from(tables.Execution)
    .join(tables.Confirmation, col(tables.Confirmation.draft_id) == col(tables.Execution.draft_id))
    .where(
        col(tables.Execution.household_id) == bindparam("of"),
        col(tables.Execution.started_at) > bindparam("since", type_=UtcDateTime()),
        col(tables.Execution.status).not_in(_WITHOUT_EFFECT),
    )
    .group_by(col(tables.Confirmation.user_id))
)
