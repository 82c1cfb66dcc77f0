"""A draft's life: made, changed, confirmed, dropped, asked for again. Each of these is an act of the member whose token it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from halo_engine import shapes
from halo_engine.model.card import Card
from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.ids import Prefix, prefix_of
from server.answers import answer, with_draft
from server.auth import AtHome
from server.body import read_body
from server.home import Home
from server.once import Posting


class CreateDraft(BaseModel):
    """What somebody asks for; `answers` is the request whose question these words answer, `channel` where they were said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    answers: str | None = None
    channel: str = Field(default="http", pattern=r"^[a-z][a-z_-]{0,19}$")


class ModifyDraft(BaseModel):
    """What should be different: in words, or by the fields of the draft's form. One of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft_id: str
    text: str | None = None
    values: dict[str, str] | None = Field(default=None, max_length=100)


class ConfirmDraft(BaseModel):
    """A yes to exactly the terms with that hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft_id: str
    draft_hash: str


class CancelDraft(BaseModel):
    """A no."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft_id: str


async def _create(request: Request) -> CreateDraft:
    return await read_body(request, CreateDraft)


async def _modify(request: Request) -> ModifyDraft:
    return await read_body(request, ModifyDraft)


async def _confirm(request: Request) -> ConfirmDraft:
    return await read_body(request, ConfirmDraft)


async def _cancel(request: Request) -> CancelDraft:
    return await read_body(request, CancelDraft)


routes = APIRouter(prefix="/v1", tags=["drafts"])


@routes.post("/draft/create", operation_id="createDraft")
def create(home: AtHome, post: Posting, body: Annotated[CreateDraft, Depends(_create)]) -> Response:
    """The card that comes of the words: a draft, a question, or why not."""
    door = home.door
    return post.once(body, lambda: with_draft(door.draft(body.text, member=post.member, channel=body.channel, answers=body.answers), home))


@routes.post("/draft/modify", operation_id="modifyDraft")
def modify(home: AtHome, post: Posting, body: Annotated[ModifyDraft, Depends(_modify)]) -> Response:
    """The next revision of an open draft."""
    return post.once(body, lambda: with_draft(_changed(home, post.member, body), home))


@routes.post("/draft/confirm", operation_id="confirmDraft")
def confirm(home: AtHome, post: Posting, body: Annotated[ConfirmDraft, Depends(_confirm)]) -> Response:
    """The card of the execution that this yes started. A worker carries it on; look again with `getCard`."""
    door = home.door
    return post.once(body, lambda: _started(door.confirm(body.draft_id, draft_hash=body.draft_hash, member=post.member)))


@routes.post("/draft/cancel", operation_id="cancelDraft")
def cancel(home: AtHome, post: Posting, body: Annotated[CancelDraft, Depends(_cancel)]) -> Response:
    """An open draft, ended."""
    door = home.door
    return post.once(body, lambda: with_draft(door.cancel(body.draft_id, member=post.member), home))


@routes.get("/drafts/{draft_id}", operation_id="getDraft")
def draft(home: AtHome, draft_id: str) -> Response:
    """The draft as it stands now, and its card."""
    return answer(with_draft(home.door.card(_a_draft(draft_id)), home))


@routes.get("/drafts/{draft_id}/form", operation_id="getDraftForm")
def form(home: AtHome, draft_id: str) -> Response:
    """What can be changed in it without words."""
    return answer({"fields": [field.model_dump(mode="json") for field in home.door.form(draft_id)]})


@routes.post("/drafts/{draft_id}/retry", operation_id="retryDraft")
def retry(home: AtHome, post: Posting, draft_id: str) -> Response:
    """A draft whose time was over, asked for again at today's prices."""
    door = home.door
    return post.once(None, lambda: with_draft(door.retry(_a_draft(draft_id), member=post.member), home))


def _changed(home: Home, member: str, body: ModifyDraft) -> Card:
    if body.text is not None and body.values is None:
        return home.door.modify(body.draft_id, body.text, member=member)
    if body.values is not None and body.text is None:
        return home.door.amend(body.draft_id, body.values, member=member)
    raise InvalidInput("A change is made by `text` or by `values`, one of the two.")


def _started(card: Card) -> dict[str, object]:
    return {"execution_id": card.execution_id, "card": shapes.card(card)}


def _a_draft(identifier: str) -> str:
    if prefix_of(identifier) is not Prefix.DRAFT:
        raise NotFound("There is no such draft in this household.")
    return identifier
