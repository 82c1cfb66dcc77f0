"""What was confirmed, and how it went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from halo_engine import shapes
from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from server.answers import answer, with_draft
from server.auth import AtHome, Caller
from server.once import Posting

routes = APIRouter(prefix="/v1/executions", tags=["executions"])


@routes.get("", operation_id="listExecutions")
def executions(home: AtHome, caller: Caller, household_id: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """The newest first. The household is the token's; naming another one finds nothing."""
    if household_id not in (None, caller.household_id):
        raise NotFound
    with home.queries() as queries:
        return answer({"executions": [shapes.execution(one) for one in queries.executions(limit=limit)]})


@routes.get("/{execution_id}", operation_id="getExecution")
def execution(home: AtHome, execution_id: str) -> Response:
    """One execution with everything that led to it and came of it."""
    with home.queries() as queries:
        return answer(shapes.detail(queries.execution(execution_id)))


@routes.post("/{execution_id}/retry", operation_id="retryExecution")
def retry(home: AtHome, post: Posting, execution_id: str) -> Response:
    """A fresh draft of what failed: never a blind repeat."""
    door = home.door
    return post.once(None, lambda: with_draft(door.retry(_an_execution(execution_id), member=post.member), home))


def _an_execution(identifier: str) -> str:
    if prefix_of(identifier) is not Prefix.EXECUTION:
        raise NotFound("There is no such execution in this household.")
    return identifier
