"""What the dashboard shows of one thing that can be decided: the card, and the terms it stands for. Both are of one moment, or neither is shown."""

from __future__ import annotations

from halo_engine.model.card import Card
from halo_engine.model.draft import Draft, Terms
from halo_engine.model.errors import StoreBusy
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.value import Value
from halo_engine.queries import Queries

_TRIES = 3


class Shown(Value):
    """A card with its draft, where it has one, and the terms before these, where there were any."""

    card: Card
    draft: Draft | None = None
    before: Terms | None = None

    @property
    def key(self) -> str:
        """What it is in the list of the inbox."""
        return self.draft.id if self.draft else self.card.request_id or ""


def look_at(queries: Queries, identifier: str) -> Shown:
    """A draft or a question as it stands now. Raises `NotFound`."""
    if prefix_of(identifier) is not Prefix.DRAFT:
        return Shown(card=queries.card(identifier))
    for _ in range(_TRIES):
        draft, card = queries.draft(identifier), queries.card(identifier)
        # Somebody may have changed it between the two questions.
        if card.draft_hash in (None, draft.draft_hash):
            return Shown(card=card, draft=draft, before=_before(queries, draft))
    raise StoreBusy("This draft is being changed right now.", hint="Look again in a moment.")


def _before(queries: Queries, draft: Draft) -> Terms | None:
    """The revision before; of a first one that stands in the place of another draft, that one's last."""
    if draft.revision > 1:
        earlier = [each for each in queries.revisions(draft.id) if each.revision < draft.revision]
        return earlier[-1].terms if earlier else None
    return queries.draft(draft.revises).terms if draft.revises else None
