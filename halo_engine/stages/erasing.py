"""Beside the four steps: what somebody said is forgotten, and the log stays whole.

Gone are the words of a request, what was understood of them, what was said to vendors because of them, and what the log's commitments about it stand
for. What was drafted, confirmed and done because of it stays: it is what the household agreed on, and what the receipts prove.
"""

from __future__ import annotations

from halo_engine.model import event
from halo_engine.model.errors import Conflict, InvalidInput, NotAuthorised
from halo_engine.model.household import Member, Role
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.value import Value
from halo_engine.store.session import Store

#: What to do where `Erased.is_clean` is not.
NOT_CLEAN = "Another process is reading these books: run it again when it has ended, or the words stay in halo.db-wal until then."


class Erased(Value):
    """What was erased: how many commitments of the log lost what they stand for, and whether the journal forgot the words as well."""

    openings: int
    is_clean: bool


class Erasing:
    """Forgets. Whoever asked for something may have it forgotten, and an owner anything."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def erase(self, request_id: str, *, by: str | None) -> Erased:
        """Forget the words of a request.

        Raises `InvalidInput` for what is no request, `NotFound`, `NotAuthorised`, and `Conflict` where there is nothing left to forget: what an
        erasure before had to leave in the journal is gone by then, unless its hint says otherwise.
        """
        if prefix_of(request_id) is not Prefix.REQUEST:
            raise InvalidInput("Only the words of a request can be erased.", hint="Its request, req_…, stands in: halo show ID")
        openings = self._forget(request_id, by)
        is_clean = self._store.drop_traces()
        if openings is None:
            raise Conflict("There is nothing left to erase.", hint="Nothing was done." if is_clean else NOT_CLEAN)
        return Erased(openings=openings, is_clean=is_clean)

    def _forget(self, request_id: str, by: str | None) -> int | None:
        """How many commitments can no longer be opened; None where everything was forgotten before."""
        with self._store.transaction() as books:
            household = books.households.home()
            member = books.households.member(household.id, by)
            books.events.hold(household.id)
            request = books.requests.get(household.id, request_id)
            _must_be_allowed(member, request.user_id)
            openings, said = books.events.erase(household.id, request_id), books.exchanges.erase(request_id)
            if not openings and not said and not request.text:
                return None
            books.requests.forget(request)
            books.acts.forget_about(request_id, *books.drafts.of_request(request_id))
            books.events.append(event.DataErased(openings=openings), household_id=household.id, entity_id=request_id, user_id=member.id)
        return openings


def _must_be_allowed(member: Member, asked_by: str) -> None:
    if member.role is not Role.OWNER and member.id != asked_by:
        raise NotAuthorised("Only an owner has somebody else's words erased.", hint="Nothing was done.")
