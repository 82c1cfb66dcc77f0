"""The card that a message showed, made anew from the books.

An answer is about what a person had before their eyes, and that may be an earlier version of a draft. So the version is found by the hash that was
kept with the message, and never taken from what stands now.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from halo_engine.model.card import Card, CardKind, draft_card
from halo_engine.model.draft import DraftStatus
from halo_engine.model.errors import NotFound
from halo_engine.model.message import CardMessage
from halo_engine.queries import Queries

#: Of a request nothing came of there is nothing in the books but the request.
_NOTHING_CAME = (CardKind.NOT_SUPPORTED, CardKind.UNAVAILABLE)


class Shown:
    """Looks into the books of this home."""

    def __init__(self, open_queries: Callable[[], AbstractContextManager[Queries]]) -> None:
        self._open_queries = open_queries

    def card(self, message: CardMessage) -> Card | None:
        """The card as `message` showed it, with the hash that it had; None where it cannot be made anew."""
        kind = CardKind(message.card_kind)
        if kind in _NOTHING_CAME:
            return Card(kind=kind, title="", summary="", request_id=message.request_id)
        try:
            if message.draft_hash and message.draft_id:
                return self._version(message.draft_id, message.draft_hash)
            return self._of(message, kind)
        except NotFound:
            return None

    def standing(self, message: CardMessage) -> Card | None:
        """The card as it is to be shown now, if it is still the same one; None where another one took its place."""
        try:
            with self._open_queries() as queries:
                of = message.draft_id if message.draft_hash else (message.execution_id or message.draft_id or message.request_id)
                card = queries.card(of or "")
        except NotFound:
            return None
        return card if card.kind.value == message.card_kind and card.draft_hash == message.draft_hash else None

    def confirmed(self, message: CardMessage) -> Card | None:
        """Where the execution of the very terms that `message` showed stands; None where nobody confirmed them."""
        if message.draft_id is None or message.draft_hash is None:
            return None
        with self._open_queries() as queries:
            try:
                draft = queries.draft(message.draft_id)
            except NotFound:
                return None
            is_confirmed = draft.status is DraftStatus.CONFIRMED and draft.draft_hash == message.draft_hash
            return queries.card_of_request(draft.request_id) if is_confirmed else None

    def _version(self, draft_id: str, draft_hash: str) -> Card | None:
        with self._open_queries() as queries:
            versions = queries.revisions(draft_id)
        found = next((one for one in versions if one.draft_hash == draft_hash), None)
        # As it was when it was shown: whether it still stands is for the thread to find out.
        return draft_card(found.model_copy(update={"status": DraftStatus.OPEN})) if found else None

    def _of(self, message: CardMessage, kind: CardKind) -> Card | None:
        with self._open_queries() as queries:
            if kind is CardKind.CLARIFICATION:
                question = queries.card_of_request(message.request_id or "")
                return question if question and question.kind is kind else None
            return queries.card(message.execution_id or message.draft_id or "")
