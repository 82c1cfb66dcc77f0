"""Whose home this is, who lives there, and who is calling."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import answer
from server.auth import AtHome, Caller

routes = APIRouter(prefix="/v1", tags=["household"])


@routes.get("/household", operation_id="getHousehold")
def household(home: AtHome, caller: Caller) -> Response:
    """The household, its members with their roles, and which of them this token speaks for."""
    door = home.door
    members = [member.model_dump(mode="json") for member in door.members()]
    return answer({"household": door.household().model_dump(mode="json"), "members": members, "me": caller.user_id})
