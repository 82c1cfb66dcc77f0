"""The thread's history: who asked for what, and the card that stands for it now."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine.queries import Asked, Queries
from server.answers import found
from server.auth import AtHome
from server.documents.cards import Card
from server.documents.feed import RequestList, SaidRequest
from server.errors import problems
from server.home import Home
from server.paging import Paged, page_of

routes = APIRouter(prefix="/v1/requests", tags=["requests"])


@routes.get("", operation_id="listRequests", response_model=RequestList, responses=problems(422))
def requests(home: AtHome, page: Paged) -> Response:
    """The newest requests, oldest first: a cursor leads to those before them."""
    with home.queries() as queries:
        newest = queries.requests(limit=page.limit + 1, before=page.after)[::-1]
        shown, cursor = page_of(newest, page, key=lambda one: (one.at, one.id))
        said = tuple(_said(one, queries, home) for one in reversed(shown))
    return found(RequestList(requests=said, next_cursor=cursor))


def _said(one: Asked, queries: Queries, home: Home) -> SaidRequest:
    card = queries.card_of_request(one.id)
    shown = Card.of_card(card, home.link(card)) if card else None
    return SaidRequest(request_id=one.id, member_id=one.user_id, text=one.text, at=one.at, card=shown)
