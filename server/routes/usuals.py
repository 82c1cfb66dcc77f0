"""The bundles that the household saved, to be ordered again by their name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from server.answers import found
from server.auth import AtHome
from server.body import read
from server.documents.household import RemovedUsual, SaveUsual, Usual, UsualList
from server.errors import problems
from server.once import Posting, made

routes = APIRouter(prefix="/v1/usuals", tags=["usuals"])


@routes.get("", operation_id="listUsuals", response_model=UsualList)
def usuals(home: AtHome) -> Response:
    """The household's Usuals, by name."""
    with home.queries() as queries:
        return found(UsualList(usuals=tuple(map(Usual.of, queries.usuals()))))


@routes.post("", operation_id="saveUsual", response_model=Usual, responses=problems(404))
def save(home: AtHome, post: Posting, body: Annotated[SaveUsual, read(SaveUsual)]) -> Response:
    """Keep what these words would order under a name. One of that name gets the new things."""
    engine = home.engine

    def find(usual_id: str) -> Usual | None:
        with home.queries() as queries:
            return next((Usual.of(usual) for usual in queries.usuals() if usual.id == usual_id), None)

    return post.once(body, lambda: Usual.of(engine.save_usual(body.name, body.text, member=post.member)), resume=made(find))


@routes.delete("/{usual_id}", operation_id="removeUsual", response_model=RemovedUsual, responses=problems(404))
def remove(home: AtHome, post: Posting, usual_id: str) -> Response:
    """Forget a Usual."""
    engine, which = home.engine, _a_usual(usual_id)
    gone = made(lambda usual_id: RemovedUsual(id=usual_id))
    return post.once(None, lambda: RemovedUsual(id=engine.remove_usual(which, member=post.member).id), resume=gone)


def _a_usual(identifier: str) -> str:
    """By id only: a name in a path would be somebody's text."""
    if prefix_of(identifier) is not Prefix.USUAL:
        raise NotFound("There is no such Usual in this household.")
    return identifier
