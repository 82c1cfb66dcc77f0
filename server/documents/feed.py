"""The feed, the thread's history, and what waits."""

from __future__ import annotations

from typing import Annotated

from server.documents.base import Document, Instant, Money, says
from server.documents.cards import Card
from server.documents.drafts import Draft
from server.documents.words import ActivityKind, ActivityStatus


class ActivityEntry(Document):
    """One line of the feed: a request by the furthest thing that became of it, which `kind` and `id` name. `member` is whose doing it is."""

    at: Instant
    kind: ActivityKind
    id: str
    title: str
    status: ActivityStatus
    amount: Annotated[Money | None, says("What it was or would be charged.")] = None
    member: Annotated[str | None, says("Their name.")] = None


class ActivityList(Document):
    """The feed, the newest first."""

    activity: tuple[ActivityEntry, ...]
    next_cursor: str | None = None


class SaidRequest(Document):
    """What somebody asked for, in their words, and the card that stands for it now; none where nothing came of it."""

    request_id: str
    member_id: str
    text: str
    at: Instant
    card: Card | None = None


class RequestList(Document):
    """A part of the thread, its oldest first. `next_cursor` leads to what came before."""

    requests: tuple[SaidRequest, ...]
    next_cursor: str | None = None


class DraftList(Document):
    """Drafts that wait for a yes, the newest first."""

    drafts: tuple[Draft, ...]
    next_cursor: str | None = None
