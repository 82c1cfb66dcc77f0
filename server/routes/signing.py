"""What a device signs before it confirms: the bytes themselves, made for the device that calls. Nothing is kept of them (`model.signing`)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import PRIVATE
from server.auth import AtHome, Caller
from server.documents.signing import SigningObject
from server.errors import problems

routes = APIRouter(prefix="/v1/drafts", tags=["drafts"])


@routes.get("/{draft_id}/signing-object", operation_id="getSigningObject", response_model=SigningObject, responses=problems(404, 409, 422))
def signing_object(home: AtHome, caller: Caller, draft_id: str) -> Response:
    """The exact bytes that this device signs to confirm the terms that stand now. They are good for some minutes, and for one yes."""
    object_to_sign = home.engine.signing_object(draft_id, device_id=caller.id, member=caller.user_id)
    return Response(object_to_sign, 200, PRIVATE, "application/json")
