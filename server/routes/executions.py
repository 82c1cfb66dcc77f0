"""What was confirmed, and how it went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from server.acts import drafted
from server.answers import found
from server.auth import AtHome, Caller
from server.documents.drafts import CardAnswer
from server.documents.executions import Execution, ExecutionDetail, ExecutionList
from server.errors import problems
from server.once import Posting
from server.paging import Paged, page_of

routes = APIRouter(prefix="/v1/executions", tags=["executions"])


@routes.get("", operation_id="listExecutions", response_model=ExecutionList, responses=problems(404, 422))
def executions(
    home: AtHome,
    caller: Caller,
    page: Paged,
    household_id: Annotated[str | None, Query(description="The token's own; any other is a 404.")] = None,
) -> Response:
    """What was confirmed, the newest first. The household is the token's; naming another one finds nothing."""
    if household_id not in (None, caller.household_id):
        raise NotFound
    with home.queries() as queries:
        newest = queries.executions(limit=page.limit + 1, before=page.after)
    shown, cursor = page_of(newest, page, key=lambda one: (one.started_at, one.id))
    return found(ExecutionList(executions=tuple(map(Execution.of, shown)), next_cursor=cursor))


@routes.get("/{execution_id}", operation_id="getExecution", response_model=ExecutionDetail, responses=problems(404))
def execution(home: AtHome, execution_id: str) -> Response:
    """One execution with everything that led to it and came of it."""
    with home.queries() as queries:
        return found(ExecutionDetail.of(queries.execution(execution_id)))


@routes.post("/{execution_id}/retry", operation_id="retryExecution", response_model=CardAnswer, responses=problems(404, 409))
def retry(home: AtHome, post: Posting, execution_id: str) -> Response:
    """Ask again for what failed: a fresh draft, never a blind repeat."""
    door = home.door
    return drafted(home, post, None, lambda: door.retry(_an_execution(execution_id), member=post.member))


def _an_execution(identifier: str) -> str:
    if prefix_of(identifier) is not Prefix.EXECUTION:
        raise NotFound("There is no such execution in this household.")
    return identifier
