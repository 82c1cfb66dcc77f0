"""The feed of the household."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import found
from server.auth import AtHome
from server.documents.feed import ActivityEntry, ActivityList
from server.errors import problems
from server.paging import Paged, page_of

routes = APIRouter(prefix="/v1/activity", tags=["activity"])


@routes.get("", operation_id="listActivity", response_model=ActivityList, responses=problems(422))
def activity(home: AtHome, page: Paged) -> Response:
    """The feed, the newest first: each request by the furthest thing that became of it."""
    with home.queries() as queries:
        entries = queries.activity(limit=page.limit + 1, before=page.after)
    shown, cursor = page_of(entries, page, key=lambda entry: entry.place)
    return found(ActivityList(activity=tuple(map(ActivityEntry.of, shown)), next_cursor=cursor))
