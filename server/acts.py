"""Acts on drafts, each done once: what they answer, and how one that was cut short goes on from what the books say of it (`once.Post`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi.responses import Response
from pydantic import BaseModel

from halo_engine.model import event
from halo_engine.model.card import Card
from halo_engine.model.errors import NeedsAnother
from halo_engine.store.acts import Reached
from server.answers import Answerable, with_draft
from server.documents.executions import StartedExecution
from server.home import Home
from server.once import Post


def drafted(home: Home, post: Post, body: BaseModel | None, act: Callable[[], Card]) -> Response:
    """The card that `act` comes to. A request that was kept already is drafted, and a draft that was written is shown."""

    def resume(reached: Sequence[Reached]) -> Answerable | None:
        card = home.engine.resume(reached, member=post.member)
        return with_draft(card, home) if card else None

    return post.once(body, lambda: with_draft(act(), home), resume=resume)


def confirmed(home: Home, post: Post, body: BaseModel, act: Callable[[], Card]) -> Response:
    """The execution that the yes of `act` started. A yes that counted already has its own; one that was kept still waits for another."""

    def resume(reached: Sequence[Reached]) -> Answerable | None:
        said = {each.event_type: each.entity_id for each in reached}
        if draft_id := said.get(event.DraftConfirmed.event_type):
            return _started(home.door.card(draft_id), home)
        if draft_id := said.get(event.DraftApproved.event_type):
            raise NeedsAnother(" ".join(home.door.card(draft_id).approval) or None)
        return None

    return post.once(body, lambda: _started(act(), home), resume=resume)


def _started(card: Card, home: Home) -> StartedExecution:
    return StartedExecution.of_card(card, home.link(card))
