"""Whose home this is, who lives there, what they prefer and have agreed on, and who is calling."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine.model.errors import NotFound
from halo_engine.model.household import Role
from halo_engine.model.ids import Prefix, prefix_of
from server.answers import found
from server.auth import AtHome, ByAPerson, Caller
from server.body import read
from server.documents.household import (
    AddMember,
    ChangePreferences,
    ChangeRole,
    Household,
    HouseholdAnswer,
    Member,
    MemberList,
    Preferences,
    Rules,
)
from server.errors import problems
from server.once import Posting, made

routes = APIRouter(prefix="/v1", tags=["household"])


@routes.get("/household", operation_id="getHousehold", response_model=HouseholdAnswer)
def household(home: AtHome, caller: Caller) -> Response:
    """The household, its members with their roles, and which of them this token speaks for."""
    with home.queries() as queries:
        members = tuple(map(Member.of, queries.members()))
        return found(HouseholdAnswer(household=Household.of(queries.household()), members=members, me=caller.user_id))


@routes.get("/members", operation_id="listMembers", response_model=MemberList)
def members(home: AtHome) -> Response:
    """Everyone who lives here, in the order they were added."""
    with home.queries() as queries:
        return found(MemberList(members=tuple(map(Member.of, queries.members()))))


@routes.post("/members", operation_id="addMember", response_model=Member, responses=problems(403, 409), dependencies=[ByAPerson])
def add_member(home: AtHome, post: Posting, body: Annotated[AddMember, read(AddMember)]) -> Response:
    """Somebody more lives here. Only an owner says so."""
    people, role, by, device_id = home.engine.membership, Role(body.role), post.member, post.device.id

    def find(member_id: str) -> Member | None:
        with home.queries() as queries:
            return next((Member.of(each) for each in queries.members() if each.id == member_id), None)

    return post.once(body, lambda: Member.of(people.add(body.name, role, by=by, device_id=device_id)), resume=made(find))


@routes.patch(
    "/members/{member_id}",
    operation_id="changeMemberRole",
    response_model=Member,
    responses=problems(403, 404, 409),
    dependencies=[ByAPerson],
)
def change_role(home: AtHome, post: Posting, member_id: str, body: Annotated[ChangeRole, read(ChangeRole)]) -> Response:
    """Give a member another role. Only an owner does, and somebody has to stay an owner."""
    people = home.engine.membership
    role, by, device_id = Role(body.role), post.member, post.device.id
    return post.once(body, lambda: Member.of(people.change_role(_a_member(member_id), role, by=by, device_id=device_id)))


@routes.get("/rules", operation_id="getRules", response_model=Rules)
def rules(home: AtHome) -> Response:
    """Who may confirm what, and when two members have to say yes."""
    with home.queries() as queries:
        return found(Rules.of(queries.rules()))


@routes.get("/preferences", operation_id="getPreferences", response_model=Preferences)
def preferences(home: AtHome) -> Response:
    """What the household usually wants: where it buys and books, how it pays, where things are sent."""
    with home.queries() as queries:
        return found(Preferences.of(queries.preference()))


@routes.patch(
    "/preferences", operation_id="changePreferences", response_model=Preferences, responses=problems(403), dependencies=[ByAPerson]
)
def change_preferences(home: AtHome, post: Posting, body: Annotated[ChangePreferences, read(ChangePreferences)]) -> Response:
    """Buy elsewhere from the next draft on. Only an owner says so."""
    people = home.engine.membership
    return post.once(body, lambda: Preferences.of(people.buy_at(body.default_merchant, by=post.member)))


def _a_member(identifier: str) -> str:
    """By id only: a name could be anybody's."""
    if prefix_of(identifier) is not Prefix.USER:
        raise NotFound("Nobody with that id lives here.")
    return identifier
