"""A draft's life: made, changed, confirmed, dropped, asked for again. Each of these is an act of the member whose token it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine.model.card import Card, execution_card
from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import AlreadyConfirmed, InvalidInput, NotFound
from halo_engine.model.event import DraftConfirmed
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.queries import ExecutionDetail
from server.acts import confirmed, drafted
from server.answers import found, with_draft
from server.auth import AtHome
from server.body import LONG, read
from server.documents.drafts import (
    CancelDraft,
    CardAnswer,
    ConfirmDraft,
    CreateDraft,
    Draft,
    DraftForm,
    FormField,
    ModifyDraft,
    RevisionList,
)
from server.documents.executions import StartedExecution
from server.documents.feed import DraftList
from server.errors import problems
from server.home import Home
from server.once import Post, Posting
from server.paging import Paged, page_of

routes = APIRouter(prefix="/v1", tags=["drafts"])


@routes.post("/draft/create", operation_id="createDraft", response_model=CardAnswer, responses=problems(404, 409))
def create(home: AtHome, post: Posting, body: Annotated[CreateDraft, read(CreateDraft, most=LONG)]) -> Response:
    """Say what is wanted, and get the card that comes of it: a draft, a question, or why not. Nothing is bought by this."""
    door = home.door
    return drafted(home, post, body, lambda: door.draft(body.text, member=post.member, channel=body.channel, answers=body.answers))


@routes.post("/draft/modify", operation_id="modifyDraft", response_model=CardAnswer, responses=problems(404, 409))
def modify(home: AtHome, post: Posting, body: Annotated[ModifyDraft, read(ModifyDraft, most=LONG)]) -> Response:
    """Change an open draft: its next revision, with other terms and so another hash."""
    return drafted(home, post, body, lambda: _changed(home, post.member, body))


@routes.post("/draft/confirm", operation_id="confirmDraft", response_model=StartedExecution, responses=problems(403, 404, 409))
def confirm(home: AtHome, post: Posting, body: Annotated[ConfirmDraft, read(ConfirmDraft)]) -> Response:
    """Say yes to exactly the terms with that hash. The answer is the execution that this started; a worker carries it on.

    Look again with `getCard`, or follow it with `streamExecutionEvents`.
    """
    return confirmed(home, post, body, lambda: _said_yes(home, post, body))


@routes.post("/draft/cancel", operation_id="cancelDraft", response_model=CardAnswer, responses=problems(404, 409))
def cancel(home: AtHome, post: Posting, body: Annotated[CancelDraft, read(CancelDraft)]) -> Response:
    """End an open draft."""
    door = home.door
    return drafted(home, post, body, lambda: door.cancel(body.draft_id, member=post.member))


@routes.get("/drafts", operation_id="listDrafts", response_model=DraftList, responses=problems(422))
def drafts(home: AtHome, page: Paged) -> Response:
    """Drafts that wait for a yes, the newest first."""
    with home.queries() as queries:
        newest = queries.open_drafts(limit=page.limit + 1, before=page.after)
    shown, cursor = page_of(newest, page, key=lambda one: (one.created_at, one.id))
    return found(DraftList(drafts=tuple(map(Draft.of, shown)), next_cursor=cursor))


@routes.get("/drafts/{draft_id}", operation_id="getDraft", response_model=CardAnswer, responses=problems(404))
def draft(home: AtHome, draft_id: str) -> Response:
    """A draft as it stands now, and its card."""
    return found(with_draft(home.door.card(_a_draft(draft_id)), home))


@routes.get("/drafts/{draft_id}/form", operation_id="getDraftForm", response_model=DraftForm, responses=problems(404))
def form(home: AtHome, draft_id: str) -> Response:
    """What can be changed in a draft without words: send the fields back with `modifyDraft`."""
    return found(DraftForm(fields=tuple(map(FormField.of, home.door.form(draft_id)))))


@routes.get("/drafts/{draft_id}/revisions", operation_id="listDraftRevisions", response_model=RevisionList, responses=problems(404))
def revisions(home: AtHome, draft_id: str) -> Response:
    """Every version of a draft that was shown, oldest first. All but the last are `superseded`."""
    with home.queries() as queries:
        return found(RevisionList.of_draft(queries.draft(draft_id), queries.revisions(draft_id)))


@routes.post("/drafts/{draft_id}/retry", operation_id="retryDraft", response_model=CardAnswer, responses=problems(404, 409))
def retry(home: AtHome, post: Posting, draft_id: str) -> Response:
    """Ask again for a draft whose time was over, at today's prices."""
    door = home.door
    return drafted(home, post, None, lambda: door.retry(_a_draft(draft_id), member=post.member))


def _said_yes(home: Home, post: Post, body: ConfirmDraft) -> Card:
    execution = home.engine.confirm(
        body.draft_id, draft_hash=body.draft_hash, member=post.member, signature=body.signature, device_id=post.device.id
    )
    with home.queries() as queries:
        detail = queries.execution(execution.id)
    if post.member not in _who_said_yes(detail):
        message = f"{detail.confirmed_by} confirmed this draft at {iso_utc(detail.confirmation.confirmed_at)}."
        raise AlreadyConfirmed(message, hint=f"It became {execution.id}.")
    return execution_card(detail.execution, detail.draft, detail.receipt)


def _who_said_yes(detail: ExecutionDetail) -> set[str]:
    """By id: whoever asks again for their own yes gets what it started, and anybody else is told whose it was."""
    approved = (event.payload.get("approved_by", ()) for event in detail.events if event.event_type == DraftConfirmed.event_type)
    return {detail.confirmation.user_id, *(each for said in approved for each in said)}


def _changed(home: Home, member: str, body: ModifyDraft) -> Card:
    if body.text is not None and body.values is None:
        return home.door.modify(body.draft_id, body.text, member=member)
    if body.values is not None and body.text is None:
        return home.door.amend(body.draft_id, body.values, member=member)
    raise InvalidInput("A change is made by `text` or by `values`, one of the two.")


def _a_draft(identifier: str) -> str:
    if prefix_of(identifier) is not Prefix.DRAFT:
        raise NotFound("There is no such draft in this household.")
    return identifier
