"""The feed of the household."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from halo_engine import shapes
from server.answers import answer
from server.auth import AtHome

routes = APIRouter(prefix="/v1/activity", tags=["activity"])


@routes.get("", operation_id="listActivity")
def activity(home: AtHome, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """The newest first: each request by the furthest thing that became of it."""
    with home.queries() as queries:
        return answer({"activity": [shapes.activity(entry) for entry in queries.activity(limit=limit)]})
