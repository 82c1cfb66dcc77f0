"""The thread's history: who asked for what, and the card that stands for it now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from server.answers import answer
from server.auth import AtHome

routes = APIRouter(prefix="/v1/requests", tags=["requests"])


@routes.get("", operation_id="listRequests")
def requests(home: AtHome, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """The newest requests, oldest first."""
    return answer({"requests": [said.model_dump(mode="json") for said in home.door.said(limit=limit)]})
